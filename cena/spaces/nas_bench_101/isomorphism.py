"""Which cells of NAS-Bench-101 are the same graph: canonical form, the benchmark's hash, and all 423,624 cells.

Two cells are isomorphic when renumbering the inner vertices of one gives the other. The benchmark keeps one cell of
each isomorphism class, the first that its generator meets: fewest vertices first, then ascending edge sets, then
operations in lexicographic order of :data:`~cena.spaces.nas_bench_101.cells.NAS_BENCH_101_OPERATIONS`. That cell is the
canonical form here. The choice matters: a number of channels that does not divide evenly gives its remainder to
the first vertices (:func:`~cena.spaces.nas_bench_101.networks.vertex_channels`), so isomorphic cells can differ in
parameters.

Source: Ying et al., "NAS-Bench-101" (ICML 2019), section 2.2 and supplement S1; the released `generate_graphs.py`.
Departure: classes are told apart by trying all renumberings of the bare graphs, not by the hash, which is exact and
faster.
"""

from collections.abc import Iterable
from functools import cache
from hashlib import md5
from itertools import permutations, product

import joblib
import numpy as np

from cena.processes import parallel
from cena.spaces.nas_bench_101.cells import MAX_EDGES, MAX_VERTICES, NAS_BENCH_101_OPERATIONS, NasBench101Cell, edge_bit

_PART = 20_000
"""Cells that are hashed by one task."""


def canonical(cell: NasBench101Cell) -> NasBench101Cell:
    """The first cell in the order of :func:`all_nas_bench_101_cells` that is isomorphic to this one."""
    edges, renumberings = _canonical_edges(cell.edges, cell.vertices)
    codes = [NAS_BENCH_101_OPERATIONS.index(name) for name in cell.operations]
    first = min([codes[vertex - 1] for vertex in renumbering] for renumbering in renumberings)
    return NasBench101Cell(tuple(NAS_BENCH_101_OPERATIONS[code] for code in first), edges)


def all_nas_bench_101_cells() -> list[NasBench101Cell]:
    """The canonical form of all 423,624 cells: fewest vertices first, then by edge set, then by operations.

    Takes about two seconds.
    """
    cells: list[NasBench101Cell] = []
    for vertices in range(2, MAX_VERTICES + 1):
        labelings = list(product(range(len(NAS_BENCH_101_OPERATIONS)), repeat=vertices - 2))
        names = [tuple(NAS_BENCH_101_OPERATIONS[code] for code in codes) for codes in labelings]
        for edges in _pruned_graphs(vertices):
            canonical_edges, automorphisms = _canonical_edges(edges, vertices)
            if edges != canonical_edges:
                continue
            cells.extend(
                NasBench101Cell(operations, edges)
                for codes, operations in zip(labelings, names, strict=True)
                if all(codes <= tuple(codes[vertex - 1] for vertex in other) for other in automorphisms)
            )
    return cells


@cache
def _canonical_edges(edges: int, vertices: int) -> tuple[int, list[tuple[int, ...]]]:
    """The smallest edge set that renumbering the inner vertices can give, and the renumberings that give it.

    Edges must still lead forward. A renumbering lists the old numbers of the new inner vertices 1, 2, ...
    """
    pairs = [(s, t) for t in range(vertices) for s in range(t) if edges & edge_bit(s, t)]
    found: dict[int, list[tuple[int, ...]]] = {}
    for renumbering in permutations(range(1, vertices - 1)):
        new = {old: i for i, old in enumerate((0, *renumbering, vertices - 1))}
        if all(new[s] < new[t] for s, t in pairs):
            renumbered = sum(edge_bit(new[s], new[t]) for s, t in pairs)
            found.setdefault(renumbered, []).append(renumbering)
    smallest = min(found)
    return smallest, found[smallest]


def _pruned_graphs(vertices: int) -> list[int]:
    """All edge sets of at most nine edges in which every vertex is on a path from input to output, ascending."""
    edges = np.arange(1 << vertices * (vertices - 1) // 2)
    edges = edges[np.bitwise_count(edges) <= MAX_EDGES]
    for vertex in range(vertices):
        before = sum(edge_bit(source, vertex) for source in range(vertex))
        after = sum(edge_bit(vertex, target) for target in range(vertex + 1, vertices))
        for mask in (before, after):  # the input has nothing before it, the output nothing after
            if mask:
                edges = edges[edges & mask != 0]
    return [int(number) for number in edges]


def canonical_hash(cell: NasBench101Cell) -> str:
    """The benchmark's name of a cell, equal for isomorphic cells: 32 hexadecimal digits.

    Each vertex starts from the MD5 of its out-degree, in-degree and operation; as many times as there are vertices,
    it is hashed with the sorted hashes of its in- and out-neighbours; the hash of the sorted list names the cell.
    Source: `hash_module` of the released `graph_util.py`. Distinct for the 423,624 cells, as the benchmark verified.
    """
    everyone = range(cell.vertices)
    before, after = _neighbours(cell.edges, cell.vertices)
    labels = (-1, *map(NAS_BENCH_101_OPERATIONS.index, cell.operations), -2)
    hashes = [_md5(str((len(after[v]), len(before[v]), labels[v]))) for v in everyone]
    for _ in everyone:
        hashes = [
            _md5("|".join(["".join(sorted(hashes[w] for w in side[v])) for side in (before, after)] + [hashes[v]]))
            for v in everyone
        ]
    return _md5(str(sorted(hashes)))


def cells_by_hash(hashes: Iterable[str]) -> dict[str, NasBench101Cell]:
    """The cells that have these hashes, by hash; a hash of no cell is left out.

    All 423,624 cells are hashed, which takes a minute of one processor; all processors take part.
    """
    wanted = frozenset(hashes)
    cells = all_nas_bench_101_cells()
    parts = (cells[start : start + _PART] for start in range(0, len(cells), _PART))
    found = parallel(-1)(joblib.delayed(_with_hashes)(part, wanted) for part in parts)
    return {name: cell for part in found for name, cell in part}


def _with_hashes(cells: list[NasBench101Cell], wanted: frozenset[str]) -> list[tuple[str, NasBench101Cell]]:
    return [(name, cell) for cell in cells if (name := canonical_hash(cell)) in wanted]


@cache
def _neighbours(edges: int, vertices: int) -> tuple[list[list[int]], list[list[int]]]:
    """For each vertex those that it reads, and those that read it."""
    bare = NasBench101Cell((), edges)
    before = [bare.inputs(vertex) for vertex in range(vertices)]
    return before, [[t for t in range(vertices) if v in before[t]] for v in range(vertices)]


def _md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()
