"""The drawings that several notebooks share, in the looks of :mod:`cena.report.style`."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from cena.report.style import COLOURS, METHOD_STYLES, OPERATION_COLOURS, TEXT_WIDTH
from cena.spaces.nas_bench_201.cells import EDGES, parse_topology_cell


def curve_with_interval(axes: Axes, x: ArrayLike, mean: ArrayLike, low: ArrayLike, high: ArrayLike, label: str) -> None:
    """A curve with its interval as a band, arrays of shape (n,), in the look that `METHOD_STYLES` has for its label."""
    (line,) = axes.plot(np.asarray(x), np.asarray(mean), label=label, **METHOD_STYLES.get(label, {}))
    axes.fill_between(np.asarray(x), np.asarray(low), np.asarray(high), color=line.get_color(), alpha=0.15, linewidth=0)


def _accuracy_limits(accuracy: ArrayLike) -> tuple[float, float]:
    """The colour range for accuracies (n,): the worst tenth shares one colour, so that the rest can be told apart."""
    values = np.asarray(accuracy, dtype=float)
    return float(np.quantile(values, 0.1)), float(values.max())


def accuracy_scatter(
    axes: Axes, positions: ArrayLike, accuracy: ArrayLike, label: str = "test accuracy (%)"
) -> PathCollection:
    """Architectures as points (n, 2) coloured by accuracy (n,) in percent, the best on top, with a colour bar."""
    points, values = np.asarray(positions, dtype=float), np.asarray(accuracy, dtype=float)
    order = np.argsort(values, kind="stable")
    low, high = _accuracy_limits(values)
    size = float(np.clip(6000 / len(values), 1.5, 20))
    drawn = axes.scatter(
        points[order, 0], points[order, 1], c=values[order], s=size, vmin=low, vmax=high, linewidths=0, rasterized=True
    )
    axes.set(xticks=[], yticks=[], aspect="equal")
    axes.spines[:].set_visible(False)
    axes.figure.colorbar(drawn, ax=axes, label=label, extend="min", shrink=0.85)
    return drawn


def prediction_scatter(axes: Axes, truth: ArrayLike, prediction: ArrayLike, label: str = "test accuracy (%)") -> None:
    """Predicted against true values, both (n,) and in the unit `label` names, with the line of perfect prediction."""
    x, y = np.asarray(truth, dtype=float), np.asarray(prediction, dtype=float)
    axes.scatter(x, y, s=float(np.clip(8000 / len(x), 2, 20)), alpha=0.4, linewidths=0, rasterized=True)
    axes.axline((x.mean(), x.mean()), slope=1, color="black", linewidth=0.8, linestyle="--")
    both = np.concatenate([x, y])
    margin = 0.03 * float(np.ptp(both)) or 1.0
    limits = (float(both.min()) - margin, float(both.max()) + margin)
    axes.set(xlim=limits, ylim=limits, aspect="equal", xlabel=label, ylabel=f"predicted {label}")


def draw_laguerre_cells(
    axes: Axes, polygons: Sequence[NDArray[np.floating]], values: ArrayLike, label: str | None = "test accuracy (%)"
) -> PolyCollection:
    """The cells of a tiling of the unit square: `polygons` of shape (corners, 2), coloured by `values` (n,).

    `label` names the colour bar and its unit; ``None`` leaves the bar out.
    """
    numbers = np.asarray(values, dtype=float)
    low, high = _accuracy_limits(numbers)
    few = len(numbers) <= 500  # white edges of many cells would cover the stretched ones
    cells = PolyCollection(
        [np.asarray(p) for p in polygons],
        array=numbers,
        edgecolors="white" if few else "face",
        linewidths=0.8 if few else 0.1,
        rasterized=len(numbers) > 3000,
    )
    cells.set_clim(low, high)
    axes.add_collection(cells)
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    if label is not None:
        axes.figure.colorbar(cells, ax=axes, label=label, extend="min", shrink=0.85)
    return cells


def draw_cell(axes: Axes, architecture: str) -> None:
    """A NAS-Bench-201 cell, given as its string, as a graph: nodes 0 to 3, one coloured arrow an operation."""
    places = np.array([[0.5, 1.0], [0.0, 0.58], [1.0, 0.42], [0.5, 0.0]])
    for name, (source, target) in zip(parse_topology_cell(architecture), EDGES, strict=True):
        if name != "none":
            bend = -0.12 if (source, target) == (0, 3) else 0.0
            arrow = {"arrowstyle": "-|>", "color": OPERATION_COLOURS[name], "linewidth": 1.6, "mutation_scale": 9}
            arrow |= {"shrinkA": 6, "shrinkB": 6, "connectionstyle": f"arc3,rad={bend}"}
            axes.annotate("", places[target], places[source], arrowprops=arrow)
    axes.scatter(places[:, 0], places[:, 1], s=110, color="white", edgecolors="black", zorder=3)
    for node, (x, y) in enumerate(places):
        axes.text(x, y, str(node), ha="center", va="center", fontsize=7, zorder=4)
    for i, (name, colour) in enumerate(OPERATION_COLOURS.items()):
        axes.text(
            0.5, -0.27 - 0.16 * i, name.replace("nor_", "").replace("_", " "), color=colour, ha="center", fontsize=7
        )
    axes.set(xlim=(-0.2, 1.2), ylim=(-0.85, 1.2))
    axes.axis("off")


def heat_map(axes: Axes, matrix: NDArray[np.floating]) -> None:
    """A signed matrix in blue and red around zero; values beyond its 98 % quantile share the last colour."""
    limit = float(np.quantile(np.abs(matrix), 0.98)) or 1.0
    axes.imshow(matrix, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto", rasterized=True)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(True)
    axes.spines[:].set_linewidth(0.5)


def pipeline_diagram(
    architecture: str,
    views: Sequence[tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.floating]]],
    polygons: Sequence[NDArray[np.floating]],
    accuracy: ArrayLike,
    chosen: int,
) -> Figure:
    """Fig. 1 of the paper drawn from real arrays: from one architecture to its place in the unit square.

    Parameters
    ----------
    architecture : the cell's string.
    views : for each of two random initialisations one weight matrix (rows, columns), the extended projected data
        Jacobian matrix (points, components), and the embedding (dimension,).
    polygons : the Laguerre cells of the whole space, each (corners, 2).
    accuracy : (n,), the accuracy of each architecture in percent.
    chosen : index of `architecture` among the polygons.
    """
    drawn = plt.figure(figsize=(TEXT_WIDTH, 2.6))
    drawn.set_layout_engine("none")

    def panel(left: float, bottom: float, width: float, height: float) -> Axes:
        return drawn.add_axes((left, bottom, width, height))

    def arrow(start: tuple[float, float], end: tuple[float, float]) -> None:
        style: dict[str, Any] = {"arrowstyle": "-|>", "color": "0.35", "linewidth": 1.0, "shrinkA": 0, "shrinkB": 0}
        drawn.add_artist(
            mpl.patches.FancyArrowPatch(start, end, transform=drawn.transFigure, mutation_scale=8, **style)
        )

    def title(x: float, text: str) -> None:
        drawn.text(x, 0.97, text, ha="center", va="top", fontsize=7.5, linespacing=1.15)

    draw_cell(panel(0.0, 0.06, 0.135, 0.76), architecture)
    rows = ((0.49, 0.645), (0.14, 0.295))
    for (weights, epdjm, embedding), (bottom, middle) in zip(views, rows, strict=True):
        heat_map(panel(0.175, bottom + 0.055, 0.075, 0.2), weights)
        heat_map(panel(0.29, bottom, 0.12, 0.31), epdjm)
        heat_map(panel(0.63, bottom, 0.045, 0.31), embedding.reshape(-1, 8))
        arrow((0.128, 0.52), (0.172, middle))
        arrow((0.253, middle), (0.287, middle))
        arrow((0.413, middle), (0.457, middle))
        arrow((0.583, middle), (0.627, middle))
        arrow((0.678, middle), (0.722, 0.5 + 0.15 * (middle - 0.5)))
    encoder = panel(0.46, 0.14, 0.12, 0.66)
    encoder.add_patch(Rectangle((0, 0), 1, 1, facecolor="#eef3f8", edgecolor=COLOURS["blue"], linewidth=1.2))
    encoder.text(0.5, 0.5, "MLP-Mixer,\ntrained by\nBarlow Twins", ha="center", va="center", fontsize=7.5)
    encoder.axis("off")
    square = panel(0.725, 0.07, 0.27, 0.27 * TEXT_WIDTH / 2.6)
    draw_laguerre_cells(square, polygons, accuracy, label=None)
    chosen_cell = np.asarray(polygons[chosen])
    square.add_patch(mpl.patches.Polygon(chosen_cell, facecolor="none", edgecolor=COLOURS["vermilion"], linewidth=1.6))
    ring: dict[str, Any] = {"s": 130, "facecolors": "none", "edgecolors": COLOURS["vermilion"], "linewidths": 1.4}
    square.scatter(*chosen_cell.mean(axis=0), clip_on=False, **ring)
    for x, text in (
        (0.0675, "architecture"),
        (0.2125, "two random\ninitialisations"),
        (0.35, "projected data\nJacobians"),
        (0.52, "contrastive\nencoder"),
        (0.6525, "embeddings"),
        (0.86, "each architecture, one cell"),
    ):
        title(x, text)
    return drawn
