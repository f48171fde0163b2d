"""The scoreboard: the paper's numbers, the published run and this run, side by side."""

from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd

from cena.errors import InputError
from cena.evaluate.intervals import Interval
from cena.evaluate.records import Record, status_of
from cena.stages import Stage

SCOREBOARD = Stage("scoreboard", version=1)
"""Verdicts on results."""


class Printed(NamedTuple):
    """A number as a source prints it, to two decimals."""

    value: float
    source: str


def _printed() -> dict[str, Printed]:
    table1 = {"cifar10": (0.94, 0.73), "cifar100": (0.93, 0.73), "imagenet16": (0.90, 0.68)}
    table2 = {
        "size_to_size": (0.84, 0.66),
        "size_to_topology": (0.60, 0.51),
        "topology_to_size": (0.75, 0.51),
        "topology_to_topology": (0.95, 0.74),
    }
    arch2vec = {
        "cifar10.val": 91.41,
        "cifar10.test": 94.18,
        "cifar100.val": 73.35,
        "cifar100.test": 73.37,
        "imagenet16.test": 46.27,
        "darts.error": 2.56,
    }
    numbers = {}
    for number, table in ((1, table1), (2, table2)):
        for row, (r, tau) in table.items():
            numbers[f"table{number}.{row}.r"] = Printed(r, f"Table {number}")
            numbers[f"table{number}.{row}.tau"] = Printed(tau, f"Table {number}")
    return numbers | {f"arch2vec.{cell}": Printed(value, "arch2vec") for cell, value in arch2vec.items()}


PAPER = _printed()
"""Id -> the printed number: Table 1 (r and Kendall's tau on NAS-Bench-201), Table 2 (means of ten runs), and arch2vec's
published search results (accuracy in percent, of DARTS the test error; Yan et al. 2020). Figure 5 prints curves and no
numbers."""

_NUMBERS = ("paper", "published", "published_low", "published_high", "value", "low", "high", "baseline")


@SCOREBOARD
def judge(id: str, interval: Interval, *, reason: str, baseline: float | None = None, claim: str = "") -> Record:
    """The record of a measured interval, with its status.

    It is judged against the printed number where :data:`PAPER` has one, else against the baseline, see
    :func:`cena.evaluate.records.status_of`.

    Parameters
    ----------
    id : see :data:`cena.evaluate.records.IDS`.
    interval : what was measured.
    reason : the setting that explains the number if it falls short, such as "reduced networks (profile laptop)".
    baseline : the best trivial rival on the same splits.
    claim : where the paper says in words that the number is better than the baseline, such as "Section 4.4"; empty
        where it does not.

    Raises
    ------
    InputError
        If there is neither a printed number nor a baseline, or the record is refused.
    """
    paper, source = PAPER.get(id, (None, claim))
    return Record(
        id=id,
        value=interval.value,
        low=interval.low,
        high=interval.high,
        runs=interval.runs,
        paper=paper,
        source=source,
        baseline=baseline,
        status=status_of(id, interval, paper=paper, source=source, baseline=baseline),
        reason=reason,
    )


def not_run(id: str, reason: str) -> Record:
    """The record of a number that this run does not compute, and why."""
    paper, source = PAPER.get(id, (None, ""))
    return Record(id, None, None, None, 0, paper, source, None, status="not run", reason=reason)


def scoreboard(published: Iterable[Record], this_run: Iterable[Record]) -> pd.DataFrame:
    """A row for each number: of the paper, in its order, then of the records that the paper does not print, by id.

    Columns `id`, `source`, `paper`; of the published run `published`, `published_low`, `published_high` and
    `published_status`; of this run `value`, `low`, `high`, `baseline`, `status` and `reason`. Missing numbers are NaN.
    A number that a run has no record of is "not run".

    Raises
    ------
    InputError
        If an id occurs twice in one run, or a record's `paper` is not the printed number.
    """
    theirs, ours = _by_id("the published run", published), _by_id("this run", this_run)
    rows = []
    for id in [*PAPER, *sorted((set(theirs) | set(ours)) - set(PAPER))]:
        before = theirs.get(id) or not_run(id, "no published record")
        now = ours.get(id) or not_run(id, "no notebook of this run has recorded it")
        rows.append(
            {
                "id": id,
                "source": now.source or before.source,
                "paper": before.paper if now.paper is None else now.paper,
                "published": before.value,
                "published_low": before.low,
                "published_high": before.high,
                "published_status": before.status,
                "value": now.value,
                "low": now.low,
                "high": now.high,
                "baseline": now.baseline,
                "status": now.status,
                "reason": now.reason,
            }
        )
    return pd.DataFrame(rows).astype(dict.fromkeys(_NUMBERS, "float64"))


def _by_id(run: str, records: Iterable[Record]) -> dict[str, Record]:
    found: dict[str, Record] = {}
    for record in records:
        if record.id in found:
            raise InputError(f"record {record.id} occurs twice in {run}: every id has one number")
        if record.id in PAPER and record.paper != PAPER[record.id].value:
            raise InputError(
                f"record {record.id} of {run} says the paper has {record.paper}, "
                f"but it prints {PAPER[record.id].value}: make it with judge or not_run"
            )
        found[record.id] = record
    return found
