"""What searches see: arch2vec through the store, boxes, features, NAS-Bench-101's labelled cells."""

import os

import numpy as np
import pytest

from cena.arch2vec import (
    Arch2vecConfig,
    arch2vec_embedding,
    held_out_split,
    nas_bench_201_graphs,
    pretrain,
    prior_quality,
    reconstruction,
    valid_nas_bench_201_cells,
)
from cena.spaces import DartsSpace, NasBench101Space
from cena.spaces.darts.genotypes import random_genotypes
from cena.spaces.nas_bench_101.isomorphism import all_nas_bench_101_cells
from cena.spaces.nas_bench_201.cells import all_topology_cells
from cena.study import representations
from cena.study.artifacts import ArtifactStore
from cena.study.representations import (
    arch2vec,
    arch2vec_quality,
    components,
    darts_candidates,
    in_unit_cube,
    labelled_nas_bench_101_graphs,
    nas_bench_101_candidates,
    spread_like,
    with_parameters,
)
from cena.study.scale import benchmark

NEEDS_DATA = pytest.mark.skipif("CENA_DATA" not in os.environ, reason="CENA_DATA is not set")


def test_arch2vec_is_trained_once_for_each_configuration(tmp_path, monkeypatch):
    store = ArtifactStore(tmp_path)
    graphs = nas_bench_201_graphs(all_topology_cells()[::400])
    config = Arch2vecConfig(hidden=8, epochs=1)
    expected = arch2vec_embedding(graphs, config)
    np.testing.assert_array_equal(arch2vec(store, graphs, config), expected)
    other = arch2vec(store, graphs, Arch2vecConfig(hidden=8, epochs=1, seed=1))
    assert not np.array_equal(other, expected)
    monkeypatch.setattr(representations, "arch2vec_embedding", None)  # calling it would fail
    np.testing.assert_array_equal(arch2vec(store, graphs, config), expected)


def test_the_quality_of_arch2vec_is_of_its_finished_training(tmp_path, monkeypatch):
    store = ArtifactStore(tmp_path)
    graphs = nas_bench_201_graphs(all_topology_cells()[::400])
    config = Arch2vecConfig(hidden=8, epochs=1)
    arch2vec(store, graphs, config)
    monkeypatch.setattr(representations, "arch2vec_embedding", None)  # nothing is trained again
    all_valid = {"valid": valid_nas_bench_201_cells, "anything": lambda graphs: np.ones(len(graphs), dtype=bool)}
    quality = arch2vec_quality(store, graphs, config, all_valid)
    assert quality["anything (%)"] == "100.0"
    model = pretrain(graphs, config)
    _, held_out = held_out_split(len(graphs), config)
    assert quality["operations back (%)"] == f"{100 * reconstruction(model, graphs[held_out]).operations:.1f}"
    swapped = arch2vec_quality(store, graphs, config, dict(reversed(all_valid.items())))  # distinct of anything
    trained, _ = held_out_split(len(graphs), config)
    distinct = prior_quality(model, graphs[trained], all_valid["anything"], config.seed).uniqueness
    assert swapped["distinct of these (%)"] == f"{100 * distinct:.1f}"


def test_a_box_fits_its_vectors():
    vectors = np.random.default_rng(0).normal(3, 5, (20, 3))
    vectors[:, 2] = 7
    points = in_unit_cube(vectors).positions
    assert points[:, :2].min() == 0
    assert points[:, :2].max() == 1
    assert (points[:, 2] == 0).all()
    assert np.corrcoef(points[:, 0], vectors[:, 0])[0, 1] == pytest.approx(1)


def test_vectors_are_spread_like_others():
    generator = np.random.default_rng(0)
    vectors = np.column_stack([generator.normal(5, [1, 9], (30, 2)), np.ones(30)])
    others = generator.normal(0, 3, (30, 4))
    found = spread_like(vectors, others).positions
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(found.std(axis=0), [others.std(axis=0).mean()] * 2 + [0])
    assert np.corrcoef(found[:, 0], vectors[:, 0])[0, 1] == pytest.approx(1)


def test_features_end_with_log_parameters_and_are_finite():
    block = np.array([[1.0], [np.nan], [3.0]])
    features = with_parameters([1, 10, 100], block).positions
    np.testing.assert_allclose(features[:, 1], np.log([1, 10, 100]))
    assert features[1, 0] < 1


def test_at_most_sixteen_components():
    generator = np.random.default_rng(0)
    assert components(generator.random((40, 30))).shape == (40, 16)
    assert components(generator.random((40, 3))).shape == (40, 3)


def test_cells_are_found_by_their_codes_and_keep_their_neighbours(tmp_path, monkeypatch):
    store, space = ArtifactStore(tmp_path), NasBench101Space(cells=all_nas_bench_101_cells()[:200])
    first = nas_bench_101_candidates(store, space)
    assert [first.index(codes) for codes in space.choices()[0]] == list(range(len(space)))
    monkeypatch.setattr(representations.CellIndex, "neighbours", None)
    again = nas_bench_101_candidates(store, space)
    np.testing.assert_array_equal(again.neighbours.members, first.neighbours.members)
    assert len(first.neighbours.members) > len(space)


@NEEDS_DATA
@pytest.mark.real_data
def test_genotypes_have_the_ten_nearest_as_neighbours():
    space = DartsSpace(genotypes=random_genotypes(60, seed=2))
    candidates = darts_candidates(space)
    codes, cardinalities = space.choices()
    assert tuple(candidates.cardinalities) == cardinalities
    for genotype in (0, 31):
        differing = (codes != codes[genotype]).sum(axis=1)
        near = candidates.neighbours[genotype]
        others = np.setdiff1d(np.arange(60), [*near, genotype])
        assert len(set(near)) == 10
        assert differing[near].max() <= differing[others].min()


def test_labelled_cells_are_those_of_the_labels():
    space, graphs = benchmark("nas-bench-101"), labelled_nas_bench_101_graphs()
    table = representations.labels.nas_bench_101_cells()
    assert len(space) == len(graphs) == len(table.hash) == 30_001
    some = range(0, len(space), 997)
    assert [space.parameters(i) for i in some] == [table.parameters[i] for i in some]
    assert graphs.operations.max() == 4
    np.testing.assert_array_equal((graphs.operations >= 0).sum(axis=1), table.vertices)
