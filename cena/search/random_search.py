"""Random search without replacement, and its exact expectation."""

import numpy as np
from numpy.typing import ArrayLike

from cena.errors import InputError
from cena.search.candidates import Candidates
from cena.search.evaluator import Evaluator, checked_guide
from cena.search.runs import History
from cena.stages import Stage
from cena.types import Floats

RANDOM_SEARCH = Stage("search.random", version=1)


@RANDOM_SEARCH
def random_search(candidates: Candidates, guide: ArrayLike, budget: int, seed: int) -> History:
    """Evaluate labelled architectures drawn at random, without replacement; the geometry plays no part."""
    evaluator = Evaluator(candidates, guide, budget, seed)
    order = evaluator.generator().permutation(np.flatnonzero(evaluator.labelled))
    while evaluator.remaining:
        evaluator.evaluate(int(order[np.argmin(evaluator.excluded[order])]))  # the first that still can be
    return evaluator.history("random")


def random_regret_expectation(guide: ArrayLike, report: ArrayLike, budget: int) -> Floats:
    r"""The exact expectation of random search's :func:`cena.search.runs.regret`, (budget,), in points.

    Rank the N labelled architectures by guide accuracy, best first. Among n drawn without replacement, the best one
    has rank k with probability

    .. math:: P_n(k) = \binom{N-k}{n-1} \Big/ \binom{N}{n},

    and the expected regret is the mean over ranks. `P_n` follows from `P_{n-1}` by positive factors and no regret is
    negative, so nothing cancels or overflows. Of several equal guide accuracies each is as likely to be drawn first,
    so they all count with the mean of their report accuracies.

    Parameters
    ----------
    guide : (n,) accuracy that the search sees; NaN where there is no label.
    report : (n,) accuracy by which it is judged, in percent; for noiseless search the same array.
    budget : number of evaluations.

    Raises
    ------
    InputError
        If the lengths differ, the budget does not fit, or a labelled architecture has no report accuracy.
    """
    seen, judged = checked_guide(guide, budget), np.asarray(report, dtype=np.float64)
    labelled = np.isfinite(seen)
    if judged.shape != seen.shape or not np.isfinite(judged[labelled]).all():
        raise InputError(
            f"the guide of shape {seen.shape} and the report of shape {judged.shape} do not cover the same "
            "architectures; give a report accuracy for each architecture that has a guide accuracy"
        )
    _, level = np.unique(-seen[labelled], return_inverse=True)
    level_report = np.bincount(level, judged[labelled]) / np.bincount(level)
    regret = np.nanmax(judged) - level_report[np.sort(level)]

    total = len(regret)
    worse = np.arange(total - 1, -1, -1)  # N - k
    probability = np.full(total, 1 / total)
    expectation = np.empty(budget)
    for n in range(1, budget + 1):
        expectation[n - 1] = probability @ regret
        # P_{n+1} / P_n; at n = N there is no next one.
        probability *= np.maximum(worse - n + 1, 0) * ((n + 1) / (n * max(total - n, 1)))
    return expectation
