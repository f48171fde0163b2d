"""What the search chapters conclude from repeated searches."""

import numpy as np
import pytest

from cena.data.labels import LabelKey
from cena.evaluate import mean_interval, welch_difference
from cena.report.claims import change_rows, claim_sentence, evidence, evidence_table, lowest, untold
from cena.study.protocols import GUIDED, NOISELESS, TIMED, Protocol, Regrets

KEY = LabelKey("cifar10", "test", 200, "mean")
ACCURACY = np.linspace(80, 90, 30)
OURS = np.random.default_rng(1).random((500, 4))
THEIRS = np.random.default_rng(0).random((25, 4)) + 3


def regrets_of(name=NOISELESS, expected=4.0, **tables) -> Regrets:
    protocol = Protocol(name, ACCURACY, ACCURACY, KEY, KEY, 4)
    return Regrets(protocol, tables, None if name == TIMED else np.full(4, expected))


def constant(value) -> np.ndarray:
    return np.full((3, 4), value)


def test_a_difference_is_of_all_runs_of_both():
    found = {("cifar10", NOISELESS): regrets_of(ours=OURS, theirs=THEIRS)}
    [first, last] = evidence([("it", "ours", "theirs")], found, [1, 4])
    assert (first.about, first.dataset, first.protocol, first.evaluations) == ("it", "cifar10", NOISELESS, 1)
    assert last.difference == welch_difference(OURS[:, 3], THEIRS[:, 3])
    assert last.difference.value == pytest.approx(OURS[:, 3].mean() - THEIRS[:, 3].mean())
    assert last.verdict == "better"
    [back, _] = evidence([("it", "theirs", "ours")], found, [1, 4])
    assert back.verdict == "worse"
    [same, _] = evidence([("it", "ours", "ours")], found, [1, 4])
    assert same.verdict == "not told apart"


def test_random_search_is_its_expectation_where_that_is_known():
    tables = {"ours": OURS, "random": THEIRS}
    found = {("cifar10", name): regrets_of(name, **tables) for name in (NOISELESS, TIMED)}
    exact, timed = evidence([("it", "ours", "random")], found, [2])
    alone = mean_interval(OURS[:, 1])
    assert (exact.difference.low, exact.difference.high) == pytest.approx((alone.low - 4, alone.high - 4))
    assert timed.evaluations == 0
    assert timed.difference == welch_difference(OURS[:, -1], THEIRS[:, -1])


def claimed(noiseless, *others) -> str:
    """The sentence about A and B where A's regret differs from B's by these constants."""
    found = {
        (dataset, NOISELESS): regrets_of(a=constant(5.0 + gap), b=constant(5.0))
        for dataset, gap in zip(("cifar10", "cifar100"), noiseless, strict=False)
    }
    found |= {
        (dataset, GUIDED): regrets_of(GUIDED, a=constant(5.0 + gap), b=constant(5.0))
        for dataset, gap in zip(("cifar10", "cifar100", "imagenet16"), others, strict=False)
    }
    return claim_sentence("A beats B", evidence([("A beats B", "a", "b"), ("B beats A", "b", "a")], found, [3]))


def test_a_claim_is_worded_by_its_evidence():
    assert claimed([-1.0, -1.0]) == (
        "**A beats B: borne out.** Difference in regret: -1.00 [-1.00, -1.00] (CIFAR-10, 3); "
        "-1.00 [-1.00, -1.00] (CIFAR-100, 3)."
    )
    assert "A beats B: contradicted" in claimed([1.0])
    assert "A beats B: undecided (better in 1, worse in 1 of 2)" in claimed([1.0, -1.0])
    told = claimed([-1.0], 1.0, 1.0, -1.0)
    assert told.endswith("(CIFAR-10, 3). Under the other protocols: better in 1, worse in 2 of 3.")
    assert claimed([]) == "**A beats B: not tested**, a slow method is left out here."


def test_the_effect_of_a_change_is_told_where_both_searches_were_run():
    lower, higher = np.full((3, 2), [1.0, 0.0]), np.full((3, 2), [2.0, 0.0])
    found = {
        ("cifar10", NOISELESS): regrets_of(new=lower, old=higher),
        ("cifar100", NOISELESS): regrets_of(new=higher, old=lower),
        ("imagenet16", NOISELESS): regrets_of(),
    }
    changes = [("it", "new", "old"), ("never", "absent", "new")]
    effects = evidence(changes, found, [1, 2])
    assert [(each.dataset, each.evaluations, each.difference.value) for each in effects] == [
        ("cifar10", 1, -1),
        ("cifar10", 2, 0),
        ("cifar100", 1, 1),
        ("cifar100", 2, 0),
    ]
    counted = "better in 1, not told apart in 2, worse in 1 of 4"
    assert change_rows(effects) == [("it", "-1.00 [-1.00, -1.00]", "+1.00 [+1.00, +1.00]", counted)]
    assert change_rows([]) == []
    assert untold(changes, effects) == ["never"]


def test_the_table_holds_the_numbers_of_the_evidence():
    found = {("cifar10", NOISELESS): regrets_of(ours=OURS, theirs=THEIRS)}
    [each] = evidence([("it", "ours", "theirs")], found, [1])
    [row] = evidence_table([each], "change").to_dict("records")
    assert row == {
        "change": "it",
        "dataset": "cifar10",
        "protocol": NOISELESS,
        "evaluations": 1,
        "difference": each.difference.value,
        "low": each.difference.low,
        "high": each.difference.high,
        "verdict": "better",
    }


def test_the_lowest_mean_regret_is_of_the_searches_named():
    found = regrets_of(ours=OURS, theirs=THEIRS, random=constant(0.0))
    assert lowest(found, 2, {"ours", "theirs"}) == ("ours", pytest.approx(OURS[:, 1].mean()))
    assert lowest(found, 2, {"theirs", "random", "absent"}) == ("theirs", pytest.approx(THEIRS[:, 1].mean()))
