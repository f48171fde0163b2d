# ---
# jupyter:
#   cena:
#     needs: [topology, darts, every-label, robustness]
#     version: 5
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
# # What the embedding knows
#
# No encoder of [chapter 3](03_contrastive_embeddings) has ever seen an accuracy. Do their embeddings know
# which architectures are good nevertheless? Section 4.3 of {cite:t}`anonymous2021cena` answers in two ways: by eye,
# with t-SNE {cite:p}`vandermaaten2008tsne` pictures of every stage of the method (Figure 2), and by number, with random
# forests {cite:p}`breiman2001forests` that predict accuracy from the embedding (Figure 3 and Table 1).
#
# We repeat both, measure what the eye sees, and ask what the paper does not: how much of this needs an embedding? A
# list of a cell's operations, the number of its parameters, and what an encoder starts from are features too, and cost
# less.
#
# Two embeddings are judged. *The embedding* is ours: five readings of the whole Jacobian, contrasted in closed form.
# *The paper's recipe* is the MLP-Mixer on the EPDJM, trained by Barlow Twins. Both see the same Jacobians.

# %% tags=["parameters"]
profile: str = "quick"  # [quick | laptop | paper] settings of the run
runs: int = 0  # [0 | 2..1000] fresh splits of Table 1; 0: the profile's number
forest_components: int = 16  # [0..512] principal components of an embedding given to the forest; 0: all its columns
drawn: int = 3000  # [200..20000] most classes drawn in Figure 2, and most architectures in a panel of Figure 3

# %% tags=["hide-input"]
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
from IPython.display import Markdown, display
from joblib import Parallel, delayed
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from cena.companion.project import results_folder
from cena.contrast import encoder_input
from cena.data.labels import accuracy as accuracy_of
from cena.data.labels import available
from cena.data.robustness import ATTACKS, robustness
from cena.evaluate import (
    PAPER,
    TRIVIAL,
    FeatureSources,
    Interval,
    PredictionTask,
    feature_sets,
    fill_dead,
    held_out,
    judge,
    kendall,
    log_spectrum,
    mean_interval,
    paired_difference,
    pearson,
    predict,
    summarize,
    write_records,
    write_table,
)
from cena.report import plots, style
from cena.report.tables import NAMES, NONE, markdown_table, top_table
from cena.report.wording import counted, in_words, signed, told
from cena.study.closed_forms import ClosedFormEmbedding
from cena.study.pipeline import Pipeline
from cena.study.profiles import has_full_networks, of_darts

style.use_style()
results = results_folder(profile)
pipeline = Pipeline(profile)
ours = ClosedFormEmbedding(pipeline)
settings = pipeline.profile
runs = runs or settings.judging.runs
labels = {dataset: pipeline.accuracy(dataset) for dataset in settings.space.datasets}
first = settings.space.datasets[0]
names = {dataset: NAMES.get(dataset, dataset) for dataset in settings.space.datasets}

networks = (
    f"{'' if has_full_networks(settings) else 'reduced '}networks ({settings.views.channels} channels, {settings.views.cells} "
    f"cell{'s' * (settings.views.cells != 1)} a stage, {settings.views.resolution}x{settings.views.resolution} images)"
)
Markdown(
    f"This run: profile `{profile}`, the {len(pipeline.space):,} architectures of "
    f"{NAMES.get(settings.space.name, settings.space.name)} in {len(pipeline.representatives):,} classes, Jacobians of "
    f"{networks} at {settings.views.points} points in {settings.views.per_class} views, and test accuracy on "
    f"{', '.join(names.values())}."
)

# %% [markdown]
# ## Every stage, seen in the plane
#
# The paper's stages are the EPDJM ({eq}`eq:projection`), its embedding by the encoder before and after training, and the
# final place in the unit square ({eq}`eq:transport`). Ours are the readings, their embedding in closed form, and the
# place in the square that follows from it. Stages with more than 50 dimensions are reduced to
# 50 principal components, and all but the square are drawn by t-SNE with default settings. The square is drawn as it
# is. All are averages over an architecture's views, and the EPDJM is drawn as the encoder receives it, unit columns and
# the logarithms of the singular values, because raw magnitudes would hide everything but the largest networks.
#
# One architecture of each class is drawn: two cells that compute the same function would be perfect neighbours at every
# stage, and flatter all of them.
#
# A picture persuades easily. As a number we predict the accuracy $a_i$ of each drawn architecture from its ten nearest
# neighbours $N(i)$ in the plane, itself left out, and take Kendall's rank correlation of prediction and truth:
#
# $$
# \hat a_i = \frac{1}{10} \sum_{j \in N(i)} a_j ,
# $$ (eq:neighbours)
#
# $$
# \tau = \frac{C - D}{\sqrt{(P - T)(P - \hat T)}} ,
# $$ (eq:kendall)
#
# where of all $P$ pairs of architectures $C$ are ordered alike by $a$ and $\hat a$ and $D$ oppositely, and $T$ and
# $\hat T$ are tied in $a$ and in $\hat a$. It is 1 when the plane sorts perfectly, and about 0 when places say nothing
# about accuracy.

