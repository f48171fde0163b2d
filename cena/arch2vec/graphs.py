"""Architectures as graphs with an operation on every node: what arch2vec reads.

NAS-Bench-201 puts operations on edges. Its cells become graphs of eight nodes, an input, the six operations and an
output, joined as the operations follow each other. That graph is the same for all cells: only the operations differ.
NAS-Bench-101 has its operations on the nodes already; cells of fewer than seven are padded with empty nodes.

Source: Yan et al., "Does Unsupervised Architecture Representation Learning Help Neural Architecture Search?" (NeurIPS
2020), section 3.1, and its released code for both encodings.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cena.errors import InputError, unknown
from cena.spaces.nas_bench_201.cells import EDGES, TopologyCell
from cena.types import Integers

NAS_BENCH_201_NODES = (
    "input",
    "nor_conv_1x1",
    "nor_conv_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "none",
    "output",
)
"""The operations of NAS-Bench-201's graphs in the order of their codes."""

NAS_BENCH_101_NODES = ("input", "conv1x1", "conv3x3", "maxpool3x3", "output")
"""The operations of NAS-Bench-101's graphs in the order of their codes."""

EMPTY = -1
"""The code of a node that only pads a graph; its one-hot row is zero."""


def _nas_bench_201_adjacency() -> NDArray[np.uint8]:
    """(8, 8): an operation is followed by those that start where it ends; the first and last node are input, output."""
    adjacency = np.zeros((len(EDGES) + 2, len(EDGES) + 2), dtype=np.uint8)
    for node, (source, target) in enumerate(EDGES, start=1):
        if source == 0:
            adjacency[0, node] = 1
        if target == 3:
            adjacency[node, -1] = 1
        for successor, (start, _) in enumerate(EDGES, start=1):
            adjacency[node, successor] = target == start
    return adjacency


NAS_BENCH_201_ADJACENCY = _nas_bench_201_adjacency()
"""The one adjacency matrix of all NAS-Bench-201 cells, (8, 8), strictly upper triangular."""


@dataclass(frozen=True)
class Graphs:
    """Directed acyclic graphs of one size, their nodes in topological order.

    Parameters
    ----------
    adjacency : (n, nodes, nodes) of 0 and 1, strictly upper triangular: entry i, j says that node i feeds node j.
    operations : (n, nodes), the code of each node's operation, 0 ... kinds - 1, or :data:`EMPTY`. Empty nodes have no
        edges.
    kinds : number of different operations.

    Raises
    ------
    InputError
        If an array is anything else.
    """

    adjacency: NDArray[np.uint8]
    operations: NDArray[np.int8]
    kinds: int

    def __post_init__(self) -> None:
        adjacency, operations = np.asarray(self.adjacency), np.asarray(self.operations)
        if adjacency.ndim != 3 or adjacency.shape[1] != adjacency.shape[2] or operations.shape != adjacency.shape[:2]:
            raise InputError(
                f"adjacency of shape {adjacency.shape} and operations of shape {operations.shape} do not belong "
                "together: expected (graphs, nodes, nodes) and (graphs, nodes)"
            )
        if not np.isin(adjacency, (0, 1)).all():
            raise InputError("adjacency has entries other than 0 and 1: give the 0/1 matrix of each graph")
        if np.tril(adjacency).any():
            raise InputError(
                "adjacency has entries on or below the diagonal: number the nodes in topological order, so that edges "
                "lead from lower to higher numbers"
            )
        if not np.isin(operations, np.arange(EMPTY, self.kinds)).all():
            raise InputError(
                f"operations has entries other than the codes 0 to {self.kinds - 1}, or {EMPTY} for an empty node"
            )
        empty = operations == EMPTY
        if (adjacency.any(axis=1) & empty).any() or (adjacency.any(axis=2) & empty).any():
            raise InputError("adjacency has edges at nodes that operations says are empty: remove these edges")
        object.__setattr__(self, "adjacency", adjacency.astype(np.uint8, copy=False))
        object.__setattr__(self, "operations", operations.astype(np.int8, copy=False))

    def __len__(self) -> int:
        return len(self.operations)

    def __getitem__(self, chosen: slice | NDArray[np.intp] | NDArray[np.bool_]) -> "Graphs":
        """Some of the graphs, by a slice, indices or a mask."""
        return Graphs(self.adjacency[chosen], self.operations[chosen], self.kinds)


def nas_bench_201_graphs(cells: Sequence[TopologyCell]) -> Graphs:
    """The eight-node graphs of NAS-Bench-201 cells, such as those that
    :func:`cena.spaces.nas_bench_201.cells.parse_topology_cell` returns.

    Raises
    ------
    InputError
        If a cell does not consist of six operations of the space.
    """
    codes = {name: code for code, name in enumerate(NAS_BENCH_201_NODES) if name not in ("input", "output")}
    operations = np.full((len(cells), len(EDGES) + 2), NAS_BENCH_201_NODES.index("output"))
    operations[:, 0] = NAS_BENCH_201_NODES.index("input")
    for row, cell in enumerate(cells):
        if len(cell) != len(EDGES):
            raise InputError(f"cell {row} has {len(cell)} operations: give {len(EDGES)}, as parse_cell does")
        for node, name in enumerate(cell, start=1):
            if name not in codes:
                raise unknown("operation", name, codes)
            operations[row, node] = codes[name]
    adjacency = np.repeat(NAS_BENCH_201_ADJACENCY[None], len(cells), axis=0)
    return Graphs(adjacency, operations.astype(np.int8), len(NAS_BENCH_201_NODES))


def nas_bench_101_graphs(adjacency: ArrayLike, operations: ArrayLike) -> Graphs:
    """The seven-node graphs of NAS-Bench-101 cells.

    Parameters
    ----------
    adjacency : (n, 7, 7), zero-padded.
    operations : (n, 7), codes in the order of :data:`NAS_BENCH_101_NODES`, then :data:`EMPTY` for the nodes a smaller
        cell lacks.

    Raises
    ------
    InputError
        If there are not seven nodes, or as for :class:`Graphs`.
    """
    matrices, codes = np.asarray(adjacency), np.asarray(operations)
    if matrices.shape[1:] != (7, 7):
        raise InputError(f"adjacency has shape {matrices.shape}: cells of NAS-Bench-101 are (n, 7, 7), zero-padded")
    return Graphs(matrices, codes, len(NAS_BENCH_101_NODES))


def isomorphism_classes(graphs: Graphs) -> Integers:
    """(n,) a number for each graph, equal for graphs that differ only in the numbering of their nodes.

    Nodes are coloured by their operation, then again and again by their own colour and those of their predecessors and
    successors; graphs are compared by their colours. This is the iterated hash that NAS-Bench-101 tells its cells apart
    by (Ying et al., 2019, section 3.1), computed for all graphs at once and without collisions.
    """
    count, nodes = graphs.operations.shape
    incoming = graphs.adjacency.transpose(0, 2, 1).astype(bool)
    outgoing = graphs.adjacency.astype(bool)
    colours = graphs.operations.astype(np.int64)
    for _ in range(nodes):
        around = [np.sort(np.where(edges, colours[:, None, :], EMPTY - 1)) for edges in (incoming, outgoing)]
        seen = np.concatenate([colours[:, :, None], *around], axis=2).reshape(count * nodes, -1)
        colours = np.unique(seen, axis=0, return_inverse=True)[1].reshape(count, nodes)
    return np.unique(np.sort(colours), axis=0, return_inverse=True)[1].reshape(count).astype(np.int64)
