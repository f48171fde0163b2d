# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Searching NAS-Bench-201
#
# An embedding that knows which architectures behave alike should make good ones easy to find. Section 5 of the paper
# {cite:p}`anonymous2021cena` tests this with two optimisers that know nothing about networks, the tree-structured
# Parzen estimator (TPE, {cite:t}`bergstra2011tpe`) and differential evolution (DE, {cite:t}`storn1997differential`).
# Each moves through the CENA coordinates with default settings; Fig. 5 follows them for 150 evaluations and more. The
# paper reports that both do better there than in the arch2vec embedding {cite:p}`yan2020arch2vec`, and that TPE on
# CENA beats REINFORCE on the raw encoding.
#
# **The question here is a harder one:** does the same optimiser do better on CENA than on the plain list of
# operations? That costs nothing to compute, and the paper does not show it. Random search is the other rival. arch2vec
# and REINFORCE are not run in this chapter, so it says nothing about the paper's comparison with them.

# %% tags=["parameters"]
profile: str = "quick"  # [quick | laptop | paper] settings of the run
runs: int = 0  # [0..1000] repeated searches of each method, at least 2; 0: the profile's number
budget: int = 0  # [0..2000] architectures that each search evaluates; 0: the profile's number

# %% tags=["hide-input"]
import os
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from IPython.display import HTML, Markdown, display
from matplotlib.ticker import LogLocator, NullFormatter
from scipy.stats import rankdata, spearmanr

from cena.companion.pipeline import Pipeline
from cena.companion.plots import COLOURS, METHODS, curve_with_interval, figure, use_style
from cena.companion.searches import repeated_searches
from cena.companion.tables import NAMES, markdown_table
from cena.data import labels
from cena.data.labels import LabelKey
from cena.evaluate import judge, kendall, mean_interval, paired_difference, write_records, write_table
from cena.search import CategoricalCandidates, ContinuousCandidates, random_regret_expectation, regret_table

use_style()
pipeline = Pipeline(profile)
settings = pipeline.profile
space = pipeline.space
runs = runs or settings.search_runs
budget = budget or settings.search_budget
checkpoints = [n for n in (50, 100, 150, 200) if n <= budget] or [budget]
seeds = [settings.seed + run for run in range(runs)]
results = Path(os.environ.get("CENA_RESULTS", "results"))
stem = "07_search_nas_bench_201"

Markdown(
    f"This page was computed under profile `{profile}`: {runs} searches of {budget} evaluations for each method, in "
    f"{len(space):,} architectures of the {NAMES.get(space.name, space.name)} space. The Jacobians behind the CENA "
    f"coordinates are of networks with {settings.cells} cell{'s' * (settings.cells > 1)} a stage and "
    f"{settings.resolution}x{settings.resolution} images."
    + (
        " This is the bundled digits benchmark, **not NAS-Bench-201**: the same kind of cell, trained on small images "
        "of digits. Profiles `laptop` and `paper` search NAS-Bench-201 itself."
        if space.name.startswith("digits")
        else ""
    )
)

# %% [markdown]
# ## What a search sees, and how it is judged
#
# A search evaluates architectures $a_1, a_2, \dots$ and sees the accuracy $g(a_i)$ of each, its *guide*. After $n$
# evaluations it would return the best it has seen. It is judged by the *report* accuracy $r$ of that one: its *regret*,
# the shortfall against the best architecture of the whole space $\mathcal{A}$,
#
# $$
# R_n = \max_{a \in \mathcal{A}} r(a) - r(a^*_n), \qquad
# a^*_n = \operatorname*{arg\,max}_{a \in \{a_1, \dots, a_n\}} g(a) ,
# $$ (eq:regret)
#
# in percentage points of accuracy.


# %%
def guide_and_report(dataset):
    """Guide by validation accuracy where there is one, else by the labels that also judge, as in the paper."""
    report = pipeline.accuracy(dataset)
    key = LabelKey(dataset, "validation", settings.epochs, settings.trials)
    if key not in labels.available(settings.space):
        return report, report
    guide = labels.accuracy(settings.space, dataset=dataset, split=key.split, epochs=key.epochs, trials=key.trials)
    return guide, report


