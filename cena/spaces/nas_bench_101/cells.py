"""Cells of NAS-Bench-101: labelled directed acyclic graphs, their string form, pruning and validation.

Vertex 0 is the cell's input, the last vertex its output; each inner vertex applies one operation. An edge leads from an
earlier vertex to a later one. A cell has at most seven vertices and nine edges, counted after pruning: vertices that
are on no path from input to output do nothing and are removed.

The string form lists the vertices after the input in order, each with the earlier vertices it reads:
``conv3x3(0)|maxpool3x3(0,1)|output(1,2)`` is a 3x3 convolution (vertex 1) of the input, a max pooling (vertex 2) of the
sum of both, and the output (vertex 3) that concatenates vertices 1 and 2. A form has one spelling, but vertices may be
numbered in several orders: see :func:`cena.spaces.nas_bench_101.isomorphism.canonical`.

Source: Ying et al., "NAS-Bench-101" (ICML 2019), sections 2.1 and 2.2.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from cena.errors import InputError, unknown

NAS_BENCH_101_OPERATIONS = ("conv3x3", "conv1x1", "maxpool3x3")
"""In the benchmark's order, on which its hash and its numbering of cells depend."""
MAX_VERTICES = 7
MAX_EDGES = 9

_VERTEX = re.compile(r"(\w+)\(([0-9,]*)\)", re.ASCII)
_EXPECTED = "expected a form such as conv3x3(0)|maxpool3x3(0,1)|output(1,2)"


class NasBench101Cell(NamedTuple):
    """A pruned cell; made by :func:`parse_nas_bench_101_cell` or :func:`cell_from_matrix`, which validate."""

    operations: tuple[str, ...]
    """Operations of the inner vertices."""
    edges: int
    """The set of edges as a number, one :func:`edge_bit` each."""

    @property
    def vertices(self) -> int:
        """Number of vertices, input and output included."""
        return len(self.operations) + 2

    def inputs(self, vertex: int) -> list[int]:
        """The vertices that a vertex reads, ascending."""
        return [source for source in range(vertex) if self.edges & edge_bit(source, vertex)]


def edge_bit(source: int, target: int) -> int:
    """The number whose one set bit stands for an edge: the upper triangle, column by column, lowest bit first."""
    return 1 << (source + target * (target - 1) // 2)


def pruned(operations: Sequence[str], edges: int) -> NasBench101Cell | None:
    """The cell without what is on no path from input to output; None where there is no such path.

    It may have more vertices or edges than the benchmark allows.

    Parameters
    ----------
    operations : of the inner vertices.
    edges : one :func:`edge_bit` each; they may leave vertices unconnected.
    """
    output = len(operations) + 1
    inputs = [(edges >> target * (target - 1) // 2) & ((1 << target) - 1) for target in range(output + 1)]
    reached = 1
    for vertex in range(1, output + 1):
        if inputs[vertex] & reached:
            reached |= 1 << vertex
    reaching = 1 << output
    for vertex in range(output, 0, -1):
        if reaching >> vertex & 1:
            reaching |= inputs[vertex]
    kept = [vertex for vertex in range(output + 1) if (reached & reaching) >> vertex & 1]
    if not kept:
        return None
    if len(kept) == output + 1:
        return NasBench101Cell(tuple(operations), edges)
    left = sum(
        edge_bit(s, t)
        for t, target in enumerate(kept)
        for s, source in enumerate(kept[:t])
        if inputs[target] >> source & 1
    )
    return NasBench101Cell(tuple(operations[vertex - 1] for vertex in kept[1:-1]), left)


def parse_nas_bench_101_cell(text: str) -> NasBench101Cell:
    """The pruned cell of a string form.

    Raises
    ------
    InputError
        If the text has another shape, an unknown operation or an edge that does not lead forward (a cycle), if no path
        leads from input to output, or if more than seven vertices or nine edges remain after pruning.
    """
    operations: list[str] = []
    inputs: list[list[int]] = [[]]
    pieces = text.split("|")
    numbers = {str(vertex): vertex for vertex in range(len(pieces) + 1)}
    for vertex, piece in enumerate(pieces, start=1):
        match = _VERTEX.fullmatch(piece)
        if match is None:
            raise InputError(
                f"malformed cell '{text}': vertex {vertex} is '{piece}', not an operation and its inputs; {_EXPECTED}"
            )
        operations.append(match[1])
        sources = [numbers.get(source, -1) for source in match[2].split(",")] if match[2] else []
        if sources != sorted(set(sources)) or -1 in sources:
            raise InputError(
                f"malformed cell '{text}': vertex {vertex} reads '{match[2]}', not ascending vertices; {_EXPECTED}"
            )
        inputs.append(sources)
    if operations.pop() != "output":
        raise InputError(f"malformed cell '{text}': its last vertex is not the output; {_EXPECTED}")
    return _validated(operations, inputs, f"cell '{text}'")


def format_nas_bench_101_cell(cell: NasBench101Cell) -> str:
    """The string form of a cell, which :func:`parse_nas_bench_101_cell` reads back."""
    names = (*cell.operations, "output")
    return "|".join(f"{name}({','.join(map(str, cell.inputs(v)))})" for v, name in enumerate(names, start=1))


def cell_from_matrix(adjacency: ArrayLike, operations: Sequence[str]) -> NasBench101Cell:
    """The pruned cell of an adjacency matrix, as the benchmark's tables have it.

    Parameters
    ----------
    adjacency : (v, v) zeros and ones, strictly upper triangular; entry (s, t) is one where an edge leads from s to t.
    operations : of the v - 2 inner vertices.

    Raises
    ------
    InputError
        If the shapes do not fit, an entry is neither 0 nor 1, or for the reasons of :func:`parse_nas_bench_101_cell`.
    """
    matrix = np.asarray(adjacency)
    vertices = len(operations) + 2
    if matrix.shape != (vertices, vertices):
        raise InputError(
            f"malformed cell: its adjacency matrix has shape {matrix.shape}, but {len(operations)} operations need "
            f"{(vertices, vertices)}"
        )
    if not np.isin(matrix, (0, 1)).all():
        raise InputError("malformed cell: its adjacency matrix has entries other than 0 and 1")
    inputs = [np.flatnonzero(column).tolist() for column in matrix.T]
    return _validated(operations, inputs, "cell")


def _validated(operations: Sequence[str], inputs: Sequence[Sequence[int]], what: str) -> NasBench101Cell:
    """The pruned cell with these operations of the inner vertices and these inputs of every vertex."""
    for name in operations:
        if name not in NAS_BENCH_101_OPERATIONS:
            raise unknown("operation", name, NAS_BENCH_101_OPERATIONS)
    for vertex, sources in enumerate(inputs):
        for source in sources:
            if source >= vertex:
                raise InputError(
                    f"malformed {what}: vertex {vertex} reads vertex {source}, a cycle or vertices out of order; "
                    "number them so that each reads only earlier ones"
                )
    edges = sum(edge_bit(source, target) for target, sources in enumerate(inputs) for source in sources)
    cell = pruned(operations, edges)
    if cell is None:
        raise InputError(f"malformed {what}: disconnected, no path leads from its input to its output")
    for found, limit, things in (
        (cell.vertices, MAX_VERTICES, "vertices"),
        (cell.edges.bit_count(), MAX_EDGES, "edges"),
    ):
        if found > limit:
            raise InputError(f"malformed {what}: {found} {things} after pruning, at most {limit} are allowed")
    return cell
