"""Results on disk: one record for each number, JSON files of records, and tables beside them.

Equal results are equal bytes: keys and records are sorted, and numbers keep six significant digits, so that rounding
noise of another processor does not show up as a change of the published book.
"""

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import pandas as pd

from cena.errors import InputError, unknown
from cena.evaluate.intervals import Interval
from cena.files import write_atomically
from cena.outside import parse_json

Status = Literal["reproduced", "exceeded", "short", "not run"]

_DIGITS = 6
"""Significant digits of a number on disk."""

_ROUNDING = 0.005
"""Half a unit of the second decimal, the last the paper prints."""

_DATA_SETS = r"(cifar10|cifar100|imagenet16|digits)"
_SPACES = r"(size|topology|graph|darts)"
IDS = {
    "table1.<data set>.<r|tau>": rf"table1\.{_DATA_SETS}\.(r|tau)",
    "embedding.<data set>.<ndcg|tau@<n>|tau-without-parameters>": (
        rf"embedding\.{_DATA_SETS}\.(ndcg|tau@[1-9][0-9]*|tau-without-parameters)"
    ),
    "embedding.identity.top<n>": r"embedding\.identity\.top[1-9][0-9]*",
    "embedding.zoo.<together|design|curve>": r"embedding\.zoo\.(together|design|curve)",
    "networks.imagenet.<spearman|spearman-by-family>": r"networks\.imagenet\.spearman(-by-family)?",
    "table2.<size|topology>_to_<size|topology>.<r|tau>": r"table2\.(size|topology)_to_(size|topology)\.(r|tau)",
    "table2.<data set>.<space>_to_<space>.<r|tau>": rf"table2\.{_DATA_SETS}\.{_SPACES}_to_{_SPACES}\.(r|tau)",
    "darts.<labels>_labels.tau": r"darts\.[1-9][0-9]*_labels\.tau",
    "fig4.<data set>.<what>": rf"fig4\.{_DATA_SETS}\.[a-z0-9_-]+",
    "fig5.<space>.<data set>.<method>.regret@<n>": (
        rf"fig5\.[a-z0-9_-]+\.{_DATA_SETS}\.[a-z0-9_+-]+\.regret@[1-9][0-9]*"
    ),
    "arch2vec.<data set>.<val|test>": rf"arch2vec\.{_DATA_SETS}\.(val|test)",
    "arch2vec.darts.error": r"arch2vec\.darts\.error",
    "beyond.<attack>.tau": r"beyond\.[a-z]+-[0-9.]+\.tau",
    "speed.<what>": r"speed\.[a-z0-9_-]+",
}
"""The forms a record's id can take, and the pattern of each; data sets are cifar10, cifar100, imagenet16 and digits.
Without a data set, `table2` is of ImageNet16-120. Its spaces are size, topology, graph (NAS-Bench-101) and darts."""


@dataclass(frozen=True)
class Record:
    """One number of the book. Refused when it contradicts itself.

    Attributes
    ----------
    id : of one of the forms in :data:`IDS`.
    value, low, high : the estimate and its 95 % interval; all None exactly when the status is "not run".
    runs : how many independent runs it comes from, 0 exactly when not run.
    paper : the number in the paper, None where it has none.
    source : where in the paper, such as "Table 1"; with no `paper`, where it says in words that it is better.
    baseline : the best trivial rival on the same split, None where there is none.
    status : see :func:`status_of`.
    reason : why, required unless reproduced or exceeded. A reduced setting is named here whatever the status.

    Raises
    ------
    InputError
        Naming the record and what is wrong with it.
    """

    id: str
    value: float | None
    low: float | None
    high: float | None
    runs: int
    paper: float | None
    source: str
    baseline: float | None
    status: Status
    reason: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.id, str) or not any(re.fullmatch(pattern, self.id) for pattern in IDS.values()):
            raise InputError(f"'{self.id}' is not the id of a record; forms: {', '.join(IDS)}")
        if self.status not in get_args(Status):
            raise unknown(f"status of record {self.id}", self.status, get_args(Status))
        if not all(isinstance(text, str) and len(text.splitlines()) < 2 for text in (self.source, self.reason)):
            raise InputError(f"source and reason of record {self.id} have to be a line of text, empty for none")
        for name in ("value", "low", "high", "paper", "baseline"):
            number = getattr(self, name)
            if number is not None:
                if isinstance(number, str) or not math.isfinite(number):
                    raise InputError(f"{name} of record {self.id} is {number!r}: expected a finite number or nothing")
                object.__setattr__(self, name, float(number))  # NumPy's scalars become plain numbers
        if isinstance(self.runs, bool) or self.runs != int(self.runs) or self.runs < 0:
            raise InputError(f"runs of record {self.id} is {self.runs!r}: expected how many runs there were")
        object.__setattr__(self, "runs", int(self.runs))
        if self.status == "not run":
            if (self.value, self.low, self.high, self.runs) != (None, None, None, 0):
                raise InputError(
                    f"record {self.id} is 'not run' but has results: give no value, low or high, and 0 runs"
                )
        elif self.value is None or self.low is None or self.high is None or self.runs == 0:
            raise InputError(f"record {self.id} is '{self.status}': give value, low, high and at least 1 run")
        elif not self.low <= self.value <= self.high:
            raise InputError(f"record {self.id} has value {self.value} outside its interval [{self.low}, {self.high}]")
        elif self.status not in (borne_out := self._borne_out(Interval(self.value, self.low, self.high, self.runs))):
            raise InputError(f"record {self.id} is '{self.status}', but its numbers say '{borne_out[0]}'")
        if self.status in ("short", "not run") and not self.reason.strip():
            raise InputError(f"record {self.id} is '{self.status}': say why in its reason")

    def _borne_out(self, interval: Interval) -> list[Status]:
        """The status that the numbers bear out; so close to a limit that six digits do not tell, all that they may."""
        largest = max(map(abs, (interval.low, interval.high, self.paper or 0.0, self.baseline or 0.0)))
        slack = largest * 10.0 ** (1 - _DIGITS)
        status = partial(status_of, self.id, interval, paper=self.paper, source=self.source, baseline=self.baseline)
        return [status(slack=each) for each in (0.0, slack, -slack)]


