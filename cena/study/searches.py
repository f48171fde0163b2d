"""Repeated searches kept as artifacts, so that a killed notebook goes on at the first runs it had not finished."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version

import numpy as np
from numpy.typing import ArrayLike

from cena.errors import unknown
from cena.files import array_sha256
from cena.search import METHODS, Candidates, CategoricalCandidates, History, VectorCandidates, repeat
from cena.spaces.nas_bench_101.space import NAS_BENCH_101
from cena.stages import STAGES, versions
from cena.study.artifacts import ArtifactStore
from cena.study.cluster import cluster
from cena.types import Arrays, Integers

_OPTIMISERS = ("numpy", "optuna", "scikit-learn", "scipy")
"""The packages whose versions decide what a search proposes."""

_BLOCK = 20
"""Runs are stored this many at a time: a kill loses at most as many, and those that other workers are at."""

SLOW = ("greedy-forest", "arch2vec-bo")
"""Methods that fit a model again and again, which costs more than a second a run."""

FEWEST_SLOW_RUNS, MOST_SLOW_RUNS = 5, 25
"""Of a method in :data:`SLOW`."""

LEFT_OUT = f"a slow method, left out where a tenth of the runs is fewer than {FEWEST_SLOW_RUNS}"
"""Why a method in :data:`SLOW` may have no runs."""


@dataclass(frozen=True, eq=False)
class Search:
    """A method on one representation of a space.

    Attributes
    ----------
    label : how figures and tables call it.
    method : a name in :data:`cena.search.METHODS`.
    candidates : what it sees of the space.
    parameters : the method's own, where they are not its defaults.
    everywhere : whether it is run under the fair protocols too, or under the noiseless one only.
    """

    label: str
    method: str
    candidates: Candidates
    parameters: tuple[tuple[str, float], ...] = ()
    everywhere: bool = True

    def runs(self, runs: int, fair: bool = False) -> int:
        """How many runs this search gets of the `runs` of a profile, under a fair protocol or not; 0: it is left out.

        All of them, but :func:`slow_runs` of a method in :data:`SLOW`.
        """
        if fair and not self.everywhere:
            return 0
        return slow_runs(runs) if self.method in SLOW else runs


def slow_runs(runs: int) -> int:
    """A tenth of the runs, at most :data:`MOST_SLOW_RUNS`, and none if that is below :data:`FEWEST_SLOW_RUNS`."""
    tenth = min(runs // 10, MOST_SLOW_RUNS)
    return tenth if tenth >= FEWEST_SLOW_RUNS else 0


def repeated_searches(
    store: ArtifactStore, search: Search, guide: ArrayLike, budget: int, seeds: Sequence[int], workers: int = 1
) -> list[History]:
    """What :func:`cena.search.repeat` returns, taken from `store` where the same runs have been made before.

    All missing runs are one stream of work, so that no worker waits for another. Each :data:`_BLOCK` of runs is stored
    when it is finished, under everything that determines it: method, parameters, candidates, guide, budget, seeds, the
    versions of the stages of the method and of the candidates' lookup, and those of :data:`_OPTIMISERS`.

    Parameters
    ----------
    search : the method, its parameters, and what it sees.
    guide, budget, seeds, workers : as for :func:`cena.search.repeat`.

    Raises
    ------
    InputError
        If there is no such method, or as :class:`cena.search.Evaluator` does.
    """
    method, candidates = search.method, search.candidates
    if method not in METHODS:
        raise unknown("search method", method, METHODS)
    accuracy = np.asarray(guide, dtype=np.float64)

    stages = [STAGES[f"search.{method}"]]
    config: dict[str, object] = {
        "method": method,
        "parameters": dict(search.parameters),
        "candidates": array_sha256(candidates.positions),
        "guide": array_sha256(accuracy),
        "budget": budget,
        "optimisers": {package: version(package) for package in _OPTIMISERS},
    }
    if isinstance(candidates, CategoricalCandidates):
        config["cardinalities"] = candidates.cardinalities
        config["neighbours"] = [array_sha256(candidates.neighbours.starts), array_sha256(candidates.neighbours.members)]
        if candidates.lookup is not None:
            stages.append(NAS_BENCH_101)
    if isinstance(candidates, VectorCandidates) and len(candidates.widths) > 1:
        config["blocks"] = candidates.widths
    if candidates.classes is not None:
        config["classes"] = array_sha256(candidates.classes)
    config["stages"] = versions(*stages)

    blocks = [tuple(seeds[start : start + _BLOCK]) for start in range(0, len(seeds), _BLOCK)]
    configs = [config | {"seeds": [*block]} for block in blocks]
    found = [store.stored("searches", of_block) for of_block in configs]
    missing = [place for place, arrays in enumerate(found) if arrays is None]
    if missing:
        run = partial(METHODS[method], **dict(search.parameters))
        waiting = [seed for place in missing for seed in blocks[place]]
        with cluster(), closing(repeat(run, candidates, accuracy, budget, waiting, workers)) as runs:
            for place in missing:
                done = [next(runs).architectures for _ in blocks[place]]
                found[place] = store.arrays("searches", configs[place], partial(_as_stored, done))
    rows = np.concatenate([arrays["architectures"] for arrays in found if arrays is not None])
    return [History(method, seed, row, accuracy[row]) for seed, row in zip(seeds, rows, strict=True)]


def _as_stored(architectures: Sequence[Integers]) -> Arrays:
    return {"architectures": np.stack(architectures)}
