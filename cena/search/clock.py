"""Simulated time: what a search would have found, had each evaluation taken as long as its training.

No method looks at the clock or at what is left of its budget. So a search in simulated time is a search with a budget
of evaluations that surely lasts, judged at times before the clock runs out.
"""

import numpy as np
from numpy.typing import ArrayLike

from cena.errors import InputError
from cena.search.runs import History, regret
from cena.types import Floats


def evaluations_within(cost: ArrayLike, guide: ArrayLike, seconds: float) -> int:
    """The most evaluations that can be finished in time: a budget that lasts, whatever a method evaluates.

    Parameters
    ----------
    cost : (n,) simulated seconds of each evaluation.
    guide : (n,) accuracy that the search sees; NaN where there is none.
    seconds : the budget.

    Raises
    ------
    InputError
        If the lengths differ, a cost of a labelled architecture is not a positive number, or not even the cheapest
        evaluation fits.
    """
    seen = np.asarray(guide, dtype=np.float64)
    costs = _checked(cost, len(seen))[np.isfinite(seen)]
    if not (np.isfinite(costs) & (costs > 0)).all():
        raise InputError("an architecture with a guide accuracy has no positive cost; give one, in seconds, for each")
    finished = int(np.searchsorted(np.cumsum(np.sort(costs)), seconds, side="right"))
    if finished == 0:
        raise InputError(f"no evaluation can be finished in {seconds} s; give a longer time")
    return finished


def regret_over_time(history: History, report: ArrayLike, cost: ArrayLike, times: ArrayLike) -> Floats:
    """The :func:`cena.search.runs.regret` at given `times`, in seconds, of the same shape; NaN before the first.

    Times after the last evaluation have its regret: the run has to be long enough for them.

    Raises
    ------
    InputError
        If an incumbent has no report accuracy, or an evaluated architecture no cost.
    """
    finished = np.searchsorted(_finished(history, cost), np.asarray(times, dtype=np.float64), side="right")
    return np.concatenate([[np.nan], regret(history, report)])[finished]


def _finished(history: History, cost: ArrayLike) -> Floats:
    """(budget,) simulated seconds at which each evaluation is finished."""
    costs = _checked(cost, int(history.architectures.max()) + 1)[history.architectures]
    if not np.isfinite(costs).all():
        architecture = history.architectures[~np.isfinite(costs)][0]
        raise InputError(f"architecture {architecture} has been evaluated but has no cost; give one for each")
    return np.cumsum(costs)


def _checked(cost: ArrayLike, least: int) -> Floats:
    costs = np.asarray(cost, dtype=np.float64)
    if costs.ndim != 1 or len(costs) < least:
        raise InputError(
            f"the costs have shape {costs.shape} and there are {least} architectures or more; give one for each"
        )
    return costs
