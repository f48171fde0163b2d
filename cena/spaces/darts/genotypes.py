"""Genotypes of DARTS: a normal and a reduction cell, their published text, canonical form and random samples.

A cell reads two inputs, numbered 0 and 1, and has four nodes, numbered 2 to 5. A node is the sum of two edges; an edge
applies one of eight operations to an input or an earlier node. The cell's output concatenates the four nodes, so none
of them is dead. Two edges of a node may read the same: DARTS itself never finds such cells, but other searches and the
1,000 published genotypes have them.

Source: Liu, Simonyan and Yang, "DARTS: Differentiable Architecture Search" (ICLR 2019), section 2.1.
"""

import ast
from collections.abc import Iterable
from itertools import permutations
from textwrap import shorten
from typing import NamedTuple

import numpy as np

from cena.errors import InputError, unknown

DARTS_OPERATIONS = (
    "none",
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
"""In the order of the original's `PRIMITIVES`."""
CELL_INPUTS = 2
CELL_NODES = 4

Edge = tuple[str, int]
"""An operation, and the number of the input or node that it reads."""
DartsCell = tuple[tuple[Edge, Edge], ...]
"""The two edges of each node, in the order of :func:`darts_cell`."""

_FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")
_NODES = range(CELL_INPUTS, CELL_INPUTS + CELL_NODES)
_ALL_NODES = (str(_NODES), str([*_NODES]), str((*_NODES,)))
"""How a text may say that all nodes are concatenated."""
_LONGEST = 4000
_EXPECTED = (
    "expected Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=range(2, 6), reduce=[...], "
    "reduce_concat=range(2, 6)) with eight edges in each cell"
)


class Genotype(NamedTuple):
    """What tells two networks of DARTS apart."""

    normal: DartsCell
    """The cell that keeps the resolution."""
    reduce: DartsCell
    """The cell that halves it: its edges from the inputs have stride 2."""


def darts_cell(edges: Iterable[Edge]) -> DartsCell:
    """The cell of eight edges, two for each node in turn; those of a node are sorted, for their order means nothing.

    Raises
    ------
    InputError
        If there are not eight edges, an operation is unknown, or an edge reads what is no input or earlier node.
    """
    listed = list(edges)
    if len(listed) != 2 * CELL_NODES:
        raise InputError(f"malformed cell: it has {len(listed)} edges, give {2 * CELL_NODES}, two for each node")
    for place, (operation, source) in enumerate(listed):
        if operation not in DARTS_OPERATIONS:
            raise unknown("operation", operation, DARTS_OPERATIONS)
        node = CELL_INPUTS + place // 2
        if not 0 <= source < node:
            raise InputError(f"malformed cell: node {node} reads {source}, give 0 to {node - 1}")
    return tuple(_sorted(one, other) for one, other in zip(listed[::2], listed[1::2], strict=True))


def parse_genotype(text: str) -> Genotype:
    """The genotype of its published text, which is Python: ``Genotype(normal=[('sep_conv_3x3', 0), ...], ...)``.

    The text is taken apart, never evaluated. The nodes that are concatenated must be all four, as ``range(2, 6)`` or a
    list.

    Raises
    ------
    InputError
        If the text has another shape, or for the reasons of :func:`darts_cell`.
    """
    shown = f"malformed architecture '{shorten(text, 80, placeholder=' ...')}'"
    if len(text) > _LONGEST:
        raise InputError(f"malformed architecture of {len(text):,} characters: {_EXPECTED}")
    try:
        call = ast.parse(text.strip(), mode="eval").body
        fields = _fields(call)
        normal, reduce = (darts_cell(_edges(fields[name])) for name in ("normal", "reduce"))
        for name in ("normal_concat", "reduce_concat"):
            if ast.unparse(fields[name]) not in _ALL_NODES:
                raise InputError(f"malformed cell: {name} is not range(2, 6)")
    except InputError as error:
        raise InputError(f"{shown}: {error}") from None
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        raise InputError(f"{shown}: {_EXPECTED}") from None
    return Genotype(normal, reduce)


def format_genotype(genotype: Genotype) -> str:
    """The published text of a genotype, which :func:`parse_genotype` reads back."""
    listed = [[edge for node in cell for edge in node] for cell in genotype]
    values = (listed[0], _NODES, listed[1], _NODES)
    return f"Genotype({', '.join(f'{name}={value}' for name, value in zip(_FIELDS, values, strict=True))})"


def canonical_genotype(genotype: Genotype) -> Genotype:
    """One genotype of all that are the same family of functions with equally distributed weights.

    Three things mean nothing to a network at its initialisation and are brought into one form in each cell:

    - What a ``none`` reads: it is zero.
    - What reads a node that is zero: pooling and convolving zero gives zero, and BatchNorm gives its bias, which is
      zero at initialisation. Such edges become ``none``.
    - The order of the nodes: renumbering them permutes blocks of channels of the cell's output, whose readers (1x1
      convolutions of the next two cells, or the classifier) have weights for each channel, all drawn alike.

    A few genotypes that also compute the same functions stay apart, such as with a skip in a normal cell, whose node
    repeats what it reads. Merging them would save few views.
    """
    return Genotype(canonical_cell(genotype.normal), canonical_cell(genotype.reduce))


def canonical_cell(cell: DartsCell) -> DartsCell:
    """The smallest cell that renumbering the nodes can give, after what is zero was replaced by ``none`` of input 0."""
    live = _without_zeros(cell)
    return min(filter(None, (_renumbered(live, order) for order in permutations(range(CELL_NODES)))), key=_codes)


def random_genotypes(count: int, seed: int) -> list[Genotype]:
    """Distinct genotypes, drawn as the 1,000 that have published accuracies.

    One cell serves as normal and reduction cell. Each edge draws its operation, ``none`` included, and what it reads
    uniformly and by itself.
    """
    generator = np.random.default_rng(seed)
    nodes = [node for node in _NODES for _ in range(2)]
    found: dict[Genotype, None] = {}
    while len(found) < count:
        operations = generator.integers(len(DARTS_OPERATIONS), size=len(nodes))
        sources = generator.integers(nodes)
        names = (DARTS_OPERATIONS[code] for code in operations)
        cell = darts_cell(zip(names, sources.tolist(), strict=True))
        found[Genotype(cell, cell)] = None
    return list(found)


def _sorted(one: Edge, other: Edge) -> tuple[Edge, Edge]:
    return (one, other) if _code(one) <= _code(other) else (other, one)


def _code(edge: Edge) -> tuple[int, int]:
    operation, source = edge
    return source, DARTS_OPERATIONS.index(operation)


def _codes(cell: DartsCell) -> list[tuple[int, int]]:
    return [_code(edge) for node in cell for edge in node]


def _without_zeros(cell: DartsCell) -> DartsCell:
    """The cell with every edge that is zero at initialisation as ``none`` of input 0."""
    zeros: set[int] = set()
    nodes: list[tuple[Edge, Edge]] = []
    for node, edges in zip(_NODES, cell, strict=True):
        one, other = (("none", 0) if name == "none" or source in zeros else (name, source) for name, source in edges)
        nodes.append(_sorted(one, other))
        if one[0] == other[0] == "none":
            zeros.add(node)
    return tuple(nodes)


def _renumbered(cell: DartsCell, order: tuple[int, ...]) -> DartsCell | None:
    """The cell whose nodes are those of `cell` at the places `order`; None where one would read a later node."""
    number = {CELL_INPUTS + old: CELL_INPUTS + new for new, old in enumerate(order)} | {0: 0, 1: 1}
    nodes = [[(operation, number[source]) for operation, source in cell[old]] for old in order]
    if any(source >= node for node, edges in zip(_NODES, nodes, strict=True) for _, source in edges):
        return None
    return tuple(_sorted(*edges) for edges in nodes)


def _fields(call: ast.expr) -> dict[str, ast.expr]:
    """The fields of a text such as ``Genotype(normal=..., ...)``; raises `ValueError` for any other."""
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Genotype"):
        raise ValueError
    fields = {keyword.arg or "": keyword.value for keyword in call.keywords}
    if call.args or len(call.keywords) != len(_FIELDS) or set(fields) != set(_FIELDS):
        raise ValueError
    return fields


def _edges(value: ast.expr) -> list[Edge]:
    edges: list[Edge] = []
    for operation, source in ast.literal_eval(value):
        if type(operation) is not str or type(source) is not int:
            raise ValueError
        edges.append((operation, source))
    return edges