# %%
generator = np.random.default_rng(settings.seed)
count = len(pipeline.representatives)
chosen = np.sort(generator.permutation(count)[:drawn])
accuracy = labels[first][pipeline.representatives[chosen]]


def epdjm(classes):
    """(classes, points * components): the encoder's input, averaged over the usable views."""
    usable = pipeline.usable[classes, :, np.newaxis]
    values = np.where(usable, pipeline.singular_values[classes], 0)
    weights = usable / np.maximum(usable.sum(axis=1, keepdims=True), 1)
    views = encoder_input(pipeline.directions[classes], values, pipeline.encoder.scale)
    return np.einsum("cvpk,cvo->cpk", views, weights).reshape(len(classes), -1)


def reduced(matrix):
    """At most the first 50 principal components."""
    return PCA(min(50, *matrix.shape), svd_solver="randomized", random_state=settings.seed).fit_transform(matrix)


def plane(matrix):
    """t-SNE, on one thread: sums in another order would grow into another picture."""
    with threadpool_limits(1):
        return TSNE(random_state=settings.seed).fit_transform(matrix)


def neighbour_tau(points):
    """How well an architecture's ten nearest neighbours, without itself, rank its accuracy."""
    neighbours = NearestNeighbors(n_neighbors=10).fit(points).kneighbors(return_distance=False)
    return kendall(accuracy[neighbours].mean(axis=1), accuracy)


with threadpool_limits(1):
    stages = {
        "EPDJM": reduced(epdjm(chosen)),
        "untrained embeddings": reduced(pipeline.untrained_embedding[chosen]),
        "trained embeddings": reduced(pipeline.embedding[chosen]),
        "readings": reduced(fill_dead(ours.inputs[chosen])),
        "closed form": reduced(ours.embedding[chosen]),
    }
planes = dict(zip(stages, Parallel(n_jobs=-1)(delayed(plane)(matrix) for matrix in stages.values()), strict=True))
planes["final coordinates"] = stages["final coordinates"] = ours.layout["centroids"][chosen]
smoothness = {stage: neighbour_tau(points) for stage, points in planes.items()}

# %% mystnb={"figure": {"name": "fig-stages", "caption": "Figure 2 of the paper: every stage of the method, coloured by test accuracy on the first data set. First three panels: the paper's recipe; then ours. All but the last are t-SNE projections; the last is the unit square itself. Above each panel, how well the ten nearest neighbours in it rank accuracy."}, "image": {"alt": "Six scatter plots of architectures coloured by accuracy: EPDJM, untrained embeddings, trained embeddings, readings, closed form and final coordinates."}} tags=["hide-input"]
figure, axes = style.figure(3, 2, panel_height=3.1)
for panel, (stage, points) in zip(axes, planes.items(), strict=True):
    plots.accuracy_scatter(panel, points, accuracy, label=f"{names[first]} test accuracy (%)")
    centre, half = (points.min(axis=0) + points.max(axis=0)) / 2, 0.52 * np.ptp(points, axis=0).max()
    panel.set(xlim=(centre[0] - half, centre[0] + half), ylim=(centre[1] - half, centre[1] + half))
    panel.set_title(f"{stage}: neighbours' τ = {smoothness[stage]:.2f}")

# %% [markdown]
# The plane is one thing, the space it projects another. The table has both, and beside the stages the neighbourhoods of
# features that need no encoder. Its numbers describe these architectures and these drawings, from one seed, and so have
# no interval.

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]
one_hot = pipeline.space.one_hot()
rivals = {
    "log spectrum": log_spectrum(pipeline.spectrum[chosen]),
    "one-hot": one_hot[pipeline.representatives[chosen]],
    "log parameters": np.log(pipeline.parameters[pipeline.representatives[chosen], np.newaxis]),
}
neighbours = pd.DataFrame(
    [(stage, neighbour_tau(stages[stage]), smoothness[stage]) for stage in stages]
    + [(rival, neighbour_tau(np.nan_to_num(matrix, nan=-100.0)), np.nan) for rival, matrix in rivals.items()],
    columns=["features", "space", "plane"],
)
write_table(results / "05_analysis_neighbours.csv", neighbours)
write_table(
    results / "05_analysis_fig2.csv",
    pd.DataFrame({"architecture": pipeline.representatives[chosen], "accuracy": accuracy}).assign(
        **{f"{stage} {axis}": points[:, i] for stage, points in planes.items() for i, axis in enumerate("xy")}
    ),
)

