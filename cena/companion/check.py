"""Freshness: whether an executed notebook is what executing it now would give.

An executed notebook carries its provenance in its metadata, under ``cena``. It is fresh when nothing in that differs
now: source, the `cena` modules it imports, parameters, the profile's settings, data files, pinned packages, and the
results files it wrote. A notebook that declares so also depends on the results of the others.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cena.companion.declarations import declaration
from cena.companion.normalise import read_executed
from cena.companion.parameters import Value
from cena.companion.project import Project
from cena.companion.results import checksums, files_in
from cena.errors import InputError
from cena.study import fingerprint, profiles

Provenance = dict[str, Any]

# All that this module gives a notebook is the settings of one profile, which count by themselves: tuning one profile
# must not make the executions of another stale.
_COUNTED_BY_ITS_SETTINGS = profiles.__name__


@dataclass(frozen=True)
class Staleness:
    """One reason why an executed notebook cannot be trusted."""

    notebook: str
    reason: str


def provenance(project: Project, stem: str, values: Mapping[str, Value], results: Path) -> Provenance:
    """What executing a notebook now would be made from; JSON.

    Parameters
    ----------
    values : the parameters that are given, `profile` among them; the others have their defaults.
    results : the results folder it would read.
    """
    source = project.notebooks / f"{stem}.py"
    try:
        modules = fingerprint.imported_modules(source)
    except SyntaxError as error:
        raise InputError(f"notebook '{stem}' is not Python: {error.msg}, line {error.lineno}") from None
    declared = declaration(project, stem)
    reads = declared.reads_results
    return {
        "source": fingerprint.sha256(source.read_bytes()),
        "modules": {name: fingerprint.code_fingerprint(name) for name in modules if name != _COUNTED_BY_ITS_SETTINGS},
        "parameters": {parameter.name: parameter.default for parameter in declared.parameters} | dict(values),
        "settings": json.loads(json.dumps(dataclasses.asdict(profiles.profile(str(values["profile"]))))),
        "data": fingerprint.data_checksums("cena.embed.released" in modules) if "cena.data" in modules else {},
        "pins": fingerprint.pins(project.requirements),
        "results": checksums(files_in(results)),
        "reads": checksums(results.glob("*.json")) if reads else {},
        "published": checksums(project.published_results.glob("*.json")) if reads else {},
    }


def staleness(stem: str, executed: Path, now: Provenance) -> list[Staleness]:
    """Why an executed notebook differs from what executing it now would be made from; empty when it is fresh.

    Parameters
    ----------
    executed : the executed notebook.
    now : as :func:`provenance` gives it; what it does not hold is not compared.
    """
    notebook = read_executed(executed)
    if notebook is None or "cena" not in notebook.metadata:
        return [Staleness(stem, "never executed")]
    reasons = [*_differences(notebook.metadata.cena, now), *flaws(notebook)]
    return [Staleness(stem, reason) for reason in reasons]


def check(project: Project) -> list[Staleness]:
    """Why published notebooks cannot be trusted; empty when all are fresh.

    A published notebook is executed with the defaults of its parameters, under whatever profile it says.
    """
    found: list[Staleness] = []
    for stem in project.stems():
        executed = project.notebooks / f"{stem}.ipynb"
        notebook = read_executed(executed)
        recorded = {} if notebook is None else notebook.metadata.get("cena", {})
        profile = recorded.get("parameters", {}).get("profile", "paper")
        if profile in profiles.PROFILES:
            now = provenance(project, stem, {"profile": profile}, project.published_results)
            del now["published"]  # it became what is published after it was executed
            found += staleness(stem, executed, now)
        else:
            found.append(Staleness(stem, f"executed under profile '{profile}', which there is no more"))
    orphans = sorted({path.stem for path in project.notebooks.glob("*.ipynb")} - set(project.stems()))
    return found + [Staleness(stem, f"there is no source notebooks/{stem}.py") for stem in orphans]


def _differences(recorded: Mapping[str, Any], now: Provenance) -> Iterator[str]:
    phrases = {
        "modules": "module {name} changed",
        "parameters": "parameter {name} was {old!r}, is {new!r}",
        "settings": "the profile's setting {name} was {old!r}, is {new!r}",
        "data": "data file {name} changed",
        "results": "result {name} is missing or not what the notebook wrote",
        "reads": "result {name}, which it reads, changed",
        "published": "published result {name}, which it reads, changed",
    }
    if recorded.get("source") != now["source"]:
        yield "its source changed"
    for kind, phrase in phrases.items():
        old, new = recorded.get(kind, {}), now.get(kind, {})
        if kind == "results":
            new = {name: new[name] for name in old if name in new}  # the others' are none of its own
        if kind == "reads":
            own = recorded.get("results", {})
            old, new = ({name: of[name] for name in of if name not in own} for of in (old, new))
        for name in sorted({*old, *new}) if kind in now else ():
            if old.get(name) != new.get(name):
                yield phrase.format(name=name, old=old.get(name), new=new.get(name))
    if recorded.get("pins") != now["pins"]:
        yield "the pinned packages changed"


def flaws(notebook: Any) -> Iterator[str]:
    """What in an executed notebook must not be published: error outputs, and cells that were not executed."""
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "code":
            if any(output.output_type == "error" for output in cell.outputs):
                yield f"cell {number} holds an error output"
            if cell.execution_count is None and cell.source.strip():
                yield f"cell {number} was not executed"
