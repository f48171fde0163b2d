"""Repeated searches kept as artifacts, so that a killed notebook goes on at the first method it had not finished."""

from collections.abc import Sequence
from importlib.metadata import version

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cena.companion.artifacts import ArtifactStore
from cena.companion.cluster import cluster
from cena.companion.fingerprint import code_fingerprint, imported_modules, sha256
from cena.errors import unknown
from cena.search import METHODS, Candidates, CategoricalCandidates, History, repeat

OPTIMISERS = ("numpy", "optuna", "scipy")
"""The packages whose versions decide what a search proposes."""


def repeated_searches(
    store: ArtifactStore,
    method: str,
    candidates: Candidates,
    guide: ArrayLike,
    budget: int,
    seeds: Sequence[int],
    workers: int = 1,
) -> list[History]:
    """What :func:`cena.search.repeat` returns, taken from `store` where the same runs have been made before.

    The runs are stored together when all are finished, under everything that determines them: method, candidates,
    guide, budget, seeds, the code of `cena.search` and the versions of :data:`OPTIMISERS`.

    Parameters
    ----------
    method : a name in :data:`cena.search.METHODS`.
    candidates, guide, budget, seeds, workers : as for :func:`cena.search.repeat`.

    Raises
    ------
    InputError
        If there is no such method, or as :class:`cena.search.Evaluator` does.
    """
    if method not in METHODS:
        raise unknown("search method", method, METHODS)
    accuracy = np.asarray(guide, dtype=np.float64)

    def run() -> dict[str, NDArray[np.int64]]:
        with cluster():
            histories = repeat(METHODS[method], candidates, accuracy, budget, seeds, workers)
        return {"architectures": np.stack([history.architectures for history in histories])}

    config = {
        "method": method,
        "candidates": _checksum(candidates.positions),
        "cardinalities": candidates.cardinalities if isinstance(candidates, CategoricalCandidates) else None,
        "guide": _checksum(accuracy),
        "budget": budget,
        "seeds": [*seeds],
        "code": code_fingerprint(*imported_modules("import cena.search")),
        "optimisers": {package: version(package) for package in OPTIMISERS},
    }
    rows = store.arrays("searches", config, run)["architectures"]
    return [History(method, seed, row, accuracy[row]) for seed, row in zip(seeds, rows, strict=True)]


def _checksum(array: NDArray[np.generic]) -> str:
    return sha256(f"{array.dtype} {array.shape} ".encode() + np.ascontiguousarray(array).tobytes())