claimed = ["EPDJM", "untrained embeddings", "trained embeddings"]
measured = sorted(claimed, key=smoothness.__getitem__)
own = neighbours.set_index("features").space
best_rival = own[[*rivals]].idxmax()
cells = [
    (row.features, f"{row.space:.3f}", NONE if np.isnan(row.plane) else f"{row.plane:.3f}")
    for row in neighbours.itertuples()
]
display(
    Markdown(markdown_table(("neighbours among", "τ in its own space", "τ in the plane"), cells, numeric=(1, 2))),
    Markdown(
        f"The paper sees accuracy separate better from EPDJM to untrained to trained embeddings. By the planes' "
        f"numbers the order is {', '.join(f'{stage} ({smoothness[stage]:.2f})' for stage in measured)}: eye and "
        f"numbers {'agree' if measured == claimed else 'do not agree'} on the order. Training changes τ by "
        f"{smoothness[claimed[2]] - smoothness[claimed[1]]:+.2f} in the plane and by "
        f"{own[claimed[2]] - own[claimed[1]]:+.2f} in the space; "
        f"the closed form's contrast changes that of its readings by {own['closed form'] - own['readings']:+.2f}, and "
        f"going from the closed form to two coordinates by {own['final coordinates'] - own['closed form']:+.2f}. Of the "
        f"features without an encoder, {best_rival} has the best neighbourhoods ({own[best_rival]:.2f}; the closed "
        f"form: {own['closed form']:.2f}; the paper's recipe: {own[claimed[2]]:.2f})."
    ),
)

# %% [markdown]
# ## Forests that predict accuracy
#
# Now the judgement by number. A random forest with default hyper-parameters is fitted on the accuracies of randomly
# chosen architectures and ranks all others; the scores are Pearson's $r$ and Kendall's $\tau$ ({eq}`eq:kendall`). Every
# feature set sees the same labels and the same splits, and every run draws a new split, so that scores can be compared
# run by run. The intervals are 95 % intervals of the mean over splits; they do not contain the noise of the labels or
# of another training of the encoder.
#
# The headline is the **embedding with log parameters**, with the settings that [chapter 3](03_contrastive_embeddings)
# names. A default forest would overlook one column among the paper's 512, so of a wide embedding it is given the first
# principal components, which need no labels (`forest_components`; 0 gives the forest all columns, as in the paper).
# Beside it stands *the paper's recipe*. The rivals:
#
# - known before any network is built: *log parameters*, *one-hot* (the operation on each edge) and both;
# - made of the same Jacobians without an encoder: *jacov + log parameters*, one number
#   {cite:p}`mellor2021naswot`; *log spectrum + log parameters*, the singular values; and *readings + log parameters*,
#   the embedding's own inputs, of which the forest gets twice as many principal components.
#
# The controls are an *untrained encoder*, which shows what training adds to the paper's recipe, and *shuffled labels*,
# which must score zero.

# %%
HEADLINE, RECIPE = "embedding + log parameters", "paper's recipe + log parameters"
SPECTRUM, INPUTS = "log spectrum + log parameters", "readings + log parameters"
UNTRAINED, SHUFFLED = "untrained encoder + log parameters", "shuffled labels"
FEW_LABELS = 100


def features_of(ours):
    """Every feature set of a space that was embedded in closed form."""
    pipeline = ours.pipeline
    sources = FeatureSources(
        pipeline.parameters,
        embedding=pipeline.per_architecture(ours.embedding),
        coordinates=ours.coordinates,
        paper=pipeline.per_architecture(pipeline.embedding),
        readings=pipeline.per_architecture(ours.inputs),
        untrained=pipeline.per_architecture(pipeline.untrained_embedding),
        singular_values=pipeline.per_architecture(pipeline.spectrum),
        jacov=pipeline.per_architecture(pipeline.jacov),
        one_hot=pipeline.space.one_hot(),
    )
    return feature_sets(sources, forest_components or None)


features = features_of(ours)
forests = PredictionTask(settings.judging.labels, runs, settings.seed, trees=settings.judging.trees)


def scored(accuracy):
    """Every feature set, and the headline trained on shuffled labels, in every run."""
    control = {SHUFFLED: features[HEADLINE]}
    return pd.concat(
        [
            predict(features, accuracy, forests, workers=-1),
            predict(control, accuracy, replace(forests, shuffle_labels=True), workers=-1),
        ]
    )


scores = {dataset: scored(accuracy) for dataset, accuracy in labels.items()}
few = pd.concat(
    [
        predict(features, accuracy, replace(forests, train_size=FEW_LABELS), workers=-1).assign(dataset=dataset)
        for dataset, accuracy in labels.items()
    ]
)

