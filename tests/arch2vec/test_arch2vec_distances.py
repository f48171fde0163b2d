import numpy as np
import pytest
import torch
from arch2vec_modules import BRANCHES, CHAIN, RESIDUAL, modules
from scipy import stats

from cena.arch2vec import (
    Arch2vec,
    Arch2vecConfig,
    cell_graphs,
    edit_distance,
    edit_distance_correlation,
    encode_graphs,
    valid_cells,
    valid_modules,
    walk_correlation,
    walk_distances,
)
from cena.arch2vec.distances import _step
from cena.errors import InputError
from cena.spaces.nas_bench_201.cells import all_topology_cells


@pytest.fixture(scope="module")
def model():
    """Random weights: neighbours are near each other even so."""
    torch.manual_seed(0)
    return Arch2vec(Arch2vecConfig(hidden=16, layers=2, latent=4)).eval()


def test_edit_distance_of_cells_is_the_number_of_other_operations():
    cells = all_topology_cells()
    generator = np.random.default_rng(0)
    first, second = ([cells[i] for i in generator.integers(len(cells), size=100)] for _ in range(2))
    expected = [sum(a != b for a, b in zip(*pair, strict=True)) for pair in zip(first, second, strict=True)]
    assert edit_distance(cell_graphs(first), cell_graphs(second)).tolist() == expected


def test_edit_distance_of_modules_counts_edges_and_operations():
    other = ((0, 3, 1, 4), ((0, 1), (1, 2), (2, 3), (1, 3)))
    first, second = modules(CHAIN, CHAIN, CHAIN), modules(CHAIN, RESIDUAL, other)
    assert edit_distance(first, second).tolist() == [0, 1, 2]
    assert edit_distance(second, first).tolist() == [0, 1, 2]
    with pytest.raises(InputError, match="give pairs of graphs of one space"):
        edit_distance(first, second[:2])


def test_correlation_is_one_in_an_embedding_that_is_the_edit_distance(cells):
    one_hot = np.eye(7)[cells.operations].reshape(len(cells), -1)
    interval = edit_distance_correlation(cells, one_hot, seed=0, pairs=100, runs=3)
    assert (interval.value, interval.runs) == (pytest.approx(1), 3)


def test_correlation_is_zero_in_a_random_embedding(cells):
    noise = np.random.default_rng(0).standard_normal((len(cells), 16))
    interval = edit_distance_correlation(cells[np.arange(50)], noise, seed=0, pairs=500, runs=10)
    both_same = 1 / 50  # such a pair has both distances zero, which is all the correlation there is
    assert abs(interval.value) < 0.15 + both_same
    collapsed = edit_distance_correlation(cells, np.zeros((len(cells), 3)), seed=0, pairs=100, runs=2)
    assert collapsed.value == 0


def test_correlation_is_spearmans(cells):
    embedding = np.random.default_rng(1).standard_normal((len(cells), 2)) + cells.operations.sum(axis=1)[:, None]
    interval = edit_distance_correlation(cells, embedding, seed=5, pairs=200, runs=2)
    expected = []
    for run in range(2):
        first, second = np.random.default_rng([5, run]).integers(len(cells), size=(2, 200))
        distances = np.linalg.norm(embedding[first] - embedding[second], axis=1)
        expected.append(stats.spearmanr(distances, edit_distance(cells[first], cells[second])).statistic)
    assert interval.value == pytest.approx(np.mean(expected))


def test_wrong_input_is_refused(cells):
    with pytest.raises(InputError, match="give one row for each graph"):
        edit_distance_correlation(cells, np.zeros((3, 2)), seed=0)
    with pytest.raises(InputError, match="truth is constant"):
        edit_distance_correlation(cells[:1], np.zeros((1, 2)), seed=0, pairs=10)
    with pytest.raises(InputError, match="at least 2 runs"):
        edit_distance_correlation(cells, np.eye(len(cells)), seed=0, runs=1)


def test_walks_move_by_one_edit_within_the_space(cells):
    graphs = cells
    for _ in range(3):
        moved = _step(graphs, valid_cells, np.random.default_rng(0))
        assert (edit_distance(graphs, moved) == 1).all()
        assert valid_cells(moved).all()
        graphs = moved
    starts = modules(CHAIN, RESIDUAL, BRANCHES, *[BRANCHES] * 30)
    moved = _step(starts, valid_modules, np.random.default_rng(0))
    assert (edit_distance(starts, moved) == 1).all()
    assert valid_modules(moved).all()
    assert np.array_equal(moved.operations >= 0, starts.operations >= 0)
    edges = edit_distance(moved, starts) - (moved.operations != starts.operations).sum(axis=1)
    assert 0 < edges.sum() < len(starts)


def test_all_edits_are_equally_likely():
    start = cell_graphs([("skip_connect",) * 6] * 4800)
    moved = _step(start, valid_cells, np.random.default_rng(0))
    rows, nodes = np.nonzero(moved.operations != start.operations)
    _, counts = np.unique(nodes * 7 + moved.operations[rows, nodes], return_counts=True)
    assert len(counts) == 24
    assert stats.chisquare(counts).pvalue > 1e-3


def test_walk_distances_are_from_the_start(model, cells):
    edits, distances = walk_distances(model, cells, valid_cells, np.random.default_rng(3), walks=40, steps=6)
    assert edits.shape == distances.shape == (40, 6)
    assert (edits[:, 0] == 1).all()
    assert (np.abs(np.diff(edits, axis=1)) <= 1).all()
    assert (edits <= np.arange(1, 7)).all()
    generator = np.random.default_rng(3)
    start = cells[generator.integers(len(cells), size=40)]
    first = _step(start, valid_cells, generator)
    expected = np.linalg.norm(encode_graphs(model, first) - encode_graphs(model, start), axis=1)
    np.testing.assert_allclose(distances[:, 0], expected, rtol=1e-5)
    back = edits == 0
    assert np.all(distances[back] < 1e-5)


def test_walk_correlation_depends_on_the_seed_alone(model, cells):
    first, same, other = (walk_correlation(model, cells, valid_cells, seed, 20, 4, 3) for seed in (0, 0, 1))
    assert first == same
    assert first != other


def test_an_encoder_even_a_random_one_moves_further_with_more_edits(model, cells):
    interval = walk_correlation(model, cells, valid_cells, seed=0, walks=100, steps=6, runs=5)
    assert 0.15 < interval.low <= interval.value <= interval.high < 1


def test_walks_from_graphs_with_superfluous_nodes_are_refused():
    loose = modules(((0, 2, 1, 3, 4), ((0, 1), (1, 2), (2, 4), (0, 3))))
    model = Arch2vec(Arch2vecConfig(kinds=5, hidden=4, layers=1))
    with pytest.raises(InputError, match="off every path"):
        walk_distances(model, loose, valid_modules, np.random.default_rng(0))


def test_walks_from_graphs_without_an_inner_node_are_refused():
    smallest = modules(((0, 4), ((0, 1),)))
    assert valid_modules(smallest).all()
    model = Arch2vec(Arch2vecConfig(kinds=5, hidden=4, layers=1))
    with pytest.raises(InputError, match="no walk leads from them"):
        walk_distances(model, smallest, valid_modules, np.random.default_rng(0))
