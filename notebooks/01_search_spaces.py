# ---
# jupyter:
#   cena:
#     needs: [topology, size, nas-bench-101, darts, every-label]
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
# # Search spaces and their labels
#
# Architecture search chooses from a finite set of networks, the *search space*. In a tabular benchmark every one of
# them has been trained already, so that a search can be repeated a thousand times by looking accuracies up. Before
# anything is embedded, four questions about such a table: what is in it, how many of its entries really differ, how
# much of a label is noise, and how much of it is known without any embedding, from features that cost nothing. The
# last answer is the bar for all chapters that follow.

# %% tags=["parameters"]
profile: str = "quick"  # [quick | laptop | paper] settings of the run
runs: int = 5  # [2..100] fresh splits on which the forests are judged

# %% tags=["hide-input"]
from itertools import combinations, groupby

import numpy as np
import pandas as pd
import torch
from IPython.display import Markdown, display

from cena import spaces
from cena.companion.project import results_folder
from cena.data.labels import accuracy as accuracy_of
from cena.data.labels import available, digits_table, nas_bench_101_cells
from cena.evaluate import (
    PAPER,
    FeatureSources,
    PredictionTask,
    feature_sets,
    kendall,
    log_parameters,
    predict,
    split,
    summarize,
    write_table,
)
from cena.report import plots, style
from cena.report.tables import NAMES, NONE, markdown_table, top_table
from cena.spaces.nas_bench_101.isomorphism import canonical_hash
from cena.spaces.nas_bench_201.cells import EDGES, function_family, parse_topology_cell
from cena.study.pipeline import Pipeline
from cena.study.scale import benchmark

style.use_style()
results = results_folder(profile)
pipeline = Pipeline(profile)
settings, space = pipeline.profile, pipeline.space
labels = {dataset: pipeline.accuracy(dataset) for dataset in settings.space.datasets}
names = {dataset: NAMES.get(dataset, dataset) for dataset in labels}
first = settings.space.datasets[0]
space_name = NAMES.get(space.name, space.name)
trials = {"one": "one training each", "mean": "the mean over all seeds"}.get(
    settings.space.trials, settings.space.trials
)
Markdown(
    f"This run: profile `{profile}`, the {len(space):,} architectures of the {space_name} space, with {settings.space.split} "
    f"accuracy on {', '.join(names.values())} after {settings.space.epochs} epochs, {trials}."
)

