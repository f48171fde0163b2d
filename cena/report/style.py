"""How the companion's figures look: one style, fixed colours and lines, one size, and the same bytes each time.

Colours are those of Okabe & Ito ("Color universal design", 2008), which stay apart for colour-blind readers; continuous
values use viridis. Matplotlib is imported when a figure is made: tables know the methods' names and do without.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TEXT_WIDTH = 7.6
"""Width of a figure in inches that fills the book's text column at its natural size."""

COLOURS = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky blue": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "purple": "#CC79A7",
}

METHOD_STYLES: dict[str, dict[str, Any]] = {
    "random": {"color": COLOURS["black"], "linestyle": ":"},
    "TPE on CENA": {"color": COLOURS["blue"], "linestyle": "-"},
    "DE on CENA": {"color": COLOURS["blue"], "linestyle": "--"},
    "RL on CENA": {"color": COLOURS["blue"], "linestyle": "-."},
    "DNGO on CENA": {"color": COLOURS["blue"], "linestyle": ":"},
    "GP on embedding": {"color": COLOURS["sky blue"], "linestyle": ":"},
    "GP on both": {"color": COLOURS["sky blue"], "linestyle": "-."},
    "TPE on Mixer": {"color": "#777777", "linestyle": "-"},
    "DE on Mixer": {"color": "#777777", "linestyle": "--"},
    "forest on embedding": {"color": COLOURS["sky blue"], "linestyle": "-"},
    "forest on both": {"color": COLOURS["sky blue"], "linestyle": "--"},
    "TPE on arch2vec": {"color": COLOURS["green"], "linestyle": "-"},
    "DE on arch2vec": {"color": COLOURS["green"], "linestyle": "--"},
    "arch2vec-RL": {"color": COLOURS["green"], "linestyle": "-."},
    "arch2vec-BO": {"color": COLOURS["green"], "linestyle": ":"},
    "arch2vec-RL, fixed": {"color": COLOURS["purple"], "linestyle": "-."},
    "arch2vec-BO, fixed": {"color": COLOURS["purple"], "linestyle": ":"},
    "TPE on raw encoding": {"color": COLOURS["vermilion"], "linestyle": "-"},
    "DE on raw encoding": {"color": COLOURS["vermilion"], "linestyle": "--"},
    "REINFORCE": {"color": COLOURS["vermilion"], "linestyle": "-."},
    "forest on raw encoding": {"color": COLOURS["vermilion"], "linestyle": ":"},
    "GP on raw encoding": {"color": COLOURS["orange"], "linestyle": "-."},
    "local search": {"color": COLOURS["orange"], "linestyle": "-"},
    "evolution": {"color": COLOURS["orange"], "linestyle": "--"},
}
"""How a search method is drawn everywhere: the colour says what it sees of an architecture, the line its optimiser.

Blue is CENA, grey the paper's recipe for it, green (and purple where pre-training is fixed) arch2vec, red and orange
the raw encoding."""

OPERATION_COLOURS = {
    "skip_connect": COLOURS["black"],
    "nor_conv_1x1": COLOURS["sky blue"],
    "nor_conv_3x3": COLOURS["blue"],
    "avg_pool_3x3": COLOURS["orange"],
}

_CYCLE = [COLOURS[name] for name in ("blue", "vermilion", "green", "purple", "orange")]

_STYLE: dict[Any, Any] = {
    "figure.dpi": 96,
    "savefig.dpi": 192,
    "figure.constrained_layout.use": True,
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": f"cycler(color={_CYCLE})",
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.6,
    "image.cmap": "viridis",
    "image.interpolation": "nearest",
    "svg.fonttype": "path",
    "svg.hashsalt": "cena",
}


def use_style() -> None:
    """Apply the style to every figure drawn from here on; in a notebook also draw at twice the screen's resolution."""
    import matplotlib as mpl

    mpl.rcParams.update(_STYLE)
    try:
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        get_ipython()  # type: ignore[name-defined]  # only inside a notebook
    except (ImportError, NameError):
        return
    set_matplotlib_formats("retina")  # type: ignore[no-untyped-call]


def figure(rows: int = 1, columns: int = 1, panel_height: float = 3.0) -> tuple[Figure, list[Axes]]:
    """A figure as wide as the book's text, and its `rows` x `columns` panels in reading order.

    `panel_height` is the height of one row in inches. A single panel is kept to three quarters of the width.
    """
    from matplotlib import pyplot as plt

    width = TEXT_WIDTH if rows * columns > 1 else 0.75 * TEXT_WIDTH
    drawn, axes = plt.subplots(rows, columns, figsize=(width, rows * panel_height), squeeze=False)
    return drawn, list(axes.flat)


def save_svg(drawn: Figure, path: Path) -> None:
    """Save a figure as SVG; the same figure gives the same bytes."""
    import matplotlib as mpl

    with mpl.rc_context({"svg.hashsalt": _STYLE["svg.hashsalt"]}):
        drawn.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
