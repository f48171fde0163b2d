# ---
# jupyter:
#   cena:
#     needs: [topology]
#     version: 3
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What matters
#
# A reproduction makes many choices, and a paper of ten pages leaves most of them open. Which of them decide the result?
# This chapter varies three, one at a time, with everything else held fixed:
#
# 1. **the images** at which Jacobians are taken: does the method need a data set?
# 2. **what an encoder reads**: which of our readings, and, in the paper's recipe, the directions of a Jacobian or its
#    singular values?
# 3. **the size of the networks**: do Jacobians of small networks stand for those of large ones?
#
# Every comparison comes with the answer to a second question, without which it means little: how much changes when
# *nothing* is varied but chance, that is the networks' initial weights or the seed of an encoder's training?
#
# The *embedding* is ours, the closed form of [](03_contrastive_embeddings), which has no seed. *The paper's recipe* is
# its MLP-Mixer on the EPDJM.

# %% tags=["parameters"]
profile: str = "quick"  # [quick | laptop | paper] settings of the run
runs: int = 0  # [0 | 2..1000] fresh splits for the forests; 0: the profile's number
architectures: int = 0  # [0 | 60..15625] sampled for the first two sections, at most all; 0: the profile's number
cells: int = 0  # [0 | 10..1000] of NAS-Bench-101 sampled for the third section; 0: the profile's number
forest_components: int = 16  # [1..512] principal components of an embedding given to the forest

# %% tags=["hide-input"]
from itertools import product

import numpy as np
import pandas as pd
from IPython.display import Markdown, display
from scipy.spatial.distance import pdist

from cena.companion.project import results_folder
from cena.contrast import fit_closed_form
from cena.evaluate import (
    FeatureSources,
    Interval,
    PredictionTask,
    distance_agreement,
    feature_sets,
    log_parameters,
    log_spectrum,
    mean_interval,
    paired_difference,
    predict,
    summarize,
    write_table,
)
from cena.report import style
from cena.report.tables import NAMES, markdown_table, top_table
from cena.report.wording import counted, in_words, signed, told
from cena.spaces import load
from cena.study.ablations import EncoderVariant
from cena.study.artifacts import ArtifactStore
from cena.study.closed_forms import ClosedFormEmbedding, embedded_classes
from cena.study.pipeline import Pipeline
from cena.study.profiles import of_unlabelled_nas_bench_101
from cena.study.profiles import profile as settings_of

style.use_style()
results = results_folder(profile)
stem = "10_ablations"
store = ArtifactStore()
small = profile == "quick"
ablations = settings_of(profile).ablations
settings = settings_of(profile).vary(
    space={"architectures": min(architectures or ablations.architectures, len(load(settings_of(profile).space.name)))},
    views={"points": ablations.points},
    encoder={"epochs": ablations.encoder_epochs},
)
cells = cells or ablations.cells
runs = runs or settings.judging.runs
own = settings.views.images
half = settings.views.per_class // 2
first_half, second_half = slice(0, half), slice(half, 2 * half)
RESAMPLES = 200

