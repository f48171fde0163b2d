"""Repeated runs of a method, in parallel."""

from collections.abc import Callable, Iterable

from joblib import Parallel, delayed
from numpy.typing import ArrayLike

from cena.search.candidates import Candidates
from cena.search.history import History

Method = Callable[[Candidates, ArrayLike, int, int], History]
"""A search: (candidates, guide, budget, seed) -> history. It depends on nothing else."""


def repeat(
    method: Method, candidates: Candidates, guide: ArrayLike, budget: int, seeds: Iterable[int], workers: int = 1
) -> list[History]:
    """One run for each seed, in the order of `seeds`; the same for any number of `workers` (processes).

    Raises
    ------
    InputError
        As :class:`cena.search.evaluator.Evaluator` does.
    """
    tasks = (delayed(method)(candidates, guide, budget, seed) for seed in seeds)
    histories: list[History] = Parallel(n_jobs=workers)(tasks)
    return histories