accuracies = {dataset: guide_and_report(dataset) for dataset in settings.datasets}
noiseless = all(guide is report for guide, report in accuracies.values())

trainings = {"one": "one training", "mean": "the mean of all trainings"}[settings.trials]
which = f"{settings.split} accuracy after {settings.epochs} epochs, {trainings}"
Markdown(
    f"**Guide and report are the same labels here, as in the paper** ({which}): searches see the very numbers they are "
    "judged by. That is a noiseless problem, easier than architecture search is; what it measures is how well a method "
    "finds the top of a fixed table, not how well the winner would do on new data."
    if noiseless
    else f"**Guide and report differ here**: searches see validation accuracy and are judged by {which}. A search can "
    "find the best guide and still have regret, and regret can rise. The paper, and the profiles on NAS-Bench-201, "
    "use the same labels for both."
)

# %% [markdown]
# ## The methods
#
# Both optimisers propose a point $z$ in a box. What is evaluated is the nearest architecture not evaluated yet,
#
# $$
# a_n = \operatorname*{arg\,min}_{a \in \mathcal{A} \setminus \{a_1, \dots, a_{n-1}\}} d(z, p_a) ,
# $$ (eq:snap)
#
# with $p_a$ the place of $a$. On CENA that is its three coordinates, the centroid of its Laguerre cell and scaled log
# parameters ([chapter 4](04_layout)), and $d$ is Euclidean. On the raw encoding it is the operation on each of the six
# edges of the cell, and $d$ counts the edges that differ. Ties are broken at random, and every method gets exactly the
# same number of evaluations. For the raw encoding, TPE gets categorical variables, and DE gets axes cut into five
# equal bins.
#
# A method is a row of a table: how it is labelled, its optimiser, and what it sees.

# %%
cena = ContinuousCandidates(pipeline.coordinates)
raw = CategoricalCandidates(*space.choices())

methods = [
    ("random", "random", raw),  # it does not look at the encoding
    ("TPE on CENA", "tpe", cena),
    ("DE on CENA", "differential-evolution", cena),
    ("TPE on raw encoding", "tpe", raw),
    ("DE on raw encoding", "differential-evolution", raw),
]


def searched(dataset, method, candidates):
    """The regret of every run, (runs, budget); finished methods are found in the artifact store."""
    guide, report = accuracies[dataset]
    histories = repeated_searches(pipeline.store, method, candidates, guide, budget, seeds, pipeline.workers)
    return regret_table(histories, report)


regrets = {
    dataset: {label: searched(dataset, method, candidates) for label, method, candidates in methods}
    for dataset in settings.datasets
}
expected = {dataset: random_regret_expectation(*accuracies[dataset], budget) for dataset in settings.datasets}

# %% [markdown]
# Random search needs no simulation: the expectation of its regret is a sum over the ranks of the space. It is what the
# others are compared with below; the simulated runs are there to show its spread, and to check the two against each
# other.
#
# Two remarks on "default settings". Scipy's differential evolution starts from a population of 15 points for each
# dimension, spread at random, and evolves nothing before all of them have been evaluated:

# %% tags=["hide-input"]
Markdown(
    f"so **DE is random sampling for its first {15 * cena.dimensions} evaluations on CENA and its first "
    f"{15 * raw.dimensions} on the raw encoding**, out of {budget}."
)

# %% [markdown]
# And the paper does not say which implementation of TPE it used, nor which version. Ours is optuna's as pinned in
# `requirements.txt`, which by default models all dimensions jointly (`multivariate`). In 2021 optuna's default modelled
# each dimension by itself. So "TPE with default settings" is a different, and reportedly stronger, optimiser today, on
# both encodings.
#
# ## Regret against evaluations

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig:search-201", "caption": "Regret of the best architecture found so far (Fig. 5a-c of the paper): mean over repeated searches, with its 95 % interval as a band. The colour is what a method sees of an architecture, the line its optimiser. Lower is better; the axis is logarithmic, and a curve that leaves it at the bottom has found the best architecture in every run."}, "image": {"alt": "Regret against the number of evaluated architectures, one panel for each data set, one curve for each search method."}}
curves = pd.DataFrame(
    [
        {
            "dataset": dataset,
            "method": label,
            "evaluations": n + 1,
            "regret": mean.value,
            "low": mean.low,
            "high": mean.high,
        }
        for dataset, table in regrets.items()
        for label, values in table.items()
        for n, mean in enumerate(map(mean_interval, values.T))
    ]
)
curves["low"] = curves["low"].clip(lower=0)  # a regret cannot be negative, its symmetric interval can

