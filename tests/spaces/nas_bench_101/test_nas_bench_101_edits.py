"""Looking up NAS-Bench-101 cells by raw codes, and their neighbours, against what the string forms say."""

import pickle

import numpy as np
import pytest

from cena.spaces import NasBench101Space
from cena.spaces.nas_bench_101.cells import NAS_BENCH_101_OPERATIONS, parse_nas_bench_101_cell
from cena.spaces.nas_bench_101.edits import PAIRS, CellIndex
from cena.spaces.nas_bench_101.isomorphism import all_nas_bench_101_cells, canonical

SPACE = NasBench101Space(cells=all_nas_bench_101_cells()[::997])
INDEX = CellIndex(SPACE.cells)
SMALL = CellIndex([canonical(cell) for cell in all_nas_bench_101_cells()[:90]])  # all cells of at most four vertices


def test_every_cell_is_found_by_its_codes():
    codes, cardinalities = SPACE.choices()
    assert len(cardinalities) == len(PAIRS) + 5
    assert [INDEX.of_codes(row) for row in codes] == list(range(len(SPACE)))


def test_a_pickled_index_is_small_and_built_once():
    text = pickle.dumps(INDEX)
    one, other = pickle.loads(text), pickle.loads(text)
    assert one is other
    assert one.cells == INDEX.cells
    assert len(text) < 60 * len(INDEX.cells)
    bare = next(cell for cell in all_nas_bench_101_cells() if not cell.operations)
    for cells in ([bare], []):
        assert pickle.loads(pickle.dumps(CellIndex(cells))).cells == cells


def test_a_vertex_without_operation_is_left_out_with_its_edges_wherever_it_is():
    place = SMALL.cells.index(canonical(parse_nas_bench_101_cell("conv3x3(0)|maxpool3x3(1)|output(2)")))
    codes = np.zeros(len(PAIRS) + 5, dtype=np.int64)
    codes[len(PAIRS) :] = [
        len(NAS_BENCH_101_OPERATIONS),
        0,
        len(NAS_BENCH_101_OPERATIONS),
        2,
        len(NAS_BENCH_101_OPERATIONS),
    ]
    for pair in ((0, 2), (2, 4), (4, 6), (0, 3), (3, 6)):  # vertex 3 has no operation
        codes[PAIRS.index(pair)] = 1
    assert SMALL.of_codes(codes) == place


def test_codes_that_describe_none_of_the_cells():
    assert INDEX.of_codes(np.zeros(len(PAIRS) + 5, dtype=np.int64)) is None  # nothing leads to the output
    everything = np.concatenate([np.ones(len(PAIRS), dtype=np.int64), np.zeros(5, dtype=np.int64)])
    assert INDEX.of_codes(everything) is None  # 21 edges
    only = CellIndex([parse_nas_bench_101_cell("output(0)")])
    [codes] = NasBench101Space(cells=[parse_nas_bench_101_cell("conv1x1(0)|output(1)")]).choices()[0]
    assert only.of_codes(codes) is None


def test_neighbours_are_one_edit_apart_in_either_direction():
    cells = SMALL.cells
    named = {cell: place for place, cell in enumerate(cells)}
    neighbours = SMALL.neighbours()
    for place, others in enumerate(neighbours):
        assert others == sorted(set(others) - {place})
        assert all(place in neighbours[other] for other in others)

    def place(text: str) -> int:
        return named[canonical(parse_nas_bench_101_cell(text))]

    chain = place("conv3x3(0)|conv1x1(1)|output(2)")
    assert place("conv3x3(0)|conv1x1(0,1)|output(2)") in neighbours[chain]  # an edge more
    assert place("conv3x3(0)|maxpool3x3(1)|output(2)") in neighbours[chain]  # another operation
    assert (
        place("conv1x1(0)|output(1)") in neighbours[place("conv3x3(0)|conv1x1(0,1)|output(2)")]
    )  # an edge less prunes
    assert place("maxpool3x3(0)|maxpool3x3(1)|output(2)") not in neighbours[chain]  # two edits


@pytest.mark.parametrize("cells", [[], [parse_nas_bench_101_cell("output(0)")]])
def test_few_cells_have_no_neighbours(cells):
    assert CellIndex(cells).neighbours() == [[] for _ in cells]
