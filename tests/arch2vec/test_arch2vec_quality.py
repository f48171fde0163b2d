from dataclasses import replace

import numpy as np
import pytest
import torch
from arch2vec_nas_bench_101 import BRANCHES, CHAIN, RESIDUAL, SWAPPED, nas_bench_101_cells

from cena.arch2vec import (
    Arch2vec,
    Arch2vecConfig,
    Graphs,
    as_released_nas_bench_201_cells,
    pretrain,
    prior_graphs,
    prior_quality,
    reconstruction,
    valid_nas_bench_101_cells,
    valid_nas_bench_201_cells,
)
from cena.arch2vec.quality import decode_graphs
from cena.arch2vec.training import node_latents
from cena.arch2vec.validity import prune
from cena.errors import InputError


class Fixed(Arch2vec):
    """Decodes the graphs it is given, whatever the latents are."""

    def __init__(self, graphs):
        super().__init__(Arch2vecConfig(kinds=graphs.kinds, hidden=4, layers=1, latent=2))
        self.graphs = graphs

    def decode(self, latents):
        rows = np.arange(len(latents)) % len(self.graphs)
        operations = np.maximum(self.graphs.operations[rows], 0)
        edges = torch.tensor(self.graphs.adjacency[rows], dtype=torch.float32)
        return torch.eye(self.graphs.kinds)[operations], edges + edges.transpose(1, 2) - 0.5


TWINS = ((0, 1, 1, 4), ((0, 1), (0, 2), (1, 3), (2, 3)))
LOOSE = ((0, 2, 1, 3, 4), ((0, 1), (1, 2), (2, 4), (0, 3)))  # CHAIN, and a node that leads nowhere


def test_reconstruction_counts_operations_edges_and_graphs():
    graphs = nas_bench_101_cells(CHAIN, RESIDUAL)
    assert reconstruction(Fixed(graphs), graphs) == reconstruction(Fixed(graphs), graphs[[0, 1]])
    assert set(vars(reconstruction(Fixed(graphs), graphs)).values()) == {1.0}
    edges_wrong = reconstruction(Fixed(nas_bench_101_cells(CHAIN, CHAIN)), graphs)
    assert vars(edges_wrong) == {"operations": 1.0, "adjacency": 11 / 12, "graphs": 0.5}
    other = ((0, 3, 1, 4), CHAIN[1])
    operations_wrong = reconstruction(Fixed(nas_bench_101_cells(CHAIN, other)), nas_bench_101_cells(CHAIN, CHAIN))
    assert vars(operations_wrong) == {"operations": 7 / 8, "adjacency": 1.0, "graphs": 0.5}


def test_nothing_to_reconstruct_is_refused(cells):
    with pytest.raises(InputError, match="no graph to reconstruct"):
        reconstruction(Fixed(cells), cells[:0])


def test_parallel_nodes_with_one_operation_always_decode_to_an_edge():
    """The limit that the documentation names: their latents are equal, so their inner product is positive."""
    torch.manual_seed(0)
    model = Arch2vec(Arch2vecConfig(kinds=5, hidden=16, layers=3, latent=4)).eval()
    graphs = nas_bench_101_cells(TWINS)
    latents = node_latents(model, graphs)
    np.testing.assert_allclose(latents[0, 1], latents[0, 2], rtol=1e-5)
    assert decode_graphs(model, latents).adjacency[0, 1, 2] == 1
    assert reconstruction(model, graphs).graphs == 0


def test_decoding_takes_the_most_probable():
    config = Arch2vecConfig(hidden=4, layers=1, latent=2)
    model = Arch2vec(config)
    torch.nn.init.zeros_(model.operations.weight)
    with torch.no_grad():
        model.operations.bias.copy_(torch.arange(7) == 3)
    latents = np.array([[[1, 0], [0.5, 1], [-1, 0], [-1, 1]]], dtype=np.float32)
    decoded = decode_graphs(model.train(), latents)
    assert decoded.operations.tolist() == [[3, 3, 3, 3]]
    assert set(zip(*np.nonzero(decoded.adjacency[0]), strict=True)) == {(0, 1), (1, 3), (2, 3)}


def test_prior_has_the_moments_of_the_training_latents_node_by_node(cells, monkeypatch):
    torch.manual_seed(0)
    model = Arch2vec(Arch2vecConfig(hidden=8, layers=2, latent=3)).eval()
    seen = []
    monkeypatch.setattr("cena.arch2vec.quality.decode_graphs", lambda _, latents: seen.append(latents) or cells)
    prior_graphs(model, cells, seed=0, count=40_000)
    expected = node_latents(model, cells)
    assert seen[0].shape == (40_000, 8, 3)
    deviation = expected.std(axis=0, ddof=1)
    assert deviation.min() > 1e-3
    assert np.abs((seen[0].mean(axis=0) - expected.mean(axis=0)) / deviation).max() < 0.03
    np.testing.assert_allclose(seen[0].std(axis=0), deviation, rtol=0.03)