# %% [markdown]
# ### One split, drawn
#
# Figure 3 of the paper shows predicted against true accuracy for one split. Here it is the first of ours, of the
# headline features.

# %% mystnb={"figure": {"name": "fig-predictions", "caption": "Figure 3 of the paper: accuracy predicted from the embedding with log parameters against true accuracy, for architectures that the forest was not fitted on (a random sample of them is drawn; r and τ above each panel are of all). On the dashed line prediction is perfect."}, "image": {"alt": "Scatter plots of predicted against true test accuracy, one for each data set."}} tags=["hide-input"]
figure, axes = style.figure(1, len(labels), panel_height=2.9)
shown = []
for panel, (dataset, accuracy) in zip(axes, labels.items(), strict=True):
    table = held_out(features[HEADLINE], accuracy, forests)
    r, tau = pearson(table.prediction, table.truth), kendall(table.prediction, table.truth)
    sample = table.sample(min(drawn, len(table)), random_state=settings.seed).sort_index()
    shown.append(sample.assign(dataset=dataset))
    plots.prediction_scatter(panel, sample.truth, sample.prediction, label="accuracy (%)")
    panel.set_title(f"{names[dataset]}\nr = {r:.3f}, τ = {tau:.3f}")
write_table(results / "05_analysis_fig3.csv", pd.concat(shown))

# %% [markdown]
# ### Table 1, with its rivals
#
# The mean over splits, and half the width of its 95 % interval. The best score of each column is bold.

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]
summary = summarize(pd.concat([table.assign(dataset=dataset) for dataset, table in scores.items()]))
write_table(results / "05_analysis_table1.csv", summary)
columns = [(dataset, metric) for dataset in labels for metric in ("r", "tau")]
rows = []
if any(f"table1.{dataset}.r" in PAPER for dataset in labels):
    rows.append(
        ("*CENA as published*", *(f"{PAPER[f'table1.{dataset}.{metric}'].value:.2f}" for dataset, metric in columns))
    )
table = summary.set_index(["features", "dataset"])
best = {column: summary[summary.dataset == column[0]][column[1]].max() for column in columns}
for name in [*features, SHUFFLED]:
    row = [name]
    for dataset, metric in columns:
        value, high = table.loc[(name, dataset), [metric, f"{metric}_high"]]
        number = f"{value:.3f}"
        row.append((f"**{number}**" if value == best[dataset, metric] else number) + f" ± {high - value:.3f}")
    rows.append(tuple(row))
header = ("features", *(f"{names[dataset]} {'τ' if metric == 'tau' else metric}" for dataset, metric in columns))
Markdown(markdown_table(header, rows, numeric=range(1, len(header))))

# %% mystnb={"figure": {"name": "fig-rivals", "caption": "Kendall's τ of every feature set with its 95 % interval over splits, on the same splits. Dark blue: our embedding; light blue: the paper's recipe; vermilion: rivals without an encoder; grey: an encoder that was not trained. Dashed: the paper's Table 1, where it has a number."}, "image": {"alt": "Dot plot of Kendall's tau of each feature set, one panel for each data set."}} tags=["hide-input"]
METHOD = (HEADLINE, "embedding", "coordinates")
THEIRS = (RECIPE, "paper's recipe")
order = [*METHOD, *THEIRS, INPUTS, SPECTRUM, *TRIVIAL, UNTRAINED, "untrained encoder"]
shade = dict.fromkeys(order, "#777777") | dict.fromkeys((INPUTS, SPECTRUM, *TRIVIAL), style.COLOURS["vermilion"])
shade |= dict.fromkeys(METHOD, style.COLOURS["blue"]) | dict.fromkeys(THEIRS, style.COLOURS["sky blue"])
figure, axes = style.figure(1, len(labels), panel_height=3.6)
for number, (panel, dataset) in enumerate(zip(axes, labels, strict=True)):
    for height, name in enumerate(reversed(order)):
        row = table.loc[(name, dataset)]
        panel.plot([row.tau_low, row.tau_high], [height, height], color=shade[name])
        panel.plot(row.tau, height, "o", color=shade[name], markersize=4)
    if f"table1.{dataset}.tau" in PAPER:
        panel.axvline(PAPER[f"table1.{dataset}.tau"].value, color="black", linewidth=0.8, linestyle="--")
    panel.set_yticks(range(len(order)), reversed(order) if number == 0 else [""] * len(order))
    panel.set(xlabel="Kendall's τ", title=names[dataset])
    panel.grid(axis="x")

# %% [markdown]
# ### The verdict, in pairs
#
# Two scores whose intervals overlap may still differ on every single split. The differences below are taken split by
# split, between the headline and: the best trivial rival (the best of those that use neither an encoder nor the
# spectrum, chosen for each column of Table 1), the embedding's own inputs, and the paper's recipe, all with log
# parameters. A difference counts when its interval excludes zero.


# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]
def against(dataset, metric, rival):
    """The headline's score minus a rival's, split by split."""
    wide = scores[dataset].pivot(index="run", columns="features", values=metric)
    return paired_difference(wide[HEADLINE], wide[rival])


def interval_of(name, dataset, metric):
    line = table.loc[(name, dataset)]
    return Interval(line[metric], line[f"{metric}_low"], line[f"{metric}_high"], runs)


def best_trivial(dataset, metric):
    """The best of the feature sets that take neither an encoder nor the spectrum."""
    return table.loc[[(name, dataset) for name in TRIVIAL], metric].idxmax()[0]


reason = f"{networks}, {settings.views.points} points, {settings.views.per_class} views"
if not has_full_networks(settings):
    reason += f" (profile {profile})"
records, rows, found = [], [], {"trivial": [], "inputs": [], "recipe": []}
for dataset, metric in columns:
    interval, trivial = interval_of(HEADLINE, dataset, metric), best_trivial(dataset, metric)
    record = judge(
        f"table1.{dataset}.{metric}", interval, reason=reason, baseline=table.loc[(trivial, dataset), metric]
    )
    records.append(record)
    differences = dict(zip(found, (against(dataset, metric, name) for name in (trivial, INPUTS, RECIPE)), strict=True))
    for kind, difference in differences.items():
        found[kind].append(told(difference))
    rows.append(
        (
            f"{names[dataset]} {'τ' if metric == 'tau' else metric}",
            str(interval),
            NONE if record.paper is None else f"{record.paper:.2f}: {record.status}",
            f"{signed(differences['trivial'])} ({trivial}): {told(differences['trivial'])}",
            *(in_words(differences[kind]) for kind in ("inputs", "recipe")),
        )
    )
for dataset in labels:
    rival = table.loc[(best_trivial(dataset, "ndcg"), dataset), "ndcg"]
    interval = interval_of(HEADLINE, dataset, "ndcg")
    records.append(judge(f"embedding.{dataset}.ndcg", interval, reason=reason, baseline=rival))
    alone = interval_of("embedding", dataset, "tau")
    rival = table.loc[("log parameters", dataset), "tau"]
    records.append(judge(f"embedding.{dataset}.tau-without-parameters", alone, reason=reason, baseline=rival))
    of_few = few[few.dataset == dataset].pivot(index="run", columns="features", values="tau")
    rival = of_few[[*TRIVIAL]].mean().max()
    records.append(
        judge(f"embedding.{dataset}.tau@100", mean_interval(of_few[HEADLINE]), reason=reason, baseline=rival)
    )
header = ("", "headline", "paper", "minus best trivial rival", "minus its own inputs", "minus the paper's recipe")
Markdown(markdown_table(header, rows))

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]
statuses = pd.Series([record.status for record in records if record.paper is not None], dtype=str).value_counts()
chance = {dataset: mean_interval(table.tau[table.features == SHUFFLED]) for dataset, table in scores.items()}
leaks = [names[dataset] for dataset, interval in chance.items() if not interval.low <= 0 <= interval.high]
judged = "; ".join(f"{status}: {number}" for status, number in statuses.items())
Markdown(
    "\n".join(
        [
            f"- **Against the paper's Table 1**: {judged} of {statuses.sum()} numbers."
            if len(statuses)
            else "- **Against the paper's Table 1**: nothing, for the paper has no such data set.",
            f"- **Against the best trivial rival**: {counted(found['trivial'])} scores.",
            f"- **Against its own inputs**, the readings with log parameters: {counted(found['inputs'])} scores.",
            f"- **Against the paper's recipe**: {counted(found['recipe'])} scores.",
            "- **Shuffled labels**: τ = "
            + ", ".join(f"{interval} ({names[dataset]})" for dataset, interval in chance.items())
            + (
                f"; the interval of {', '.join(leaks)} leaves out 0, as one in twenty does by chance."
                if leaks
                else "; all intervals hold 0, as they must."
            ),
        ]
    )
)

# %% [markdown]
# ### With a tenth of the labels
#
# A label costs a training, so what counts is often the score at few of them.

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]
at_few = summarize(few).set_index(["features", "dataset"])
write_table(results / "05_analysis_few_labels.csv", at_few.reset_index())
header = ("features", *(f"{names[dataset]} τ" for dataset in labels))
rows = [
    (
        name,
        *(
            f"{line.tau:.3f} ± {line.tau_high - line.tau:.3f}"
            for line in (at_few.loc[(name, dataset)] for dataset in labels)
        ),
    )
    for name in features
]
Markdown(f"With {FEW_LABELS} labels:\n\n{markdown_table(header, rows, numeric=range(1, len(header)))}")

