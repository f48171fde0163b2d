"""Repeated runs of a method, in parallel."""

from collections.abc import Callable, Generator, Sequence

from joblib import Parallel, delayed
from numpy.typing import ArrayLike

from cena.search.candidates import Candidates
from cena.search.history import History

Method = Callable[..., History]
"""A search: (candidates, guide, budget, seed, **parameters) -> history. It depends on nothing else."""


def repeat(
    method: Method, candidates: Candidates, guide: ArrayLike, budget: int, seeds: Sequence[int], workers: int = 1
) -> Generator[History, None, None]:
    """One run for each seed, in the order of `seeds`, each as soon as it and those before it are done.

    The runs are the same for any number of `workers`. No worker waits for whoever reads the runs.

    Parameters
    ----------
    method : a search, such as one of :data:`cena.search.METHODS`; `functools.partial` gives it parameters of its own.
    candidates, guide, budget : what it is given.
    seeds : one for each run.
    workers : number of processes.

    Raises
    ------
    InputError
        As the method does, when the run is read.
    """
    tasks = (delayed(method)(candidates, guide, budget, seed) for seed in seeds)
    runs: Generator[History, None, None] = Parallel(n_jobs=workers, return_as="generator")(tasks)
    return runs
