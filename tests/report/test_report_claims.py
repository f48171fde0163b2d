"""What the search chapters conclude from repeated searches."""

import numpy as np
import pytest

from cena.errors import InputError
from cena.report.claims import claim_sentence, difference, effect_rows, effect_table, effects

OURS = np.random.default_rng(1).random(4)
THEIRS = np.random.default_rng(0).random(8) + 3


def test_a_difference_is_of_the_runs_that_both_have():
    found = difference("here", OURS, THEIRS)
    assert found.interval.value == pytest.approx((OURS - THEIRS[:4]).mean())
    assert (found.verdict, difference("", THEIRS, OURS).verdict) == ("better", "worse")
    assert difference("", OURS, OURS).verdict == "not told apart"
    assert str(found) == f"{found.number} here"
    assert str(found).endswith("] here")


def test_a_claim_is_worded_by_its_evidence():
    better, worse = (difference("x", np.full(3, value), np.zeros(3)) for value in (-1.0, 1.0))
    assert claim_sentence("A beats B", [better, better]).startswith(
        "**A beats B: borne out.** Difference in regret: -1.00"
    )
    assert "contradicted" in claim_sentence("A beats B", [worse])
    assert "undecided (better in 1, worse in 1 of 2)" in claim_sentence("A beats B", [better, worse])
    told = claim_sentence("A beats B", [better], [worse, worse, better])
    assert told.endswith(" Under the other protocols: better in 1, worse in 2 of 3.")
    with pytest.raises(InputError, match="claim 'A beats B' has no evidence"):
        claim_sentence("A beats B", [])


def test_the_effect_of_a_change_is_told_where_both_searches_were_run():
    better, same = np.full((3, 2), [1.0, 0.0]), np.full((3, 2), [2.0, 0.0])
    regrets = {"one": {"with": better, "without": same}, "two": {"with": same, "without": better}, "three": {}}
    found = effects([("it", "with", "without"), ("never", "absent", "with")], regrets, [1, 2])
    assert [(each.where, each.evaluations, each.difference.interval.value) for each in found] == [
        ("one", 1, -1),
        ("one", 2, 0),
        ("two", 1, 1),
        ("two", 2, 0),
    ]
    counted = "better in 1, not told apart in 2, worse in 1 of 4"
    assert effect_rows(found) == [("it", "-1.00 [-1.00, -1.00]", "+1.00 [+1.00, +1.00]", counted)]
    table = effect_table(found)
    assert table["difference"].tolist() == [-1, 0, 1, 0]
    assert set(table["change"]) == {"it"}
    assert effect_rows([]) == []