# %% [markdown]
# ### How well the top is seen
#
# A search does not need to rank the whole space: it needs to find the best of it. Most of the order that a forest finds
# is between bad and good architectures, and that is the easy part. Four more scores of the same predictions look at the
# top only:
#
# - **nDCG**, the normalised discounted cumulative gain, as {cite:t}`tybl2025vkdnw` define it. With $a_j$ the true
#   accuracy in percent of the architecture that is predicted to be the $j$-th best, and $Z$ the same sum for a perfect
#   prediction,
#
#   $$
#   \mathrm{nDCG} = \frac{1}{Z} \sum_{j=1}^{1000} \frac{2^{a_j} - 1}{\log_2(1 + j)} .
#   $$ (eq:ndcg)
#
#   A point of accuracy doubles the gain, so an architecture five points behind the best hardly counts.
# - **τ, best tenth**: Kendall's τ among the truly best tenth of the held-out architectures.
# - **regret after 10 and after 50 picks**: how many percentage points the best of the 10 or 50 architectures with the
#   highest predictions is behind the best of all that are held out.

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]
held = len(pipeline.space) - settings.judging.labels
display(
    *(
        Markdown(f"**{names[dataset]}**\n\n{top_table(rows.features, rows)}")
        for dataset, rows in summary.groupby("dataset", sort=False)
    ),
    Markdown(
        "\n".join(
            [
                *(
                    f"- **{names[dataset]}**: over all {held:,} held-out architectures the headline's τ is "
                    f"{table.loc[(HEADLINE, dataset), 'tau']:.2f}, and among their best tenth "
                    f"{table.loc[(HEADLINE, dataset), 'top_tau']:.2f}. In nDCG it differs from the best trivial rival, "
                    f"{best_trivial(dataset, 'ndcg')}, by {in_words(against(dataset, 'ndcg', best_trivial(dataset, 'ndcg')))}; "
                    f"from the paper's recipe by {in_words(against(dataset, 'ndcg', RECIPE))}."
                    for dataset in labels
                ),
                "",
                "What is left among the best tenth is what a search can use: [the search chapter](07_search_nas_bench_201) "
                "sees how far that carries.",
            ]
        )
    ),
)

# %% [markdown]
# ### Which accuracy?
#
# The same network has several accuracies: on validation or on test images, of one training or as the mean of several.
# Predictors are compared across papers that mean different ones. How far the accuracies themselves agree bounds what
# such a comparison can say.

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]


def agreement(dataset):
    """The lowest and highest Kendall's tau of two accuracies after the same epochs, and how many there are."""
    name, predicted = settings.space.name, settings.space.label_key(dataset)
    keys = [key for key in available(name) if (key.dataset, key.epochs) == (dataset, predicted.epochs)]
    known = [accuracy_of(name, key) for key in keys]
    known = [values for values in known if np.isfinite(values).all()]
    taus = [kendall(one, other) for one, other in combinations(known, 2)]
    return (min(taus), max(taus), len(known)) if taus else None


trained = "of one training" if settings.space.trials != "mean" else "as the mean of several trainings"
agreements = {dataset: found for dataset in labels if (found := agreement(dataset))}
Markdown(
    f"Predicted here is {settings.space.split} accuracy after {settings.space.epochs} epochs, {trained}. "
    + (
        "Against each other, the accuracies of the same networks after as many epochs (validation or test, one training "
        "or the mean) agree only to τ = "
        + "; ".join(
            f"{low:.2f} to {high:.2f} on {names[dataset]} ({count} kinds)"
            for dataset, (low, high, count) in agreements.items()
        )
        + "."
        if agreements
        else "No other accuracy of these networks is known here."
    )
)

# %% [markdown]
# ### Published marks
#
# For orientation, what others report on NAS-Bench-201, in the order CIFAR-10, CIFAR-100, ImageNet16-120. They are not
# of our splits and labels: all but the last are of the 9,445 cells in which no operation is dead, and of the mean
# test accuracy.
#
# | predictor | labels | nDCG | Kendall τ |
# |---|---|---|---|
# | Jacov, no training {cite:p}`mellor2021naswot,tybl2025vkdnw` | none | .540 / .402 / .356 | |
# | GRAF, features of the cell's graph {cite:p}`kadlecova2024graf,tybl2025vkdnw` | about 1,000 | .935 / .858 / .828 | |
# | VKDNW and zero-cost scores {cite:p}`tybl2025vkdnw` | about 1,000 | | .840 / .834 / .830 |
# | GRAF and zero-cost scores {cite:p}`kadlecova2024graf,tybl2025vkdnw` | about 1,000 | | .859 / .847 / .842 |
# | FLAN, a learnt encoding {cite:p}`akhauri2024flan` | 512 | | .877 (one number) |
#
# nDCG depends on which architectures are judged: on CIFAR-10 the number of parameters alone has an nDCG of .73 over all
# 15,625 cells, and of .74 over those 9,445.