SOURCES = {"cifar10": "CIFAR-10", "patches": "patches", "digits": "digits", "noise": "noise"}
seen = {
    source: Pipeline(settings.vary(views={"images": source}), store)
    for source in dict.fromkeys([own, *(each for each in SOURCES if each != "cifar10")])
}
reference = seen[own]
labels = {dataset: reference.accuracy(dataset) for dataset in settings.space.datasets}
names = {dataset: NAMES.get(dataset, dataset) for dataset in labels}
train_size = min(settings.judging.labels, len(reference.space) // 2)


def scale_of(chosen):
    """The size of a profile's networks in words."""
    return (
        f"{chosen.views.channels} channels, {chosen.views.cells} cell{'s' * (chosen.views.cells != 1)} a stage, "
        f"{chosen.views.resolution}x{chosen.views.resolution} pixels"
    )


Markdown(
    f"This run: profile `{profile}`. The first two sections use a random sample of {len(reference.space):,} "
    f"architectures of {NAMES.get(settings.space.name, settings.space.name)} ({len(reference.representatives):,} classes), "
    f"networks of {scale_of(settings)}, Jacobians at {settings.views.points} points in {settings.views.per_class} views, encoders "
    f"fitted to these classes alone (the paper's recipe in {settings.encoder.epochs} epochs), and forests fitted on {train_size:,} labels "
    f"and judged on the other {len(reference.space) - train_size:,} architectures. The scores are "
    "therefore not those of [the analysis](05_analysis), which uses the whole space: only differences within this "
    "chapter count."
    + (" So small a run shows how the experiments work; its intervals are too wide to settle much." if small else "")
)

# %% [markdown]
# ## The images
#
# The Jacobian ({eq}`eq:epdjm`) is taken at data points. The authors' code takes 256 images of CIFAR-10; the paper does
# not ask what would change with others. If nothing does, then an embedding needs no data set at all, and can be made of
# any networks, anywhere.
#
# The rivals of the profile's own images are all in the package: *patches* cut from two photographs, handwritten
# *digits* of 8x8 grey pixels, enlarged, and Gaussian *noise*. The networks, their initial weights, the architectures,
# the labels and the splits are the same for all of them.

# %% mystnb={"figure": {"name": "fig-sources", "caption": "The first data points of each source that is in the package, as the networks of this run see them. Gaussian noise is not limited to the range of pixels and is cut off here."}, "image": {"alt": "One row of small images for each source."}} tags=["hide-input"]
shown = 10
bundled = {source: pipeline for source, pipeline in seen.items() if source != "cifar10"}  # whose images are not ours
figure, axes = style.figure(len(bundled), shown, panel_height=0.75)
for row, (source, pipeline) in enumerate(bundled.items()):
    for panel, image in zip(axes[row * shown : (row + 1) * shown], pipeline.images.pixels, strict=False):
        panel.imshow((image.transpose(1, 2, 0) / 2 + 0.5).clip(0, 1))
        panel.set(xticks=[], yticks=[])
        panel.spines[:].set_visible(False)
    axes[row * shown].set_ylabel(SOURCES[source], rotation=0, ha="right", va="center")

# %% [markdown]
# ### What they are worth to a forest
#
# For every source the feature sets of [the analysis](05_analysis) that are made of Jacobians: the embedding and that of
# the paper's recipe, by encoders fitted to this source's views, the log spectrum, and the single number `jacov`, each
# with log parameters. Differences are taken split by split against the profile's own images. One row varies nothing but
# the seed of the recipe's training: what is no larger than that difference cannot be told from chance.

# %%
EMBEDDING, RECIPE, SPECTRUM, JACOV = (
    f"{name} + log parameters" for name in ("embedding", "paper's recipe", "log spectrum", "jacov")
)
forests = PredictionTask(train_size, runs, settings.seed, trees=settings.judging.trees)
retrained = EncoderVariant(reference, seed=settings.seed + 1)
RETRAINED = f"{SOURCES[own]}, trained again"


def features_of(pipeline, embedding, recipe):
    """The feature sets of a source's views, embedded by the closed form and by the paper's recipe."""
    sources = FeatureSources(
        pipeline.parameters,
        embedding=pipeline.per_architecture(embedding),
        paper=pipeline.per_architecture(recipe),
        singular_values=pipeline.per_architecture(pipeline.spectrum),
        jacov=pipeline.per_architecture(pipeline.jacov),
    )
    return feature_sets(sources, forest_components)


features = {}
for source, pipeline in seen.items():
    sets = features_of(pipeline, ClosedFormEmbedding(pipeline).embedding, pipeline.embedding)
    features |= {(SOURCES[source], name): sets[name] for name in (EMBEDDING, RECIPE, SPECTRUM, JACOV)}
ours = ClosedFormEmbedding(reference)
features[RETRAINED, RECIPE] = features_of(reference, ours.embedding, retrained.embedding)[RECIPE]
features["no images", "log parameters"] = sets["log parameters"]


def scored(features):
    """Every feature set (a pair of names) on every data set, in every run."""
    tables = [
        predict(features, accuracy, forests, workers=-1).assign(dataset=dataset) for dataset, accuracy in labels.items()
    ]
    table = pd.concat(tables, ignore_index=True)
    table[["kind", "features"]] = table.features.tolist()
    return table.set_index(["dataset", "kind", "features"]).sort_index()


def tau_of(scores, *row):
    """(runs,) Kendall's tau of one row, in the order of the runs."""
    return scores.loc[row].sort_values("run").tau.to_numpy()


def top_tables(scores, features):
    """How well the top is seen, as in chapter 5: a table for each data set, a row for each feature set."""
    lines = summarize(scores.reset_index()).set_index(["dataset", "kind", "features"])
    rows = [f"{kind}: {name}" for kind, name in features]
    return "\n\n".join(
        f"**{names[dataset]}**\n\n{top_table(rows, lines.loc[dataset].loc[[*features]])}" for dataset in labels
    )


by_source = scored(features)


# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]
def spread(values) -> str:
    """Signed numbers by their smallest and largest."""
    low, high = f"{min(values):+.3f}", f"{max(values):+.3f}"
    return low if low == high else f"{low} to {high}"


rows, kept = [], []
for source, name in features:
    row = [source, name]
    for dataset in labels:
        own_tau = tau_of(by_source, dataset, source, name)
        interval = mean_interval(own_tau)
        cell, minus = str(interval), (np.nan, np.nan, np.nan)
        if (SOURCES[own], name) in features and source != SOURCES[own]:
            difference = paired_difference(own_tau, tau_of(by_source, dataset, SOURCES[own], name))
            cell += f"; {signed(difference)}"
            minus = (difference.value, difference.low, difference.high)
        row.append(cell)
        kept.append((dataset, source, name, interval.value, interval.low, interval.high, *minus))
    rows.append(tuple(row))
images_table = pd.DataFrame(
    kept,
    columns=["dataset", "images", "features", "tau", "tau_low", "tau_high", "minus_own", "minus_low", "minus_high"],
)
write_table(results / f"{stem}_images.csv", images_table)
header = ("images", "features", *(f"{names[dataset]} τ; minus {SOURCES[own]}" for dataset in labels))
Markdown(
    f"{markdown_table(header, rows)}\n\nHow well the top is seen ([chapter 5](05_analysis) explains these scores):\n\n"
    + top_tables(by_source, features)
)

# %% mystnb={"figure": {"name": "fig-images", "caption": "Kendall's τ of the feature sets, each with log parameters, for every source of images, with 95 % intervals over the same splits. Dotted: log parameters alone, which need no image."}, "image": {"alt": "Dot plot of Kendall's tau, a row for each source of images and a colour for each feature set, one panel for each data set."}} tags=["hide-input"]
SHADES = {"embedding": "blue", "paper's recipe": "sky blue", "log spectrum": "vermilion", "jacov": "green"}


def dots(panel, table, rows, column, shades, value="tau"):
    """Estimates with their intervals: a line for each of `rows`, a colour for each feature set."""
    offsets = np.linspace(0.22, -0.22, len(shades))
    for offset, (name, colour) in zip(offsets, shades.items(), strict=True):
        part = table[table.features == name]
        middle = part[value]
        heights = len(rows) - 1 - part[column].map(rows.index) + offset
        ends = [middle - part[f"{value}_low"], part[f"{value}_high"] - middle]
        panel.errorbar(middle, heights, xerr=ends, fmt="o", markersize=4, color=style.COLOURS[colour], label=name)
    panel.set_yticks(range(len(rows)), reversed(rows))
    panel.set_ylim(-0.5, len(rows) - 0.5)
    panel.grid(axis="x")


def legend(figure, panel):
    """One legend for all panels, above them."""
    figure.legend(*panel.get_legend_handles_labels(), loc="outside upper center", ncols=3)


order = [*(SOURCES[source] for source in seen), RETRAINED]
figure, axes = style.figure(1, len(labels), panel_height=2.6)
for number, (panel, dataset) in enumerate(zip(axes, labels, strict=True)):
    part = images_table[images_table.dataset == dataset]
    dots(panel, part.replace(" \\+ log parameters", "", regex=True), order, "images", SHADES)
    panel.axvline(part[part.images == "no images"].tau.item(), color="black", linewidth=0.8, linestyle=":")
    panel.set(xlabel="Kendall's τ", title=names[dataset])
    if number:
        panel.set_yticklabels([])
legend(figure, axes[0])

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]
paired = images_table.dropna(subset="minus_own")
chance = paired[paired.images == RETRAINED].minus_own.abs().max()
lines = [
    f"- **Chance**: on the very same views, training with another seed changes the τ of the paper's recipe by up to "
    f"{chance:.3f}. The intervals, which are over splits, do not contain this. The closed form has no seed."
]
for source in seen:
    if source == own:
        continue
    part = paired[paired.images == SOURCES[source]]
    found = counted(told(Interval(row.minus_own, row.minus_low, row.minus_high, runs)) for row in part.itertuples())
    lowest = part.loc[part.minus_own.idxmin()]
    lines.append(
        f"- **{SOURCES[source].capitalize()}** instead of {SOURCES[own]}: {found} scores. "
        + (
            f"The largest loss is {-lowest.minus_own:.3f} ({lowest.features}, {names[lowest.dataset]})."
            if lowest.minus_own < 0
            else "There is no loss in any of them."
        )
        + f" The embedding's τ changes by {spread(part[part.features == EMBEDDING].minus_own)}."
    )


