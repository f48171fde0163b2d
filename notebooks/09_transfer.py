# ---
# jupyter:
#   cena:
#     needs: [topology, size, nas-bench-101, darts]
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
# # From one space to another
#
# An architecture's raw encoding means nothing outside its own space: six operations on the edges of a cell cannot be
# compared with five numbers of channels. A data Jacobian can be taken of any network. So one encoder can embed several
# spaces, and what is learnt from the accuracies of one may hold in another of which not a single network was trained.
#
# Section 5.3 of {cite:t}`anonymous2021cena` tries this on the two spaces of NATS-Bench {cite:p}`dong2021natsbench`: in the
# *topology* space networks differ in their cell, in the *size* space in the channels of five layers. A forest is fitted
# on 5,000 architectures of one and ranks the other (Figure 6 and Table 2).
#
# We repeat it and ask two things that the paper does not. What would the number of parameters alone transfer? And does
# it transfer an order, or accuracies?

# %% tags=["parameters"]
profile: str = "quick"  # [quick | laptop | paper] settings of the run
runs: int = 0  # [0 | 2..1000] fresh training sets of Table 2; 0: the profile's number
components: int = 16  # [0..512] principal components of an embedding given to the predictors; 0: all its columns
drawn: int = 3000  # [200..20000] most architectures of a space in a panel of a figure

# %% tags=["hide-input"]
from dataclasses import replace

import numpy as np
import pandas as pd
from IPython.display import Markdown, display

from cena.companion.project import results_folder
from cena.evaluate import (
    PAPER,
    TRIVIAL,
    Interval,
    PredictionTask,
    judge,
    kendall,
    not_run,
    paired_difference,
    pearson,
    predict,
    principal_components,
    summarize,
    transferred,
    write_records,
    write_table,
)
from cena.report import plots, style
from cena.report.tables import NAMES, NONE, markdown_table, top_table
from cena.report.wording import counted, in_words, signed, told
from cena.study.joint import JointEmbedding
from cena.study.pipeline import Pipeline
from cena.study.profiles import between_spaces, has_full_networks, of_darts, of_nas_bench_101, of_size
from cena.study.profiles import profile as settings_of
from cena.study.transfers import StackedSpaces, stored_transfer

style.use_style()
results = results_folder(profile)
topology = Pipeline(between_spaces(settings_of(profile)))
settings = topology.profile
size = Pipeline(of_size(settings), topology.store)
graph = Pipeline(of_nas_bench_101(settings), topology.store) if "cifar10" in settings.space.datasets else None
darts = Pipeline(of_darts(settings), topology.store) if "cifar10" in settings.space.datasets else None
pipelines = {"size": size, "topology": topology}
runs = runs or settings.judging.runs
names = {dataset: NAMES.get(dataset, dataset) for dataset in settings.space.datasets}
judged = "imagenet16" if "imagenet16" in settings.space.datasets else settings.space.datasets[0]


def labels_of(pipeline):
    chosen = pipeline.profile
    trained = "one training" if chosen.space.trials == "one" else f"{chosen.space.trials} over trainings"
    return f"{chosen.space.split} accuracy after {chosen.space.epochs} epochs ({trained})"


networks = (
    f"{'' if has_full_networks(settings) else 'reduced '}networks (topologies of {settings.views.channels} channels and {settings.views.cells} "
    f"cell{'s' * (settings.views.cells != 1)} a stage, {settings.views.resolution}x{settings.views.resolution} images)"
)
Markdown(
    f"This run: profile `{profile}`, {networks}, Jacobians at {settings.views.points} points in {settings.views.per_class} views.\n\n"
    + "\n".join(
        f"- **{name}**: "
        + (f"a random sample of {len(pipeline.space):,}" if pipeline.profile.space.architectures else "all")
        + f" architectures of {NAMES.get(pipeline.profile.space.name, pipeline.profile.space.name)}"
        + ("" if pipeline.profile.space.architectures else f", {len(pipeline.space):,}")
        + f"; labels: {labels_of(pipeline)}."
        for name, pipeline in pipelines.items()
    )
    + (
        "\n\nThe labels of the two spaces differ in split and epochs, as in the paper: no other labels are published."
        if labels_of(size) != labels_of(topology)
        else ""
    )
)

