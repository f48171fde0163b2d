"""How well predicted accuracies agree with true ones: Pearson correlation and Kendall's rank correlation.

Both are the measures of the paper's Tables 1 and 2. A constant prediction carries no information about the order of
the architectures, so both are *defined* as 0 for it, where their formulas are 0/0: a useless model must get a bad
number, not an undefined one. A constant truth is refused: there is nothing to predict.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from cena.errors import InputError

CONSTANT = 1e-12
"""Values that differ by less than this fraction of their magnitude differ by rounding only: they count as constant."""


def pearson(prediction: ArrayLike, truth: ArrayLike) -> float:
    """Pearson correlation of two arrays of shape (n,); 0 for a constant prediction.

    Raises
    ------
    InputError
        If the lengths differ, there are fewer than two values, a value is not finite, or the truth is constant.
    """
    predicted, true = _checked(prediction, truth)
    return 0.0 if _is_constant(predicted) else float(stats.pearsonr(predicted, true).statistic)


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


def _checked(prediction: ArrayLike, truth: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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


def _is_constant(values: NDArray[np.float64]) -> bool:
    # Halved before the subtraction: the range of values near the largest float would overflow.
    return bool(values.max() / 2 - values.min() / 2 <= CONSTANT / 2 * np.abs(values).max())