def needed(source):
    """Whether anything better than a source of images is needed for the embedding, as far as this run can tell."""
    part = paired[(paired.images == SOURCES[source]) & (paired.features == EMBEDDING)]
    worse, better = part[part.minus_high < 0], part[part.minus_low > 0]
    if worse.empty:
        return f"No loss of the embedding's τ is shown with {SOURCES[source]}" + (
            "." if better.empty else f", and a gain of up to {better.minus_own.max():.3f}."
        )
    loss = -worse.minus_own.min()
    return (
        f"With {SOURCES[source]} the embedding's τ loses up to {loss:.3f}, "
        + ("no more" if loss <= chance else "more")
        + " than the paper's recipe by training again."
    )


lines.append("")
for source, question in (("patches", "Is a data set needed?"), ("noise", "Are images needed?")):
    lines.append(
        f"**{question}** "
        + (
            needed(source)
            if source != own
            else f"This profile takes all its Jacobians at {SOURCES[source]}, and cannot tell: profiles `laptop` and "
            "`paper` compare them with CIFAR-10."
        )
    )
    lines.append("")
Markdown("\n".join(lines))

# %% [markdown]
# ### The same geometry?
#
# Equal scores could come from different embeddings. So we compare the embeddings themselves: are the pairs of
# architectures that are close with one source of images also close with another? The measure is Spearman's rank
# correlation $\rho$ of all pairwise distances: Euclidean in our embedding, cosine in that of the paper's recipe, as its
# layout ({eq}`eq:distances`) has it, and Euclidean between log spectra, in which a common factor of all Jacobians
# cancels. Its intervals come from resampling architectures.
#
# Everything is compared with one reference: the profile's own images, one half of the initialisations, to which the
# closed form is fitted, and, for the paper's recipe, a training with a seed of its own. Against it stand the other half of the initialisations and another training, of each
# source. For the profile's own images that is the **ceiling**: it falls short of 1 by chance alone.

