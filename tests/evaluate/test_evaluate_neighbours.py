"""Neighbours: synthetic data with known answers, the bootstrap against explicit resampling, and chance."""

import numpy as np
import pytest
from scipy import stats

from cena.errors import InputError
from cena.evaluate import (
    Bootstrapped,
    bootstrap_draws,
    kendall,
    nearest,
    neighbours_alike,
    neighbours_rank,
    rank_correlation,
    shuffled_ranks,
)

N = 120
LINE = np.arange(N, dtype=float)
DRAWS = bootstrap_draws(N, seed=0, count=400)


def test_nearest_on_a_line_are_the_adjacent() -> None:
    np.testing.assert_array_equal(np.sort(nearest(LINE, 2)[1:-1], axis=1), np.stack([LINE[:-2], LINE[2:]], axis=1))
    np.testing.assert_array_equal(nearest(LINE, 2)[[0, -1]], [[1, 2], [N - 2, N - 3]])


def test_nearest_is_of_others_and_takes_the_first_of_equals() -> None:
    np.testing.assert_array_equal(nearest(np.zeros((4, 3)), 2), [[1, 2], [0, 2], [0, 1], [0, 1]])


def test_where_the_place_is_the_accuracy_the_order_is_found() -> None:
    neighbours = nearest(LINE, 5)
    assert neighbours_rank(neighbours, LINE, DRAWS).value > 0.97
    # Inside the line the five nearest are at distances 1, 1, 2, 2, 3; two random places are (N + 1) / 3 apart.
    alike = neighbours_alike(neighbours, LINE, DRAWS)
    inside = 1 - 9 / 5 / ((N + 1) / 3)
    assert alike.value == pytest.approx(inside, abs=0.003)


def test_where_groups_have_one_accuracy_neighbours_are_equal() -> None:
    group = np.repeat([0.0, 10.0, 20.0], N // 3)
    features = group[:, np.newaxis] + np.random.default_rng(0).normal(scale=0.1, size=(N, 2))
    neighbours = nearest(features, 5)
    assert neighbours_alike(neighbours, group, DRAWS).value == 1
    assert neighbours_rank(neighbours, group, DRAWS).value == pytest.approx(1)


def test_where_places_say_nothing_neither_do_neighbours() -> None:
    ranks, alike = [], []
    for seed in range(40):
        generator = np.random.default_rng(seed)
        neighbours, accuracy = nearest(generator.normal(size=(N, 8)), 5), generator.normal(size=N)
        ranks.append(neighbours_rank(neighbours, accuracy, DRAWS).value)
        alike.append(neighbours_alike(neighbours, accuracy, DRAWS).value)
    assert abs(np.mean(ranks)) < 0.03
    assert abs(np.mean(alike)) < 0.02


def test_intervals_cover_the_true_correlation() -> None:
    """A bivariate normal with correlation r has Kendall's tau 2 / pi arcsin r."""
    covered = 0
    for seed in range(100):
        x, noise = np.random.default_rng(seed).normal(size=(2, N))
        interval = rank_correlation(x, 0.6 * x + 0.8 * noise, DRAWS).interval
        covered += interval.low <= 2 / np.pi * np.arcsin(0.6) <= interval.high
    assert covered >= 88


def test_draws_are_resamples() -> None:
    """Counts give the tau-b of the sample written out, ties and repetitions included."""
    generator = np.random.default_rng(1)
    x, y = generator.integers(0, 8, size=(2, 30)).astype(float)
    draws = bootstrap_draws(30, seed=3, count=20)
    assert (draws.sum(axis=1) == 30).all()
    result = rank_correlation(x, y, draws)
    for counts, replicate in zip(draws, result.replicates, strict=True):
        written = np.repeat(np.arange(30), counts)
        assert replicate == pytest.approx(stats.kendalltau(x[written], y[written]).statistic)
    assert result.value == kendall(x, y)


def test_a_constant_prediction_has_no_rank() -> None:
    result = rank_correlation(np.ones(N), LINE, DRAWS)
    assert result.value == 0
    assert not result.replicates.any()


def test_differences_are_paired() -> None:
    generator = np.random.default_rng(2)
    noisy = LINE + generator.normal(scale=30, size=N)
    first, second = (rank_correlation(values, LINE, DRAWS) for values in (noisy, noisy + 1e-3 * generator.normal(N)))
    assert (first - first).interval.low == (first - first).interval.high == 0
    gain = (first - second).interval
    assert gain.high - gain.low < 0.1 * (first.interval.high - first.interval.low)
    assert gain.runs == N


def test_an_interval_holds_its_value() -> None:
    biased = Bootstrapped(0.9, np.linspace(0.1, 0.2, 50), 10)
    assert biased.interval.high == 0.9
    assert Bootstrapped(0.0, np.linspace(0.1, 0.2, 50), 10).interval.low == 0


def test_shuffled_labels_rank_at_chance_and_repeat() -> None:
    neighbours = nearest(np.random.default_rng(0).normal(size=(N, 8)), 5)
    ranks = shuffled_ranks(neighbours, LINE, seed=0, count=200)
    assert abs(ranks.mean()) < 0.03
    assert 0.03 < ranks.std() < 0.12
    np.testing.assert_array_equal(ranks, shuffled_ranks(neighbours, LINE, seed=0, count=200))


def test_wrong_input_is_refused() -> None:
    with pytest.raises(InputError, match="a row of finite numbers"):
        nearest([0.0, np.nan, 1.0], 1)
    with pytest.raises(InputError, match="a row of finite numbers"):
        nearest(np.zeros((3, 2, 2)), 1)
    for count in (0, 3):
        with pytest.raises(InputError, match=f"{count} neighbours among 3 architectures: give 1 to 2"):
            nearest(np.zeros(3), count)
    with pytest.raises(InputError, match="all accuracies are equal"):
        neighbours_alike(nearest(LINE, 1), np.ones(N), DRAWS)
    with pytest.raises(InputError, match="over 2 architectures"):
        bootstrap_draws(2, seed=0)
