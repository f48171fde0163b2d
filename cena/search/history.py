"""What a search leaves behind, and how it is judged.

A search sees the *guide* accuracy of each architecture it evaluates and would return the best it has seen, its
incumbent. It is judged by the *report* accuracy of that incumbent: regret is how far this lies below the best report
accuracy of the whole space, in points (paper, Fig. 5). Guide and report are the same labels in the paper; a fair
protocol guides by validation and reports test accuracy.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cena.errors import InputError
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
