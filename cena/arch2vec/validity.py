"""Which graphs are architectures of a benchmark: what a decoder's output is judged by."""

from collections.abc import Callable

import numpy as np

from cena.arch2vec.graphs import EMPTY, NAS_BENCH_101_NODES, NAS_BENCH_201_ADJACENCY, NAS_BENCH_201_NODES, Graphs
from cena.spaces.nas_bench_101.cells import MAX_EDGES
from cena.types import Booleans

Validity = Callable[[Graphs], Booleans]
"""From graphs to a mask, shape (n,), true for the architectures of one benchmark."""


def valid_nas_bench_201_cells(graphs: Graphs) -> Booleans:
    """(n,) whether each graph is that of a NAS-Bench-201 cell: the one adjacency, an operation on every inner node.

    Exactly these can be written as a cell string.
    """
    if graphs.operations.shape[1:] != (len(NAS_BENCH_201_ADJACENCY),):
        return np.zeros(len(graphs), dtype=bool)
    joined: Booleans = (graphs.adjacency == NAS_BENCH_201_ADJACENCY).all(axis=(1, 2))
    return joined & _operations_in_place(graphs, NAS_BENCH_201_NODES.index("output"))


def as_released_nas_bench_201_cells(graphs: Graphs) -> Booleans:
    """(n,) whether the released code would call each graph a valid NAS-Bench-201 cell.

    It looks at the operations alone, not at the adjacency, and forgets the first inner node. Its numbers can be
    compared with published ones; :func:`valid_nas_bench_201_cells` says which graphs really are cells.
    """
    output = NAS_BENCH_201_NODES.index("output")
    inner = graphs.operations[:, 2:-1]
    ends = (graphs.operations[:, 0] == 0) & (graphs.operations[:, -1] == output)
    valid: Booleans = ends & ((inner > 0) & (inner < output)).all(axis=1)
    return valid


def valid_nas_bench_101_cells(graphs: Graphs) -> Booleans:
    """(n,) whether each graph is a NAS-Bench-101 cell after nodes off the paths from input to output are pruned.

    As the benchmark checks it (Ying et al., "NAS-Bench-101", ICML 2019, section 2.1): output reachable from input,
    at most nine edges left, an operation on every inner node left.
    """
    pruned = prune(graphs)
    edges = pruned.adjacency.sum(axis=(1, 2), dtype=np.int64)
    few: Booleans = (edges > 0) & (edges <= MAX_EDGES)
    return few & _operations_in_place(pruned, NAS_BENCH_101_NODES.index("output"))


def prune(graphs: Graphs) -> Graphs:
    """The graphs with every node emptied that is on no path from the first node to the last that is not empty."""
    rows, nodes = np.arange(len(graphs)), graphs.operations.shape[1]
    last = nodes - 1 - (graphs.operations[:, ::-1] != EMPTY).argmax(axis=1)
    forward, backward = np.zeros((2, len(graphs), nodes), dtype=bool)
    forward[:, 0] = True
    backward[rows, last] = True
    edges = graphs.adjacency.astype(bool)
    for node in range(1, nodes):
        forward[:, node] |= (edges[:, :, node] & forward).any(axis=1)
    for node in reversed(range(nodes - 1)):
        backward[:, node] |= (edges[:, node] & backward).any(axis=1)
    kept = forward & backward
    adjacency = graphs.adjacency * (kept[:, :, None] & kept[:, None, :])
    return Graphs(adjacency, np.where(kept, graphs.operations, EMPTY).astype(np.int8), graphs.kinds)


def _operations_in_place(graphs: Graphs, output: int) -> Booleans:
    """(n,) whether the first node is the input (0), the last one left the output, and no other is either."""
    operations = graphs.operations
    last = operations.shape[1] - 1 - (operations[:, ::-1] != EMPTY).argmax(axis=1)
    rest = operations.copy()
    rest[np.arange(len(graphs)), last] = EMPTY
    ends = (operations[:, 0] == 0) & (operations[np.arange(len(graphs)), last] == output) & (last > 0)
    inner = rest[:, 1:]
    valid: Booleans = ends & ((inner != 0) & (inner != output)).all(axis=1)
    return valid
