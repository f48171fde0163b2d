"""Every score against a tiny independent reference, in closed form, and what it refuses."""

import itertools
import math
import os
from statistics import mean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cena import spaces
from cena.data import labels
from cena.errors import InputError
from cena.evaluate import SCORES, kendall, ndcg, pearson, pick_regret, scored, top_tau

pairs = st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=2, max_size=25).filter(
    lambda rows: len({truth for _, truth in rows}) > 1
)


def kendall_by_counting(x, y):
    agreement = untied_x = untied_y = 0
    for i, j in itertools.combinations(range(len(x)), 2):
        in_x, in_y = np.sign(x[i] - x[j]), np.sign(y[i] - y[j])
        agreement += in_x * in_y
        untied_x += in_x != 0
        untied_y += in_y != 0
    return agreement / math.sqrt(untied_x * untied_y) if untied_x else 0.0


def pearson_by_formula(x, y):
    n = len(x)
    covariance = n * sum(a * b for a, b in zip(x, y, strict=True)) - sum(x) * sum(y)
    variances = [n * sum(a * a for a in z) - sum(z) ** 2 for z in (x, y)]
    return covariance / math.sqrt(variances[0] * variances[1]) if variances[0] else 0.0


@given(pairs)
def test_both_equal_their_definitions_with_ties(rows):
    prediction, truth = zip(*rows, strict=True)
    assert kendall(prediction, truth) == pytest.approx(kendall_by_counting(prediction, truth), abs=1e-12)
    assert pearson(prediction, truth) == pytest.approx(pearson_by_formula(prediction, truth), abs=1e-9)


def test_kendall_sees_the_order_only_and_pearson_the_line():
    truth = np.random.default_rng(0).normal(size=50)
    assert kendall(np.exp(truth), truth) == pytest.approx(1)
    assert pearson(np.exp(truth), truth) < 0.95
    assert pearson(90 - 2 * truth, truth) == pytest.approx(-1)


@pytest.mark.parametrize("metric", [pearson, kendall])
@pytest.mark.parametrize("value", [0.0, 0.1, 93.7])
def test_a_constant_prediction_scores_zero_even_with_rounding_noise(metric, value):
    truth = np.arange(40.0)
    prediction = np.full(40, value)
    assert metric(prediction, truth) == 0
    assert metric(prediction * (1 + 1e-16 * truth), truth) == 0
    assert metric(prediction + 1e-6 * truth, truth) == pytest.approx(1)


@pytest.mark.parametrize("metric", [pearson, kendall])
@pytest.mark.parametrize(
    ("prediction", "truth", "message"),
    [
        ([1, 2, 3], [1, 2], "same length"),
        ([1], [1], "at least 2"),
        ([[1, 2]], [[1, 2]], r"\(1, 2\)"),
        ([1, math.nan, math.inf], [1, 2, 3], "prediction has 2 values that are not finite"),
        ([1, 2], [1, math.inf], "truth has 1 values that are not finite"),
        ([1, 2, 3], [5, 5, 5], "truth is constant"),
    ],
)
def test_bad_input_is_named(metric, prediction, truth, message):
    with pytest.raises(InputError, match=message):
        metric(prediction, truth)


percentages = st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 100)), min_size=2, max_size=6).filter(
    lambda rows: len({truth for _, truth in rows}) > 1
)


def orders(rows):
    """The truths from the highest prediction down, in every order that equal predictions allow."""
    for order in itertools.permutations(rows):
        if all(before[0] >= after[0] for before, after in itertools.pairwise(order)):
            yield [truth for _, truth in order]


def gain_of(truths):
    return sum((2**truth - 1) / math.log2(1 + j) for j, truth in enumerate(truths, start=1))


@given(percentages)
def test_ndcg_is_the_discounted_gain_over_that_of_the_best_order_and_its_mean_over_ties(rows):
    prediction, truth = zip(*rows, strict=True)
    best = gain_of(sorted(truth, reverse=True))
    assert ndcg(prediction, truth) == pytest.approx(mean(gain_of(order) for order in orders(rows)) / best)


@given(percentages, st.integers(1, 7))
def test_regret_is_the_best_minus_the_best_pick_and_its_mean_over_ties(rows, picks):
    prediction, truth = zip(*rows, strict=True)
    expected = mean(max(truth) - max(order[:picks]) for order in orders(rows))
    assert pick_regret(prediction, truth, picks) == pytest.approx(expected, abs=1e-9)