# %%
usable = np.all([pipeline.usable.all(axis=1) for pipeline in seen.values()], axis=0)
drawn = np.random.default_rng(settings.seed).permutation(np.flatnonzero(usable))[:300]


def agreement(first, second, distance):
    return distance_agreement(first, second, settings.seed, resamples=RESAMPLES, distance=distance)


def closed_form(pipeline, classes, initialisations):
    """(classes, d) the embedding by a closed form that saw only some initialisations of all classes."""
    whole = ClosedFormEmbedding(pipeline)
    usable, blocks = (
        pipeline.usable[:, initialisations],
        {name: block[:, initialisations] for name, block in whole.blocks.items()},
    )
    encoder = fit_closed_form(blocks, usable, whole.config)
    return embedded_classes(encoder, {name: block[classes] for name, block in blocks.items()}, usable[classes])


def spectra(pipeline, classes, initialisations):
    """(classes, components) mean log singular values over some initialisations."""
    return log_spectrum(pipeline.spectrum[classes][:, initialisations])


base = {
    "embedding": closed_form(reference, drawn, second_half),
    "paper's recipe": retrained.embedding_of(drawn, second_half),
    "log spectrum": spectra(reference, drawn, second_half),
}
alike = {}
for source, pipeline in seen.items():
    theirs = {
        "embedding": (closed_form(pipeline, drawn, first_half), "euclidean"),
        "paper's recipe": (EncoderVariant(pipeline).embedding_of(drawn, first_half), "cosine"),
        "log spectrum": (spectra(pipeline, drawn, first_half), "euclidean"),
    }
    for name, (places, distance) in theirs.items():
        alike[source, name] = agreement(base[name], places, distance)

