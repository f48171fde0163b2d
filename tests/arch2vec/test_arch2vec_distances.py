"""Edit distances, and how distances in an embedding follow them."""

import numpy as np
import pytest
from arch2vec_nas_bench_101 import CHAIN, RESIDUAL, nas_bench_101_cells
from scipy import stats

from cena.arch2vec import edit_distance, edit_distance_correlation, nas_bench_201_graphs
from cena.errors import InputError
from cena.spaces.nas_bench_201.cells import all_topology_cells


def test_edit_distance_of_cells_is_the_number_of_other_operations():
    cells = all_topology_cells()
    generator = np.random.default_rng(0)
    first, second = ([cells[i] for i in generator.integers(len(cells), size=100)] for _ in range(2))
    expected = [sum(a != b for a, b in zip(*pair, strict=True)) for pair in zip(first, second, strict=True)]
    assert edit_distance(nas_bench_201_graphs(first), nas_bench_201_graphs(second)).tolist() == expected


def test_edit_distance_of_nas_bench_101_counts_edges_and_operations():
    other = ((0, 3, 1, 4), ((0, 1), (1, 2), (2, 3), (1, 3)))
    first, second = nas_bench_101_cells(CHAIN, CHAIN, CHAIN), nas_bench_101_cells(CHAIN, RESIDUAL, other)
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
