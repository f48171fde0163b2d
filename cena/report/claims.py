"""What the search chapters conclude: differences between two searches, tested claims, and what a change does.

A claim, or a change, is about two searches: what is said of them, the label of the first and that of the second. Its
evidence are the differences in regret, first minus second, on each data set, under each protocol and at each point.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cena.evaluate import Interval, welch_difference
from cena.report.tables import NAMES
from cena.report.wording import Told, counted, signed, told
from cena.study.protocols import NOISELESS, Regrets

SearchPair = tuple[str, str, str]
"""What is said of two searches, and their labels."""

SEARCH_CLAIMS: tuple[SearchPair, ...] = (
    ("TPE does better on CENA than on arch2vec", "TPE on CENA", "TPE on arch2vec"),
    ("DE does better on CENA than on arch2vec", "DE on CENA", "DE on arch2vec"),
    ("arch2vec's RL does better on CENA than on arch2vec", "RL on CENA", "arch2vec-RL"),
    ("arch2vec's Bayesian optimisation does better on CENA than on arch2vec", "DNGO on CENA", "arch2vec-BO"),
    ("TPE does better on CENA than on the paper's recipe", "TPE on CENA", "TPE on Mixer"),
    ("DE does better on CENA than on the paper's recipe", "DE on CENA", "DE on Mixer"),
    ("TPE on CENA beats random search", "TPE on CENA", "random"),
    ("TPE does better on CENA than on the raw encoding", "TPE on CENA", "TPE on raw encoding"),
    ("DE does better on CENA than on the raw encoding", "DE on CENA", "DE on raw encoding"),
    ("TPE on CENA beats local search", "TPE on CENA", "local search"),
    (
        "A greedy forest does better on the embedding than on the raw encoding",
        "forest on embedding",
        "forest on raw encoding",
    ),
    ("The embedding adds to what the raw encoding tells a greedy forest", "forest on both", "forest on raw encoding"),
    ("A greedy forest on the embedding beats TPE on the raw encoding", "forest on embedding", "TPE on raw encoding"),
    ("The use declared beforehand beats TPE on the raw encoding", "GP on both", "TPE on raw encoding"),
    ("The use declared beforehand beats the same without the embedding", "GP on both", "GP on raw encoding"),
    ("The use declared beforehand beats log parameters and the embedding alone", "GP on both", "GP on embedding"),
)
"""What is tested of both benchmarks."""


@dataclass(frozen=True)
class Evidence:
    """How the mean regret of one search differs from another's: negative is better.

    Attributes
    ----------
    about : what is said of the two.
    dataset, protocol : where.
    evaluations : after how many; 0 when the simulated time is spent.
    difference : of the means in percentage points, over all independent runs of both.
    """

    about: str
    dataset: str
    protocol: str
    evaluations: int
    difference: Interval

    @property
    def verdict(self) -> Told:
        """Whether the first search is better."""
        return told(self.difference, lower_is_better=True)

    @property
    def number(self) -> str:
        """The difference with its interval."""
        return signed(self.difference, 2)


def evidence(
    pairs: Sequence[SearchPair], found: Mapping[tuple[str, str], Regrets], evaluations: Sequence[int]
) -> list[Evidence]:
    """Of each pair under each protocol, where both searches were run.

    The intervals are Welch's, for independent runs, however many each search has. Two runs of one seed and method may
    start from the same random architectures, before they part; a likeness that is left makes the interval too wide, not
    too narrow. A bootstrap of the few runs of slow methods would be far too narrow.

    Parameters
    ----------
    found : regrets by data set and protocol.
    evaluations : the points to look at, at most the budget; in simulated time only its end is.
    """
    return [
        Evidence(about, dataset, protocol, n, welch_difference(regrets.at(ours, n), regrets.at(theirs, n)))
        for about, ours, theirs in pairs
        for (dataset, protocol), regrets in found.items()
        if ours in regrets.tables and theirs in regrets.tables
        for n in regrets.points(evaluations)
    ]


def claim_sentence(claim: str, found: Sequence[Evidence]) -> str:
    """The claim and whether it is borne out, which the noiseless protocol decides; a count under the others.

    Parameters
    ----------
    found : evidence of this claim and of others.
    """
    own = [each for each in found if each.about == claim]
    decisive = [each for each in own if each.protocol == NOISELESS]
    others = [each.verdict for each in own if each.protocol != NOISELESS]
    if not decisive:
        return f"**{claim}: not tested**, a slow method is left out here."
    verdicts = {each.verdict for each in decisive}
    if verdicts == {"better"}:
        word = "borne out"
    elif verdicts == {"worse"}:
        word = "contradicted"
    else:
        word = f"undecided ({counted(each.verdict for each in decisive)})"
    numbers = "; ".join(f"{each.number} ({NAMES[each.dataset]}, {each.evaluations})" for each in decisive)
    sentence = f"**{claim}: {word}.** Difference in regret: {numbers}."
    return sentence + (f" Under the other protocols: {counted(others)}." if others else "")


def change_rows(found: Sequence[Evidence]) -> list[tuple[str, ...]]:
    """A row for each change: what it is, its difference on each data set at the first point, and a count of all."""
    first = min((each.evaluations for each in found), default=0)
    rows = []
    for change in dict.fromkeys(each.about for each in found):
        seen = [each for each in found if each.about == change]
        numbers = (each.number for each in seen if each.evaluations == first)
        rows.append((change, *numbers, counted(each.verdict for each in seen)))
    return rows


def untold(pairs: Sequence[SearchPair], found: Sequence[Evidence]) -> list[str]:
    """What is said of pairs that have no evidence."""
    seen = {each.about for each in found}
    return [about for about, *_ in pairs if about not in seen]


def evidence_table(found: Sequence[Evidence], about: str) -> pd.DataFrame:
    """The numbers of the evidence, a row for each; the first column is called `about`."""
    rows = [
        (
            each.about,
            each.dataset,
            each.protocol,
            each.evaluations,
            each.difference.value,
            each.difference.low,
            each.difference.high,
            each.verdict,
        )
        for each in found
    ]
    columns = [about, "dataset", "protocol", "evaluations", "difference", "low", "high", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def lowest(regrets: Regrets, evaluations: int, labels: Collection[str]) -> tuple[str, float]:
    """The search of the lowest mean regret after so many evaluations, of those with these labels, and that mean."""
    means = {label: float(np.mean(regrets.at(label, evaluations))) for label in regrets.tables if label in labels}
    best = min(means, key=means.__getitem__)
    return best, means[best]