# %% mystnb={"figure": {"name": "fig-image-geometry", "caption": "Rank correlation of pairwise distances with those of the profile's own images, whose first row is the ceiling: other initialisations, and another training of the recipe, but the same images. 95 % intervals over architectures."}, "image": {"alt": "Dot plot of rank correlations, a row for each source of images."}} tags=["hide-input"]
GEOMETRY = {name: shade for name, shade in SHADES.items() if name in base}


def geometry_table(agreements, column):
    return pd.DataFrame(
        [(row, name, each.value, each.low, each.high, each.runs) for (row, name), each in agreements.items()],
        columns=[column, "features", "rho", "rho_low", "rho_high", "architectures"],
    )


labelled = {source: f"{SOURCES[source]}{' (ceiling)' * (source == own)}" for source in seen}
table = geometry_table({(labelled[source], name): each for (source, name), each in alike.items()}, "images")
write_table(results / f"{stem}_image_geometry.csv", table)
figure, axes = style.figure(1, 1, panel_height=2.1)
dots(axes[0], table, [*labelled.values()], "images", GEOMETRY, "rho")
axes[0].set_xlabel("rank correlation of pairwise distances")
legend(figure, axes[0])

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]


def compared_with_ceiling(each: Interval, ceiling: Interval) -> str:
    if each.high < ceiling.low:
        return f"below the ceiling by {ceiling.value - each.value:.2f}"
    return "not told apart from the ceiling" if each.low <= ceiling.high else "above the ceiling"


display(
    Markdown(
        "\n".join(
            f"- **{name}**, {len(drawn)} classes: the ceiling is {alike[own, name]}. "
            + "; ".join(
                f"{SOURCES[source]} {each}, {compared_with_ceiling(each, alike[own, name])}"
                for source, each in ((source, alike[source, name]) for source in seen if source != own)
            )
            + "."
            for name in GEOMETRY
        )
    )
)

# %% [markdown]
# ## What an encoder reads
#
# ### Our readings
#
# The embedding reads several statistics of the whole Jacobian ([](02_data_jacobians) shows them). Which of them does it
# need? We fit the closed form to each of them alone, and to all but one, on the same views, and ask a forest again, with
# log parameters and without.

# %%
readings = settings.closed_form.readings
forms = {"all": ours}
forms |= {f"only {name}": ClosedFormEmbedding(reference, (name,)) for name in readings}
forms |= {
    f"without {name}": ClosedFormEmbedding(reference, tuple(each for each in readings if each != name))
    for name in readings
}
features = {}
for read, form in forms.items():
    sets = features_of(reference, form.embedding, reference.embedding)
    features |= {(read, name): sets[name] for name in (EMBEDDING, "embedding")}
features["nothing", "log parameters"] = sets["log parameters"]
by_form = scored(features)

# %% mystnb={"figure": {"name": "fig-ablated-readings", "caption": "Kendall's τ of the closed form of all readings, of each alone, and of all but one, with 95 % intervals over the same splits. Dotted: log parameters alone."}, "image": {"alt": "Dot plot of Kendall's tau, a row for each choice of readings, with and without log parameters, one panel for each data set."}} tags=["hide-input"]
WITH_AND_WITHOUT = {EMBEDDING: "blue", "embedding": "orange"}


def tau_table(scores, features, column):
    """Every row's τ on every data set with its interval."""
    kept = []
    for (row, name), dataset in product(features, labels):
        each = mean_interval(tau_of(scores, dataset, row, name))
        kept.append((dataset, row, name, each.value, each.low, each.high))
    return pd.DataFrame(kept, columns=["dataset", column, "features", "tau", "tau_low", "tau_high"])


forms_table = tau_table(by_form, features, "readings")
write_table(results / f"{stem}_readings.csv", forms_table)
figure, axes = style.figure(1, len(labels), panel_height=3.4)
for number, (panel, dataset) in enumerate(zip(axes, labels, strict=True)):
    part = forms_table[forms_table.dataset == dataset]
    dots(panel, part[part.readings != "nothing"], [*forms], "readings", WITH_AND_WITHOUT)
    panel.axvline(part[part.features == "log parameters"].tau.item(), color="black", linewidth=0.8, linestyle=":")
    panel.set(xlabel="Kendall's τ", title=names[dataset])
    if number:
        panel.set_yticklabels([])
