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
# # From an embedding to a square
#
# Search methods for continuous spaces want few dimensions, distances that mean something, and no empty regions. The
# embedding of [chapter 3](03_contrastive_embeddings), in closed form, has more than two dimensions and is anything but
# evenly filled.
# {cite:t}`anonymous2021cena` give every architecture a cell of the unit square in two steps: a flat map that keeps
# distances {eq}`eq:distances`, then the cheapest movement that gives every architecture the same area
# {eq}`eq:transport`. Both stand in for one Gromov–Wasserstein problem {eq}`eq:gromov` that nobody can solve at this
# size.
#
# What does each step do, how exactly is it solved, and what is lost on the way? At the end the paper's recipe, 512
# numbers of a trained MLP-Mixer, goes the same way for comparison.

# %% tags=["parameters"]
profile: str = "quick"  # [quick | laptop | paper] settings of the run
neighbours: int = 10  # [1..50] neighbours that a step should keep
points: int = 200  # [20..1000] architectures on which the two transport solvers are compared
runs: int = 5  # [2..100] fresh splits of the forests

# %% tags=["hide-input"]
import numpy as np
import pandas as pd
from IPython.display import Markdown
from matplotlib import pyplot as plt
from scipy.stats import spearmanr
from sklearn.neighbors import NearestNeighbors

from cena.companion.project import results_folder
from cena.evaluate import (
    PredictionTask,
    bootstrap_interval,
    log_parameters,
    paired_difference,
    predict,
    summarize,
    write_table,
)
from cena.layout import (
    distance_distortion,
    laguerre_cells,
    principal_start,
    stochastic_transport,
    transport,
)
from cena.report import plots, style
from cena.report.tables import markdown_table, top_table
from cena.report.wording import signed, told
from cena.study.closed_forms import ClosedFormEmbedding
from cena.study.pipeline import Pipeline

style.use_style()
results = results_folder(profile)
pipeline = Pipeline(profile)
chosen, seed = pipeline.profile, pipeline.profile.seed
dataset = chosen.space.datasets[0]
ours = ClosedFormEmbedding(pipeline)
embedding, dimensions = ours.embedding, ours.embedding.shape[1]
flat, positions = ours.layout["flat"], ours.layout["positions"]
classes = pipeline.classes
members = np.bincount(classes)
class_accuracy = pipeline.class_accuracy(dataset)
accuracy_label = f"{dataset} {chosen.space.split} accuracy (%)"
dead = int(np.count_nonzero(~pipeline.usable.any(axis=1)))
Markdown(
    f"Profile `{profile}`: **{chosen.space.name}**, {len(classes):,} architectures in {len(embedding):,} classes, embedded in "
    f"{dimensions} dimensions. Classes "
    f"get places, and all members of a class share one: the largest has {members.max():,} members. (The paper speaks "
    "of architectures and does not mention classes.) Number of classes that compute nothing at any initialisation: "
    f"{dead:,}."
)

# %% [markdown]
# ## Distances in the embedding
#
# The distance between two embeddings is the cosine distance $d_X(x, x') = 1 - \cos(x, x')$, which could be anything
# from 0 to 2.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-cosine", "caption": "Cosine distances between the embeddings of classes, a random sample of pairs."}, "image": {"alt": "Histogram of the cosine distances between pairs of classes"}}
generator = np.random.default_rng(seed)
pairs = generator.integers(len(embedding), size=(50_000, 2))
pairs = pairs[pairs[:, 0] != pairs[:, 1]]
unit = embedding / np.linalg.norm(embedding, axis=1, keepdims=True)
cosine = 1 - np.einsum("nd,nd->n", unit[pairs[:, 0]], unit[pairs[:, 1]]).clip(-1, 1)
drawn, (axis,) = style.figure(panel_height=2.4)
axis.hist(cosine, 80, weights=np.full(len(cosine), 100 / len(cosine)))
axis.set(xlabel="cosine distance", ylabel="pairs (%)")
plt.show()

# %% tags=["hide-input"]
low, middle, high = np.quantile(cosine, (0.05, 0.5, 0.95))
Markdown(
    f"Half of all pairs are closer than {middle:.3f}; 90 % lie between {low:.4f} and {high:.3f}, and the largest "
    f"distance is {cosine.max():.3f}."
    + (
        " The embeddings point in much the same direction: differences are small compared with what all share."
        if high < 0.5
        else ""
    )
)