# %% [markdown]
# ## Beyond accuracy
#
# A data Jacobian says how an output changes with the image, and an adversarial attack asks just that: which small change
# of an image changes the answer? So Jacobians ought to know robustness best of all. {cite:t}`jung2023robustness`
# attacked every trained network of NAS-Bench-201 on CIFAR-10's test images, by four methods at up to eleven strengths,
# in 255ths of the range of a value. FGSM, PGD and APGD follow the gradient; Square sees only the answers.
#
# The forests are asked for accuracy under each attack, from as many labels and on the same splits as above. Attacks that
# leave hardly any difference are left out: those under which nine networks in ten lie within five percentage points.

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]
LEAST_SPREAD = 5
ROBUST = (HEADLINE, "embedding", INPUTS, "one-hot + log parameters", "one-hot", "log parameters")
attacked = robustness() if "cifar10" in labels else None
robust = None
if attacked is not None:
    low, high = attacked.quantile([0.05, 0.95]).to_numpy()
    spread = attacked.loc[:, high - low > LEAST_SPREAD]
    robust = pd.concat(
        [
            predict({name: features[name] for name in ROBUST}, accuracy.to_numpy(), forests, workers=-1).assign(
                attack=attack, strength=strength
            )
            for (attack, strength), accuracy in spread.items()
        ]
    )
    robust_summary = summarize(robust)
    write_table(results / "05_analysis_robustness.csv", robust_summary)
    wide = robust.pivot(index="run", columns=["attack", "strength", "features"], values="tau")
    gains, rival_of = {}, {}
    for attack in spread:
        blind = [name for name in ROBUST if name in TRIVIAL]
        rival_of[attack] = max(blind, key=lambda name, attack=attack: wide[(*attack, name)].mean())
        gains[attack] = paired_difference(wide[(*attack, HEADLINE)], wide[(*attack, rival_of[attack])])
        lines = robust_summary.set_index(["attack", "strength", "features"]).loc[(*attack, HEADLINE)]
        records.append(
            judge(
                f"beyond.{attack[0].lower()}-{attack[1]:g}.tau",
                Interval(lines.tau, lines.tau_low, lines.tau_high, runs),
                reason=reason,
                baseline=wide[(*attack, rival_of[attack])].mean(),
            )
        )
    against_inputs = [told(paired_difference(wide[(*attack, HEADLINE)], wide[(*attack, INPUTS)])) for attack in spread]
    least, most = min(gains, key=lambda attack: gains[attack].value), max(gains, key=lambda attack: gains[attack].value)
    display(
        Markdown(
            f"{len(spread.columns)} of {len(attacked.columns)} attacks leave a spread. Against the best rival that sees "
            f"no network, the headline is {counted([told(gain) for gain in gains.values()])} of them; against its own "
            f"inputs, {counted(against_inputs)}. The difference from that rival is least under {least[0]} of strength "
            f"{least[1]:g} ({in_words(gains[least])}, {rival_of[least]}) and greatest under {most[0]} of strength "
            f"{most[1]:g} ({in_words(gains[most])}, {rival_of[most]})."
        )
    )
else:
    display(
        Markdown(
            f"*Not computed in this run: profile `{profile}` downloads nothing. Profiles `laptop` and `paper` have it.*"
        )
    )

# %% mystnb={"figure": {"name": "fig-robustness", "caption": "Kendall's τ of predicted and true accuracy under attack, by the attack's strength, with 95 % intervals over splits. Dark blue: our embedding with log parameters; light blue: the embedding alone; vermilion: one-hot with log parameters; grey: log parameters. Only attacks that leave a spread."}, "image": {"alt": "Line plots of Kendall's tau against the strength of an attack, one panel for each of FGSM, PGD, APGD and Square, for four feature sets."}} tags=["hide-input"]
if robust is not None:
    shown = {HEADLINE: "blue", "embedding": "sky blue", "one-hot + log parameters": "vermilion"}
    shown = {name: style.COLOURS[colour] for name, colour in shown.items()} | {"log parameters": "#777777"}
    figure, axes = style.figure(2, 2, panel_height=2.6)
    for panel, attack in zip(axes, ATTACKS, strict=True):
        for name, colour in shown.items():
            line = robust_summary[(robust_summary.attack == attack) & (robust_summary.features == name)]
            panel.plot(line.strength, line.tau, "o-", color=colour, markersize=3, label=name)
            panel.fill_between(line.strength, line.tau_low, line.tau_high, color=colour, alpha=0.25, linewidth=0)
        panel.set(xscale="log", title=attack, xlabel="strength (1/255)", ylabel="Kendall's τ", ylim=(-0.1, 1))
        panel.grid(axis="y")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)

