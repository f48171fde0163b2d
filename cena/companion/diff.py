"""A reader's numbers beside the published ones: do they agree within their uncertainty?"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from cena.evaluate.records import Record

Verdict = Literal["agree", "differ", "only published", "only yours", "not run"]


@dataclass(frozen=True)
class Comparison:
    """One number of the book, as published and as computed by the reader; None where there is no such record."""

    id: str
    published: Record | None
    own: Record | None

    @property
    def verdict(self) -> Verdict:
        """The two agree when their 95 % intervals meet."""
        if self.own is None:
            return "only published"
        if self.published is None:
            return "only yours"
        published, own = _interval(self.published), _interval(self.own)
        if published is None or own is None:
            return "not run"
        return "agree" if own[0] <= published[1] and published[0] <= own[1] else "differ"


def compare(own: Iterable[Record], published: Iterable[Record]) -> list[Comparison]:
    """A reader's records against the published ones, by id."""
    ours = {record.id: record for record in own}
    theirs = {record.id: record for record in published}
    return [Comparison(id, theirs.get(id), ours.get(id)) for id in sorted({*ours, *theirs})]


def worded(record: Record | None) -> str:
    """The number and its interval, such as ``0.771 [0.765, 0.777]``; or "none"."""
    if record is None or record.value is None:
        return "none"
    return f"{record.value:.4g} [{record.low:.4g}, {record.high:.4g}]"


def _interval(record: Record) -> tuple[float, float] | None:
    return None if record.low is None or record.high is None else (record.low, record.high)
