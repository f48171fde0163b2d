"""One wording of a difference."""

import pytest

from cena.evaluate import Interval
from cena.report.wording import counted, in_words, literal, signed, told

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


def test_text_that_is_data_reads_the_same_and_is_no_markup():
    assert literal("a_b, 95 % (ok): é, c-d") == "a_b, 95 % (ok): é, c-d"
    assert literal("- a\n\n**b** _c_ __d__") == "&#45; a &#42;&#42;b&#42;&#42; &#95;c&#95; &#95;&#95;d&#95;&#95;"
    assert literal("<b> &lt; `e` $f$ {g} [h](i) j|k \\l #m ~n") == (
        "&#60;b&#62; &#38;lt; &#96;e&#96; &#36;f&#36; &#123;g&#125; &#91;h&#93;(i) j&#124;k &#92;l &#35;m &#126;n"
    )