# %% [markdown]
# ## One encoder for both
#
# The encoders of [chapter 3](03_contrastive_embeddings) are made once more, from the views of both spaces together.
# Every architecture of the size space is a class of its own. No encoder sees a label. There are three:
#
# - *the embedding*: the closed form of all readings. Each space counts alike: the two covariances are means over the
#   spaces, and what the spaces' means differ by counts among what tells classes apart;
# - *the spectrum in closed form*: the same, of the singular values alone. All networks of the size space share one cell,
#   so what can be read from a place in the image hardly varies there, and a slope that is fitted to it there means
#   nothing elsewhere. The spectrum varies in both;
# - *the paper's recipe*: the Mixer, trained on the union. It is not told which space a view is from.
#
# All features below are stacked, one row for each architecture of the size space and then of the topology space, so
# that a column means the same in both.

# %%
both = StackedSpaces(pipelines, JointEmbedding([topology, size]))
space, embedding, features = both.space, both.embedding, both.features(components or None)
labels = {dataset: both.accuracy(dataset) for dataset in settings.space.datasets}

# %% [markdown]
# Do the two spaces lie in the same part of the embedding? A predictor that has learnt from one can only speak about the
# other where they overlap.

# %% mystnb={"figure": {"name": "fig-joint", "caption": "Both spaces in the first two principal components of the joint embedding: which space an architecture is of, and its accuracy."}, "image": {"alt": "Two scatter plots of the same points, coloured by search space and by accuracy."}} tags=["hide-input"]
plane = principal_components(embedding, 2)
generator = np.random.default_rng(settings.seed)
shown = np.sort(np.concatenate([generator.permutation(np.flatnonzero(space == name))[:drawn] for name in pipelines]))
figure, axes = style.figure(1, 2, panel_height=3.0)
for name, colour in (("topology", style.COLOURS["vermilion"]), ("size", style.COLOURS["blue"])):
    points = plane[shown][space[shown] == name]
    axes[0].scatter(*points.T, s=4, color=colour, alpha=0.5, linewidths=0, label=name, rasterized=True)
axes[0].set(xticks=[], yticks=[], aspect="equal")
axes[0].spines[:].set_visible(False)
axes[0].legend(markerscale=2.5)
_ = plots.accuracy_scatter(axes[1], plane[shown], labels[judged][shown], label=f"{names[judged]} accuracy (%)")

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]


def inside(matrix, target, source):
    """The share of a target's architectures whose every column is within the source's middle 99 %."""
    low, high = np.quantile(matrix[space == source], (0.005, 0.995), axis=0)
    values = matrix[space == target]
    return float(((values >= low) & (values <= high)).all(axis=1).mean())


CROSS = (("size", "topology"), ("topology", "size"))
overlap = {
    (source, target): (inside(plane, target, source), inside(features["log parameters"], target, source))
    for source, target in CROSS
}
Markdown(
    " ".join(
        f"Of the {target} space, {planar:.0%} lies within the middle 99 % of the {source} space along both of these "
        f"components, and {parametric:.0%} within its range of parameters."
        for (source, target), (planar, parametric) in overlap.items()
    )
)

# %% [markdown]
# ## Four directions
#
# For each of four directions, source → target, a random forest {cite:p}`breiman2001forests` with default
# hyper-parameters is fitted on randomly chosen architectures of the source, and ranks all architectures of the target;
# within one space, those it was not fitted on. Every run draws a new training set (the authors' code drew one for its
# ten runs), and every feature set sees the same ones.
#
# Beside the forest stands a **linear model** (ridge regression on standardised columns): outside the range of what it
# has seen a forest predicts a constant, a line goes on. With three encoders and two models there are six ways to
# predict. One of them is **declared** the headline for all directions and all data sets: the one with the highest
# mean τ over the four directions on the first data set alone. What it does on the others it was not chosen for. The
# rivals:
#
# - *log parameters*: under the linear model simply the order of the parameter counts;
# - *jacov + log parameters* and *log spectrum + log parameters*: the same Jacobians without an encoder;
# - *raw encoding*, within a space only, where it means something: the operations one-hot, the numbers of channels as
#   they are.

