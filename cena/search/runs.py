"""Runs of a search: what each leaves behind, how it is judged, and many of them in parallel.

A search sees the *guide* accuracy of each architecture it evaluates and would return the best it has seen, its
incumbent. It is judged by the *report* accuracy of that incumbent: regret is how far this lies below the best report
accuracy of the whole space, in points (paper, Fig. 5). Guide and report are the same labels in the paper; a fair
protocol guides by validation and reports test accuracy.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import numpy as np
from joblib import delayed
from numpy.typing import ArrayLike

from cena.errors import InputError
from cena.processes import parallel
from cena.search.candidates import Candidates
from cena.types import Floats, Integers


@dataclass(frozen=True, eq=False)
class History:
    """One run of one search method.

    Attributes
    ----------
    method : name of the method.
    seed : seed of the run.
    architectures : (budget,) evaluated architectures, all different, in order of evaluation.
    guide : (budget,) the accuracy that the search saw for each.
    """

    method: str
    seed: int
    architectures: Integers
    guide: Floats


Method = Callable[..., History]
"""A search: (candidates, guide, budget, seed, **parameters) -> history, see :mod:`cena.search`."""


def repeat(
    method: Method, candidates: Candidates, guide: ArrayLike, budget: int, seeds: Sequence[int], workers: int = 1
) -> Generator[History, None, None]:
    """One run for each seed, in the order of `seeds`, each as soon as it and those before it are done.

    The runs are the same for any number of `workers`, which are processes. None waits for whoever reads the runs. A
    method such as those of :data:`cena.search.METHODS` is given parameters of its own by `functools.partial`; what it
    raises is raised when the run is read.
    """
    tasks = (delayed(method)(candidates, guide, budget, seed) for seed in seeds)
    runs: Generator[History, None, None] = parallel(workers, return_as="generator")(tasks)
    return runs


def incumbents(history: History) -> Integers:
    """The best architecture by guide accuracy after each evaluation, (budget,); of equals the first evaluated."""
    best = np.maximum.accumulate(history.guide)
    improved = np.concatenate([[True], best[1:] > best[:-1]])
    latest = np.maximum.accumulate(np.where(improved, np.arange(len(best)), 0))
    return history.architectures[latest]


def regret(history: History, report: ArrayLike) -> Floats:
    """How far the incumbent lies below the best of the space after each evaluation, (budget,), in points.

    Parameters
    ----------
    history : a run.
    report : (n,) accuracy by which to judge, in percent; NaN where there is none.

    Raises
    ------
    InputError
        If an incumbent has no report accuracy.
    """
    accuracy, best = np.asarray(report, dtype=np.float64), incumbents(history)
    if best.max() >= len(accuracy) or not np.isfinite(accuracy[best]).all():
        raise InputError(
            f"an incumbent of method {history.method}, seed {history.seed}, has no report accuracy; "
            "guide the search only by architectures that have one"
        )
    shortfall: Floats = np.nanmax(accuracy) - accuracy[best]
    return shortfall


def regret_table(histories: Sequence[History], report: ArrayLike) -> Floats:
    """The :func:`regret` of several runs, (runs, budget).

    Raises
    ------
    InputError
        If there is no run, the budgets differ, or an incumbent has no report accuracy.
    """
    budgets = sorted({len(history.architectures) for history in histories})
    if len(budgets) != 1:
        raise InputError(f"the runs have budgets {budgets}; give at least one run, all of the same budget")
    return np.stack([regret(history, report) for history in histories])
