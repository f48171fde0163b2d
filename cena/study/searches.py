"""Repeated searches kept as artifacts, so that a killed notebook goes on at the first runs it had not finished."""

from collections.abc import Sequence
from importlib.metadata import version

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cena.errors import unknown
from cena.search import METHODS, Candidates, CategoricalCandidates, History, repeat
from cena.search.runs import Progress
from cena.study.artifacts import ArtifactStore
from cena.study.cluster import cluster
from cena.study.fingerprint import code_fingerprint, imported_modules, sha256

OPTIMISERS = ("numpy", "optuna", "scikit-learn", "scipy")
"""The packages whose versions decide what a search proposes."""

BLOCK = 20
"""Runs are stored this many at a time: a kill loses at most as many."""


def repeated_searches(
    store: ArtifactStore,
    method: str,
    candidates: Candidates,
    guide: ArrayLike,
    budget: int,
    seeds: Sequence[int],
    workers: int = 1,
    progress: Progress | None = None,
    **parameters: float | None,
) -> list[History]:
    """What :func:`cena.search.repeat` returns, taken from `store` where the same runs have been made before.

    Each :data:`BLOCK` of runs is stored when it is finished, under everything that determines it: method, parameters,
    candidates, guide, budget, seeds, the code of `cena.search` and of the candidates' lookup, and the versions of
    :data:`OPTIMISERS`.

    Parameters
    ----------
    method : a name in :data:`cena.search.METHODS`.
    candidates, guide, budget, seeds, workers, parameters : as for :func:`cena.search.repeat`.
    progress : told (runs done, runs in all) after each block, stored ones too.

    Raises
    ------
    InputError
        If there is no such method, or as :class:`cena.search.Evaluator` does.
    """
    if method not in METHODS:
        raise unknown("search method", method, METHODS)
    accuracy = np.asarray(guide, dtype=np.float64)

    code = {*imported_modules("import cena.search")}
    config: dict[str, object] = {
        "method": method,
        "parameters": parameters,
        "candidates": _checksum(candidates.positions),
        "guide": _checksum(accuracy),
        "budget": budget,
        "optimisers": {package: version(package) for package in OPTIMISERS},
    }
    if isinstance(candidates, CategoricalCandidates):
        config["cardinalities"] = candidates.cardinalities
        config["neighbours"] = [_checksum(candidates.neighbours.starts), _checksum(candidates.neighbours.members)]
        if candidates.lookup is not None:
            code |= {*imported_modules(f"import {candidates.lookup.__module__}")}
    config["code"] = code_fingerprint(*code)

    histories: list[History] = []
    for start in range(0, len(seeds), BLOCK):
        block = seeds[start : start + BLOCK]

        def run(block: Sequence[int] = block) -> dict[str, NDArray[np.int64]]:
            with cluster():
                runs = repeat(METHODS[method], candidates, accuracy, budget, block, workers, None, **parameters)
            return {"architectures": np.stack([history.architectures for history in runs])}

        rows = store.arrays("searches", config | {"seeds": [*block]}, run)["architectures"]
        histories += [History(method, seed, row, accuracy[row]) for seed, row in zip(block, rows, strict=True)]
        if progress is not None:
            progress(len(histories), len(seeds))
    return histories


def _checksum(array: NDArray[np.generic]) -> str:
    return sha256(f"{array.dtype} {array.shape} ".encode() + np.ascontiguousarray(array).tobytes())