# %%
OURS, SPECTRAL = "embedding + log parameters", "spectrum in closed form + log parameters"
RECIPE = "paper's recipe + log parameters"
train_size = settings.judging.transfer_labels
forests = PredictionTask(train_size, runs, settings.seed, trees=settings.judging.trees)
raw = {"size": size.space.choices()[0], "topology": topology.space.one_hot()}


def scored(features, accuracy, space, raw, task=forests):
    """Every feature set, model, direction and run."""
    tables = [
        stored_transfer(topology.store, features, accuracy, space, each, workers=-1).assign(model=each.model)
        for each in (task, replace(task, model="linear"))
    ]
    for name, encoding in raw.items():
        within = predict({"raw encoding": encoding}, accuracy[space == name], task, workers=-1)
        tables.append(within.assign(source=name, target=name, model="forest"))
    return pd.concat(tables, ignore_index=True)


scores = pd.concat(
    [scored(features, labels[dataset], space, raw).assign(dataset=dataset) for dataset in settings.space.datasets],
    ignore_index=True,
)
first = settings.space.datasets[0]
means = scores[scores.dataset == first].groupby(["features", "model"]).tau.mean()
ways = [(name, model) for name in (OURS, SPECTRAL, RECIPE) for model in ("forest", "linear")]
DECLARED = max(ways, key=means.__getitem__)
HEADLINE, headline_model = DECLARED
OTHER = (HEADLINE, "linear" if headline_model == "forest" else "forest")
Markdown(
    f"On {names[first]} the mean τ over the four directions is "
    + ", ".join(f"{means[way]:.3f} ({way[0]}, {way[1]})" for way in ways)
    + f". Declared for all that follows: **{HEADLINE}, {headline_model}**."
)

# %% [markdown]
# ### Figure 6
#
# The first run of each direction, as in the paper, by the declared predictor.

# %% mystnb={"figure": {"name": "fig-transfer", "caption": "Figure 6 of the paper: accuracy predicted by the declared predictor against true accuracy, in four directions source → target (first run; a random sample is drawn, r and τ are of all). On the dashed line prediction is perfect."}, "image": {"alt": "Four scatter plots of predicted against true accuracy: size to size, size to topology, topology to size, topology to topology."}} tags=["hide-input"]
DIRECTIONS = [(source, target) for source in pipelines for target in pipelines]
figure, axes = style.figure(2, 2, panel_height=3.1)
kept, first_run = [], {}
for panel, (source, target) in zip(axes, DIRECTIONS, strict=True):
    table = transferred(features[HEADLINE], labels[judged], space, source, replace(forests, model=headline_model))
    table = first_run[source, target] = table[table.target == target]
    r, tau = pearson(table.prediction, table.truth), kendall(table.prediction, table.truth)
    sample = table.sample(min(drawn, len(table)), random_state=settings.seed).sort_index()
    kept.append(sample.assign(source=source))
    plots.prediction_scatter(panel, sample.truth, sample.prediction, label=f"{names[judged]} accuracy (%)")
    panel.set_title(f"{source} → {target}: r = {r:.3f}, τ = {tau:.3f}")
write_table(results / "09_transfer_fig6.csv", pd.concat(kept))

# %% [markdown]
# ### Table 2, with its rivals
#
# Mean over runs, and half the width of its 95 % interval, with the best score of each direction in bold.

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]
summary = summarize(scores)
write_table(results / "09_transfer_table2.csv", summary)
table = summary.set_index(["dataset", "source", "target", "features", "model"]).sort_index()
rival_names = ["log spectrum + log parameters", "jacov + log parameters", "log parameters"]
predictors = [
    (name, model)
    for name in (OURS, "embedding", SPECTRAL, RECIPE, "untrained encoder + log parameters", *rival_names)
    for model in ("forest", "linear")
] + [("raw encoding", "forest")]


def printed(source, target, metric):
    return PAPER[f"table2.{source}_to_{target}.{metric}"].value