# %% [markdown]
# ## A cell, and the network around it
#
# NAS-Bench-201 {cite:p}`dong2020nasbench201`, the topology space of NATS-Bench {cite:p}`dong2021natsbench`, varies
# one small graph, the *cell*. It has four nodes: node 0 is its input, node 3 its output, and node $j$ adds up one
# operation on each earlier node,
#
# $$
# x_j = \sum_{i < j} o_{ij}(x_i), \qquad
# o_{ij} \in \{\text{none},\ \text{skip},\ \text{conv } 1{\times}1,\ \text{conv } 3{\times}3,\
# \text{average pool } 3{\times}3\} ,
# $$ (eq:cell)
#
# where a convolution is ReLU, convolution, batch normalisation. Six edges with five choices each make $5^6 =
# 15{,}625$ cells. The traditional encoding of an architecture (section 3.1 of {cite:t}`anonymous2021cena`) is the
# list of these choices: six categorical values, or 30 zeros and ones. It says nothing of what a choice does.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-three-cells", "caption": "The best, the median and the worst cell of the space by the labels of this run. Nodes are sums, arrows are operations; an edge without an arrow is none."}, "image": {"alt": "Three graphs of four numbered nodes each, joined by arrows whose colours stand for operations, with their accuracies"}}
by_accuracy = np.argsort(labels[first], kind="stable")
shown = {"best": by_accuracy[-1], "median": by_accuracy[len(by_accuracy) // 2], "worst": by_accuracy[0]}
drawn, axes = style.figure(1, 3, panel_height=2.5)
for axis, (rank, index) in zip(axes, shown.items(), strict=True):
    plots.draw_cell(axis, space.architecture(int(index)))
    axis.set_title(f"{rank}: {labels[first][index]:.1f} % on {names[first]}")

# %% [markdown]
# The same cell is repeated through a fixed network of three stages, whose width doubles and whose resolution halves
# from one to the next. This is the network of the best cell, layer by layer as one image passes through it.

# %% tags=["hide-input"]
LAYERS = {
    "Conv2d": "3x3 convolution",
    "CellModule": "cell",
    "ReductionBlock": "residual reduction block",
    "BatchNorm2d": "batch normalisation",
    "AdaptiveAvgPool2d": "global average pool",
    "Flatten": "flatten",
    "Linear": "linear",
}
network = space.build(int(shown["best"]), seed=0)
signal, layers = torch.zeros(1, 3, space.resolution, space.resolution), []
with torch.no_grad():
    for layer in network.eval():
        signal = layer(signal)
        kind = LAYERS.get(type(layer).__name__, type(layer).__name__)
        shape = "x".join(map(str, signal.shape[1:]))
        layers.append((kind, shape, sum(parameter.numel() for parameter in layer.parameters())))
rows = []
for (kind, shape, weights), repeated in groupby(layers):
    count = len(list(repeated))
    rows.append((f"{count} x {kind}" if count > 1 else kind, shape, f"{count * weights:,}"))
rows.append(("all", "", f"{space.parameters(int(shown['best'])):,}"))
display(Markdown(markdown_table(("layer", "output (channels x height x width)", "parameters"), rows, numeric=(2,))))

# %% [markdown]
# ## How many of them are different?
#
# Not every pair of cells is a pair of networks. An edge that leads nowhere does nothing, a skip copies, sums can be
# nested or flat, and average pooling is linear. An embedding of *functions* must give two such cells the same place,
# and a contrastive encoder that is told to keep them apart is told to learn noise. We call two cells $a$ and $b$ one
# **class** when they are the same family of functions with the same sharing of weights: when there is a pairing
# $\sigma$ of their live convolutions with
#
# $$
# f_a(x; w) = f_b(x; \sigma w) \quad \text{for all inputs } x \text{ and all weights } w .
# $$ (eq:class)
#
# The pairing decides. The benchmark has its own test, a string in which a skip is replaced by what it copies; it
# compares expressions and does not see whether a subexpression that occurs twice is one convolution or two.


# %%
def benchmark_string(cell):
    """NAS-Bench-201's expression of a cell's output; # is zero."""
    nodes = ["0"]
    for node in (1, 2, 3):
        terms = []
        for name, (source, target) in zip(cell, EDGES, strict=True):
            if target == node:
                zero = name == "none" or nodes[source] == "#"
                copied = nodes[source] if name == "skip_connect" else f"({nodes[source]})@{name}"
                terms.append("#" if zero else copied)
        nodes.append("+".join(sorted(terms)))
    return nodes[-1]


full = spaces.load("nas-bench-201")
classes = full.classes()
strings = np.unique([benchmark_string(cell) for cell in full.cells], return_inverse=True)[1]
sizes = np.bincount(classes)
split_up = sum(len(set(classes[strings == s])) > 1 for s in range(strings.max() + 1))
merged = sum(len(set(strings[classes == c])) > 1 for c in np.flatnonzero(sizes > 1))
present = {classes[full.index(space.architecture(i))] for i in range(len(space))}
constant = np.sum(classes == classes[full.index("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")])
Markdown(
    f"The {len(full):,} cells of NAS-Bench-201 fall into **{len(sizes):,} classes**; the benchmark's string gives "
    f"{strings.max() + 1:,}. It errs in both directions: {split_up:,} of its groups mix several families of functions, "
    f"and {merged:,} classes are torn apart. {np.mean(sizes == 1):.0%} of the classes have a single cell; the cells "
    f"whose output is zero are one class of {constant:,}. Of the classes this run has {len(present):,}, in "
    f"{len(space):,} architectures."
)

# %% [markdown]
# Two pairs make the difference plain. In the first, one cell pools a sum, and the other sums what it has pooled. In
# the second, one convolution is used twice, or two convolutions are used once each. We copy weights across along
# $\sigma$ as far as it goes, and compare the outputs of the two whole networks.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-classes", "caption": "Left pair: different graphs, one family of functions. Right pair: alike for the benchmark's string, but one convolution used twice is not two convolutions."}, "image": {"alt": "Four cells drawn as graphs, in two pairs"}}
PAIRS = {
    "merged": (
        "|nor_conv_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|",
        "|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|none~0|avg_pool_3x3~1|avg_pool_3x3~2|",
    ),
    "kept apart": (
        "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|skip_connect~1|skip_connect~2|",
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|skip_connect~1|skip_connect~2|",
    ),
}
drawn, axes = style.figure(1, 4, panel_height=2.3)
for axis, (verdict, text) in zip(axes, [(v, text) for v, pair in PAIRS.items() for text in pair], strict=True):
    plots.draw_cell(axis, text)
    axis.set_title(verdict)


# %% tags=["hide-input"]
def output_difference(source, target):
    """Largest difference of the logits of two cells' networks after copying weights along the pairing."""
    small = spaces.TopologySpace(
        "small", [parse_topology_cell(source), parse_topology_cell(target)], channels=8, cells_per_stage=1
    )
    one, other = small.build(0, seed=0).double(), small.build(1, seed=0).double()
    to = dict(
        zip(
            function_family(parse_topology_cell(target))[1],
            function_family(parse_topology_cell(source))[1],
            strict=False,
        )
    )
    weights, copied = one.state_dict(), other.state_dict()
    for key in copied:
        parts = key.split(".")
        if "edges" in parts:
            place = parts.index("edges") + 1
            edge = to.get(int(parts[place]))
            parts[place] = parts[place] if edge is None else str(edge)
        copied[key] = weights.get(".".join(parts), copied[key])
    other.load_state_dict(copied)
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(16, 3, 32, 32)))
    with torch.no_grad():
        return float((one(x) - other(x)).abs().max() / one(x).abs().max())


