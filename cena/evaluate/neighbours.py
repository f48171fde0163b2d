"""Do architectures that are near each other have similar accuracies? Nearest neighbours, judged by the bootstrap.

Small samples and no setting but the number of neighbours: every architecture is predicted from its nearest neighbours,
itself left out. Without any signal such a prediction is almost independent of the truth (their correlation is
-sqrt(neighbours) / (n - 1)), while a leave-one-out regression then falls back on the mean of all others, which is in
perfectly *opposite* order to the truth.

Intervals are over architectures: they are drawn with replacement, with the prediction that each got from the whole
sample. The same draws serve all statistics, so that a difference of two is paired.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist

from cena.errors import InputError
from cena.evaluate.intervals import Interval
from cena.evaluate.metrics import kendall
from cena.stages import Stage

NEIGHBOURS = Stage("neighbours", version=1)
"""What nearest neighbours tell."""

Draws = NDArray[np.int64]


@dataclass(frozen=True)
class Bootstrapped:
    """A statistic and what it is in each of the bootstrap's draws; the difference of two is paired draw by draw."""

    value: float
    replicates: NDArray[np.float64]
    """(draws,)"""
    architectures: int

    def __sub__(self, other: "Bootstrapped") -> "Bootstrapped":
        return Bootstrapped(self.value - other.value, self.replicates - other.replicates, self.architectures)

    @property
    def interval(self) -> Interval:
        """The 95 % percentile interval, widened to hold the value where the draws are biased away from it."""
        low, high = np.quantile(self.replicates, [0.025, 0.975])
        return Interval(self.value, min(float(low), self.value), max(float(high), self.value), self.architectures)


def bootstrap_draws(architectures: int, seed: int, count: int = 2000) -> Draws:
    """(count, architectures) how often each architecture occurs in each draw with replacement."""
    if architectures < 3:
        raise InputError(f"a bootstrap over {architectures} architectures says nothing: give at least 3")
    even = np.full(architectures, 1 / architectures)
    return np.random.default_rng(seed).multinomial(architectures, even, size=count).astype(np.int64)


@NEIGHBOURS
def nearest(features: ArrayLike, count: int) -> NDArray[np.intp]:
    """(n, count) the nearest others of each architecture by Euclidean distance, nearest first.

    Of others at the same distance the first in the order of the rows are taken.

    Parameters
    ----------
    features : shape (n,) or (n, columns).
    count : neighbours, at least 1 and less than n.

    Raises
    ------
    InputError
        If an entry is not finite, or there are not so many others.
    """
    matrix = np.asarray(features, dtype=np.float64)
    matrix = matrix[:, np.newaxis] if matrix.ndim == 1 else matrix
    if matrix.ndim != 2 or not np.isfinite(matrix).all():
        raise InputError(f"features of shape {matrix.shape}: expected a row of finite numbers for each architecture")
    if not 1 <= count < len(matrix):
        raise InputError(f"{count} neighbours among {len(matrix)} architectures: give 1 to {len(matrix) - 1}")
    distances = cdist(matrix, matrix)
    np.fill_diagonal(distances, np.inf)
    return np.argsort(distances, axis=1, kind="stable")[:, :count]


@NEIGHBOURS
def neighbours_rank(neighbours: NDArray[np.intp], accuracy: ArrayLike, draws: Draws) -> Bootstrapped:
    """Kendall's tau-b between the mean accuracy of each architecture's neighbours and its own.

    Parameters
    ----------
    neighbours : see :func:`nearest`.
    accuracy : shape (n,).
    draws : see :func:`bootstrap_draws`.
    """
    truth = np.asarray(accuracy, dtype=np.float64)
    return rank_correlation(truth[neighbours].mean(axis=1), truth, draws)


@NEIGHBOURS
def rank_correlation(prediction: ArrayLike, truth: ArrayLike, draws: Draws) -> Bootstrapped:
    """Kendall's tau-b of two arrays of shape (n,); a draw without any order on one side counts as 0."""
    x, y = np.asarray(prediction, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    signs_x, signs_y = (np.sign(values[:, np.newaxis] - values) for values in (x, y))
    # A pair of architectures occurs in a draw as often as the product of their counts.
    concordance, apart_x, apart_y = (
        np.einsum("di,ij,dj->d", draws, pairs, draws, optimize=True)
        for pairs in (signs_x * signs_y, signs_x**2, signs_y**2)
    )
    scale = np.sqrt(apart_x * apart_y)
    replicates = np.divide(concordance, scale, out=np.zeros_like(scale), where=scale > 0)
    return Bootstrapped(kendall(x, y), replicates, len(x))


@NEIGHBOURS
def neighbours_alike(neighbours: NDArray[np.intp], accuracy: ArrayLike, draws: Draws) -> Bootstrapped:
    """How much more alike neighbours are in accuracy than any two architectures.

    It is 1 - (mean difference in accuracy between neighbours) / (mean difference of all pairs), differences being
    absolute: 0 where neighbours are no more alike than random pairs, 1 where they are equal.

    Parameters
    ----------
    neighbours : see :func:`nearest`.
    accuracy : shape (n,).
    draws : see :func:`bootstrap_draws`.

    Raises
    ------
    InputError
        If all accuracies are equal.
    """
    truth = np.asarray(accuracy, dtype=np.float64)
    near = np.abs(truth[:, np.newaxis] - truth[neighbours]).mean(axis=1)
    every = np.abs(truth[:, np.newaxis] - truth).sum(axis=1) / (len(truth) - 1)
    if not every.any():
        raise InputError("all accuracies are equal: no two architectures differ in them")
    replicates = 1 - (draws @ near) / (draws @ every)
    return Bootstrapped(float(1 - near.mean() / every.mean()), replicates, len(truth))


@NEIGHBOURS
def shuffled_ranks(
    neighbours: NDArray[np.intp], accuracy: ArrayLike, seed: int, count: int = 500
) -> NDArray[np.float64]:
    """(count,) the tau of :func:`neighbours_rank` with the accuracies shuffled: what it is by chance."""
    truth, generator = np.asarray(accuracy, dtype=np.float64), np.random.default_rng(seed)
    shuffled = (generator.permutation(truth) for _ in range(count))
    return np.array([kendall(values[neighbours].mean(axis=1), values) for values in shuffled])
