"""Pearson and Kendall against tiny independent references, and what they refuse."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cena.errors import InputError
from cena.evaluate import kendall, pearson

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