rows = []
for verdict, (one, other) in PAIRS.items():
    a, b = full.index(one), full.index(other)
    difference = output_difference(one, other)
    rows.append(
        (
            verdict,
            "yes" if strings[a] == strings[b] else "no",
            "yes" if classes[a] == classes[b] else "no",
            "0" if difference == 0 else f"{difference:.0e}",
            f"{full.parameters(a):,} / {full.parameters(b):,}",
        )
    )
header = ("pair", "same string", "same class", "largest relative difference of outputs", "parameters of the two")
display(Markdown(markdown_table(header, rows, numeric=(3, 4))))

# %% [markdown]
# The differences of the merged pair are rounding errors. The counts of parameters in the last column include
# convolutions on dead edges, as the benchmark does, so even cells of one class can differ in them.
#
# ## Parameters and accuracies
#
# An accuracy is only defined once four things are named: the data set, the split, the length of training, and how
# many trainings were averaged.

# %% tags=["hide-input"]
rows = []
for dataset, accuracy in labels.items():
    low, median, high = np.quantile(accuracy, [0.1, 0.5, 0.9])
    rows.append(
        (
            names[dataset],
            f"{settings.space.split}, {settings.space.epochs} epochs, {trials}",
            f"{accuracy.min():.2f}",
            f"{low:.2f}",
            f"{median:.2f}",
            f"{high:.2f}",
            f"{accuracy.max():.2f}",
            f"{np.mean(accuracy > accuracy.max() - 1):.1%}",
        )
    )