drawn, panels = figure(columns=len(regrets), panel_height=3.4)
for panel, (dataset, table) in zip(panels, regrets.items(), strict=True):
    of_dataset = curves[curves["dataset"] == dataset]
    floor = 0.8 * min(values.mean(axis=0)[values.mean(axis=0) > 0].min() for values in table.values())
    for label, curve in of_dataset.groupby("method", sort=False):
        low, high = (curve[name].clip(lower=floor) for name in ("low", "high"))
        curve_with_interval(panel, curve["evaluations"], curve["regret"], low, high, label)
    panel.plot(np.arange(1, budget + 1), expected[dataset], color="0.6", linewidth=0.8, label="random, exact")
    panel.set(title=NAMES[dataset], xlabel="evaluated architectures", yscale="log")
    panel.set(xlim=(1, budget), ylim=(floor, 1.3 * expected[dataset][min(9, budget - 1)]))
    panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panel.yaxis.set_major_formatter("{x:g}")
    panel.yaxis.set_minor_formatter(NullFormatter())
    panel.grid(axis="y")
panels[0].set_ylabel("regret (percentage points)")
names, handles = panels[0].get_legend_handles_labels()[::-1]
legend = drawn.legend(handles, names, loc="outside lower center", ncols=3)


# %% tags=["hide-input"]
def regret_row(dataset, label):
    intervals = (mean_interval(regrets[dataset][label][:, n - 1]) for n in checkpoints)
    return [
        NAMES[dataset],
        label,
        *(f"{mean.value:.2f} [{max(mean.low, 0):.2f}, {mean.high:.2f}]" for mean in intervals),
    ]


rows = []
for dataset in regrets:
    exact = [f"{expected[dataset][n - 1]:.2f}" for n in checkpoints]
    rows.append([NAMES[dataset], "random, exact expectation", *exact])
    rows += [regret_row(dataset, label) for label in regrets[dataset]]
header = ["data set", "method", *(f"regret after {n}" for n in checkpoints)]
numeric = range(2, len(header))
Markdown(
    f"Mean regret in percentage points over {runs} runs, with its 95 % interval:\n\n"
    + markdown_table(header, rows, numeric)
)

# %% [markdown]
# The same numbers to explore: choose a data set; click a method in the legend to hide or show it; hover to read values.

# %% tags=["hide-input"]
dashes = {"-": "solid", "--": "dash", ":": "dot"}
interactive = go.Figure()
for (dataset, label), curve in curves.round(4).groupby(["dataset", "method"], sort=False):
    look, shown = METHODS[label], dataset == settings.datasets[0]
    numbers = {name: curve[name].tolist() for name in ("evaluations", "regret", "low", "high")}
    red, green, blue = (int(look["color"][i : i + 2], 16) for i in (1, 3, 5))
    interactive.add_scatter(
        x=numbers["evaluations"],
        y=numbers["regret"],
        customdata=list(zip(numbers["low"], numbers["high"], strict=True)),
        hovertemplate="%{y:.3f} [%{customdata[0]:.3f}, %{customdata[1]:.3f}]",
        name=label,
        legendgroup=label,
        visible=shown,
        line={"color": look["color"], "dash": dashes[look["linestyle"]]},
    )
    interactive.add_scatter(
        x=numbers["evaluations"] + numbers["evaluations"][::-1],
        y=[max(value, 1e-3) for value in numbers["high"] + numbers["low"][::-1]],  # the axis is logarithmic
        fill="toself",
        fillcolor=f"rgba({red},{green},{blue},0.12)",
        line={"width": 0},
        hoverinfo="skip",
        legendgroup=label,
        showlegend=False,
        visible=shown,
    )