def test_prior_depends_on_the_seed_alone(cells, small_config):
    model = pretrain(cells, replace(small_config, epochs=20))
    first, same, other = (prior_graphs(model, cells, seed, count=50) for seed in (0, 0, 1))
    assert np.array_equal(first.operations, same.operations)
    assert np.array_equal(first.adjacency, same.adjacency)
    assert not np.array_equal(first.operations, other.operations)


def test_validity_and_uniqueness_are_fractions_of_architectures():
    graphs = nas_bench_101_cells(BRANCHES, SWAPPED, (BRANCHES[0], BRANCHES[1][:-1]), BRANCHES)
    quality = prior_quality(Fixed(graphs), graphs, valid_nas_bench_101_cells, seed=0, count=400)
    assert vars(quality) == {"validity": 0.75, "uniqueness": 1 / 300}
    none = prior_quality(Fixed(graphs[[2]]), graphs, valid_nas_bench_101_cells, seed=0, count=400)
    assert vars(none) == {"validity": 0.0, "uniqueness": 0.0}


@pytest.mark.parametrize(("graphs", "count"), [(1, 5), (2, 0)])
def test_too_few_graphs_for_a_prior_are_refused(cells, graphs, count):
    with pytest.raises(InputError, match=f"{count} graphs are to be decoded with the moments of {graphs}"):
        prior_graphs(Fixed(cells), cells[:graphs], seed=0, count=count)


def test_every_cell_is_valid_and_a_broken_one_is_not(cells):
    assert valid_nas_bench_201_cells(cells).all()
    assert as_released_nas_bench_201_cells(cells).all()
    assert not valid_nas_bench_201_cells(nas_bench_101_cells(CHAIN)).any()

    def broken(place, value):
        operations = cells.operations.copy()
        operations[:, place] = value
        return replace(cells, operations=operations)

    for place, value in ((0, 1), (7, 1), (1, 0), (1, 6), (4, 6)):
        assert not valid_nas_bench_201_cells(broken(place, value)).any()
        assert as_released_nas_bench_201_cells(broken(place, value)).all() == (place == 1)
    adjacency = cells.adjacency.copy()
    adjacency[:, 0, 7] = 1
    assert not valid_nas_bench_201_cells(replace(cells, adjacency=adjacency)).any()
    assert as_released_nas_bench_201_cells(replace(cells, adjacency=adjacency)).all()


def brute_force_prune(graphs):
    """Kept nodes of each graph, found by listing all paths from the first node to the last that is not empty."""
    kept = np.zeros(graphs.operations.shape, dtype=bool)
    for row, matrix in enumerate(graphs.adjacency):
        last = int(np.nonzero(graphs.operations[row] >= 0)[0][-1])
        paths = [(0,)]
        while paths:
            path = paths.pop()
            if path[-1] == last:
                kept[row, list(path)] = True
            paths.extend((*path, int(node)) for node in np.nonzero(matrix[path[-1]])[0])
    return kept


def test_pruning_keeps_the_nodes_on_paths():
    generator = np.random.default_rng(0)
    adjacency = np.triu(generator.random((200, 7, 7)) < 0.25, k=1)
    adjacency[:, :, 5:] &= generator.random((200, 1, 1)) < 0.5  # some have two empty nodes
    operations = np.where(adjacency[:, :, 5:].any(axis=(1, 2))[:, None] | (np.arange(7) < 5), 1, -1)
    graphs = Graphs(adjacency, operations, 5)
    kept = brute_force_prune(graphs)
    pruned = prune(graphs)
    assert np.array_equal(pruned.operations >= 0, kept)
    assert np.array_equal(pruned.adjacency, graphs.adjacency * kept[:, :, None] * kept[:, None, :])
    assert 20 < kept.any(axis=1).sum() < 180


def test_nas_bench_101_cells_are_valid_as_the_benchmark_says():
    valid = nas_bench_101_cells(CHAIN, RESIDUAL, BRANCHES, LOOSE, ((0, 4), ((0, 1),)))
    assert valid_nas_bench_101_cells(valid).all()
    nine = [(i, j) for i in range(5) for j in range(i + 1, 5) if (i, j) != (0, 4)]
    assert valid_nas_bench_101_cells(nas_bench_101_cells(((0, 1, 2, 3, 4), nine))).all()


@pytest.mark.parametrize(
    "cell",
    [
        ((0, 1, 4), ((0, 1),)),  # output not reached
        ((1, 1, 4), ((0, 1), (1, 2))),  # no input
        ((0, 1, 1), ((0, 1), (1, 2))),  # no output
        ((0, 0, 4), ((0, 1), (1, 2))),  # a second input
        ((0, 4, 4), ((0, 1), (1, 2))),  # a second output
        ((0, 1, 2, 3, 4), [(i, j) for i in range(5) for j in range(i + 1, 5)]),  # ten edges
    ],
)
def test_nas_bench_101_cells_that_are_not_valid(cell):
    assert not valid_nas_bench_101_cells(nas_bench_101_cells(cell)).any()