# %% [markdown]
# ## A fourth space: DARTS
#
# All that was said so far is about one small cell. DARTS {cite:p}`liu2019darts` is the space that the field has searched
# most: two cells, one of which halves the resolution, with eight operations and free connections, in more than
# $10^{20}$ combinations. Nobody has trained them all. Of 1,000 drawn at random one accuracy each on CIFAR-10 is
# published {cite:p}`peng2024swap`: after 200 epochs of training, on 10,000 images. The width and depth of those
# networks are not published, so the Jacobians below are of small ones of ours.
#
# Everything is as above, but with far fewer labels: a forest is fitted on 100 or on 500 and ranks the others.

# %% tags=["hide-input"]
DARTS_LABELS = (100, 500)


def scored_at(features, accuracy, sizes):
    """The scores of all feature sets in every run, and of the headline trained on shuffled labels, for each number of
    labels."""
    tables = []
    for size in sizes:
        task = replace(forests, train_size=size)
        shuffled = {SHUFFLED: features[HEADLINE]}
        tables.append(predict(features, accuracy, task, workers=-1).assign(labels=size))
        tables.append(predict(shuffled, accuracy, replace(task, shuffle_labels=True), workers=-1).assign(labels=size))
    return pd.concat(tables)


def size_table(summary):
    """A row for each feature set, r and tau for each number of labels; the best of each column in bold."""
    columns = [(size, metric) for size in summary.labels.unique() for metric in ("r", "tau")]
    lines = summary.set_index(["features", "labels"])
    best = {(size, metric): lines.xs(size, level="labels")[metric].max() for size, metric in columns}
    rows = []
    for name in summary.features.unique():
        row = [name]
        for size, metric in columns:
            value, high = lines.loc[(name, size), [metric, f"{metric}_high"]]
            row.append(
                (f"**{value:.3f}**" if value == best[size, metric] else f"{value:.3f}") + f" ± {high - value:.3f}"
            )
        rows.append(row)
    header = ("features", *(f"{size} labels, {'τ' if metric == 'tau' else metric}" for size, metric in columns))
    return markdown_table(header, rows, numeric=range(1, len(header)))


darts = Pipeline(of_darts(settings), pipeline.store) if "cifar10" in settings.space.datasets else None
darts_scores = None
if darts is not None:
    darts_scores = scored_at(features_of(ClosedFormEmbedding(darts)), darts.accuracy("cifar10"), DARTS_LABELS)
    darts_summary = summarize(darts_scores)
    write_table(results / "05_analysis_darts.csv", darts_summary)

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]
if darts is None:
    display(
        Markdown(
            f"*Not computed in this run: it needs the table of the 1,000 accuracies, and profile `{profile}` downloads "
            "nothing. Profiles `laptop` and `paper` have it.*"
        )
    )
else:
    views = darts.profile.views
    lines = darts_summary.set_index(["features", "labels"])
    sentences = []
    for size in DARTS_LABELS:
        wide = darts_scores[darts_scores.labels == size].pivot(index="run", columns="features", values="tau")
        trivial = wide[[*TRIVIAL]].mean().idxmax()
        differences = {name: paired_difference(wide[HEADLINE], wide[name]) for name in (trivial, INPUTS, RECIPE)}
        sentences.append(
            f"- **{size} labels**: the headline's τ is {wide[HEADLINE].mean():.3f}. It differs from that of the best "
            f"trivial rival, {trivial}, by {in_words(differences[trivial])}; from that of its own inputs by "
            f"{in_words(differences[INPUTS])}; from that of the paper's recipe by {in_words(differences[RECIPE])}."
        )
        interval = Interval(*lines.loc[(HEADLINE, size), ["tau", "tau_low", "tau_high"]], runs)
        darts_reason = (
            f"networks of {views.channels} channels and {3 * views.cells + 2} cells, {views.resolution}x"
            f"{views.resolution} images, {views.points} points, {views.per_class} views (profile {profile})"
        )
        records.append(judge(f"darts.{size}_labels.tau", interval, reason=darts_reason, baseline=wide[trivial].mean()))
    display(
        Markdown(
            f"The {len(darts.space):,} genotypes, {len(darts.representatives):,} classes; Jacobians of networks with "
            f"{views.channels} channels and {3 * views.cells + 2} cells (the literature's have 36 and 20) on "
            f"{views.resolution}x{views.resolution} images, at {views.points} points in {views.per_class} views; {runs} "
            f"fresh splits.\n\n{size_table(darts_summary)}"
        ),
        Markdown("\n".join(sentences)),
        *(
            Markdown(f"How well the top is seen with **{size} labels**:\n\n{top_table(rows.features, rows)}")
            for size, rows in darts_summary.groupby("labels", sort=False)
        ),
    )
write_records(results / "05_analysis.json", records)
