"""Repeated runs of a method, in parallel."""

from collections.abc import Callable, Sequence

from joblib import Parallel, delayed
from numpy.typing import ArrayLike

from cena.search.candidates import Candidates
from cena.search.history import History

Progress = Callable[[int, int], None]
"""Called with (runs done, runs in all)."""


Method = Callable[..., History]
"""A search: (candidates, guide, budget, seed, **parameters) -> history. It depends on nothing else."""


def repeat(
    method: Method,
    candidates: Candidates,
    guide: ArrayLike,
    budget: int,
    seeds: Sequence[int],
    workers: int = 1,
    progress: Progress | None = None,
    **parameters: float | None,
) -> list[History]:
    """One run for each seed, in the order of `seeds`; the same for any number of `workers` (processes).

    Parameters
    ----------
    method : a search, such as one of :data:`cena.search.METHODS`.
    candidates, guide, budget : what it is given.
    seeds : one for each run.
    workers : number of processes.
    progress : told after each run.
    parameters : the method's own, where they are not its defaults.

    Raises
    ------
    InputError
        As the method does.
    """
    tasks = (delayed(method)(candidates, guide, budget, seed, **parameters) for seed in seeds)
    histories: list[History] = []
    for history in Parallel(n_jobs=workers, return_as="generator")(tasks):
        histories.append(history)
        if progress is not None:
            progress(len(histories), len(seeds))
    return histories
