"""Markdown tables made from results, profiles and code, for the book's pages and the README."""

import importlib
import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from pathlib import Path
from types import FunctionType

import pandas as pd

from cena.data.public_files import ATTACKS
from cena.errors import InputError
from cena.evaluate.records import Record, read_all
from cena.outside import parse_json
from cena.report.style import METHOD_STYLES
from cena.report.wording import literal
from cena.study.profiles import PROFILES, describe

NAMES = {
    "arch2vec": "arch2vec",
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "imagenet16": "ImageNet16-120",
    "digits": "digits",
    "nas-bench-201": "NAS-Bench-201",
    "nas-bench-101": "NAS-Bench-101",
    "darts": "DARTS",
    "nats-bench-size": "NATS-Bench's size space",
    "digits-topology": "digits topology",
    "digits-size": "digits size",
    "r": "Pearson r",
    "tau": "Kendall τ",
    "ndcg": "nDCG",
    "val": "validation accuracy (%)",
    "test": "test accuracy (%)",
    "error": "test error (%)",
}
"""How the parts of a record's id read in a table, search methods aside."""


NONE = "\N{EN DASH}"

_TOP_SCORES: dict[str, tuple[str, int, Callable[[pd.Series], float]]] = {
    "ndcg": ("nDCG", 3, max),
    "top_tau": ("τ, best tenth", 3, max),
    "regret_10": ("regret, 10 picks", 2, min),
    "regret_50": ("regret, 50 picks", 2, min),
}
"""The scores that see the top: how a column is headed, its decimals, and which number is the best."""