# %% [markdown]
# ## The flat map
#
# The first step seeks points $y_i$ in the plane whose Euclidean distances are these. In {eq}`eq:distances` the sum is
# over pairs; divided by their number it is the mean *distortion*,
#
# $$
# D(y) = \frac{2}{n (n - 1)} \sum_{i < j} \bigl|\, \lVert y_i - y_j \rVert - d_X(x_i, x_j) \,\bigr| .
# $$ (eq:distortion)
#
# The paper says "gradient descent". `cena.layout.distance_map` starts from the first two principal components and takes
# the steps of Adam on random blocks of points. Two rivals need no descent: that start, and the collapse of all points
# into one, whose distortion is the mean distance.

# %%
stages = {
    "one point": np.zeros_like(flat),
    "principal components": principal_start(embedding),
    "gradient descent": flat,
}
distortions = {name: distance_distortion(embedding, stage, seed) for name, stage in stages.items()}

# %% tags=["hide-input"]
rows = []
for name, stage in stages.items():
    planar = np.linalg.norm(stage[pairs[:, 0]] - stage[pairs[:, 1]], axis=1)
    related = f"{np.corrcoef(planar, cosine)[0, 1]:.3f}" if planar.std() > 0 else "none"
    relative = distortions[name] / distortions["one point"]
    rows.append((name, f"{distortions[name]:.5f}", f"{relative:.1%}", related))
gained = 1 - distortions["gradient descent"] / distortions["principal components"]
Markdown(
    markdown_table(
        ("map", "mean distortion", "of the mean distance", "correlation of distances"), rows, numeric=(1, 2, 3)
    )
    + f"\n\nDescent takes {gained:.0%} of the distortion away from the principal components. What is left is what two "
    "dimensions cannot hold, or a local minimum."
)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-distances", "caption": "Distances in the plane against cosine distances of the embedding, before and after gradient descent; density of random pairs on a logarithmic scale. On the dashed line distances are kept."}, "image": {"alt": "Two density plots of planar against cosine distances with a dashed diagonal"}}
drawn, axes = style.figure(1, 2, panel_height=3.3)
limit = float(np.quantile(cosine, 0.999))
for axis, name in zip(axes, ("principal components", "gradient descent"), strict=True):
    planar = np.linalg.norm(stages[name][pairs[:, 0]] - stages[name][pairs[:, 1]], axis=1)
    grid = axis.hexbin(
        cosine, planar, gridsize=60, bins="log", extent=(0, limit, 0, limit), mincnt=1, linewidths=0.1, rasterized=True
    )
    axis.plot([0, limit], [0, limit], color="black", linestyle="--", linewidth=0.8)
    axis.set(title=name, xlim=(0, limit), ylim=(0, limit), xlabel="cosine distance of the embeddings", aspect="equal")
axes[0].set_ylabel("distance in the plane")
drawn.colorbar(grid, ax=axes, label="pairs in a hexagon", shrink=0.8)
plt.show()

# %% [markdown]
# ## Equal shares
#
# The second step moves the points, shrunk into the unit square, so that they fill it evenly. Semi-discrete optimal
# transport does this at the least total squared distance. Its solution is a division of the square into *Laguerre
# cells*,
#
# $$
# L_i(w) = \bigl\{ x \in [0, 1]^2 : \lVert x - y_i \rVert^2 - w_i \le \lVert x - y_j \rVert^2 - w_j \text{ for all } j \bigr\} ,
# $$ (eq:laguerre)
#
# with one weight for each point, chosen such that all areas are $1/n$. The weights maximise a concave function whose
# gradient is known exactly,
#
# $$
# K(w) = \sum_i \int_{L_i(w)} \bigl( \lVert x - y_i \rVert^2 - w_i \bigr)\, \mathrm{d}x + \frac{1}{n} \sum_i w_i ,
# \qquad \frac{\partial K}{\partial w_i} = \frac{1}{n} - \lvert L_i(w) \rvert ,
# $$ (eq:dual)
#
# so a damped Newton method {cite:p}`kitagawa2019newton` finds them up to rounding. Here it is, on this run's points.

# %%
moved = transport(positions)
voronoi = laguerre_cells(positions, np.zeros(len(positions)))
error = np.abs(moved.areas * len(positions) - 1)

