import numpy as np
import pytest
from arch2vec_nas_bench_101 import BRANCHES, CHAIN, RESIDUAL, SWAPPED, nas_bench_101_cells
from hypothesis import given
from hypothesis import strategies as st

from cena.arch2vec import Graphs, isomorphism_classes, nas_bench_101_graphs, nas_bench_201_graphs
from cena.errors import InputError
from cena.spaces.nas_bench_201.cells import EDGES, TOPOLOGY_OPERATIONS, parse_topology_cell

# The published encoding of NAS-Bench-201: node 0 the input, nodes 1 to 6 the operations, node 7 the output.
PUBLISHED_EDGES = {(0, 1), (0, 2), (0, 4), (1, 3), (1, 5), (2, 6), (3, 6), (4, 7), (5, 7), (6, 7)}


def test_a_cell_becomes_the_published_graph():
    cell = parse_topology_cell("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|none~2|")
    graphs = nas_bench_201_graphs([cell])
    assert set(zip(*np.nonzero(graphs.adjacency[0]), strict=True)) == PUBLISHED_EDGES
    assert graphs.operations[0].tolist() == [0, 2, 5, 4, 3, 1, 5, 6]
    assert (graphs.kinds, graphs.adjacency.shape) == (7, (1, 8, 8))


def test_paths_of_the_graph_are_those_of_the_cell():
    """Independent of the construction: a path of edges through the cell's four nodes is one through the graph."""
    paths = [[edge] for edge in EDGES if edge[0] == 0]
    complete = set()
    while paths:
        path = paths.pop()
        if path[-1][1] == 3:
            complete.add(tuple(1 + EDGES.index(edge) for edge in path))
        paths.extend([*path, edge] for edge in EDGES if edge[0] == path[-1][1])
    matrix = nas_bench_201_graphs([("none",) * 6]).adjacency[0]
    found, open_paths = set(), [(0,)]
    while open_paths:
        path = open_paths.pop()
        if path[-1] == 7:
            found.add(path[1:-1])
        open_paths.extend((*path, int(node)) for node in np.nonzero(matrix[path[-1]])[0])
    assert found == complete
    assert len(found) == 4


@given(st.lists(st.tuples(*[st.sampled_from(TOPOLOGY_OPERATIONS)] * 6), min_size=1, max_size=20))
def test_different_cells_are_different_graphs(cells):
    graphs = nas_bench_201_graphs(cells)
    assert len(np.unique(isomorphism_classes(graphs))) == len(set(cells))


def test_all_ways_to_write_a_cell_are_one_class():
    classes = isomorphism_classes(nas_bench_101_cells(BRANCHES, CHAIN, SWAPPED, RESIDUAL, CHAIN))
    assert classes[0] == classes[2]
    assert classes[1] == classes[4]
    assert len(set(classes)) == 3


def test_isomorphism_classes_see_the_direction_of_edges():
    fork = ((0, 1, 1, 1, 4), ((0, 1), (1, 2), (1, 3), (2, 4), (3, 4)))
    merge = ((0, 1, 1, 1, 4), ((0, 1), (0, 2), (1, 3), (2, 3), (3, 4)))
    first, second = isomorphism_classes(nas_bench_101_cells(fork, merge))
    assert first != second


def test_some_graphs_are_chosen_by_slice_index_and_mask(cells):
    mask = np.zeros(len(cells), dtype=bool)
    mask[[1, 3]] = True
    for chosen in (slice(1, 4, 2), np.array([1, 3]), mask):
        part = cells[chosen]
        assert np.array_equal(part.operations, cells.operations[[1, 3]])
        assert len(part) == 2


GOOD = nas_bench_101_cells(CHAIN)


def changed(**entries):
    arrays = {"adjacency": GOOD.adjacency.astype(float), "operations": GOOD.operations.astype(float)}
    for name, (place, value) in entries.items():
        arrays[name][place] = value
    return arrays


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (changed(adjacency=((0, 2, 1), 1)), "on or below the diagonal"),
        (changed(adjacency=((0, 1, 1), 1)), "on or below the diagonal"),
        (changed(adjacency=((0, 0, 1), np.nan)), "other than 0 and 1"),
        (changed(adjacency=((0, 0, 1), 2)), "other than 0 and 1"),
        (changed(adjacency=((0, 0, 6), 1)), "edges at nodes that operations says are empty"),
        (changed(adjacency=((0, 5, 6), 1)), "edges at nodes that operations says are empty"),
        (changed(operations=((0, 1), np.inf)), "codes 0 to 4"),
        (changed(operations=((0, 1), 5)), "codes 0 to 4"),
        (changed(operations=((0, 1), -2)), "codes 0 to 4"),
        (changed(operations=((0, 1), 0.5)), "codes 0 to 4"),
    ],
)
def test_arrays_that_are_no_graphs_are_refused(arrays, message):
    nas_bench_101_graphs(**changed())
    with pytest.raises(InputError, match=message):
        nas_bench_101_graphs(**arrays)


def test_wrong_shapes_are_refused():
    with pytest.raises(InputError, match=r"expected \(graphs, nodes, nodes\)"):
        Graphs(GOOD.adjacency[0], GOOD.operations[0], 5)
    with pytest.raises(InputError, match=r"expected \(graphs, nodes, nodes\)"):
        Graphs(GOOD.adjacency, GOOD.operations[:, :6], 5)
    with pytest.raises(InputError, match="zero-padded"):
        nas_bench_101_graphs(GOOD.adjacency[:, :6, :6], GOOD.operations[:, :6])


def test_wrong_cells_are_refused():
    with pytest.raises(InputError, match="cell 1 has 5 operations"):
        nas_bench_201_graphs([("none",) * 6, ("none",) * 5])
    with pytest.raises(InputError, match="unknown operation 'output'"):
        nas_bench_201_graphs([("output",) * 6])
