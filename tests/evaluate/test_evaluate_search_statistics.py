"""How soon searches reach the top."""

import numpy as np
import pytest

from cena.errors import InputError
from cena.evaluate import evaluations_to_reach, reach, top_regret


def test_top_of_a_space():
    report = np.append(np.arange(2000.0), np.nan)
    assert top_regret(report) == 1
    assert top_regret([3.0, 1.0]) == 0
    for bad, share in (([np.nan], 0.1), ([1.0], 0.0), ([1.0], 1.1)):
        with pytest.raises(InputError, match="a share above 0"):
            top_regret(bad, share)


def test_evaluations_to_reach():
    regrets = [[3, 2, 1, 1], [3, 3, 3, 3], [1, 2, 0, 0]]
    assert evaluations_to_reach(regrets, 1).tolist() == [3, np.inf, 1]
    with pytest.raises(InputError, match=r"shape \(2,\)"):
        evaluations_to_reach([1, 2], 1)


def test_reach_of_runs_that_may_never():
    found = reach([5, 7, np.inf, 6, np.inf, np.inf, 4, 8, 9, 3])
    assert (found.median, found.low, found.high, found.never) == (7.5, 4, np.inf, 0.3)
    assert str(found) == "7.5 [4, never], 30 % never"
    assert str(reach(np.full(10, np.inf))) == "100 % never"
    assert reach([np.inf] * 9).median == np.inf
    assert (reach([1, 2]).low, reach([1, 2]).high) == (1, 2)
    with pytest.raises(InputError, match="or hold NaN"):
        reach([np.nan])
    with pytest.raises(InputError, match="level is 1"):
        reach([1, 2], 1)


def test_interval_of_the_median_covers():
    draws = np.random.default_rng(0).exponential(size=(500, 30))
    covered = [found.low <= np.log(2) <= found.high for found in map(reach, draws)]
    assert 0.94 < np.mean(covered) < 0.99