legend(figure, axes[0])

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]


def changed(row, name, dataset):
    """What the closed form of all readings has above another, split by split."""
    return paired_difference(tau_of(by_form, dataset, "all", name), tau_of(by_form, dataset, row, name))


rows = [
    (name, with_or_without, *(in_words(changed(f"without {name}", with_or_without, dataset)) for dataset in labels))
    for name in readings
    for with_or_without in (EMBEDDING, "embedding")
]
alone = {
    name: np.mean([tau_of(by_form, dataset, f"only {name}", "embedding").mean() for dataset in labels])
    for name in readings
}
best = max(alone, key=alone.get)
gains = [changed(f"only {best}", "embedding", dataset) for dataset in labels]
missed = [
    name
    for name in readings
    if any(told(changed(f"without {name}", "embedding", dataset)) == "better" for dataset in labels)
]
display(
    Markdown(markdown_table(("the reading adds", "features", *(names[dataset] for dataset in labels)), rows)),
    Markdown(
        f"The best single reading is *{best}*. All together, against it alone: {counted(map(told, gains))} scores. "
        + (
            f"Readings without which τ falls on some data set, as far as this run can tell: {', '.join(missed)}."
            if missed
            else "No reading is missed by the others, as far as this run can tell: they know much the same."
        )
    ),
)

# %% [markdown]
# ### The paper's recipe: directions or singular values
#
# A Jacobian has two factors. The singular values say how strongly a network reacts to its images; the directions say
# *which* images it reacts to together. The paper's encoder is given both. To see what each is worth we train it three
# times, on the same views and with the same seed:
#
# - with **both**;
# - with the **directions** alone: all singular values are set to one;
# - with the **spectrum** alone: the directions of every view are replaced by one random orthonormal basis.
#
# Nothing else is changed, not even the sizes of the encoder.

# %%
READS = ("both", "directions", "spectrum")
read = {reads: EncoderVariant(reference, reads) for reads in READS}
features = {}
for reads, variant in {**read, "both, trained again": retrained}.items():
    sets = features_of(reference, ours.embedding, variant.embedding)
    features |= {(reads, name): sets[name] for name in (RECIPE, "paper's recipe")}
features["no encoder", SPECTRUM] = sets[SPECTRUM]
features["no encoder", "log parameters"] = sets["log parameters"]
by_reading = scored(features)

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]
reading_table = tau_table(by_reading, features, "reads")
write_table(results / f"{stem}_reading.csv", reading_table)
rows = [
    (reads, name, *(str(mean_interval(tau_of(by_reading, dataset, reads, name))) for dataset in labels))
    for reads, name in features
]
header = ("the encoder reads", "features", *(f"{names[dataset]} τ" for dataset in labels))
Markdown(f"{markdown_table(header, rows)}\n\nHow well the top is seen:\n\n{top_tables(by_reading, features)}")

# %% mystnb={"figure": {"name": "fig-reading", "caption": "Kendall's τ of embeddings by encoders that read both factors of a Jacobian or only one, with 95 % intervals over the same splits. Dotted: log parameters alone. Dashed: the log spectrum with log parameters, without an encoder."}, "image": {"alt": "Dot plot of Kendall's tau, a row for each encoder, with and without log parameters, one panel for each data set."}} tags=["hide-input"]
WITHOUT = "paper's recipe"
RECIPES = {RECIPE: "sky blue", WITHOUT: "orange"}
order = [*READS, "both, trained again"]
figure, axes = style.figure(1, len(labels), panel_height=2.3)
for number, (panel, dataset) in enumerate(zip(axes, labels, strict=True)):
    part = reading_table[reading_table.dataset == dataset]
    dots(panel, part, order, "reads", RECIPES)
    for name, line in (("log parameters", ":"), (SPECTRUM, "--")):
        panel.axvline(part[part.features == name].tau.item(), color="black", linewidth=0.8, linestyle=line)
    panel.set(xlabel="Kendall's τ", title=names[dataset])
    if number:
        panel.set_yticklabels([])
legend(figure, axes[0])

