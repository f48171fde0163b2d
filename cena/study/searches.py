"""Repeated searches kept as artifacts, so that a killed notebook goes on at the first runs it had not finished."""

from collections.abc import Sequence
from importlib.metadata import version

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cena.errors import unknown
from cena.files import array_sha256
from cena.search import METHODS, Candidates, CategoricalCandidates, History, repeat
from cena.search.runs import Progress
from cena.spaces.nas_bench_101.space import NAS_BENCH_101
from cena.stages import STAGES, versions
from cena.study.artifacts import ArtifactStore
from cena.study.cluster import cluster

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
    candidates, guide, budget, seeds, the versions of the stages of the method and of the candidates' lookup, and those
    of :data:`OPTIMISERS`.

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

    stages = [STAGES[f"search.{method}"]]
    config: dict[str, object] = {
        "method": method,
        "parameters": parameters,
        "candidates": array_sha256(candidates.positions),
        "guide": array_sha256(accuracy),
        "budget": budget,
        "optimisers": {package: version(package) for package in OPTIMISERS},
    }
    if isinstance(candidates, CategoricalCandidates):
        config["cardinalities"] = candidates.cardinalities
        config["neighbours"] = [array_sha256(candidates.neighbours.starts), array_sha256(candidates.neighbours.members)]
        if candidates.lookup is not None:
            stages.append(NAS_BENCH_101)
    config["stages"] = versions(*stages)

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
