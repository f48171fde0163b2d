"""What the search chapters conclude: differences between searches, tested claims, and what a change does.

Regrets at one point are arrays (runs,); searches may have different numbers of runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cena.errors import InputError
from cena.evaluate import Interval, paired_difference

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """How the regret of a search differs from a rival's at one point: negative is better.

    Attributes
    ----------
    where : the data set, protocol and point.
    interval : of the mean difference in percentage points.
    """

    where: str
    interval: Interval

    @property
    def verdict(self) -> str:
        """By whether the interval excludes zero."""
        if self.interval.high < 0:
            return "better"
        return "worse" if self.interval.low > 0 else "not told apart"

    @property
    def number(self) -> str:
        """The mean difference with its interval."""
        return f"{self.interval.value:+.2f} [{self.interval.low:+.2f}, {self.interval.high:+.2f}]"

    def __str__(self) -> str:
        return f"{self.number} {self.where}"


def difference(where: str, ours: Array, theirs: Array) -> Difference:
    """Of regrets at one point, (runs,) each; of unequal numbers of runs the first that both have are compared.

    The interval is Student's: a bootstrap of the few runs of slow methods would be far too narrow.

    Raises
    ------
    InputError
        If they have fewer than two runs in common.
    """
    runs = min(len(ours), len(theirs))
    return Difference(where, paired_difference(ours[:runs], theirs[:runs]))


def claim_sentence(claim: str, differences: Sequence[Difference], others: Sequence[Difference] = ()) -> str:
    """The claim, whether the differences bear it out, the differences, and a count of those under other protocols.

    Raises
    ------
    InputError
        If there is no difference.
    """
    if not differences:
        raise InputError(f"claim '{claim}' has no evidence: give at least one difference")
    verdicts = {found.verdict for found in differences}
    if verdicts == {"better"}:
        word = "borne out"
    elif verdicts == {"worse"}:
        word = "contradicted"
    else:
        word = f"undecided ({_counted(differences)})"
    sentence = f"**{claim}: {word}.** Difference in regret: {'; '.join(map(str, differences))}."
    return sentence + (f" Under the other protocols: {_counted(others)}." if others else "")


def _counted(differences: Sequence[Difference]) -> str:
    """Such as "better in 2, worse in 1 of 3"."""
    verdicts = [found.verdict for found in differences]
    counts = [f"{word} in {verdicts.count(word)}" for word in ("better", "not told apart", "worse") if word in verdicts]
    return f"{', '.join(counts)} of {len(verdicts)}"


Change = tuple[str, str, str]
"""What is changed between two searches, and the labels of the search with the change and of that without."""


@dataclass(frozen=True)
class Effect:
    """What a change does to mean regret at one point.

    Attributes
    ----------
    change : what is changed.
    where : the data set.
    evaluations : after how many.
    difference : of the search with the change from that without; negative is better.
    """

    change: str
    where: str
    evaluations: int
    difference: Difference


def effects(
    changes: Sequence[Change], regrets: Mapping[str, Mapping[str, Array]], points: Sequence[int]
) -> list[Effect]:
    """Of each change on each data set and after each number of evaluations, where both searches were run.

    Parameters
    ----------
    regrets : (runs, budget) by data set and label of the search.
    points : numbers of evaluations, at most the budget.
    """
    return [
        Effect(change, where, n, difference("", of_where[ours][:, n - 1], of_where[theirs][:, n - 1]))
        for change, ours, theirs in changes
        for where, of_where in regrets.items()
        for n in points
        if ours in of_where and theirs in of_where
    ]


def effect_rows(found: Sequence[Effect]) -> list[tuple[str, ...]]:
    """A row for each change: what it is, its difference on each data set at the first point, and a count of all."""
    first = min((effect.evaluations for effect in found), default=0)
    rows = []
    for change in dict.fromkeys(effect.change for effect in found):
        seen = [effect for effect in found if effect.change == change]
        numbers = (effect.difference.number for effect in seen if effect.evaluations == first)
        rows.append((change, *numbers, _counted([effect.difference for effect in seen])))
    return rows


def effect_table(found: Sequence[Effect]) -> pd.DataFrame:
    """The numbers behind :func:`effect_rows`, a row for each effect."""
    rows = [
        (effect.change, effect.where, effect.evaluations, interval.value, interval.low, interval.high)
        for effect in found
        for interval in [effect.difference.interval]
    ]
    return pd.DataFrame(rows, columns=["change", "dataset", "evaluations", "difference", "low", "high"])