header = (
    "data set",
    "label",
    "worst (%)",
    "10 % quantile",
    "median",
    "90 % quantile",
    "best (%)",
    "within 1 point of the best",
)
display(Markdown(markdown_table(header, rows, numeric=range(2, 8))))

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-labels", "caption": "The labels of each data set: how they are distributed (top or left, the worst twentieth left out), and against the number of parameters of the network (bottom or right)."}, "image": {"alt": "Histograms of accuracy, skewed towards high accuracies, and scatter plots of accuracy against the logarithm of the number of parameters"}}
drawn, axes = style.figure(*((2, len(labels)) if len(labels) > 1 else (1, 2)), panel_height=2.3)
table, thousands = [], pipeline.parameters / 1000
for column, (dataset, accuracy) in enumerate(labels.items()):
    floor = np.quantile(accuracy, 0.05)
    counts, edges = np.histogram(accuracy[accuracy >= floor], bins=40)
    axes[column].stairs(counts, edges, fill=True, alpha=0.8)
    axes[column].set(xlabel="accuracy (%)", ylabel="architectures", title=names[dataset])
    table += [(dataset, edges[i], edges[i + 1], counts[i]) for i in range(len(counts))]
    axis = axes[len(labels) + column]
    size = float(np.clip(20000 / len(accuracy), 1.5, 6))
    axis.scatter(thousands, accuracy, s=size, alpha=0.3, linewidths=0, rasterized=True)
    axis.set(xscale="log", xlabel="parameters (thousands)", ylabel="accuracy (%)", ylim=(floor, None))
    ticks = [t for t in (20, 50, 100, 200, 500, 1000) if thousands.min() <= t <= thousands.max()]
    axis.set_xticks(ticks, [str(t) for t in ticks])
    axis.minorticks_off()
    axis.set_title(f"Kendall τ {kendall(np.log(pipeline.parameters), accuracy):.2f}")
write_table(
    results / "01_search_spaces_labels.csv", pd.DataFrame(table, columns=["dataset", "low", "high", "architectures"])
)

# %% [markdown]
# ## The other spaces
#
# The paper uses two more. The *size* space of NATS-Bench holds the cell fixed and varies the channels of five layers
# among eight numbers, $8^5 = 32{,}768$ networks. NAS-Bench-101 {cite:p}`ying2019nasbench101` has cells of up to seven
# vertices and nine edges between them, in another skeleton of three stacks of three cells; its vertices, and not its
# edges, are operations, and renumbering the vertices changes nothing. The paper searches a 25th of it without saying
# which: here every 25th cell, in the order of vertices and edges in which all 423,624 are enumerated.
#
# We add a fourth. A genotype of DARTS {cite:p}`liu2019darts` is two cells, one of which halves the resolution, each of
# four nodes that add up two operations out of eight. There are more than $10^{20}$ of them, so the space is a sample of
# 1,000 here. Two small spaces of this project, trained on scikit-learn's digits, stand in where nothing is downloaded.

# %% tags=["hide-input"]
SPACES = ("nas-bench-201", "nats-bench-size", "nas-bench-101", "darts", "digits-topology", "digits-size")
LONGEST = 120  # characters of an architecture that are shown

