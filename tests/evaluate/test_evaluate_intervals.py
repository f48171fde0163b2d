"""Intervals cover what they claim to, as often as they claim to."""

import numpy as np
import pytest

from cena.errors import InputError
from cena.evaluate import Interval, bootstrap_interval, mean_interval, paired_difference, split


def covers(interval, truth):
    return interval.low <= truth <= interval.high


def test_mean_interval_equals_the_textbook_case():
    # t(0.975, 4) = 2.776; mean 3, standard error sqrt(2.5 / 5)
    interval = mean_interval([1, 2, 3, 4, 5])
    assert interval == Interval(3, interval.low, interval.high, 5)
    assert interval.high - 3 == pytest.approx(2.776445 * np.sqrt(0.5), rel=1e-6)
    assert 3 - interval.low == pytest.approx(interval.high - 3)
    assert str(interval) == "3.000 [1.037, 4.963]"


def test_mean_interval_covers_the_mean_at_its_level():
    samples = np.random.default_rng(0).normal(3, 2, size=(1000, 5))
    for level in (0.8, 0.95):
        coverage = np.mean([covers(mean_interval(sample, level), 3) for sample in samples])
        assert coverage == pytest.approx(level, abs=0.03)


@pytest.mark.parametrize(("train_size", "least"), [(100, 0.93), (30, 0.89)])
def test_runs_on_fresh_splits_of_one_space_need_no_correction(train_size, least):
    # A finite space known completely, a line fitted to random members and judged on all others, whose sets overlap
    # heavily. Runs behave as independent: the variance of their mean is the variance of one over their number, so the
    # plain interval covers the expected score. At 30 labels scores are skewed (-1.7): that alone costs some coverage.
    generator = np.random.default_rng(0)
    features = generator.normal(size=(400, 8))
    truth = features @ generator.normal(size=8) + generator.normal(0, 2, size=400)

    def score(run):
        train, test = split(len(truth), train_size, seed=1, run=run)
        weights = np.linalg.lstsq(features[train], truth[train])[0]
        return np.corrcoef(features[test] @ weights, truth[test])[0, 1]

    scores = np.array([score(run) for run in range(4000)])
    groups = scores.reshape(400, 10)
    assert groups.mean(axis=1).var() == pytest.approx(scores.var() / 10, rel=0.2)
    coverage = np.mean([covers(mean_interval(group), scores.mean()) for group in groups])
    assert least < coverage < 0.98


def test_paired_difference_removes_what_a_split_adds_to_both():
    generator = np.random.default_rng(0)
    hardness = generator.normal(0, 1, size=10)
    ours = hardness + generator.normal(0.02, 0.01, size=10)
    theirs = hardness + generator.normal(0, 0.01, size=10)
    difference = paired_difference(ours, theirs)
    assert covers(difference, 0.02)
    assert difference.low > 0
    assert mean_interval(ours).low < theirs.mean()
    assert difference.value == -paired_difference(theirs, ours).value


def test_bootstrap_interval_covers_the_median_of_a_skewed_distribution():
    samples = np.random.default_rng(0).exponential(size=(100, 30))
    coverage = np.mean([covers(bootstrap_interval(sample, seed=0), np.log(2)) for sample in samples])
    assert 0.88 < coverage <= 0.99


def test_bootstrap_interval_is_its_seeds_and_takes_other_statistics():
    values = np.random.default_rng(0).exponential(size=20)
    assert bootstrap_interval(values, seed=3) == bootstrap_interval(values, seed=3)
    assert bootstrap_interval(values, seed=3).value == np.median(values)
    mean = bootstrap_interval(values, 3, np.mean)
    assert mean.value == pytest.approx(values.mean())
    assert mean.high - mean.low == pytest.approx(2 * 1.96 * values.std() / np.sqrt(20), rel=0.15)


@pytest.mark.parametrize("interval", [mean_interval, lambda values: bootstrap_interval(values, seed=0)])
def test_identical_runs_have_an_interval_of_no_width(interval):
    assert interval([0.7] * 10) == Interval(pytest.approx(0.7), pytest.approx(0.7), pytest.approx(0.7), 10)


@pytest.mark.parametrize("interval", [mean_interval, lambda values: bootstrap_interval(values, seed=0)])
@pytest.mark.parametrize(
    ("values", "message"),
    [([1.0], "at least 2 runs"), ([[1.0, 2.0]], "at least 2 runs"), ([1.0, np.nan, 2.0], "1 of 3 runs are not finite")],
)
def test_bad_runs_are_refused(interval, values, message):
    with pytest.raises(InputError, match=message):
        interval(values)


def test_bad_levels_and_unpaired_runs_are_refused():
    with pytest.raises(InputError, match="level is 95"):
        mean_interval([1, 2], level=95)
    with pytest.raises(InputError, match="same runs of both"):
        paired_difference([1, 2, 3], [1, 2])
