"""Fixed colours and lines: what each search method and each operation looks like in every figure.

Colours are those of Okabe & Ito ("Color universal design", 2008), which stay apart for colour-blind readers. Nothing is
drawn here, so that what needs only the names of the methods needs no matplotlib.
"""

from typing import Any

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
    "GP on CENA": {"color": COLOURS["sky blue"], "linestyle": ":"},
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
    "local search": {"color": COLOURS["orange"], "linestyle": "-"},
    "evolution": {"color": COLOURS["orange"], "linestyle": "--"},
}
"""How a search method is drawn everywhere: the colour says what it sees of an architecture, the line its optimiser.

Blue is CENA, green (and purple where pre-training is fixed) arch2vec, red and orange the raw encoding."""

OPERATION_COLOURS = {
    "skip_connect": COLOURS["black"],
    "nor_conv_1x1": COLOURS["sky blue"],
    "nor_conv_3x3": COLOURS["blue"],
    "avg_pool_3x3": COLOURS["orange"],
}
