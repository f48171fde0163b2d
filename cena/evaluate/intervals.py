"""95 % intervals over independent runs.

What a run is decides what its interval says. In :mod:`cena.evaluate.prediction` a run draws a fresh random training set
from a space that is known *completely*, and is judged on everything else. The space is the population, not a sample of
one: given it, the features and the labels, the runs are independent and identically distributed, although their test
sets overlap. Student's t interval is therefore valid for what it is about, **the expected score over the draw of the
training set and the forest's randomness**. `tests/evaluate` checks on a finite population that runs behave as
independent and how often the interval covers: 95 to 96 % with scores of little skew, 92 % where very few training
labels (30) skew them strongly.

The variance correction of Nadeau & Bengio ("Inference for the generalization error", Machine Learning 52, 2003)
answers another question: the score on new data from a distribution of which the whole data set is a sample, where
overlapping splits do make runs dependent. There is no such distribution here, and with its factor 1/runs + test/train
(0.1 + 14.6 at 1,000 of 15,625 architectures and 10 runs) intervals would be 12 times too wide.

What these intervals do *not* contain: the noise of the labels, and another training of the encoder or other views.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from cena.errors import InputError
from cena.stages import Stage

INTERVALS = Stage("intervals", version=1)
"""Means, differences and their intervals."""


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence limits: `low <= value <= high`, from `runs` independent runs."""

    value: float
    low: float
    high: float
    runs: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@INTERVALS
def mean_interval(values: ArrayLike, level: float = 0.95) -> Interval:
    """Mean of independent runs, shape (runs,), with Student's t interval.

    Raises
    ------
    InputError
        If there are fewer than two runs, a value is not finite, or `level` is not between 0 and 1.
    """
    runs = _checked(values, level)
    mean = float(runs.mean())
    half = float(stats.t.ppf((1 + level) / 2, len(runs) - 1) * stats.sem(runs))
    return Interval(mean, mean - half, mean + half, len(runs))


@INTERVALS
def paired_difference(first: ArrayLike, second: ArrayLike, level: float = 0.95) -> Interval:
    """Mean of `first - second`, both of shape (runs,), where run i of both shares its split and its seeds.

    What the split adds to both cancels, so this is far sharper than comparing two intervals. The two methods differ
    at this level when the interval excludes zero.

    Raises
    ------
    InputError
        If the shapes differ, else as for :func:`mean_interval`.
    """
    ours, theirs = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if ours.shape != theirs.shape:
        raise InputError(f"paired runs have shapes {ours.shape} and {theirs.shape}: give the same runs of both methods")
    return mean_interval(ours - theirs, level)


@INTERVALS
def welch_difference(first: ArrayLike, second: ArrayLike, level: float = 0.95) -> Interval:
    """Difference of the means of two samples of independent runs, (m,) and (n,), with Welch's t interval.

    The runs of the two share nothing, so that all of both count, however many each has. A number that is known exactly,
    given as that many equal runs, adds nothing to the width: the interval is then Student's of the other's runs.

    Returns
    -------
    Interval
        Of mean(first) - mean(second); its runs are those of both.

    Raises
    ------
    InputError
        As for :func:`mean_interval`, of either.

    Source: Welch, "The generalization of 'Student's' problem when several different population variances are involved"
    (Biometrika 34, 1947), with the degrees of freedom of Satterthwaite (1946).
    """
    ours, theirs = _checked(first, level), _checked(second, level)
    shares = np.array([ours.var(ddof=1) / len(ours), theirs.var(ddof=1) / len(theirs)])
    variance, difference = float(shares.sum()), float(ours.mean() - theirs.mean())
    half = 0.0
    if variance > 0:
        freedom = variance**2 / (shares**2 / [len(ours) - 1, len(theirs) - 1]).sum()
        half = float(stats.t.ppf((1 + level) / 2, freedom) * np.sqrt(variance))
    return Interval(difference, difference - half, difference + half, len(ours) + len(theirs))


@INTERVALS
def bootstrap_interval(
    values: ArrayLike,
    seed: int,
    statistic: Callable[..., NDArray[np.float64]] = np.median,
    level: float = 0.95,
) -> Interval:
    """A statistic of independent runs, shape (runs,), with its percentile bootstrap interval (9,999 resamples).

    For statistics without a formula of their own, such as the median regret of a search. `statistic` takes an array and
    an `axis`, as NumPy's do. Percentiles rather than scipy's default BCa: the acceleration of a median degenerates, and
    identical runs (a search that always finds the optimum) have to give an interval of no width, not NaN.

    Raises
    ------
    InputError
        As for :func:`mean_interval`.
    """
    runs = _checked(values, level)
    result = stats.bootstrap(
        (runs,), statistic, confidence_level=level, method="percentile", rng=np.random.default_rng(seed), batch=1000
    )
    limits = result.confidence_interval
    return Interval(float(statistic(runs, axis=0)), float(limits.low), float(limits.high), len(runs))


def _checked(values: ArrayLike, level: float) -> NDArray[np.float64]:
    runs = np.asarray(values, dtype=np.float64)
    if runs.ndim != 1 or len(runs) < 2:
        raise InputError(
            f"an interval needs one number for each of at least 2 runs, not an array of shape {runs.shape}"
        )
    if not np.isfinite(runs).all():
        raise InputError(
            f"{np.count_nonzero(~np.isfinite(runs))} of {len(runs)} runs are not finite: repair or exclude them"
        )
    if not 0 < level < 1:
        raise InputError(f"level is {level}: give a confidence level between 0 and 1, such as 0.95")
    return runs
