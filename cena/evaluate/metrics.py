"""How well predicted accuracies agree with true ones: over all architectures, and where a search looks, at the top.

Pearson's and Kendall's correlations are the measures of the paper's Tables 1 and 2. A constant prediction carries no
information about the order of the architectures, so both are *defined* as 0 for it, where their formulas are 0/0: a
useless model must get a bad number, not an undefined one. Of the scores that see the top, architectures with equal
predictions are taken in every order and the score is the mean, so a constant prediction scores as chance does. A
constant truth is refused: there is nothing to predict.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.special import gammaln
from sklearn.metrics import ndcg_score

from cena.errors import InputError
from cena.stages import Stage
from cena.types import Floats

SCORE = Stage("scores", version=1)
"""Scores of predictions."""

_CONSTANT = 1e-12
"""Values that differ by less than this fraction of their magnitude differ by rounding only: they count as constant."""

_NDCG_DEPTH = 1000


@SCORE
def pearson(prediction: ArrayLike, truth: ArrayLike) -> float:
    """Pearson correlation of two arrays of shape (n,); 0 for a constant prediction.

    Raises
    ------
    InputError
        If the lengths differ, there are fewer than two values, a value is not finite, or the truth is constant.
    """
    predicted, true = _checked(prediction, truth)
    return 0.0 if _is_constant(predicted) else float(stats.pearsonr(predicted, true).statistic)


@SCORE
def kendall(prediction: ArrayLike, truth: ArrayLike) -> float:
    """Kendall's tau-b of two arrays of shape (n,), which corrects for ties; 0 for a constant prediction.

    Forests predict many ties (leaves) and isomorphic cells have equal features, so the variant matters: tau-b is the
    one of `scipy.stats.kendalltau`, the default the field reports.

    Raises
    ------
    InputError
        As for :func:`pearson`.
    """
    predicted, true = _checked(prediction, truth)
    return 0.0 if _is_constant(predicted) else float(stats.kendalltau(predicted, true, variant="b").statistic)


@SCORE
def ndcg(prediction: ArrayLike, truth: ArrayLike) -> float:
    """Normalised discounted cumulative gain of accuracies in percent, of shape (n,): whether the best come first.

    With a_j the true accuracy of what is predicted to be the j-th best, and Z the same sum for a perfect prediction,

        nDCG = 1/Z * sum over j = 1 ... min(n, 1000) of (2^a_j - 1) / log2(1 + j).

    A point of accuracy doubles the gain, so that only the top counts: in NAS-Bench-201 an architecture that is five
    points behind the best counts 1/32 of it. The number depends on the spread of the accuracies, and can be compared on
    the same architectures and labels only.

    Source: Tybl and Neumann, "Training-free neural architecture search through variance of knowledge of deep network
    weights" (CVPR 2025, arXiv 2502.04975), with P = 1000 as in the tables of their repository, ondratybl/VKDNW. By this
    formula parameter counts reach on all of NAS-Bench-201 what that repository lists for FLOPs, .729 / .565 / .386,
    within .003.

    Raises
    ------
    InputError
        As for :func:`pearson`; and if an accuracy is not between 0 and 100.
    """
    predicted, true = _checked(prediction, truth)
    if true.min() < 0 or true.max() > 100:
        raise InputError(f"truth has values from {true.min():g} to {true.max():g}: expected accuracies in percent")
    gains = np.expm1(true * np.log(2)) * np.exp2(-true.max())  # at most 1: only their ratios matter
    return float(ndcg_score([gains], [_tied(predicted)], k=_NDCG_DEPTH))


@SCORE
def pick_regret(prediction: ArrayLike, truth: ArrayLike, picks: int) -> float:
    """How far the best of the `picks` architectures with the highest predictions is behind the best of all.

    In the unit of the truth, shape (n,): for accuracies in percent, percentage points. 0 when there are no more
    architectures than picks. Where the last picks are among equal predictions, it is the mean over all ways to choose.

    Raises
    ------
    InputError
        As for :func:`pearson`; and if there is no pick.
    """
    predicted, true = _checked(prediction, truth)
    if picks < 1:
        raise InputError(f"picks is {picks}: give how many architectures are looked at, at least 1")
    if picks >= len(true):
        return 0.0
    predicted = _tied(predicted)
    last = np.sort(predicted)[-picks]
    sure, tied = true[predicted > last], np.sort(true[predicted == last])
    drawn, below = picks - len(sure), np.arange(len(tied) + 1)
    # The chance that all that are drawn from the tied are among the i worst: C(i, drawn) / C(len(tied), drawn).
    ways = np.where(below >= drawn, gammaln(below + 1) - gammaln(np.maximum(below - drawn, 0) + 1), -np.inf)
    chance = np.diff(np.exp(ways - ways[-1]))
    found = np.maximum(tied, sure.max(initial=-np.inf))
    return float(chance @ (true.max() - found))


@SCORE
def top_tau(prediction: ArrayLike, truth: ArrayLike) -> float:
    """Kendall's tau-b among the best tenth of the architectures: those whose truth reaches its 90 % quantile.

    At least those with one of the two highest different truths, so that there is an order to find.

    Raises
    ------
    InputError
        As for :func:`pearson`.
    """
    predicted, true = _checked(prediction, truth)
    best = true >= min(np.quantile(true, 0.9), np.unique(true)[-2])
    return kendall(predicted[best], true[best])


SCORES: dict[str, Callable[[ArrayLike, ArrayLike], float]] = {
    "r": pearson,
    "tau": kendall,
    "ndcg": ndcg,
    "top_tau": top_tau,
    "regret_10": partial(pick_regret, picks=10),
    "regret_50": partial(pick_regret, picks=50),
}
"""The scores of every prediction table, by the name of their column; all but the regrets are better when higher."""


def scored(prediction: ArrayLike, truth: ArrayLike) -> dict[str, float]:
    """All of :data:`SCORES` of predicted accuracies, both of shape (n,) in percent; errors as for :func:`ndcg`."""
    return {name: score(prediction, truth) for name, score in SCORES.items()}


def _checked(prediction: ArrayLike, truth: ArrayLike) -> tuple[Floats, Floats]:
    predicted, true = np.asarray(prediction, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    if predicted.ndim != 1 or predicted.shape != true.shape or len(true) < 2:
        raise InputError(
            f"prediction has shape {predicted.shape} and truth {true.shape}: "
            "give two arrays (n,) of the same length, n at least 2"
        )
    for name, values in (("prediction", predicted), ("truth", true)):
        if not np.isfinite(values).all():
            count = np.count_nonzero(~np.isfinite(values))
            raise InputError(
                f"{name} has {count} values that are not finite: leave these architectures out on both sides"
            )
    if _is_constant(true):
        raise InputError(f"truth is constant ({true[0]:g}): a correlation needs at least two different accuracies")
    return predicted, true


def _tied(predicted: Floats) -> Floats:
    """The predictions, equal where they differ by rounding only."""
    return np.zeros_like(predicted) if _is_constant(predicted) else predicted


def _is_constant(values: Floats) -> bool:
    # Halved before the subtraction: the range of values near the largest float would overflow.
    return bool(values.max() / 2 - values.min() / 2 <= _CONSTANT / 2 * np.abs(values).max())
