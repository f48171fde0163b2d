"""How many evaluations repeated searches need to reach the top of a space.

Regrets are those of :func:`cena.search.regret_table`, (runs, budget).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from cena.errors import InputError
from cena.stages import Stage
from cena.types import Floats

SEARCH_STATISTICS = Stage("search-statistics", version=1)
"""What repeated searches come to."""


@dataclass(frozen=True)
class Reach:
    """How many evaluations runs needed to reach a goal.

    Attributes
    ----------
    median, low, high : over all runs, with its interval; infinite where at least half of the runs never get there.
    never : share of the runs that never reach the goal within their budget.
    runs : number of runs.
    """

    median: float
    low: float
    high: float
    never: float
    runs: int

    def __str__(self) -> str:
        never = f"{100 * self.never:.0f} % never"
        if np.isinf(self.low):
            return never
        median, low, high = (
            "never" if np.isinf(limit) else f"{limit:g}" for limit in (self.median, self.low, self.high)
        )
        return f"{median} [{low}, {high}], {never}"


@SEARCH_STATISTICS
def top_regret(report: ArrayLike, share: float = 0.001) -> float:
    """The largest regret of an architecture in the best `share` of a space, in points.

    Parameters
    ----------
    report : (n,) accuracy by which to judge, in percent; NaN where there is none.
    share : of the architectures that have one; at least one architecture is at the top.

    Raises
    ------
    InputError
        If there is no accuracy, or `share` is not in (0, 1].
    """
    accuracy = np.asarray(report, dtype=np.float64)
    known = np.sort(accuracy[np.isfinite(accuracy)])[::-1]
    if len(known) == 0 or not 0 < share <= 1:
        raise InputError(
            f"the best {share} of {len(known)} accuracies are asked for; give some, and a share above 0, at most 1"
        )
    return float(known[0] - known[max(int(share * len(known)), 1) - 1])


@SEARCH_STATISTICS
def evaluations_to_reach(regrets: ArrayLike, threshold: float) -> Floats:
    """(runs,) the number of evaluations after which the regret is first at most `threshold`; infinite if it never is.

    Parameters
    ----------
    regrets : (runs, budget).
    threshold : such as :func:`top_regret` of the space.

    Raises
    ------
    InputError
        If `regrets` has another shape or holds NaN.
    """
    table = np.asarray(regrets, dtype=np.float64)
    if table.ndim != 2 or table.size == 0 or np.isnan(table).any():
        raise InputError(
            f"the regrets have shape {table.shape}, {np.isnan(table).sum()} of them NaN; give a (runs, budget) table"
        )
    reached = table <= threshold
    return np.where(reached.any(axis=1), reached.argmax(axis=1) + 1.0, np.inf)


@SEARCH_STATISTICS
def reach(evaluations: ArrayLike, level: float = 0.95) -> Reach:
    """The median number of evaluations, (runs,), with a distribution-free interval; values may be infinite.

    The k-th smallest and the k-th largest of n runs enclose the population's median unless fewer than k runs fall on
    one side of it, which is binomial; k is the largest that keeps the level. Below 6 runs no k keeps 95 %, and the
    interval is from the smallest to the largest.

    Raises
    ------
    InputError
        If there is no run or one is NaN, or `level` is not between 0 and 1.

    Source: Conover, "Practical nonparametric statistics" (3rd edition, 1999), section 3.2.
    """
    runs = np.sort(np.asarray(evaluations, dtype=np.float64))
    if runs.ndim != 1 or len(runs) == 0 or np.isnan(runs).any():
        raise InputError(
            f"the evaluations have shape {runs.shape} or hold NaN; give a number, or infinity, for each run"
        )
    if not 0 < level < 1:
        raise InputError(f"level is {level}: give a confidence level between 0 and 1, such as 0.95")
    k = np.arange(1, (len(runs) + 1) // 2 + 1)
    enough = k[2 * stats.binom.cdf(k - 1, len(runs), 0.5) <= 1 - level]
    inner = int(enough.max()) if len(enough) else 1
    middle = runs[(len(runs) - 1) // 2], runs[len(runs) // 2]
    median = float(np.mean(middle))
    return Reach(median, float(runs[inner - 1]), float(runs[-inner]), float(np.isinf(runs).mean()), len(runs))