# %% tags=["hide-input"]
before = voronoi.areas * len(positions)
centroids = moved.centroids
assert np.allclose(centroids, ours.layout["centroids"])
Markdown(
    f"{len(positions):,} points, {moved.iterations} Newton steps. The largest relative error of an area is "
    f"**{error.max():.0e}**, the areas add up to 1 within {abs(moved.areas.sum() - 1):.0e}. At the start, with all "
    f"weights zero (the Voronoi cells), areas ranged from {before.min():.1e} to {before.max():.0f} times the fair "
    f"share. The cost, the squared Wasserstein distance, is {moved.cost:.4f}: mass moves by {np.sqrt(moved.cost):.3f} "
    "in the root mean square, the side of the square being 1."
)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-cells", "caption": "The unit square shared out: one Laguerre cell of equal area for each class, coloured by accuracy. Right: the framed part, enlarged. Cells are stretched where the flat map is dense and had to be spread."}, "image": {"alt": "The unit square tiled by polygons of equal area coloured from dark for low to bright for high accuracy, and an enlarged part of it in which single polygons can be told apart"}}
polygons = laguerre_cells(positions, moved.weights).polygons()
drawn, axes = plt.subplots(1, 2, figsize=(style.TEXT_WIDTH, 3.4))
plots.draw_laguerre_cells(axes[0], polygons, class_accuracy, label=None)
tiles = plots.draw_laguerre_cells(axes[1], polygons, class_accuracy, label=None)
tiles.set(edgecolor="white", linewidth=0.8)
side = min(1.0, 12 / np.sqrt(len(polygons)))
window = (0.5 - side / 2, 0.5 + side / 2)
axes[1].set(xlim=window, ylim=window)
axes[0].add_patch(
    plt.Rectangle((window[0], window[0]), side, side, fill=False, edgecolor=style.COLOURS["vermilion"], linewidth=1.6)
)
drawn.colorbar(tiles, ax=axes, label=accuracy_label, extend="min", shrink=0.8)
plt.show()

# %% [markdown]
# ### How far everything moves
#
# The price of equal shares is that distances change once more. Left, the flat map in the square; right, the centroids
# of the cells, which are the layout that searches work in.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-movement", "caption": "Classes after the flat map (left) and at the centroids of their cells (right), coloured by accuracy."}, "image": {"alt": "Two scatter plots of the unit square: clustered points on the left, evenly spread points on the right"}}
drawn, axes = style.figure(1, 2, panel_height=3.0)
for axis, places, title in zip(axes, (positions, centroids), ("flat map", "centroids"), strict=True):
    plots.accuracy_scatter(axis, places, class_accuracy, accuracy_label)
    axis.set(title=title, xlim=(0, 1), ylim=(0, 1))
plt.show()

# %% tags=["hide-input"]
step = np.linalg.norm(centroids - positions, axis=1)
anyhow = np.linalg.norm(centroids[generator.permutation(len(centroids))] - positions, axis=1)
area = np.linalg.norm(centroids[pairs[:, 0]] - centroids[pairs[:, 1]], axis=1)
placed = np.linalg.norm(positions[pairs[:, 0]] - positions[pairs[:, 1]], axis=1)
Markdown(
    f"From place to centroid a class moves by {np.median(step):.3f} in the median and {step.max():.3f} at most; had "
    f"the cells been given out at random, by {np.median(anyhow):.3f}. Distances between centroids correlate "
    f"{np.corrcoef(area, placed)[0, 1]:.3f} with those of the flat map, and {np.corrcoef(area, cosine)[0, 1]:.3f} with "
    f"the cosine distances of the embedding; the flat map itself, {np.corrcoef(placed, cosine)[0, 1]:.3f}."
)

# %% [markdown]
# ## The paper's solver
#
# The paper solves {eq}`eq:transport` by averaged stochastic gradients in several layers
# {cite:p}`leclaire2019multilayer`: draw places from the square, give each to the point whose cell it falls into, and
# correct the weights. `cena.layout.stochastic_transport` does so. On a few classes both can be watched closely. For one
# layer, the true areas follow from its weights; for two layers the weights of different clusters do not compare and
# areas are themselves estimated, from 500 places a cell, which alone makes an error of about $\sqrt{2 / (500 \pi)}$.


# %%
few = positions[np.sort(generator.choice(len(positions), min(points, len(positions)), replace=False))]
exact = transport(few)
rows = []
for steps in (250, 1000, 4000):
    for clusters in (1, 8):
        found = stochastic_transport(few, seed, clusters=clusters, steps=steps)
        areas = laguerre_cells(few, found.weights).areas if clusters == 1 else found.areas
        relative = np.abs(areas * len(few) - 1)
        offset = np.linalg.norm(found.centroids - exact.centroids, axis=1)
        rows.append(
            (
                f"stochastic, {'one layer' if clusters == 1 else 'two layers'}",
                steps,
                relative.mean(),
                relative.max(),
                np.nanmean(offset),
            )
        )