rows = []
for name in SPACES:
    each = spaces.load(name)
    drawn = np.linspace(0, len(each) - 1, min(len(each), 2000)).astype(int)
    parameters = np.array([each.parameters(int(index)) for index in drawn]) / 1000
    example = each.architecture(len(each) // 2)
    rows.append(
        (
            NAMES.get(name, name),
            f"{len(each):,}",
            f"{each.classes().max() + 1:,}",
            f"{parameters.min():,.0f} to {parameters.max():,.0f}",
            f"`{example if len(example) <= LONGEST else example[:LONGEST] + ' ...'}`",
        )
    )
header = ("space", "architectures", "classes", "thousand parameters", "one of them")
display(Markdown(markdown_table(header, rows, numeric=(1, 2))))

# %% [markdown]
# Labels are listed by data set, split, epochs and trials, for no two of these agree: accuracies on validation and test
# images, of one training and of a mean of several, order architectures differently. The size space was labelled by
# shorter trainings than the topology space. NAS-Bench-101 has one validation trial of each of 30,001 cells, unless its
# official archive is imported (`cena data import nas-bench-101`). DARTS has one training of each of 1,000 random
# genotypes {cite:p}`peng2024swap`, at a width and depth that are not published.

# %% tags=["hide-input"]
SAMPLED = ("nas-bench-101", "darts")  # published of some architectures only


def known_of(name, keys):
    """How many architectures have all of these labels, where this run reads them."""
    if settings.space.name != "nas-bench-201" and not name.startswith("digits"):
        return NONE
    known = np.isfinite([accuracy_of(name, key) for key in keys]).all(axis=0)
    return f"all {len(known):,}" if known.all() and name not in SAMPLED else f"{known.sum():,}"


rows = []
for name in SPACES:
    grouped = {}
    for key in available(name):
        grouped.setdefault((key.dataset, key.split, key.epochs), []).append(key)
    rows += [
        (
            NAMES.get(name, name),
            NAMES.get(dataset, dataset),
            split,
            str(epochs),
            ", ".join(key.trials for key in keys),
            known_of(name, keys),
        )
        for (dataset, split, epochs), keys in grouped.items()
    ]
header = ("space", "data set", "split", "epochs", "trials", "known of")
unread = any(row[-1] == NONE for row in rows)
display(
    Markdown(
        markdown_table(header, rows, numeric=(3, 5))
        + ("\n\n*Where no number stands, labels have to be downloaded, and this run did not.*" if unread else "")
    )
)

# %% tags=["hide-input"]
if settings.space.name == "nas-bench-201":
    table = nas_bench_101_cells()
    labelled = benchmark("nas-bench-101")
    ours = np.array([labelled.parameters(index) for index in range(len(labelled))])
    hashes = sum(canonical_hash(cell) == theirs for cell, theirs in zip(labelled.cells, table.hash, strict=True))
    counted = (
        f"As a check of the spaces themselves: of the {len(labelled):,} cells of NAS-Bench-101 that have labels, the "
        f"networks built here have exactly the benchmark's number of parameters in {np.mean(ours == table.parameters):.2%}, "
        f"and their hash is the benchmark's own in {hashes / len(labelled):.2%}."
    )
else:
    counted = (
        "With NAS-Bench-101's labels at hand, the parameters of its networks are counted against the benchmark's here."
    )
Markdown(counted)

# %% [markdown]
# ## How much of a label is noise?
#
# Train the same architecture from another seed, and its accuracy changes. What of the *order* survives is measured by
# Kendall's rank correlation ({eq}`eq:kendall`) between the accuracies $a^{(s)}$ and $a^{(t)}$ of all architectures
# from two seeds, averaged over pairs of seeds,
#
# $$
# \bar\tau = \operatorname*{mean}_{s < t}\ \tau\bigl(a^{(s)}, a^{(t)}\bigr) .
# $$ (eq:seeds)
#
# Against labels of one training no predictor should be expected to do much better than a second training would. The
# digits benchmarks of this project were trained from several seeds for this purpose: small networks of the topology
# space, and of a size space in which the cell is fixed and the widths of five layers vary, on scikit-learn's digits.

# %% tags=["hide-input"]
DIGITS = ("digits-topology", "digits-size")
seeds, rows, noise = {}, [], []
for name in DIGITS:
    by_seed = digits_table(name).pivot(index="architecture", columns="seed", values="test_accuracy").to_numpy()
    seeds[name] = by_seed
    tau, best_tau = [], []
    for s, t in combinations(range(by_seed.shape[1]), 2):
        others = np.delete(by_seed, [s, t], axis=1).mean(axis=1)
        best = others >= np.quantile(others, 0.9)
        tau.append(kendall(by_seed[:, s], by_seed[:, t]))
        best_tau.append(kendall(by_seed[best, s], by_seed[best, t]))
    low, high = np.quantile(by_seed.mean(axis=1), [0.1, 0.9])
    deviation = np.sqrt(by_seed.var(axis=1, ddof=1).mean())
    noise.append((name, *by_seed.shape, np.mean(tau), np.mean(best_tau), high - low, deviation))
    rows.append(
        (
            NAMES.get(name, name.replace("-", " ")),
            f"{len(by_seed):,}",
            str(by_seed.shape[1]),
            f"{np.mean(tau):.3f}",
            f"{np.mean(best_tau):.3f}",
            f"{high - low:.1f}",
            f"{deviation:.2f}",
        )
    )
header = (
    "space",
    "architectures",
    "seeds",
    "τ between two seeds",
    "τ among the best tenth",
    "10-90 % gap of the mean (points)",
    "standard deviation over seeds (points)",
)
columns = ["space", "architectures", "seeds", "tau", "tau_best_tenth", "gap", "deviation"]
write_table(results / "01_search_spaces_noise.csv", pd.DataFrame(noise, columns=columns))
display(Markdown(markdown_table(header, rows, numeric=range(1, 7))))

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-noise", "caption": "Test accuracy of each digits network from two seeds; without noise all points would lie on the dashed line."}, "image": {"alt": "Two scatter plots around the diagonal, of networks that differ in topology and of networks that differ in size"}}
drawn, axes = style.figure(1, 2, panel_height=3.4)
for axis, name in zip(axes, DIGITS, strict=True):
    x, y = seeds[name][:, 0], seeds[name][:, 1]
    axis.scatter(x, y, s=5, alpha=0.4, linewidths=0, rasterized=True)
    axis.axline((50, 50), slope=1, color="black", linewidth=0.8, linestyle="--")
    limits = (min(x.min(), y.min()) - 2, max(x.max(), y.max()) + 2)
    axis.set(xlim=limits, ylim=limits, aspect="equal", title=NAMES.get(name, name.replace("-", " ")))
    axis.set(xlabel="test accuracy, seed 0 (%)", ylabel="test accuracy, seed 1 (%)")

# %% [markdown]
# A search ends among the best, and there noise weighs most: the fifth column is the agreement of two seeds about the
# tenth that is best by the remaining seeds. NAS-Bench-201's table holds one training for each cell, but
# equivalent cells give a second estimate of the noise: two cells of one class are the same network, trained twice.

# %% tags=["hide-input"]
members = [np.flatnonzero(pipeline.classes == c) for c in np.flatnonzero(np.bincount(pipeline.classes) > 1)]
if members:
    pairs = np.array([m[:2] for m in members])
    rows = []
    for dataset, accuracy in labels.items():
        x, y = accuracy[pairs[:, 0]], accuracy[pairs[:, 1]]
        deviation = np.sqrt(np.mean((x - y) ** 2) / 2)
        rows.append((names[dataset], f"{kendall(x, y):.3f}", f"{np.median(np.abs(x - y)):.2f}", f"{deviation:.2f}"))
    display(
        Markdown(
            f"The first two cells of each of the {len(pairs):,} classes that have several. Such classes have fewer "
            "convolutions than the rest of the space and spread more widely, so this τ is no bound for the whole space."
            "\n\n"
            + markdown_table(
                ("data set", "τ between two trainings", "median difference (points)", "standard deviation (points)"),
                rows,
                numeric=(1, 2, 3),
            )
        )
    )
else:
    display(Markdown(f"The {space_name} space has one cell of each class, so this run cannot show it."))

# %% [markdown]
# ## What trivial features already know
#
# The paper judges its embedding by random forests {cite:p}`breiman2001forests` that predict accuracy ([chapter
# 5](05_analysis)). Any set of features can be put in its place. Three cost nothing: the logarithm of the number of
# parameters, the one-hot list of operations, and both. The number of parameters needs no forest to rank
# architectures: its τ with accuracy is given as well.

# %%
trivial = feature_sets(FeatureSources(pipeline.parameters, one_hot=space.one_hot()))
train_size = settings.judging.labels
forests = PredictionTask(train_size, runs, settings.seed, trees=settings.judging.trees)
scores = {dataset: summarize(predict(trivial, accuracy, forests, workers=-1)) for dataset, accuracy in labels.items()}

# %% tags=["hide-input"]
order = log_parameters(pipeline.parameters)[:, 0]
rows, verdicts = [], []
for dataset, accuracy in labels.items():
    alone = np.mean(
        [
            kendall(order[test], accuracy[test])
            for _, test in (split(len(order), train_size, settings.seed, r) for r in range(runs))
        ]
    )
    rows.append((names[dataset], "log parameters, no forest", NONE, f"{alone:.3f}"))
    for score in scores[dataset].itertuples():
        r, tau = f"{score.r:.3f} ± {score.r_high - score.r:.3f}", f"{score.tau:.3f} ± {score.tau_high - score.tau:.3f}"
        rows.append((names[dataset], f"forest, {score.features}", r, tau))
    best = scores[dataset].loc[scores[dataset].tau.idxmax()]
    printed = {measure: PAPER.get(f"table1.{dataset}.{measure}") for measure in ("r", "tau")}
    found = f"On {names[dataset]} the best of them, {best.features}, reaches τ {best.tau:.2f}"
    if printed["tau"]:
        r, tau = f"{printed['r'].value:.2f}", f"{printed['tau'].value:.2f}"
        rows.append((names[dataset], "*CENA as published (Table 1)*", r, tau))
        relation = "at least" if round(best.tau, 2) >= printed["tau"].value else "below"
        verdicts.append(f"{found}, {relation} the {tau} that the paper prints for its embedding.")
    else:
        verdicts.append(f"{found}; the paper has no number for it.")
header = ("data set", "features", "Pearson r", "Kendall τ")
summary = pd.concat([table.assign(dataset=dataset) for dataset, table in scores.items()])
write_table(results / "01_search_spaces_trivial.csv", summary)
display(
    Markdown(
        f"Forests of {settings.judging.trees} trees on {train_size:,} labels, judged on the other "
        f"{len(space) - train_size:,} architectures; means and 95 % intervals over {runs} fresh splits.\n\n"
        + markdown_table(header, rows, numeric=(2, 3))
        + "\n\nA search needs the best of a space, not its order. How well the same predictions see the top ([chapter "
        "5](05_analysis) explains these scores):"
        + "".join(
            f"\n\n**{names[dataset]}**\n\n{top_table(table.features, table)}" for dataset, table in scores.items()
        )
    )
)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-trivial", "caption": "The bar: Kendall's τ of forests on trivial features with 95 % intervals; dashed: what the paper prints for its embedding, where it has a number."}, "image": {"alt": "Dots with intervals, one row for each set of trivial features and one panel for each data set"}}
drawn, axes = style.figure(1, len(labels), panel_height=1.9)
marks = [PAPER[f"table1.{d}.tau"].value for d in labels if f"table1.{d}.tau" in PAPER]
ends = [*marks, *(value for score in scores.values() for value in (*score.tau_low, *score.tau_high))]
limits = (min(ends) - 0.02, max(ends) + 0.02)
for position, (axis, dataset) in enumerate(zip(axes, labels, strict=True)):
    score = scores[dataset].iloc[::-1]
    axis.errorbar(
        score.tau,
        np.arange(len(score)),
        xerr=[score.tau - score.tau_low, score.tau_high - score.tau],
        fmt="o",
        markersize=5,
        capsize=3,
    )
    if f"table1.{dataset}.tau" in PAPER:
        axis.axvline(PAPER[f"table1.{dataset}.tau"].value, color="black", linestyle="--", linewidth=1)
    shown_names = score.features if position == 0 else [""] * len(score)
    axis.set_yticks(np.arange(len(score)), shown_names)
    axis.set(xlabel="Kendall τ", title=names[dataset], xlim=limits, ylim=(-0.5, len(score) - 0.5))
    axis.grid(axis="x")

# %% tags=["hide-input"]
Markdown(
    " ".join(verdicts)
    + " An embedding earns its place only by what it adds to these numbers, and every result in this book is shown "
    "beside them. They belong to one space, however: a list of operations says nothing about networks that no such "
    "list describes, while a Jacobian can be taken of any network. That is where "
    "[the next chapter](02_data_jacobians) begins."
)
