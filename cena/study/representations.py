"""What a search can see of a space: raw codes, arch2vec's vectors, the embedding's principal components.

CENA's own coordinates come from :class:`cena.study.pipeline.Pipeline`.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist

from cena.arch2vec import (
    Arch2vecConfig,
    Graphs,
    arch2vec_embedding,
    edit_distance_correlation,
    held_out_split,
    nas_bench_101_graphs,
    pretrain,
    prior_quality,
    reconstruction,
)
from cena.arch2vec.graphs import EMPTY, NAS_BENCH_101_NODES
from cena.arch2vec.training import ARCH2VEC
from cena.arch2vec.validity import Validity
from cena.data import labels
from cena.evaluate import FOREST_COMPONENTS, fill_dead, log_parameters, principal_components
from cena.files import array_sha256, sha256
from cena.search import CategoricalCandidates, ContinuousCandidates, Neighbours, VectorCandidates
from cena.spaces import DartsSpace, NasBench101Space
from cena.spaces.nas_bench_101.edits import CellIndex
from cena.spaces.nas_bench_101.space import NAS_BENCH_101
from cena.stages import versions
from cena.study.artifacts import ArtifactStore
from cena.types import Floats, Integers

_NAS_BENCH_101_CODES = {-1: "input", 0: "conv3x3", 1: "conv1x1", 2: "maxpool3x3", -2: "output"}
"""The operations of the NAS-Bench-101 table by their codes there."""

_NEAREST = 10


def arch2vec(store: ArtifactStore, graphs: Graphs, config: Arch2vecConfig) -> Floats:
    """(n, 16) arch2vec's embedding of all graphs, pre-trained on nine tenths of them; resumable when interrupted."""
    vectors: Floats = np.load(_pretraining(store, graphs, config) / "embedding.npy", allow_pickle=False)
    return vectors.astype(np.float64)


def arch2vec_quality(
    store: ArtifactStore, graphs: Graphs, config: Arch2vecConfig, validities: Mapping[str, Validity]
) -> dict[str, str]:
    """What arch2vec's pre-training came to, in words by what is measured.

    Reconstruction is of the held-out tenth; validity and uniqueness are of 10,000 graphs decoded from the prior;
    distances in the embedding are compared with edit distances over random pairs of graphs (Spearman).

    Parameters
    ----------
    validities : ways to tell valid graphs, by name; what is distinct is counted among those valid by the first.
    """
    folder = _pretraining(store, graphs, config)
    model = pretrain(graphs, config, folder / "checkpoint.safetensors")  # it is finished: this reads it
    trained, held_out = held_out_split(len(graphs), config)
    back = reconstruction(model, graphs[held_out])
    decoded = {name: prior_quality(model, graphs[trained], valid, config.seed) for name, valid in validities.items()}
    vectors = np.load(folder / "embedding.npy", allow_pickle=False)
    return {
        "operations back (%)": f"{100 * back.operations:.1f}",
        "edges back (%)": f"{100 * back.adjacency:.1f}",
        "whole graphs back (%)": f"{100 * back.graphs:.1f}",
        **{f"{name} (%)": f"{100 * quality.validity:.1f}" for name, quality in decoded.items()},
        "distinct of these (%)": f"{100 * next(iter(decoded.values())).uniqueness:.1f}",
        "distance against edit distance": str(edit_distance_correlation(graphs, vectors, config.seed)),
    }


def _pretraining(store: ArtifactStore, graphs: Graphs, config: Arch2vecConfig) -> Path:
    """The folder with arch2vec's finished checkpoint and the embedding of all graphs."""

    def build(folder: Path) -> None:
        vectors = arch2vec_embedding(graphs, config, folder / "checkpoint.safetensors")
        np.save(folder / "embedding.npy", vectors, allow_pickle=False)

    key = {
        "config": config,
        "graphs": [array_sha256(graphs.adjacency), array_sha256(graphs.operations)],
        "stages": versions(ARCH2VEC),
    }
    return store.folder("arch2vec", key, build)


def labelled_nas_bench_101_graphs() -> Graphs:
    """The labelled NAS-Bench-101 cells as arch2vec reads them, in the order of their labels."""
    cells = labels.nas_bench_101_cells()
    operations = np.full(cells.operations.shape, EMPTY, dtype=np.int8)
    for code, name in _NAS_BENCH_101_CODES.items():
        operations[cells.operations == code] = NAS_BENCH_101_NODES.index(name)
    return nas_bench_101_graphs(cells.adjacency, operations)


def nas_bench_101_candidates(store: ArtifactStore, space: NasBench101Space) -> CategoricalCandidates:
    """The raw encoding of NAS-Bench-101 cells: 21 edges and five operations, and one-edit neighbours.

    The neighbours of 30,001 cells take 8 s and are kept in the store.
    """
    index = CellIndex(space.cells)

    def build() -> dict[str, Integers]:
        neighbours = Neighbours.of(index.neighbours())
        return {"starts": neighbours.starts, "members": neighbours.members}

    cells = "\n".join(map(space.architecture, range(len(space))))
    stored = store.arrays("neighbours", {"cells": sha256(cells), "stages": versions(NAS_BENCH_101)}, build)
    neighbours = Neighbours(stored["starts"], stored["members"])
    return CategoricalCandidates(*space.choices(), neighbours, index.of_codes)


def darts_candidates(space: DartsSpace) -> CategoricalCandidates:
    """The raw encoding of genotypes of DARTS, and as neighbours of each the ten that differ in the fewest choices.

    Of genotypes drawn at random hardly two are one edit apart, which is what neighbours are elsewhere. Among those that
    differ in as many choices the first of the space are taken.
    """
    codes, cardinalities = space.choices()
    differing = cdist(codes, codes, "hamming")
    np.fill_diagonal(differing, np.inf)
    nearest = np.argsort(differing, axis=1, kind="stable")[:, :_NEAREST]
    return CategoricalCandidates(codes, cardinalities, Neighbours.of(nearest))


def in_unit_cube(vectors: ArrayLike) -> ContinuousCandidates:
    """Vectors, (n, d), with every dimension scaled to [0, 1]: the box that an optimiser proposes in."""
    positions = np.asarray(vectors, dtype=np.float64)
    low, high = positions.min(axis=0), positions.max(axis=0)
    spread = np.where(high > low, high - low, 1.0)
    return ContinuousCandidates(np.clip((positions - low) / spread, 0, 1))


def spread_like(vectors: ArrayLike, others: ArrayLike) -> VectorCandidates:
    """Vectors, (n, d), about zero and as far apart in every dimension as `others`, (n, k), are on average.

    For a method whose steps have a length of their own, such as arch2vec's walk.
    """
    positions = np.asarray(vectors, dtype=np.float64)
    spread = positions.std(axis=0)
    unit = (positions - positions.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return VectorCandidates(unit * np.asarray(others, dtype=np.float64).std(axis=0).mean())


def with_parameters(parameters: ArrayLike, *blocks: ArrayLike) -> VectorCandidates:
    """Blocks of features, (n, d) each, and log parameters, (n,) counts, a block of their own: what a model is given."""
    return VectorCandidates(*map(fill_dead, blocks), log_parameters(parameters))


def components(embedding: ArrayLike) -> Floats:
    """(n, at most 16) the first principal components of an embedding, (n, d)."""
    return principal_components(embedding, min(FOREST_COMPONENTS, *np.shape(embedding)))