def table2(summary, directions, published=False):
    """A table like Table 2: a row for each predictor, r and tau of each direction."""
    columns = [(source, target, metric) for source, target in directions for metric in ("r", "tau")]
    lines = summary.set_index(["source", "target", "features", "model"]).sort_index()
    rows = []
    if published:
        rows.append(("*CENA as published*", *(f"{printed(*column):.2f}" for column in columns)))
    for name, model in predictors:
        row = [f"{name}, {model}"]
        for source, target, metric in columns:
            key = (source, target, name, model)
            if key not in lines.index:
                row.append(NONE)
                continue
            value, high = lines.loc[key, [metric, f"{metric}_high"]]
            best = value == lines.loc[(source, target), metric].max()
            row.append((f"**{value:.3f}**" if best else f"{value:.3f}") + f" ± {high - value:.3f}")
        rows.append(tuple(row))
    header = ("features, model", *(f"{s} → {t} {'τ' if m == 'tau' else m}" for s, t, m in columns))
    return markdown_table(header, rows, numeric=range(1, len(header)))


for dataset in sorted(settings.space.datasets, key=lambda each: each != judged):
    part = table2(summary[summary.dataset == dataset], DIRECTIONS, published=dataset == "imagenet16")
    display(Markdown(f"**{names[dataset]}**, {train_size:,} training labels, {runs} runs\n\n{part}"))

# %% mystnb={"figure": {"name": "fig-transfer-rivals", "caption": "Kendall's τ of every feature set in each direction, with its 95 % interval over training sets. Filled: forest; hollow: linear model. Dark blue: our encoders; light blue: the paper's recipe; vermilion: rivals without an encoder; grey: an encoder that was not trained. Dashed: the paper's Table 2, where this run has its labels."}, "image": {"alt": "Dot plots of Kendall's tau of each feature set, one panel for each direction."}} tags=["hide-input"]
untrained = "untrained encoder + log parameters"
order = ["raw encoding", *reversed(rival_names), untrained, RECIPE, SPECTRAL, "embedding", OURS]
shade = dict.fromkeys(("raw encoding", *rival_names), style.COLOURS["vermilion"])
shade |= dict.fromkeys((OURS, "embedding", SPECTRAL), style.COLOURS["blue"]) | {RECIPE: style.COLOURS["sky blue"]}
figure, axes = style.figure(2, 2, panel_height=2.6)
for number, (panel, (source, target)) in enumerate(zip(axes, DIRECTIONS, strict=True)):
    for name, model in predictors:
        if (judged, source, target, name, model) not in table.index:
            continue
        row = table.loc[(judged, source, target, name, model)]
        colour, height = shade.get(name, "#777777"), order.index(name) + (0.16 if model == "forest" else -0.16)
        panel.plot([row.tau_low, row.tau_high], [height, height], color=colour)
        face = colour if model == "forest" else "white"
        panel.plot(row.tau, height, "o", markeredgecolor=colour, markerfacecolor=face, markersize=4.5)
    if judged == "imagenet16":
        panel.axvline(printed(source, target, "tau"), color="black", linewidth=0.8, linestyle="--")
    panel.set_yticks(range(len(order)), order if number % 2 == 0 else [""] * len(order))
    panel.set(title=f"{source} → {target}", xlabel="Kendall's τ", xlim=(-0.25, 1))
    panel.grid(axis="x")

# %% [markdown]
# ### How well the top of a target is seen
#
# The same predictions by the scores of [chapter 5](05_analysis) that look at the best of a space only: nDCG
# ({eq}`eq:ndcg`), τ among the truly best tenth, and the regret in percentage points after 10 and 50 picks. One table for
# each direction; the best of each column is bold.

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]


def top_tables(summary, directions):
    """For each direction a row for each predictor."""
    lines = summary.set_index(["source", "target", "features", "model"])
    parts = []
    for source, target in directions:
        known = [(name, model) for name, model in predictors if (source, target, name, model) in lines.index]
        rows = lines.loc[[(source, target, *pair) for pair in known]]
        parts.append(f"**{source} → {target}**\n\n{top_table([', '.join(pair) for pair in known], rows)}")
    return "\n\n".join(parts)


display(Markdown(f"{names[judged]}:\n\n{top_tables(summary[summary.dataset == judged], DIRECTIONS)}"))