def method_part(label: str) -> str:
    """How a record's id spells a search method: ``"TPE on CENA"`` is ``"tpe-on-cena"``."""
    return label.lower().replace(",", "").replace(" ", "-")


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]], numeric: Sequence[int] = ()) -> str:
    """A table in Markdown; the columns whose numbers are in `numeric` are aligned to the right.

    Cells may have Markdown, which no data should: see :func:`cena.report.wording.literal`. HTML is shown, not obeyed.
    """
    rule = ["---:" if i in numeric else "---" for i in range(len(header))]
    lines = [[_cell(text) for text in header], rule, *([_cell(text) for text in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def records_table(results: Path, prefixes: Sequence[str] = ()) -> str:
    """The records in a folder of results whose id starts with one of `prefixes` (all if there are none).

    Each with its 95 % interval, the paper's number, the best trivial rival on the same splits, and the verdict. Where
    there are none, a sentence that says so.

    Raises
    ------
    InputError
        If a results file is malformed.
    """
    chosen = [record for record in read_all(results) if not prefixes or record.id.startswith(tuple(prefixes))]
    if not chosen:
        return "*This run has recorded no such result.*"
    header = ("result", "this run [95 % interval]", "paper", "rival", "verdict")
    return markdown_table(header, map(_row, chosen), numeric=(1, 2, 3))


def records_counted(records: Sequence[Record]) -> str:
    """How many records there are of each status, in a sentence."""
    statuses = [record.status for record in records]
    counts = (f"{statuses.count(status)} {status}" for status in ("exceeded", "reproduced", "short", "not run"))
    return f"{len(records)} records: {', '.join(counts)}."


def top_table(names: Sequence[str], summary: pd.DataFrame) -> str:
    """How well the top is seen: a row for each of `names`, mean and half the 95 % interval, the best in bold.

    Parameters
    ----------
    summary : the rows of :func:`cena.evaluate.summarize` that belong to the names, in their order.
    """
    rows = []
    for name, (_, line) in zip(names, summary.iterrows(), strict=True):
        row = [literal(name)]
        for score, (_, digits, best) in _TOP_SCORES.items():
            number = f"{line[score]:.{digits}f}"
            bold = f"**{number}**" if line[score] == best(summary[score]) else number
            row.append(f"{bold} ± {line[f'{score}_high'] - line[score]:.{digits}f}")
        rows.append(row)
    return markdown_table(("features", *(title for title, *_ in _TOP_SCORES.values())), rows, numeric=range(1, 5))


def profiles_table() -> str:
    """Every setting of every profile."""
    columns = [describe(profile) for profile in PROFILES.values()]
    rows = [(cells[0][0], *(value for _, value in cells)) for cells in zip(*columns, strict=True)]
    return markdown_table(("setting", *PROFILES), rows[1:])


def executions(notebooks: Path) -> str:
    """A sentence that says which executed notebooks in a folder were run under which profile."""
    stems: dict[str, list[str]] = {}
    for path in sorted(notebooks.glob("*.ipynb")):
        made_from = parse_json(path.read_text(encoding="utf-8"))["metadata"].get("cena", {})
        profile = str(made_from.get("parameters", {}).get("profile", "unknown"))
        named = f"`{profile}`" if profile in PROFILES else literal(profile)
        stems.setdefault(named, []).append(literal(path.stem))
    if len(stems) == 1:
        return f"All notebooks of this book were executed under profile {next(iter(stems))}."
    groups = (f"under profile {profile}: {', '.join(names)}" for profile, names in sorted(stems.items()))
    return f"The notebooks of this book were executed {'; '.join(groups)}."


def api_table(module: str) -> str:
    """The public functions and classes of a module, each with its arguments and its docstring's first sentence.

    Public is what ``__all__`` names, or without one what is defined there and has no leading underscore.

    Raises
    ------
    InputError
        If the module has nothing public, or a public name has no docstring.
    """
    imported = importlib.import_module(module)
    own = [name for name, value in vars(imported).items() if getattr(value, "__module__", "") == module]
    names = getattr(imported, "__all__", [name for name in own if not name.startswith("_")])
    public = {name: getattr(imported, name) for name in names}
    public = {name: value for name, value in public.items() if inspect.isclass(value) or inspect.isfunction(value)}
    if not public:
        raise InputError(f"module {module} has no public names for the API page: export them in its __all__")
    for name, value in public.items():
        if not value.__doc__:
            raise InputError(f"{module}.{name} has no docstring: the API page shows its first sentence")
    rows = [(f"`{name}{_arguments(value)}`", _first_sentence(value.__doc__)) for name, value in public.items()]
    return markdown_table((f"`{module}`", ""), rows)


_EMBEDDING_RESULTS = {
    "tau-without-parameters": "Kendall τ without parameters",
    "identity": "known architectures at fresh weights",
    "top10": "share among their own ten nearest",
    "zoo": "networks of eight designs",
    "together": "two initialisations together",
    "design": "design recovered",
    "curve": "widths and depths on a curve",
    "imagenet": "untrained ImageNet networks",
    "spearman": "rank correlation with top-5 accuracy",
    "spearman-by-family": "rank correlation with top-5 accuracy, families held out",
}


def result_name(id: str) -> str:
    """How a record's id reads: ``"table1.cifar10.tau"`` is "CIFAR-10, Kendall τ"."""
    if under_attack := re.fullmatch(r"beyond\.([a-z]+)-([0-9.]+)\.(\w+)", id):
        attack, strength, metric = under_attack.groups()
        names = {name.lower(): name for name in ATTACKS}
        return f"{names[attack]} of strength {strength}, {NAMES[metric]}"
    family, *parts = id.split(".")
    names = NAMES | _EMBEDDING_RESULTS | {method_part(label): label for label in METHOD_STYLES}
    counted = "with {} labels" if family == "embedding" else "after {} evaluations"
    words = []
    for part in parts:
        name, at, number = part.partition("@")
        words.append(names.get(name, name.replace("_", " ")) + (f" {counted.format(number)}" if at else ""))
    return ", ".join(words)


_TAG = re.compile(r"<(?=[A-Za-z/!?])")


def _cell(text: str) -> str:
    return _TAG.sub("&lt;", " ".join(text.split())).replace("|", "\\|")


def _row(record: Record) -> tuple[str, ...]:
    name = result_name(record.id) + (f" ({literal(record.source)})" if record.source else "")
    interval = (
        NONE if record.value is None else f"{_number(record.value)} [{_number(record.low)}, {_number(record.high)}]"
    )
    verdict = f"**{record.status}**" + (f": {literal(record.reason)}" if record.reason else "")
    paper = NONE if record.paper is None else f"{record.paper:.2f}"  # as it is printed
    return name, interval, paper, _number(record.baseline), verdict


def _number(value: float | None) -> str:
    if value is None:
        return NONE
    return f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}"


def _arguments(value: type | FunctionType) -> str:
    """What a function or class is called with, such as ``(points, seed=0)``; nothing for what is not called."""
    if getattr(value, "_is_protocol", False) or (isinstance(value, type) and issubclass(value, Enum)):
        return ""
    shown = []
    for parameter in inspect.signature(value).parameters.values():
        if parameter.default is parameter.empty:
            shown.append(parameter.name)
        elif isinstance(parameter.default, str | int | float | None):
            shown.append(f"{parameter.name}={parameter.default!r}")
        else:
            shown.append(f"{parameter.name}=...")
    return f"({', '.join(shown)})"


def _first_sentence(docstring: str) -> str:
    paragraph = " ".join(inspect.cleandoc(docstring).split("\n\n")[0].split())
    sentence = re.split(r"(?<=[.])\s", paragraph)[0]
    return re.sub(r":[a-z]+:`([^`]*)`", r"`\1`", sentence).replace("``", "`")