of_trace = [dataset for dataset in regrets for _ in range(2 * len(methods))]
interactive.update_layout(
    template="simple_white",
    height=480,
    margin={"t": 50, "l": 60, "r": 10, "b": 50},
    hovermode="x unified",
    xaxis_title="evaluated architectures",
    yaxis={"title": "regret (percentage points)", "type": "log"},
    updatemenus=[
        {
            "x": 0,
            "y": 1.02,
            "xanchor": "left",
            "yanchor": "bottom",
            "buttons": [
                {
                    "label": NAMES[dataset],
                    "method": "restyle",
                    "args": ["visible", [own == dataset for own in of_trace]],
                }
                for dataset in regrets
            ],
        }
    ],
)
HTML(interactive.to_html(include_plotlyjs=False, full_html=False, div_id="fig5-interactive"))

# %% [markdown]
# ## Does the embedding help?
#
# The same optimiser, once on CENA and once on the raw encoding, is the fair comparison; so is any method with TPE on
# the raw encoding, and with the exact expectation of random search. Run $i$ of two methods shares nothing but its seed,
# so the pairs are independent runs; the interval is that of the mean difference. A negative difference is less regret;
# it is marked where its interval excludes zero.


# %% tags=["hide-input"]
def verdict(difference):
    if difference.low > 0:
        return "worse"
    return "better" if difference.high < 0 else "not told apart"


def against(dataset, label, rival, n):
    """Difference in regret after n evaluations between a method and a rival; `None` is random search, exactly."""
    ours = regrets[dataset][label][:, n - 1]
    if rival is None:
        return mean_interval(ours - expected[dataset][n - 1])
    return paired_difference(ours, regrets[dataset][rival][:, n - 1])


comparisons = [
    ("TPE on CENA", "TPE on raw encoding"),
    ("DE on CENA", "DE on raw encoding"),
    ("DE on CENA", "TPE on raw encoding"),
    ("TPE on CENA", None),
    ("DE on CENA", None),
    ("TPE on raw encoding", None),
    ("DE on raw encoding", None),
]
differences = {
    (dataset, label, rival, n): against(dataset, label, rival, n)
    for dataset in regrets
    for label, rival in comparisons
    for n in checkpoints
}


def difference_cell(difference):
    word = verdict(difference)
    mark = "" if word == "not told apart" else f" **{word}**"
    return f"{difference.value:+.2f} [{difference.low:+.2f}, {difference.high:+.2f}]{mark}"


rows = [
    [
        NAMES[dataset],
        f"{label} minus {rival or 'random (exact)'}",
        *(difference_cell(differences[dataset, label, rival, n]) for n in checkpoints),
    ]
    for dataset in regrets
    for label, rival in comparisons
]
header = ["data set", "difference in regret", *(f"after {n}" for n in checkpoints)]
display(Markdown(markdown_table(header, rows, range(2, len(header)))))


def tally(label, rival):
    verdicts = [verdict(differences[dataset, label, rival, n]) for dataset in regrets for n in checkpoints]
    parts = [f"{name} in {verdicts.count(name)}" for name in ("better", "not told apart", "worse") if name in verdicts]
    return f"- {label} against {rival or 'random search'}: {', '.join(parts)} of {len(verdicts)}"


display(
    Markdown(
        f"Counted over {len(checkpoints)} budget{'s' * (len(checkpoints) > 1)} on {len(regrets)} data "
        f"set{'s' * (len(regrets) > 1)}, by whether the 95 % interval excludes zero:\n\n"
        + "\n".join(tally(label, rival) for label, rival in comparisons)
    )
)

# %% [markdown]
# ## What limits a search in these coordinates?
#
# A model-based search learns from neighbours: it works where architectures that lie close have close accuracies. And
# what it needs in the end is this *at the top*, among architectures that are all good. The two are not the same. So
# for every architecture take its 10 nearest neighbours of *other* classes, those with another function (members of its
# own class share its place in the square), and compare its accuracy with their mean. Kendall's $\tau$ of the two says
# how well a neighbourhood tells accuracy, once over all architectures and once within the best 5 %.
#
# Four geometries are compared: the three coordinates that the searches above used; the square alone, without
# parameters; the 512-dimensional embedding that both come from (cosine distance); and the raw encoding.