def begins_an_id(parts: str) -> bool:
    """Whether the id of a record can begin with these parts, each of which ends with a dot."""
    *said, rest = parts.split(".")
    forms = (pattern.split(r"\.") for pattern in IDS.values())
    return not rest and any(
        len(said) < len(form) and all(re.fullmatch(*pair) for pair in zip(form, said, strict=False)) for form in forms
    )


def status_against(
    interval: Interval, reference: float, *, rounding: float = _ROUNDING, lower_is_better: bool = False
) -> Status:
    """How a measured interval compares with a printed number.

    A printed number stands for all that round to it, `reference` ± `rounding`. The measurement has *reproduced* it when
    its interval meets that range, *exceeded* it when the whole interval is on the better side, else fallen *short*.
    """
    if interval.low > reference + rounding:
        return "short" if lower_is_better else "exceeded"
    if interval.high < reference - rounding:
        return "exceeded" if lower_is_better else "short"
    return "reproduced"


def status_of(
    id: str, interval: Interval, *, paper: float | None, source: str, baseline: float | None, slack: float = 0.0
) -> Status:
    """The status of a measured interval, by :func:`status_against`.

    It is judged against the paper's number, which is rounded, or where there is none against the baseline. Where the
    paper prints no number but says in words that something is better (a `source`), that is *reproduced* when the whole
    interval is on the better side of the baseline, else *short*. Regret and errors are better when lower, all else when
    higher.

    Parameters
    ----------
    slack : how much more than its rounding a reference gives way.

    Raises
    ------
    InputError
        If there is neither number.
    """
    lower = ".regret@" in id or id.endswith(".error")
    if paper is not None:
        return status_against(interval, paper, rounding=_ROUNDING + slack, lower_is_better=lower)
    if baseline is None:
        raise InputError(f"nothing to judge record {id} against: the paper prints no such number, so give a baseline")
    status = status_against(interval, baseline, rounding=slack, lower_is_better=lower)
    if source:
        return "reproduced" if status == "exceeded" else "short"
    return status


def write_records(path: Path, records: Iterable[Record]) -> None:
    """Write a JSON list of records, sorted by id, in one step: a kill leaves the old file or the new one.

    Raises
    ------
    InputError
        If two records have the same id.
    """
    ordered = sorted(records, key=lambda record: record.id)
    _refuse_duplicates(ordered, path)
    rounded = [{name: _rounded(value) for name, value in asdict(record).items()} for record in ordered]
    text = json.dumps(rounded, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(path, text + "\n")


def read_records(path: Path) -> list[Record]:
    """The records of a file that :func:`write_records` wrote.

    Raises
    ------
    InputError
        If the file does not exist, is not a JSON list of records, or a record is refused.
    """
    names = {field.name for field in fields(Record)}
    try:
        rows = parse_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"no results file {path}: run the notebook that writes it") from None
    except ValueError as error:
        raise InputError(f"{path} is not JSON ({error}): run the notebook that writes it again") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) and set(row) == names for row in rows):
        raise InputError(
            f"{path} is not a list of records, each with {', '.join(sorted(names))}: write it with write_records"
        )
    try:
        records = [Record(**row) for row in rows]
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise InputError(f"{path}: {error}") from None
    _refuse_duplicates(records, path)
    return records


def read_all(folder: Path) -> list[Record]:
    """The records of every ``*.json`` in a folder, sorted by id; none when it does not exist, as nothing was run.

    Raises
    ------
    InputError
        If a file is refused or two files hold the same id.
    """
    records = [record for path in sorted(folder.glob("*.json")) for record in read_records(path)]
    _refuse_duplicates(records, folder)
    return sorted(records, key=lambda record: record.id)


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a figure's numbers as CSV without the index, in one step, with six significant digits."""
    write_atomically(path, table.to_csv(index=False, float_format=f"%.{_DIGITS}g", lineterminator="\n"))


def _refuse_duplicates(records: Sequence[Record], place: Path) -> None:
    seen: set[str] = set()
    for record in records:
        if record.id in seen:
            raise InputError(f"record {record.id} occurs twice in {place}: every id has one number")
        seen.add(record.id)


def _rounded(value: Any) -> Any:
    return float(f"{value:.{_DIGITS}g}") + 0.0 if isinstance(value, float) else value  # + 0.0: no negative zero
