"""What neighbourhoods tell: exact on a line, where neighbours and accuracies are known."""

import numpy as np
import pandas as pd
import pytest

from cena.errors import InputError
from cena.report.neighbourhoods import BEST, RATED, TOP, nearest_others, rated_neighbours, rating_rows, the_best

PLACES = np.arange(2000.0)
CLASSES = np.arange(2000) // 2


def from_place(one: int) -> np.ndarray:
    return np.abs(PLACES - PLACES[one])


def test_neighbours_are_the_nearest_of_other_classes():
    close = nearest_others(from_place, [0, 1, 10], CLASSES, 3, 0)
    assert [sorted(row) for row in close.tolist()] == [[2, 3, 4], [2, 3, 4], [8, 9, 12]]


def test_members_of_the_own_class_never_fill_up_what_is_missing():
    classes = [0, 0, 0, 1, 2]
    for one, others in ((0, [3, 4]), (3, [0, 1, 2, 4])):
        [close] = nearest_others(lambda one: np.abs(np.arange(5.0) - one), [one], classes, len(others), 0)
        assert sorted(close) == others
    for count in (3, 0):
        with pytest.raises(InputError, match=f"{count} neighbours of other classes .* there are 2 .* from 1 to 2"):
            nearest_others(lambda one: np.abs(np.arange(5.0) - one), [3, 0], classes, count, 0)


def test_equal_distances_are_ordered_by_the_seed():
    first, again, other = (
        nearest_others(lambda _: np.zeros(2000), [0, 1, 500], CLASSES, 5, seed).tolist() for seed in (0, 0, 1)
    )
    assert first == again != other
    assert first[0] == pytest.approx(first[1])
    assert not {0, 1} & set(first[0])


def test_a_geometry_in_the_order_of_accuracies_is_rated_best_and_a_random_one_by_chance():
    everyone = np.arange(2000)
    shuffled = np.random.default_rng(0).permutation(2000).astype(float)
    neighbours = {
        "in order": nearest_others(from_place, everyone, CLASSES, 4, 0),
        "shuffled": nearest_others(lambda one: np.abs(shuffled - shuffled[one]), everyone, CLASSES, 4, 0),
    }
    ordered, chance = rated_neighbours(PLACES, everyone, neighbours, everyone).itertuples(index=False)
    assert ordered.tau_all > 0.99
    assert ordered.tau_top > 0.9
    assert ordered.best_in_top == 100
    assert ordered.best_median_rank < BEST
    assert abs(chance.tau_all) < 0.1
    assert chance.best_in_top < 100 * 3 * TOP
    assert 500 < chance.best_median_rank < 1500


def test_those_asked_may_be_in_any_order():
    everyone = np.arange(2000)
    some = np.union1d(everyone[::7], the_best(PLACES))
    assert len(the_best(PLACES)) == TOP * 2000
    rated = [
        rated_neighbours(PLACES, asked, {"line": nearest_others(from_place, asked, CLASSES, 4, 0)}, everyone[::7])
        for asked in (everyone, some, some[::-1])
    ]
    assert rated[0].equals(rated[1])
    assert rated[1].equals(rated[2])


def test_a_rating_is_worded_a_cell_for_each_column():
    rated = pd.DataFrame([("line", 0.514, -0.07, 37.6, 2440.0)])
    rated.columns = ["geometry", "tau_all", "tau_top", "best_in_top", "best_median_rank"]
    assert rating_rows(rated) == [("line", "0.51", "-0.07", "38 %", "2440")]
    assert RATED[2] == "τ, best 5 %"
    assert len(RATED) == len(rated.columns)
