from itertools import permutations

import numpy as np
import pytest
from scipy.special import gammaln

from cena.errors import InputError
from cena.search import (
    ContinuousCandidates,
    History,
    incumbents,
    random_regret_expectation,
    random_search,
    regret,
    regret_table,
    repeat,
)


def run(architectures, guide):
    return History("test", 0, np.array(architectures), np.array(guide, dtype=float))


def test_incumbent_is_the_first_best_so_far():
    assert incumbents(run([7, 2, 9, 4, 0, 1], [50, 40, 60, 60, 10, 61])).tolist() == [7, 7, 9, 9, 9, 1]
    assert incumbents(run([3], [50])).tolist() == [3]


def test_regret_is_measured_by_the_report():
    report = np.array([90.0, 80.0, 94.0, np.nan, 91.0])
    assert regret(run([1, 4, 0], [70, 71, 75]), report).tolist() == [14, 3, 4]


def test_noiseless_regret_never_rises_and_ends_at_the_optimum():
    accuracy = np.random.default_rng(0).normal(90, 3, 50)
    candidates = ContinuousCandidates(np.zeros((50, 1)))
    for seed in range(10):
        history = random_search(candidates, accuracy, 50, seed)
        curve = regret(history, accuracy)
        found = int(np.flatnonzero(history.architectures == accuracy.argmax())[0])
        assert (np.diff(curve) <= 0).all()
        assert (curve[:found] > 0).all()
        assert (curve[found:] == 0).all()


def test_regret_table_has_a_row_a_run():
    accuracy = np.arange(10.0)
    histories = [*repeat(random_search, ContinuousCandidates(np.zeros((10, 1))), accuracy, 4, range(3))]
    table = regret_table(histories, accuracy)
    assert table.shape == (3, 4)
    assert (table[2] == regret(histories[2], accuracy)).all()


def test_incumbent_without_report_is_refused():
    with pytest.raises(InputError, match="an incumbent of method test, seed 0, has no report accuracy"):
        regret(run([1, 0], [70, 71]), [np.nan, 80.0])
    with pytest.raises(InputError, match="has no report accuracy"):
        regret(run([1, 2], [70, 71]), [90.0, 80.0])


def test_runs_of_different_budgets_are_refused():
    report = np.arange(3.0)
    with pytest.raises(InputError, match=r"budgets \[1, 2\]"):
        regret_table([run([0], [1]), run([0, 1], [1, 2])], report)
    with pytest.raises(InputError, match=r"budgets \[\]"):
        regret_table([], report)


@pytest.mark.parametrize(
    ("guide", "report"),
    [
        ([3, 1, 4, 1.5, 5], [3, 1, 4, 1.5, 5]),  # noiseless
        ([3, 1, 4, 1.5, 5], [2, 9, 4, 0, 7]),  # guided by something else
        ([3, 1, 3, 3, 1], [2, 9, 4, 0, 7]),  # ties in the guide
        ([3, np.nan, 4, 1.5, 5], [2, 9, 4, 0, 7]),  # the best is not labelled: regret never reaches zero
        ([3, np.nan, 4, 1.5, 5], [2, np.nan, 4, 0, 7]),
    ],
)
def test_expectation_of_random_search_against_all_orders(guide, report):
    guide, report = np.array(guide, dtype=float), np.array(report, dtype=float)
    orders = np.array(list(permutations(np.flatnonzero(np.isfinite(guide)))))
    exact = np.mean([regret(run(order, guide[order]), report) for order in orders], axis=0)
    np.testing.assert_allclose(random_regret_expectation(guide, report, orders.shape[1]), exact, rtol=1e-13)
    np.testing.assert_allclose(random_regret_expectation(guide, report, 2), exact[:2], rtol=1e-13)


def test_expectation_of_random_search_against_simulation():
    generator = np.random.default_rng(0)
    report = generator.normal(90, 3, 200)
    guide = (report + generator.normal(0, 2, 200)).round()  # noisy and tied
    candidates = ContinuousCandidates(np.zeros((200, 1)))
    table = regret_table([*repeat(random_search, candidates, guide, 60, range(1000))], report)
    z = (table.mean(axis=0) - random_regret_expectation(guide, report, 60)) / (table.std(axis=0) / np.sqrt(1000))
    assert np.abs(z).max() < 4.5


def test_expectation_of_random_search_is_stable_on_a_whole_space():
    total = 15_625
    accuracy = np.sort(np.random.default_rng(0).normal(90, 3, total))[::-1]
    expectation = random_regret_expectation(accuracy, accuracy, 3_000)
    assert (np.diff(expectation) < 0).all()
    for n in (1, 2, 200, 3_000):
        rank = np.arange(1, total - n + 2)
        log_total = gammaln(total + 1) - gammaln(n + 1) - gammaln(total - n + 1)
        log_rest = gammaln(total - rank + 1) - gammaln(n) - gammaln(total - rank - n + 2)
        probability = np.exp(log_rest - log_total)
        shortfall = accuracy[0] - accuracy[: len(rank)]
        assert expectation[n - 1] == pytest.approx(probability @ shortfall, rel=1e-8)


def test_expectation_refuses_what_a_search_would():
    accuracy = np.arange(5.0)
    with pytest.raises(InputError, match="the budget is 6"):
        random_regret_expectation(accuracy, accuracy, 6)
    with pytest.raises(InputError, match="do not cover the same architectures"):
        random_regret_expectation(accuracy, accuracy[:4], 2)
    with pytest.raises(InputError, match="do not cover the same architectures"):
        random_regret_expectation(accuracy, [0, 1, np.nan, 3, 4], 2)