# %%
NEIGHBOURS = 10
embedding = pipeline.embedding.astype(np.float64)
directions = embedding / np.linalg.norm(embedding, axis=1, keepdims=True)
similarity = directions @ directions.T
square = ContinuousCandidates(pipeline.coordinates[:, :2])

distances = {
    "CENA coordinates": lambda i: cena.distances(cena.positions[i]),
    "square only": lambda i: square.distances(square.positions[i]),
    "512-d embedding": lambda i: 1 - pipeline.per_architecture(similarity[pipeline.classes[i]]),
    "raw encoding": lambda i: raw.distances(raw.positions[i]),
}


def nearest(distances_from):
    """(n, 10) the nearest architectures of other classes; equal distances in an order drawn once."""
    ties = 1e-9 * np.random.default_rng(settings.seed).random(len(space))
    found = np.empty((len(space), NEIGHBOURS), dtype=np.int64)
    for i, own in enumerate(pipeline.classes):
        away = np.where(pipeline.classes == own, np.inf, distances_from(i) + ties)
        found[i] = np.argpartition(away, NEIGHBOURS)[:NEIGHBOURS]
    return found


neighbours = {geometry: nearest(distances_from) for geometry, distances_from in distances.items()}

# %% tags=["hide-input"]
BEST = 50
local = []
for dataset, (_, report) in accuracies.items():
    rank = rankdata(-report)
    top = rank <= 0.05 * len(space)
    best = np.argsort(rank, kind="stable")[:BEST]
    for geometry, found in neighbours.items():
        around = report[found].mean(axis=1)
        local.append(
            {
                "dataset": dataset,
                "geometry": geometry,
                "tau_all": kendall(report, around),
                "tau_top": kendall(report[top], around[top]),
                "best_in_top": 100 * top[found[best]].mean(),
                "best_median_rank": np.median(rank[found[best]]),
            }
        )
local = pd.DataFrame(local)
header = [
    "data set",
    "neighbours in",
    "τ, all",
    "τ, best 5 %",
    "of the best 50: neighbours in the best 5 %",
    "their median rank",
]
rows = [
    [
        NAMES[row.dataset],
        row.geometry,
        f"{row.tau_all:.2f}",
        f"{row.tau_top:.2f}",
        f"{row.best_in_top:.0f} %",
        f"{row.best_median_rank:.0f}",
    ]
    for row in local.itertuples()
]
display(Markdown(markdown_table(header, rows, range(2, 6))))

sentences = []
for dataset, table in local.set_index("geometry").groupby("dataset", sort=False):
    ours, plain = table.loc["CENA coordinates"], table.loc["raw encoding"]
    sharpest = table["best_in_top"].idxmax()
    sentences.append(
        f"- **{NAMES[dataset]}**: neighbours in the CENA coordinates tell accuracy with τ = {ours.tau_all:.2f} over "
        f"the whole space and {ours.tau_top:.2f} within the best 5 %; in the raw encoding {plain.tau_all:.2f} and "
        f"{plain.tau_top:.2f}. Of the neighbours of the best {BEST}, {ours.best_in_top:.0f} % are in the best 5 % on "
        f"CENA and {plain.best_in_top:.0f} % on the raw encoding; chance would be 5 %. Best by this measure: "
        f"{sharpest}."
    )
display(Markdown("\n".join(sentences)))

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig:search-201-neighbours", "caption": "How good the neighbours of an architecture are, against how good it is itself. Both axes are ranks by accuracy, 1 the best of the space; the curve is the median rank of the 10 nearest architectures of other classes. Where a curve is flat at the left, good architectures no longer have better neighbours than fair ones, and nothing around them points to the top."}, "image": {"alt": "Median rank of an architecture's nearest neighbours against its own rank, one panel for each data set, one curve for each geometry."}}
drawn, panels = figure(columns=len(accuracies), panel_height=3.2)
colours = dict(zip(neighbours, (COLOURS[name] for name in ("blue", "sky blue", "green", "vermilion")), strict=True))
edges = np.unique(np.geomspace(10, len(space), 14).round().astype(int))
for panel, (dataset, (_, report)) in zip(panels, accuracies.items(), strict=True):
    rank = rankdata(-report)
    groups = np.split(np.argsort(rank, kind="stable"), edges[:-1])
    own = [np.median(rank[group]) for group in groups]
    for geometry, found in neighbours.items():
        panel.plot(
            own,
            [np.median(rank[found[group]]) for group in groups],
            label=geometry,
            color=colours[geometry],
            marker="o",
            markersize=3,
        )
    panel.axline(
        (1, 1), (len(space), len(space)), color="black", linewidth=0.8, linestyle=":", label="as good as itself"
    )
    panel.axhline(len(space) / 2, color="0.6", linewidth=0.8, label="random neighbours")
    panel.set(title=NAMES[dataset], xlabel="own rank", xscale="log", yscale="log")
    panel.set(xlim=(own[0] / 1.3, len(space)), ylim=(own[0] / 1.3, 1.3 * len(space)))