relative = np.abs(exact.areas * len(few) - 1)
rows.append(("Newton", exact.iterations, relative.mean(), relative.max(), 0.0))
solvers = pd.DataFrame(rows, columns=["solver", "steps", "mean_error", "largest_error", "centroid_distance"])
write_table(results / "04_layout_solvers.csv", solvers)

# %% tags=["hide-input"]
rows = [
    (row.solver, f"{row.steps:,}", f"{row.mean_error:.1e}", f"{row.largest_error:.1e}", f"{row.centroid_distance:.1e}")
    for row in solvers.itertuples()
]
header = ("solver", "steps", "mean relative error of the areas", "largest", "mean distance to the exact centroids")
floor = np.sqrt(2 / (500 * np.pi))
Markdown(
    markdown_table(header, rows, numeric=(1, 2, 3, 4))
    + f"\n\n*{len(few)} classes; a stochastic step draws 64 places (in every cluster, for the lower layer); two layers "
    f"have 8 clusters; the estimate of their areas has an error of {floor:.1e} even where the areas are right.*"
)

# %% [markdown]
# ## Which neighbours survive
#
# A search that finds a good architecture looks nearby. Are the architectures near it in the square those near it in the
# embedding? For every class we take the nearest neighbours by cosine distance and count how many of them are still
# among the nearest of each stage.


# %%
def nearest(matrix, metric="euclidean"):
    """The nearest 50 other rows of each row, nearest first; (n, 50)."""
    count = min(50, len(matrix) - 1)
    return NearestNeighbors(n_neighbors=count, metric=metric).fit(matrix).kneighbors(return_distance=False)


def kept(truth, found, count):
    """Fraction of the first `count` true neighbours that are among the first `count` found, (n,)."""
    return (truth[:, :count, None] == found[:, None, :count]).any(axis=2).mean(axis=1)


truth = nearest(embedding, "cosine")
found = {
    "principal components": nearest(stages["principal components"]),
    "flat map": nearest(flat),
    "centroids of the cells": nearest(centroids),
}
counts = [count for count in (1, 2, 5, 10, 20, 50) if count <= truth.shape[1]]
curves = {name: [kept(truth, one, count).mean() for count in counts] for name, one in found.items()}
table = pd.DataFrame({"neighbours": counts, **curves, "chance": [count / (len(embedding) - 1) for count in counts]})
write_table(results / "04_layout_neighbours.csv", table)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-neighbours", "caption": "Fraction of the nearest neighbours in the embedding that are among as many nearest neighbours after each stage, the mean over classes. Dotted: what random neighbours would give."}, "image": {"alt": "Curves of the fraction of neighbours kept against the number of neighbours, for principal components, flat map and centroids, above a dotted line of chance"}}
drawn, (axis,) = style.figure(panel_height=2.8)
for (name, values), marker in zip(curves.items(), "s^o", strict=True):
    axis.plot(counts, values, marker=marker, markersize=4, label=name)
axis.plot(counts, table["chance"], color="black", linestyle=":", linewidth=0.9, label="chance")
axis.set(xscale="log", xticks=counts, xticklabels=counts, xlabel="neighbours", ylabel="fraction kept", ylim=(0, None))
axis.minorticks_off()
axis.legend()
plt.show()

# %% tags=["hide-input"]
intervals = {name: bootstrap_interval(kept(truth, one, neighbours), seed, np.mean) for name, one in found.items()}
final = intervals["centroids of the cells"]
flat_and_final = kept(nearest(flat), found["centroids of the cells"], neighbours).mean()
Markdown(
    markdown_table(
        (f"fraction of {neighbours} neighbours kept", "mean [95 % interval]"),
        [
            *((name, str(one)) for name, one in intervals.items()),
            ("chance", f"{neighbours / (len(embedding) - 1):.3f}"),
        ],
        numeric=(1,),
    )
    + f"\n\nOf {neighbours} neighbours in the embedding, {(1 - final.value) * neighbours:.1f} are lost in the square. "
    f"The step from the flat map to the centroids keeps {flat_and_final:.0%} of the flat map's own neighbours: "
    + (
        f"the loss happens mostly in going from {dimensions} dimensions to two."
        if flat_and_final > 0.5 * (1 + intervals["flat map"].value)
        else "both steps lose their part."
    )
)