# %% [markdown]
# ### The verdict, in pairs
#
# The declared predictor against the paper, and run by run against: the best rival that uses neither encoder nor
# spectrum; the log spectrum with log parameters, the paper's recipe and the untrained encoder under the same model; and
# itself under the other model. A difference counts when its interval excludes zero.

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]
TRIVIAL_HERE = [pair for pair in predictors if pair[0] in (*TRIVIAL, "raw encoding")]
reason = f"{networks}, {settings.views.points} points, {settings.views.per_class} views"
reason += f", by {HEADLINE} and a {headline_model} model, declared on {names[first]}"
reason += f", {len(size.space):,} of the sizes" if size.profile.space.architectures else ""
reason += f" (profile {profile})" if not has_full_networks(settings) else ""


def of_runs(dataset, source, target, name, model, metric):
    chosen = (scores.dataset == dataset) & (scores.source == source) & (scores.target == target)
    chosen &= (scores.features == name) & (scores.model == model)
    return scores[chosen].sort_values("run")[metric].to_numpy()


records, rows, found = [], [], []
for dataset in settings.space.datasets:
    for source, target in DIRECTIONS:
        for metric in ("r", "tau"):
            where = (dataset, source, target)
            line = table.loc[(*where, *DECLARED)]
            interval = Interval(line[metric], line[f"{metric}_low"], line[f"{metric}_high"], runs)
            rivals = {
                pair: table.loc[(*where, *pair), metric] for pair in TRIVIAL_HERE if (*where, *pair) in table.index
            }
            trivial = max(rivals, key=rivals.__getitem__)
            of_paper = dataset == "imagenet16"
            id = f"table2.{'' if of_paper else dataset + '.'}{source}_to_{target}.{metric}"
            record = judge(id, interval, reason=reason, baseline=rivals[trivial])
            records.append(record)
            ours = of_runs(*where, *DECLARED, metric)
            against = {
                "trivial": trivial,
                "spectrum": ("log spectrum + log parameters", headline_model),
                "recipe": (RECIPE, headline_model),
                "untrained": (untrained, headline_model),
                "other": OTHER,
            }
            pairs = {kind: paired_difference(ours, of_runs(*where, *pair, metric)) for kind, pair in against.items()}
            found.append({"dataset": dataset, "source": source, "target": target, "metric": metric, "record": record})
            found[-1] |= {kind: told(difference) for kind, difference in pairs.items()}
            if dataset == judged:
                rows.append(
                    (
                        f"{source} → {target} {'τ' if metric == 'tau' else metric}",
                        str(interval),
                        f"{record.paper:.2f}: {record.status}" if of_paper else NONE,
                        f"{signed(pairs['trivial'])} ({', '.join(trivial)}): {told(pairs['trivial'])}",
                        *(in_words(pairs[kind]) for kind in ("spectrum", "recipe", "untrained", "other")),
                    )
                )
if "imagenet16" not in settings.space.datasets:
    records += [
        not_run(id, f"profile {profile} has no ImageNet16-120 labels") for id in PAPER if id.startswith("table2.")
    ]
found = pd.DataFrame(found)
header = ("", "declared", "paper", "minus best trivial")
header += ("minus log spectrum", "minus the paper's recipe", "minus untrained", f"minus {OTHER[1]}")
Markdown(markdown_table(header, rows))

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]
across, within = found[found.source != found.target], found[found.source == found.target]
statuses = pd.Series([record.status for record in records if record.paper is not None and record.runs], dtype=str)
lines = [
    "- **Against the paper's Table 2**: "
    + (
        "; ".join(f"{status}: {number}" for status, number in statuses.value_counts().items())
        + f" of {len(statuses)} numbers."
        if len(statuses)
        else "nothing, for this run does not have its labels."
    )
]
for title, rows in (("Across spaces", across), ("Within a space", within)):
    lines.append(
        f"- **{title}**, on all data sets: against the best trivial rival {counted(rows['trivial'])} scores; against the log "
        f"spectrum {counted(rows['spectrum'])} scores; against the paper's recipe {counted(rows['recipe'])} scores; against "
        f"the untrained encoder {counted(rows['untrained'])} scores; against the {OTHER[1]} on the same features "
        f"{counted(rows['other'])} scores."
    )
