"""Intervals cover what they claim to, as often as they claim to."""

import numpy as np
import pytest
from scipy import stats

from cena.errors import InputError
from cena.evaluate import (
    Interval,
    bootstrap_interval,
    mean_interval,
    paired_difference,
    split,
    welch_difference,
)


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


def test_welch_difference_equals_the_textbook_case():
    first, second = [1, 2, 3, 4, 5], [7, 10, 13]  # variances 2.5 and 9, of their means 0.5 and 3
    found = welch_difference(first, second)
    reference = stats.ttest_ind(first, second, equal_var=False).confidence_interval()
    assert found.value == pytest.approx(-7)
    assert (found.low, found.high) == pytest.approx((reference.low, reference.high))
    freedom = (0.5 + 3) ** 2 / (0.5**2 / 4 + 3**2 / 2)
    assert found.high + 7 == pytest.approx(stats.t.ppf(0.975, freedom) * np.sqrt(0.5 + 3))
    assert found.runs == 8


def test_a_number_known_exactly_leaves_the_interval_of_the_others():
    runs = np.random.default_rng(0).normal(3, 2, 12)
    found, alone = welch_difference(runs, [2.0, 2.0]), mean_interval(runs)
    assert (found.value, found.low, found.high) == pytest.approx((alone.value - 2, alone.low - 2, alone.high - 2))
    assert welch_difference([1.0, 1.0], [3.0, 3.0, 3.0]) == Interval(-2, -2, -2, 5)


def test_welch_difference_covers_at_its_level_and_uses_all_runs():
    # As in the search chapters: 500 runs of the one, 25 of the other, with other spreads. Pairing the first 25 runs
    # covers as often, but with an interval that is 1.4 times as wide where both spread alike.
    generator = np.random.default_rng(0)
    for spread, wider in ((1.0, 1.38), (3.0, None), (1 / 3, None)):
        many, few = generator.normal(0.5, spread, (1000, 500)), generator.normal(0, 1, (1000, 25))
        found = [welch_difference(ours, theirs) for ours, theirs in zip(many, few, strict=True)]
        assert np.mean([covers(interval, 0.5) for interval in found]) == pytest.approx(0.95, abs=0.02)
        if wider:
            pairs = [paired_difference(ours[:25], theirs) for ours, theirs in zip(many, few, strict=True)]
            widths = [np.mean([each.high - each.low for each in intervals]) for intervals in (pairs, found)]
            assert widths[0] / widths[1] == pytest.approx(wider, abs=0.05)


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
    with pytest.raises(InputError, match="at least 2 runs"):
        welch_difference([1, 2, 3], [1])
