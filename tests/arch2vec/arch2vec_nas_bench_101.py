"""A few cells of NAS-Bench-101 as graphs."""

import numpy as np

from cena.arch2vec import nas_bench_101_graphs


def nas_bench_101_cells(*cells):
    """Graphs of cells given as (operation codes, edges), zero-padded to seven nodes."""
    adjacency = np.zeros((len(cells), 7, 7), dtype=np.uint8)
    operations = np.full((len(cells), 7), -1, dtype=np.int8)
    for row, (codes, edges) in enumerate(cells):
        operations[row, : len(codes)] = codes
        for source, target in edges:
            adjacency[row, source, target] = 1
    return nas_bench_101_graphs(adjacency, operations)


CHAIN = ((0, 2, 1, 4), ((0, 1), (1, 2), (2, 3)))
RESIDUAL = ((0, 2, 1, 4), ((0, 1), (1, 2), (2, 3), (0, 3)))
BRANCHES = ((0, 1, 2, 3, 2, 1, 4), ((0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 5), (5, 6)))
SWAPPED = ((0, 2, 1, 2, 3, 1, 4), ((0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 5), (5, 6)))  # BRANCHES, renumbered

LINE = [(i, i + 1) for i in range(6)]
SEVEN_NODES = (
    BRANCHES,
    ((0, 3, 2, 1, 2, 3, 4), LINE),
    ((0, 3, 2, 1, 2, 3, 4), [*LINE, (0, 6)]),
    ((0, 1, 2, 1, 3, 2, 4), [*LINE, (1, 3), (2, 5)]),
    ((0, 1, 1, 3, 3, 2, 4), [(0, 1), (1, 2), (2, 3), (3, 6), (0, 4), (4, 5), (5, 6)]),
)