linear_parameters = {
    (source, target): table.loc[(judged, source, target, "log parameters", "linear"), "tau"] for source, target in CROSS
}
for (source, target), reference in linear_parameters.items():
    candidates = table.loc[(judged, source, target)].drop(index="log parameters").tau
    best, best_model = candidates.idxmax()
    ours = table.loc[(judged, source, target, *DECLARED)]
    lines.append(
        f"- **{source} → {target} on {names[judged]}**: sorting by parameters alone gives τ = {reference:.3f}; the "
        f"declared predictor {'is significantly better' if ours.tau_low > reference else 'is not significantly better'} ({ours.tau:.3f}). The best other "
        f"predictor is {best}, {best_model} ({candidates.max():.3f})."
    )
Markdown("\n".join(lines))

# %% [markdown]
# ## An order, or accuracies?
#
# Correlations do not see a wrong level or a wrong scale. A reader of Figure 6 might take a point off the dashed line for
# noise, where all points are off it by the same amount. So, of the first run: the mean error of the predictions and how
# far they spread, beside the truth.

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]
rows = []
for (source, target), predictions in first_run.items():
    error = predictions.prediction - predictions.truth
    rows.append(
        (
            f"{source} → {target}",
            f"{error.mean():+.2f}",
            f"{error.abs().mean():.2f}",
            f"{predictions.prediction.std():.2f}",
            f"{predictions.truth.std():.2f}",
            f"{(predictions.truth - predictions.truth.mean()).abs().mean():.2f}",
        )
    )
header = ("", "mean error", "mean absolute error", "spread of predictions", "spread of truth", "error of the mean")
useful = [
    f"{source} → {target}"
    for (source, target), each in first_run.items()
    if (each.prediction - each.truth).abs().mean() < (each.truth - each.truth.mean()).abs().mean()
]
display(
    Markdown(markdown_table(header, rows, numeric=range(1, 6))),
    Markdown(
        f"All in points of {names[judged]} accuracy; spreads are standard deviations, and *error of the mean* is the "
        "mean absolute error of a predictor that knows nothing but the target's mean. As a prediction of accuracies "
        f"the declared predictor is better than that in {', '.join(useful) if useful else 'no direction'}; elsewhere only "
        "its order can be of use."
    ),
)

# %% [markdown]
# ## Where it is lost
#
# A predictor has seen the accuracies and the parameter counts of its source only. So the targets of each cross
# direction are split in two: those with as many parameters as the middle 99 % of the source, and those outside. If the
# loss were one of extrapolation only, the declared predictor would hold its own inside.

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]
rows = []
for source, target in CROSS:
    predictions = first_run[source, target]
    counts = features["log parameters"][:, 0]
    low, high = np.quantile(counts[space == source], (0.005, 0.995))
    own = counts[predictions.row]
    within_range = (own >= low) & (own <= high)
    for where, mask in (("inside", within_range), ("outside", ~within_range)):
        part = predictions[mask]
        if len(part) < 2:
            continue
        rows.append(
            (
                f"{source} → {target}, {where}",
                f"{len(part):,}",
                f"{kendall(part.prediction, part.truth):.3f}",
                f"{kendall(own[mask], part.truth):.3f}",
            )
        )
header = ("targets", "architectures", "τ of the declared", "τ of the number of parameters")
behind = [row[0] for row in rows if row[0].endswith("inside") and float(row[2]) < float(row[3])]
Markdown(
    markdown_table(header, rows, numeric=range(1, 4))
    + f"\n\n{names[judged]}, the first run. "
    + (
        f"Behind the number of parameters even there: {'; '.join(behind)}. So more than extrapolation is missing: what "
        "the embedding says of accuracy in one space does not hold in the other."
        if behind
        else "Inside, the declared predictor is nowhere behind the number of parameters: what is lost is extrapolation."
    )
)

# %% [markdown]
# ## To and from NAS-Bench-101
#
# The two spaces above share their skeleton, stem and training recipe. The case that the paper skips is the harder one,
# of another benchmark {cite:p}`ying2019nasbench101`: its *graph* space has cells of up to seven vertices and another
# skeleton, and its accuracies come from another recipe, at another laboratory. Again the encoders are made from the
# views of both spaces, graph and topology, and everything else is as above. Both have labels on CIFAR-10 alone.