# %% [markdown]
# ### What two dimensions cost
#
# How many dimensions would keep the distances? Coordinates of the closed form are ordered by how much signal they hold,
# so fewer of them are a rival of the square that needs no layout.

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]
kept_in = {f"first {k} coordinates": nearest(embedding[:, :k]) for k in (2, 3, 4, 8) if k < dimensions}
kept_in |= {"the square": found["centroids of the cells"]}
distances = {
    name: np.linalg.norm(embedding[pairs[:, 0], :k] - embedding[pairs[:, 1], :k], axis=1)
    for name, k in ((f"first {k} coordinates", k) for k in (2, 3, 4, 8))
    if name in kept_in
}
distances |= {"the square": area}
whole = np.linalg.norm(embedding[pairs[:, 0]] - embedding[pairs[:, 1]], axis=1)
truth_here = nearest(embedding)
rows = [
    (name, f"{spearmanr(distances[name], whole).statistic:.3f}", f"{kept(truth_here, one, neighbours).mean():.3f}")
    for name, one in kept_in.items()
]
Markdown(
    markdown_table(
        ("instead of the embedding", "rank correlation of distances", f"of {neighbours} neighbours kept"),
        rows,
        numeric=(1, 2),
    )
    + f"\n\nDistances here are Euclidean, in units of the noise of initialisation, over the {dimensions} dimensions of the "
    "embedding. Two dimensions of a layout that may bend keep other distances than two straight ones."
)

# %% [markdown]
# ## Place, and the third coordinate
#
# The paper finds that the square "does not accurately capture the number of parameters", and adds its logarithm as a
# third coordinate. How much of the accuracy is explained by the place, how much by the parameters, and do they say
# different things? A random forest with default settings learns from the same random architectures each time, and is
# judged on all others. Two rivals: the raw encoding of the operations, and the place shuffled among architectures.

# %%
RECIPE = "the paper's recipe: place + log parameters"
accuracy = pipeline.accuracy(dataset)
place = ours.coordinates[:, :2]
parameters = log_parameters(pipeline.parameters)
scores = predict(
    {
        "place": place,
        "log parameters": parameters,
        "place + log parameters": ours.coordinates,
        RECIPE: pipeline.coordinates,
        "shuffled place + log parameters": np.column_stack([generator.permutation(place), parameters]),
        "operations, one-hot": pipeline.space.one_hot(),
    },
    accuracy,
    PredictionTask(chosen.judging.labels, runs, seed, trees=chosen.judging.trees),
)
write_table(results / "04_layout_coordinates.csv", scores)

# %% tags=["hide-input"]
summary = summarize(scores).set_index("features")
runs_of = {name: group.set_index("run")["tau"] for name, group in scores.groupby("features")}


def gain(first, second):
    """In words, by how much Kendall's tau of the first features differs from that of the second, run by run."""
    difference = paired_difference(runs_of[first], runs_of[second])
    return signed(difference) + (" (not told apart)" if told(difference) == "not told apart" else "")


rows = [
    (
        name,
        f"{row['r']:.3f} [{row['r_low']:.3f}, {row['r_high']:.3f}]",
        f"{row['r'] ** 2:.0%}",
        f"{row['tau']:.3f} [{row['tau_low']:.3f}, {row['tau_high']:.3f}]",
    )
    for name, row in summary.iterrows()
]
Markdown(
    markdown_table(("features", "Pearson r", "r²", "Kendall τ"), rows, numeric=(1, 2, 3))
    + f"\n\n*{accuracy_label}, {chosen.judging.labels:,} labels, {runs} fresh splits, 95 % intervals over splits.* How well "
    "the same predictions see the top of the space ([the next chapter](05_analysis) explains these scores):\n\n"
    + top_table(list(summary.index), summary)
    + "\n\n"
    f"In Kendall's τ, parameters add {gain('place + log parameters', 'place')} to the place, and the place adds "
    f"{gain('place + log parameters', 'log parameters')} to the parameters; a place that belongs to another "
    f"architecture adds {gain('shuffled place + log parameters', 'log parameters')}. From the three coordinates that the "
    "paper's recipe gives, ours differ by "
    f"{gain('place + log parameters', RECIPE)}. The raw encoding, which needs no "
    f"Jacobian at all, differs from the three coordinates by {gain('operations, one-hot', 'place + log parameters')}."
)

# %% [markdown]
# All members of a class share a place, so a forest may know the place of a test architecture from a training one; this
# is part of what the embedding offers. What the whole embedding predicts, and all other rivals, is the subject of [the
# next chapter](05_analysis).
