import numpy as np
import pytest

from cena.errors import InputError
from cena.search import History, evaluations_within, regret, regret_over_time

COST = np.array([10.0, 20.0, 30.0, 40.0, np.nan])
GUIDE = np.array([50.0, 60.0, 70.0, 80.0, np.nan])
RUN = History("test", 0, np.array([1, 0, 3]), GUIDE[[1, 0, 3]])


def test_a_lasting_budget_is_that_of_the_cheapest():
    assert [evaluations_within(COST, GUIDE, seconds) for seconds in (10, 29, 30, 60, 1e9)] == [1, 1, 2, 3, 4]


def test_regret_over_time_is_a_step_function():
    curve = regret_over_time(RUN, GUIDE, COST, [19, 20, 29.9, 30, 31, 69, 70, 99])
    assert np.isnan(curve[0])
    assert curve[1:].tolist() == regret(RUN, GUIDE)[[0, 0, 1, 1, 1, 2, 2]].tolist()


def test_bad_clocks_are_refused():
    with pytest.raises(InputError, match="architecture 3 has been evaluated but has no cost"):
        regret_over_time(RUN, GUIDE, [10, 20, 30, np.nan], [99])
    with pytest.raises(InputError, match=r"the costs have shape \(2,\)"):
        regret_over_time(RUN, GUIDE, [10, 20], [99])
    with pytest.raises(InputError, match="no evaluation can be finished in 9 s"):
        evaluations_within(COST, GUIDE, 9)
    with pytest.raises(InputError, match="no positive cost"):
        evaluations_within([10, 20, 0, 1, 1], GUIDE, 99)
