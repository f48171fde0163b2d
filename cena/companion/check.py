"""Freshness: whether an executed notebook is what executing it now would give.

An executed notebook carries its provenance in its metadata, under ``cena``: its version and those of the stages of
computation that it used (:mod:`cena.stages`), its parameters, the profile's settings, the checksums of its data and of
the results it wrote, and the pinned packages. It is fresh when nothing of that differs now. A notebook that declares so
also depends on the results of the others.

A reader's own run is also executed again when its source has another text. A published page is not: its text is
carried over (:mod:`cena.companion.rewording`), and its version says whether it computes something else.
"""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cena
from cena.companion.declarations import declaration
from cena.companion.normalise import read_executed
from cena.companion.parameters import Value
from cena.companion.project import Project
from cena.companion.results import checksums, files_in
from cena.files import file_sha256, sha256
from cena.stages import STAGES
from cena.study import profiles
from cena.study.needs import data_checksums

Provenance = dict[str, Any]


def provenance(project: Project, stem: str, values: Mapping[str, Value], results: Path) -> Provenance:
    """What executing a notebook now would be made from; JSON.

    Its ``stages`` are all there are; an execution keeps those that it used.

    Parameters
    ----------
    values : the parameters that are given, `profile` among them; the others have their defaults.
    results : the results folder it would read.
    """
    source = project.notebooks / f"{stem}.py"
    declared = declaration(project, stem)
    chosen = profiles.profile(str(values["profile"]))
    reads = declared.reads_results
    return {
        "source": file_sha256(source),
        "version": declared.version,
        "stages": stage_versions(),
        "parameters": {parameter.name: parameter.default for parameter in declared.parameters} | dict(values),
        "settings": {name: list(value) if isinstance(value, tuple) else value for name, value in chosen.settings()},
        "data": data_checksums(declared.needs, chosen),
        "pins": pins(project.requirements),
        "results": checksums(files_in(results)),
        "reads": checksums(results.glob("*.json")) if reads else {},
        "published": checksums(project.published_results.glob("*.json")) if reads else {},
    }


def stage_versions() -> dict[str, int]:
    """The version of every stage of the package by its name."""
    for module in pkgutil.walk_packages(cena.__path__, "cena."):
        if module.name.split(".")[1] not in ("__main__", "cli", "companion", "report"):
            importlib.import_module(module.name)
    return {name: stage.version for name, stage in sorted(STAGES.items())}


def pins(requirements: Path) -> str:
    """The sha256 of the requirements of a file; comments, blank lines and order do not count."""
    lines = (line.split("#")[0].strip() for line in requirements.read_text(encoding="utf-8").splitlines())
    return sha256("\n".join(sorted(line for line in lines if line)))


def staleness(executed: Path, now: Provenance) -> list[str]:
    """Why an executed notebook differs from what executing it now would be made from; empty when it is fresh.

    Parameters
    ----------
    executed : the executed notebook.
    now : as :func:`provenance` gives it; what it does not hold is not compared.
    """
    notebook = read_executed(executed)
    if notebook is None or "cena" not in notebook.metadata:
        return ["never executed"]
    return [*_differences(notebook.metadata.cena, now), *flaws(notebook)]


def check(project: Project) -> dict[str, list[str]]:
    """The reasons why published notebooks cannot be trusted, by the notebook's name; empty when all are fresh.

    A published notebook is executed with the defaults of its parameters, under whatever profile it says.
    """
    found: dict[str, list[str]] = {}
    for stem in project.stems():
        executed = project.notebooks / f"{stem}.ipynb"
        notebook = read_executed(executed)
        recorded = {} if notebook is None else notebook.metadata.get("cena", {})
        profile = recorded.get("parameters", {}).get("profile", "paper")
        if profile in profiles.PROFILES:
            now = provenance(project, stem, {"profile": profile}, project.published_results)
            del now["published"]  # it became what is published after it was executed
            del now["source"]
            found[stem] = staleness(executed, now)
        else:
            found[stem] = [f"executed under profile '{profile}', which there is no more"]
    for stem in sorted({path.stem for path in project.notebooks.glob("*.ipynb")} - set(project.stems())):
        found[stem] = [f"there is no source notebooks/{stem}.py"]
    return {stem: reasons for stem, reasons in found.items() if reasons}


def _differences(recorded: Mapping[str, Any], now: Provenance) -> Iterator[str]:
    phrases = {
        "parameters": "parameter {name} was {old!r}, is {new!r}",
        "settings": "the profile's setting {name} was {old!r}, is {new!r}",
        "data": "data, {name}, changed",
        "results": "result {name} is missing or not what the notebook wrote",
        "reads": "result {name}, which it reads, changed",
        "published": "published result {name}, which it reads, changed",
    }
    if "source" in now and recorded.get("source") != now["source"]:
        yield "its source changed"
    if recorded.get("version") != now["version"]:
        yield f"it computes something else: its version was {recorded.get('version')}, is {now['version']}"
    for name, version in sorted(recorded.get("stages", {}).items()):
        if version != now["stages"].get(name):
            yield f"stage '{name}' moved on from version {version} to {now['stages'].get(name, 'none')}"
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