# %% [markdown]
# What a factor adds is the difference between reading both and reading the other factor alone, split by split. It can be
# negative: what says nothing about accuracy takes room in an embedding of fixed size, and an encoder trained on few
# classes may not find what there is. A difference counts when its interval excludes zero.

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]
FACTORS = (("directions", "spectrum"), ("spectrum", "directions"))
rows, added = [], []
for name in RECIPES:
    for factor, without in FACTORS:
        differences = [
            paired_difference(tau_of(by_reading, dataset, "both", name), tau_of(by_reading, dataset, without, name))
            for dataset in labels
        ]
        added += [(factor, name, dataset, each) for dataset, each in zip(labels, differences, strict=True)]
        rows.append((factor, name, *(in_words(each) for each in differences)))
seed_noise = max(
    abs(
        tau_of(by_reading, dataset, "both", name).mean()
        - tau_of(by_reading, dataset, "both, trained again", name).mean()
    )
    for dataset in labels
    for name in RECIPES
)


def added_by(factor, name):
    """What a factor adds on the data sets, in words."""
    differences = [each for kind, which, _, each in added if (kind, which) == (factor, name)]
    values = [each.value for each in differences]
    noise = "; no more than another seed does" if max(map(abs, values)) <= seed_noise else ""
    return f"{spread(values)} ({counted(map(told, differences))}{noise})"


display(
    Markdown(markdown_table(("adds", "features", *(names[dataset] for dataset in labels)), rows)),
    Markdown(
        "\n".join(
            f"- **Reading the {factor}** beside the {other} changes τ by {added_by(factor, RECIPE)} with log parameters "
            f"and by {added_by(factor, WITHOUT)} without."
            for factor, other in FACTORS
        )
        + f"\n- Another seed of the training changes these scores by up to {seed_noise:.3f}."
    ),
)

# %% [markdown]
# ## Small networks for large ones
#
# The networks of NAS-Bench-101 {cite:p}`ying2019nasbench101` are large: a stem of 128 channels, three cells in each of
# three stacks, 32x32 images. A view of one costs many times what a view of a reduced network does, and there are
# hundreds of thousands of cells. This book embeds reduced networks of the same cells. Is it the geometry that one would
# find in the benchmark's own?
#
# We take both on a random sample of cells, at the same images, and compare pairwise distances as above. The ceiling is
# again what chance leaves: reduced networks against reduced networks from other initialisations. Reduced and full
# networks never share initial weights here. Where the two differ in more than one respect, networks that are enlarged
# in one only stand between them. Larger networks vary less by chance, so their agreement with the reduced ones may even
# exceed the ceiling.
#
# Of the embeddings we compare what would really be used in place of each other: that of the reduced networks by an
# encoder fitted to their views, and that of the full networks by an encoder fitted to theirs. With so few cells these
# encoders see a small part of a space, so the log spectrum, which needs none, is the sharper test.

# %%
reduced = of_unlabelled_nas_bench_101(settings, architectures=cells, points=ablations.cell_points)
# Two pairs of views, to compare.
reduced = reduced.vary(views={"per_class": 4}, encoder={"epochs": ablations.cell_encoder_epochs})
full = {name: getattr(ablations, f"full_{name}") for name in ("channels", "cells", "resolution")}
respects = {name: value for name, value in full.items() if getattr(reduced.views, name) != value}
units = {"channels": "channels", "cells": "cells a stack", "resolution": "pixels a side"}
scales = {"reduced": reduced}
if len(respects) > 1:
    for name, value in respects.items():
        scales[f"{value} {units[name]}"] = reduced.vary(views={"per_class": 2, name: value})
scales["full"] = reduced.vary(views={"per_class": 2, **full})
graphs = {name: Pipeline(chosen, store) for name, chosen in scales.items()}
Markdown(
    f"This run: {cells} cells, {reduced.views.points} points. Reduced networks: {scale_of(reduced)}. Full networks: "
    f"{scale_of(scales['full'])}"
    + (
        ", **which is not the benchmark's size**: a run without downloads that ends in minutes stands in for it with "
        "networks that are only larger."
        if small
        else "."
    )
)

# %%
both_usable = np.flatnonzero(np.all([pipeline.usable.all(axis=1) for pipeline in graphs.values()], axis=0))
small_networks, large_networks = graphs["reduced"], graphs["full"]
pair, other_pair, one, other_one = slice(0, 2), slice(2, 4), slice(0, 1), slice(2, 3)
COUNTS = {"two initialisations": (other_pair, pair), "one initialisation": (other_one, one)}