panels[0].set_ylabel("median rank of its neighbours")
names, handles = panels[0].get_legend_handles_labels()[::-1]
legend = drawn.legend(handles, names, loc="outside lower center", ncols=3)

# %% [markdown]
# How to read this with the search curves: Kendall's $\tau$ over all architectures is what the random forests of
# [chapter 5](05_analysis) are scored by, and telling poor architectures from fair ones is most of it. A search spends its
# budget within the top few percent, where accuracies lie close together and chance in a single training weighs more, so
# that $\tau$ there is limited for any geometry. The layout adds a limit of its own: it gives every architecture the same
# area (equation {eq}`eq:transport`), so good ones get no more room than poor ones. Whether the step from 512 dimensions
# to two costs anything is what "square only" and "512-d embedding" compare; between "square only" and "CENA coordinates"
# lies the parameter count.

# %% tags=["hide-input"]
variance = np.linalg.svd(embedding - embedding.mean(axis=0), compute_uv=False) ** 2
pairs = np.random.default_rng(settings.seed).integers(len(embedding), size=(2, 20_000))
places = pipeline.coordinates[pipeline.representatives, :2]
agreement = spearmanr(1 - similarity[*pairs], np.linalg.norm(places[pairs[0]] - places[pairs[1]], axis=1)).statistic
Markdown(
    f"The first two principal components of the embedding hold {variance[:2].sum() / variance.sum():.0%} of its "
    f"variance, and distances in the square follow those in the embedding with a rank correlation of {agreement:.2f} "
    "(Spearman, random pairs of classes). The closer both are to one, the less of what is missing at the top can be "
    "blamed on the layout, and the more on the embedding itself."
)

# %% [markdown]
# ## Records
#
# Fig. 5 prints curves and no numbers, so the verdicts are against trivial rivals: a method on CENA against the lowest
# mean regret of all methods that do without it, a method on the raw encoding against the exact expectation of random
# search. "Reproduced" there means that the interval includes the rival's number.

# %% tags=["hide-input"]
on_cena = {label for label, _, candidates in methods if candidates is cena}


def record(dataset, label, n):
    at = {name: values[:, n - 1] for name, values in regrets[dataset].items()}
    trivial = [values.mean() for name, values in at.items() if name not in on_cena and name != "random"]
    random = expected[dataset][n - 1]
    setting = (
        f"{runs} runs"
        if label not in on_cena
        else (
            f"{runs} runs on networks of {settings.cells} cell{'s' * (settings.cells > 1)} a stage, "
            f"{settings.resolution}x{settings.resolution} images"
        )
    )
    return judge(
        f"fig5.{space.name}.{dataset}.{label.lower().replace(' ', '-')}.regret@{n}",
        mean_interval(at[label]),
        reason=f"profile {profile}: {setting}",
        baseline=min(random, *trivial) if label in on_cena else random,
    )


records = [record(dataset, label, n) for dataset in regrets for label in regrets[dataset] for n in checkpoints]
write_records(results / f"{stem}.json", records)
write_table(results / f"{stem}_regret.csv", curves)
write_table(results / f"{stem}_neighbours.csv", local)

statuses = [record.status for record in records]
Markdown(
    f"{len(records)} records: "
    + ", ".join(f"{statuses.count(status)} {status}" for status in ("exceeded", "reproduced", "short"))
    + f". Files: `{stem}.json`, `{stem}_regret.csv`, `{stem}_neighbours.csv`."
)