def test_scores_of_the_top_in_closed_form():
    truth = np.arange(1.0, 101)
    perfect, backwards = scored(truth, truth), scored(-truth, truth)
    assert perfect == pytest.approx({"r": 1, "tau": 1, "ndcg": 1, "top_tau": 1, "regret_10": 0, "regret_50": 0})
    assert list(perfect) == list(SCORES)
    assert backwards["top_tau"] == pytest.approx(-1)
    assert (backwards["regret_10"], backwards["regret_50"]) == (90, 50)
    # Gains halve from place to place: forwards they sum to `best`, backwards to about twice the last.
    best = sum(0.5**j / math.log2(2 + j) for j in range(60))
    assert backwards["ndcg"] == pytest.approx(2 / math.log2(101) / best, rel=0.01)
    constant = scored(np.ones(100), truth)
    assert constant["top_tau"] == 0
    # The best of k of the numbers 1 ... n is (n + 1) k / (k + 1) on average.
    assert constant["regret_10"] == pytest.approx(100 - 101 * 10 / 11)
    assert constant["regret_50"] == pytest.approx(100 - 101 * 50 / 51)


@given(percentages, st.integers(1, 4))
def test_scores_of_the_top_see_the_order_of_predictions_only_and_regret_falls_with_picks(rows, picks):
    prediction, truth = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    before, after = scored(prediction, truth), scored(np.exp(prediction) - 7, truth)
    for name in set(SCORES) - {"r"}:
        assert after[name] == pytest.approx(before[name], abs=1e-12)
    assert 0 < before["ndcg"] <= 1 + 1e-12
    assert -1e-12 <= pick_regret(prediction, truth, picks + 1) <= pick_regret(prediction, truth, picks) + 1e-9


def test_ndcg_looks_a_thousand_deep():
    truth = np.concatenate([[90.0], np.full(1500, 50.0)])
    prediction = np.concatenate([[0.0], np.linspace(1, 2, 1500)])  # the best is predicted to be the worst
    assert ndcg(prediction, truth) < 1e-9
    assert ndcg(prediction[:900], truth[:900]) == pytest.approx(1 / math.log2(901), rel=1e-6)


def test_the_best_tenth_is_by_truth_and_has_an_order_to_find():
    truth = np.concatenate([np.linspace(10, 50, 90), np.linspace(90, 95, 10)])
    prediction = np.concatenate([np.linspace(99, 0, 90), np.linspace(1, 2, 10)])
    assert kendall(prediction, truth) < -0.5
    assert top_tau(prediction, truth) == pytest.approx(1)
    assert top_tau([1, 2, 3, 4], [5, 7, 9, 9]) == pytest.approx(kendall([2, 3, 4], [7, 9, 9]))


@pytest.mark.parametrize("score", [ndcg, top_tau, SCORES["regret_10"]])
def test_scores_of_the_top_take_rounding_noise_for_a_constant_and_refuse_bad_input(score):
    truth = np.arange(40.0)
    assert score(np.ones(40) * (1 + 1e-16 * truth), truth) == score(np.ones(40), truth)
    with pytest.raises(InputError, match="same length"):
        score([1, 2, 3], [1, 2])
    with pytest.raises(InputError, match="truth is constant"):
        score([1, 2, 3], [5, 5, 5])


def test_accuracies_that_are_no_percentages_and_picks_of_nothing_are_refused():
    with pytest.raises(InputError, match="truth has values from -1 to 120: expected accuracies in percent"):
        ndcg([1, 2], [-1, 120])
    with pytest.raises(InputError, match="picks is 0"):
        pick_regret([1, 2], [3, 4], 0)


@pytest.mark.real_data
@pytest.mark.skipif(not os.environ.get("CENA_DATA"), reason="CENA_DATA names no download folder")
def test_parameter_counts_have_the_ndcg_that_was_published():
    """Of FLOPs, in whose order parameters are nearly, on all of NAS-Bench-201: ondratybl/VKDNW, NB201."""
    space = spaces.load("nas-bench-201")
    parameters = [space.parameters(i) for i in range(len(space))]
    for dataset, published in (("cifar10", 0.729), ("cifar100", 0.565), ("imagenet16", 0.386)):
        accuracy = labels.accuracy("nas-bench-201", labels.LabelKey(dataset, "test", 200, "mean"))
        assert ndcg(parameters, accuracy) == pytest.approx(published, abs=0.003)