sizes = {}
for count, (apart, together) in COUNTS.items():
    base = spectra(small_networks, both_usable, apart)
    for name, pipeline in graphs.items():
        sizes[name, f"log spectrum, {count}"] = agreement(base, spectra(pipeline, both_usable, together), "euclidean")
full_ceiling = agreement(
    spectra(large_networks, both_usable, slice(0, 1)), spectra(large_networks, both_usable, slice(1, 2)), "euclidean"
)
by_parameters = agreement(
    spectra(large_networks, both_usable, pair), log_parameters(large_networks.parameters)[both_usable], "euclidean"
)
EMBEDDED, RECIPES_TWO = (f"{name}, two initialisations" for name in ("embedding", "paper's recipe"))
trained_apart = EncoderVariant(small_networks, seed=settings.seed + 1).embedding_of(both_usable, other_pair)
for name, pipeline in graphs.items():
    theirs = closed_form(pipeline, both_usable, pair)
    sizes[name, EMBEDDED] = agreement(closed_form(small_networks, both_usable, other_pair), theirs, "euclidean")
    if name in ("reduced", "full"):
        theirs = EncoderVariant(pipeline).embedding_of(both_usable, pair)
        sizes[name, RECIPES_TWO] = agreement(trained_apart, theirs, "cosine")

# %% mystnb={"figure": {"name": "fig-scale", "caption": "Left: distances between log spectra of full networks against those of reduced networks (means of two initialisations each), brighter where there are more pairs of cells. Right: rank correlation of the distances with those of reduced networks, with 95 % intervals over cells. The first row is the ceiling; the rows between the first and the last are reduced networks enlarged in one respect only."}, "image": {"alt": "Left a density plot of pairwise distances, right a dot plot of rank correlations for networks of several sizes."}} tags=["hide-input"]
PANEL = {
    EMBEDDED: "blue",
    RECIPES_TWO: "sky blue",
    "log spectrum, two initialisations": "vermilion",
    "log spectrum, one initialisation": "orange",
}
table = geometry_table(sizes, "networks")
write_table(results / f"{stem}_scale.csv", table)
figure, axes = style.figure(1, 2, panel_height=3.0)
axes[0].hexbin(
    pdist(spectra(small_networks, both_usable, other_pair)),
    pdist(spectra(large_networks, both_usable, pair)),
    gridsize=45,
    bins="log",
    mincnt=1,
    linewidths=0,
)
axes[0].set(xlabel="distance, reduced networks", ylabel="distance, full networks")
ticks = [f"{name}{' (ceiling)' * (name == 'reduced')}" for name in graphs]
dots(axes[1], table, [*graphs], "networks", PANEL, "rho")
axes[1].set_yticks(range(len(ticks)), reversed(ticks))
axes[1].set_xlabel("rank correlation of pairwise distances")
legend(figure, axes[1])

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]
rows = [(name, *(str(sizes[name, kind]) if (name, kind) in sizes else "" for kind in PANEL)) for name in graphs]
lines = []
for kind in PANEL:
    each, ceiling = sizes["full", kind], sizes["reduced", kind]
    lines.append(
        f"- **{kind}**: full against reduced networks {each}; reduced against reduced {ceiling}. That is "
        f"{compared_with_ceiling(each, ceiling)}."
    )
lines.append(
    f"- **Full against full networks**, one initialisation each, log spectrum: {full_ceiling}. This is as much as "
    "anything could agree with one initialisation of them."
)
lines.append(
    "- **Log parameters** alone, as a trivial rival of the reduced networks, agree with the full networks' log spectra "
    f"by {by_parameters}: reduced networks tell "
    + (
        "more than that."
        if sizes["full", "log spectrum, two initialisations"].low > by_parameters.high
        else "no more than that for certain."
    )
)
enlarged = [name for name in graphs if name not in ("reduced", "full")]
if enlarged:
    kind = "log spectrum, two initialisations"
    hardest = min(enlarged, key=lambda name: sizes[name, kind].value)
    lines.append(
        "- Of the enlargements in one respect alone, the one that changes the log spectrum's geometry most is "
        f"*{hardest}*: {sizes[hardest, kind]}."
    )
display(
    Markdown(markdown_table(("networks", *PANEL), rows)),
    Markdown("\n".join(lines)),
)