# %%
def beside_topologies(name, other, task):
    """The scores of all directions between the topology space and another benchmark, by one encoder for both."""
    seen = topology
    if other.profile.views.resolution != settings.views.resolution:  # one encoder needs views of one resolution
        seen = Pipeline(settings.vary(views={"resolution": other.profile.views.resolution}), topology.store)
    both = {name: other, "topology": seen}
    stacked = StackedSpaces(both, JointEmbedding([seen, other]))
    encodings = {name: other.space.one_hot(), "topology": raw["topology"]}
    return scored(stacked.features(components or None), stacked.accuracy("cifar10"), stacked.space, encodings, task)


def show_beside_topologies(name, other, task, scores):
    """The tables of these scores, and for each direction the declared predictor beside its best trivial rival."""
    directions = [(source, target) for source in (name, "topology") for target in (name, "topology")]
    summary = summarize(scores)
    write_table(results / f"09_transfer_{name}.csv", summary)
    lines = summary.set_index(["source", "target", "features", "model"]).sort_index()
    by_run = scores.set_index(["source", "target", "features", "model", "run"]).tau.sort_index()
    reason = (
        f"{networks}, {settings.views.points} points, {other.profile.views.per_class} views of {len(other.space):,} "
        f"{NAMES[other.space.name]} architectures (profile {profile})"
    )
    sentences = []
    for source, target in directions:
        ours = lines.loc[(source, target, *DECLARED)]
        rivals = lines.loc[(source, target)].loc[lambda rows: [pair in TRIVIAL_HERE for pair in rows.index]]
        rival = rivals.tau.idxmax()
        for metric in ("r", "tau"):
            interval = Interval(ours[metric], ours[f"{metric}_low"], ours[f"{metric}_high"], runs)
            id = f"table2.cifar10.{source}_to_{target}.{metric}"
            if (source, target) != ("topology", "topology"):  # it has its record above, by the other encoder
                records.append(judge(id, interval, reason=reason, baseline=rivals[metric].max()))
        mine, best = (by_run.loc[(source, target, *pair)] for pair in (DECLARED, rival))
        sentences.append(
            f"- **{source} → {target}**: τ = {ours.tau:.3f}; the best trivial rival is {rival[0]}, {rival[1]} "
            f"({rivals.tau.max():.3f}), difference {in_words(paired_difference(mine.to_numpy(), best.to_numpy()))}. The "
            f"{OTHER[1]} on the same features reaches {lines.loc[(source, target, *OTHER), 'tau']:.3f}, and the paper's "
            f"recipe {lines.loc[(source, target, RECIPE, headline_model), 'tau']:.3f} ({headline_model})."
        )
    display(
        Markdown(
            f"**CIFAR-10**, {len(other.space):,} architectures of {NAMES[other.space.name]} ({labels_of(other)}) and "
            f"{len(topology.space):,} of NAS-Bench-201 ({labels_of(topology)}), {task.train_size:,} training labels, "
            f"{runs} runs\n\n{table2(summary, directions)}"
        ),
        Markdown("\n".join(sentences)),
        Markdown(
            "How well the top is seen across the benchmarks:\n\n"
            + top_tables(summary, [(name, "topology"), ("topology", name)])
        ),
    )


if graph is not None:
    graph_scores = beside_topologies("graph", graph, forests)

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]
if graph is None:
    display(Markdown(f"*Not computed in this run: profile `{profile}` has no labels of NAS-Bench-101.*"))
else:
    show_beside_topologies("graph", graph, forests, graph_scores)

# %% [markdown]
# ## To and from DARTS
#
# The [fourth space](05_analysis) is the farthest: two cells, separable and dilated convolutions, and of all its
# accuracies only 1,000, of networks at a width and depth that are not published. So there are 500 training labels
# in every direction here, in the topology space too. Parameters are counted at the scale of the literature, where the
# smallest network of DARTS is larger than any of the topology space: across, a forest that splits by them can
# only answer with a constant, and the linear model is the one to look at.

# %%
if darts is not None:
    few = replace(forests, train_size=500)
    darts_scores = beside_topologies("darts", darts, few)

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]
if darts is None:
    display(
        Markdown(
            f"*Not computed in this run: it needs the table of the 1,000 accuracies, and profile `{profile}` downloads "
            "nothing.*"
        )
    )
else:
    show_beside_topologies("darts", darts, few, darts_scores)
write_records(results / "09_transfer.json", records)
