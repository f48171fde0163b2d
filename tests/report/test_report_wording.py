"""One wording of a difference."""

import pytest

from cena.evaluate import Interval
from cena.report.wording import counted, in_words, signed, told

ABOVE, BELOW, ACROSS = Interval(0.2, 0.1, 0.3, 5), Interval(-0.2, -0.3, -0.1, 5), Interval(0.1, -0.1, 0.3, 5)


def test_a_difference_counts_where_its_interval_excludes_zero():
    assert [told(each) for each in (ABOVE, BELOW, ACROSS)] == ["better", "worse", "not told apart"]
    assert [told(each, lower_is_better=True) for each in (ABOVE, BELOW, ACROSS)] == [
        "worse",
        "better",
        "not told apart",
    ]


@pytest.mark.parametrize("touching", [Interval(0.1, 0.0, 0.2, 5), Interval(-0.1, -0.2, 0.0, 5), Interval(0, 0, 0, 5)])
def test_an_interval_that_touches_zero_tells_nothing_apart(touching):
    assert told(touching) == told(touching, lower_is_better=True) == "not told apart"


def test_differences_are_signed_and_worded():
    assert signed(ABOVE) == "+0.200 [+0.100, +0.300]"
    assert signed(BELOW, 1) == "-0.2 [-0.3, -0.1]"
    assert in_words(ACROSS) == "+0.100 [-0.100, +0.300]: not told apart"


def test_verdicts_are_counted_in_one_order_and_none_that_is_not_there():
    assert counted(["worse", "better", "worse"]) == "better in 1, worse in 2 of 3"
    assert counted(told(each) for each in (BELOW, ACROSS)) == "not told apart in 1, worse in 1 of 2"
