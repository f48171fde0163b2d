"""Moving among a set of NAS-Bench-101 cells: which one any raw codes describe, and which are one edit apart.

The set may be a small part of all cells (labels are known of 30,001 of 423,624). Codes and edits that lead out of it
lead nowhere.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cena.spaces.nas_bench_101.cells import (
    MAX_EDGES,
    MAX_VERTICES,
    NAS_BENCH_101_OPERATIONS,
    NasBench101Cell,
    edge_bit,
    pruned,
)
from cena.spaces.nas_bench_101.isomorphism import canonical

PAIRS = tuple((source, target) for target in range(MAX_VERTICES) for source in range(target))
"""The possible edges of seven vertices, in the order of the codes and of `edge_bit`."""

_EDGES_OF = [sum(edge_bit(*pair) for pair in PAIRS if vertex in pair) for vertex in range(MAX_VERTICES)]
_NAMES = (*NAS_BENCH_101_OPERATIONS, "")
"""Of the codes of operations, the last of which stands for no vertex."""


class CellIndex:
    """Finds cells among some by their canonical form, in a hash map.

    Parameters
    ----------
    cells : canonical, no two alike, such as :attr:`cena.spaces.NasBench101Space.cells`.
    """

    def __init__(self, cells: Sequence[NasBench101Cell]) -> None:
        self.cells = list(cells)
        self._places = {cell: place for place, cell in enumerate(self.cells)}

    def __reduce__(self) -> "tuple[Callable[[str], CellIndex], tuple[str]]":
        # Pickled as one text: a worker that is handed the same cells for run after run builds them once.
        return _index_of, ("\n".join(f"{cell.edges} {' '.join(cell.operations)}" for cell in self.cells),)

    def of_codes(self, codes: NDArray[np.int64]) -> int | None:
        """The cell that raw codes, (26,), describe, or None where it is none of the cells.

        They are read as :meth:`cena.spaces.NasBench101Space.choices` writes them, and more freely: a vertex without an
        operation is left out with its edges, wherever it is, and so is what is on no path from input to output.
        """
        choices = codes.tolist()
        edges = sum(1 << place for place, chosen in enumerate(choices[: len(PAIRS)]) if chosen)
        operations = choices[len(PAIRS) :]
        for vertex, code in enumerate(operations, start=1):
            if code == len(NAS_BENCH_101_OPERATIONS):
                edges &= ~_EDGES_OF[vertex]  # on no path any more, the vertex is pruned
        return self._place([_NAMES[code] for code in operations], edges)

    def neighbours(self) -> list[list[int]]:
        """For each cell, ascending, those of the cells that one edit leads to, or that one edit leads to it from.

        An edit adds or removes an edge of the cell, or changes the operation of an inner vertex; then it is pruned. An
        edit can therefore remove vertices but never add one, which is why both directions count.
        """
        found: list[set[int]] = [set() for _ in self.cells]
        for place, cell in enumerate(self.cells):
            for operations, edges in _edits(cell):
                other = self._place(operations, edges)
                if other is not None and other != place:
                    found[place].add(other)
                    found[other].add(place)
        return [sorted(others) for others in found]

    def _place(self, operations: Sequence[str], edges: int) -> int | None:
        cell = pruned(operations, edges)
        if cell is None or cell.edges.bit_count() > MAX_EDGES:
            return None
        return self._places.get(canonical(cell))


@lru_cache(maxsize=2)
def _index_of(text: str) -> CellIndex:
    lines = (line.split() for line in text.splitlines())
    return CellIndex([NasBench101Cell(tuple(operations), int(edges)) for edges, *operations in lines])


def _edits(cell: NasBench101Cell) -> list[tuple[tuple[str, ...], int]]:
    """Operations and edges of every cell that is one edit away, before pruning."""
    flips = [(cell.operations, cell.edges ^ edge_bit(s, t)) for t in range(cell.vertices) for s in range(t)]
    changes = [
        ((*cell.operations[:vertex], name, *cell.operations[vertex + 1 :]), cell.edges)
        for vertex, old in enumerate(cell.operations)
        for name in NAS_BENCH_101_OPERATIONS
        if name != old
    ]
    return flips + changes
