"""Freshness: whether an executed notebook is what executing it now would give, and as it was when it was executed.

An executed notebook carries its provenance in its metadata, under ``cena``: its version and those of the stages of
computation that it used (:mod:`cena.stages`), its parameters, the profile's settings, the checksums of its data and of
the results it wrote, the installed packages, and a digest of the page itself. It is fresh when nothing of that differs
now. A notebook that declares so also depends on the results of the others.

A reader's own run is also executed again when its source has another text. A published page is not: its text is
carried over (:mod:`cena.companion.rewording`), and its version says whether it computes something else.

An edit by hand is noticed, of a page, of a result or of the README's table; unless somebody computes every digest and
checksum again, which only executing again shows (:mod:`cena.companion.reproduce`).
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jupytext

from cena.companion.declarations import declaration
from cena.companion.normalise import digest, read_executed
from cena.companion.packages import installed, pinned
from cena.companion.parameters import Value
from cena.companion.project import Project
from cena.companion.readme import readme_flaws
from cena.companion.results import checksums, files_in
from cena.companion.rewording import other_text
from cena.files import text_sha256
from cena.stages import stage_versions
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
        "notebook": stem,
        "source": text_sha256(source),
        "version": declared.version,
        "stages": stage_versions(),
        "parameters": {parameter.name: parameter.default for parameter in declared.parameters} | dict(values),
        "settings": {name: list(value) if isinstance(value, tuple) else value for name, value in chosen.settings()},
        "data": data_checksums(declared.needs, chosen),
        "packages": installed(project.requirements),
        "results": checksums(files_in(results)),
        "reads": checksums(results.glob("*.json")) if reads else {},
        "published": checksums(project.published_results.glob("*.json")) if reads else {},
    }


def published_provenance(project: Project, stem: str, profile: str, results: Path) -> Provenance:
    """What a published execution has to be made from: the parameters' defaults, and the packages that are pinned.

    Of results that it reads, those that its profile has not run are the published ones.
    """
    now = provenance(project, stem, {"profile": profile}, results)
    reads = now.pop("published") | now["reads"]
    return now | {"reads": reads, "packages": pinned(project.requirements)}


def staleness(project: Project, executed: Path, now: Provenance) -> list[str]:
    """Why an executed notebook differs from what executing it now would give; empty when it is fresh.

    Parameters
    ----------
    executed : the executed notebook.
    now : as :func:`provenance` gives it; what it does not hold is not compared.
    """
    notebook = read_executed(executed)
    if notebook is None or "cena" not in notebook.metadata:
        return ["never executed"]
    return [*differences(notebook.metadata.cena, now), *flaws(project, executed.stem, notebook, now["results"])]


def check(project: Project) -> dict[str, list[str]]:
    """The reasons why published notebooks, results and the README cannot be trusted, by name; empty when all can.

    A published notebook is executed with the defaults of its parameters, under whatever profile it says.
    """
    found: dict[str, list[str]] = {}
    made_from: dict[str, Any] = {}
    for stem in project.stems():
        executed = project.notebooks / f"{stem}.ipynb"
        notebook = read_executed(executed)
        recorded = made_from[stem] = {} if notebook is None else notebook.metadata.get("cena", {})
        profile = str(recorded.get("parameters", {}).get("profile", "paper"))
        if profile in profiles.PROFILES:
            now = published_provenance(project, stem, profile, project.published_results)
            del now["source"]
            found[stem] = staleness(project, executed, now)
        else:
            found[stem] = [f"executed under profile '{profile}', which there is no more"]
    for stem in sorted({path.stem for path in project.notebooks.glob("*.ipynb")} - set(project.stems())):
        found[stem] = [f"there is no source notebooks/{stem}.py"]
    if all(made_from.values()):  # else whose they are is not known
        written = {name for recorded in made_from.values() for name in recorded.get("results", {})}
        others = [path.name for path in files_in(project.published_results) if path.name not in written]
        found["book/results"] = [f"{name} is of no published notebook: delete it" for name in others]
    found["README.md"] = readme_flaws(project)
    return {name: reasons for name, reasons in found.items() if reasons}


def differences(recorded: Mapping[str, Any], now: Provenance) -> Iterator[str]:
    """In what an execution's provenance differs from another; what `now` does not hold is not compared."""
    phrases = {
        "packages": "package {name} was {old}, is {new}",
        "parameters": "parameter {name} was {old!r}, is {new!r}",
        "settings": "the profile's setting {name} was {old!r}, is {new!r}",
        "data": "data, {name}, changed",
        "reads": "result {name}, which it reads, changed",
        "published": "published result {name}, which it reads, changed",
    }
    if recorded.get("notebook") != now["notebook"]:
        yield f"it is an execution of '{recorded.get('notebook')}'"
    if "source" in now and recorded.get("source") != now["source"]:
        yield "its source changed"
    if recorded.get("version") != now["version"]:
        yield f"it computes something else: its version was {recorded.get('version')}, is {now['version']}"
    for name, version in sorted(recorded.get("stages", {}).items()):
        if version != now["stages"].get(name):
            yield f"stage '{name}' moved on from version {version} to {now['stages'].get(name, 'none')}"
    for kind, phrase in phrases.items():
        old, new = recorded.get(kind, {}), now.get(kind, {})
        if kind == "packages":
            new = {name: new[name] for name in old if name in new}  # the others it was made without
        if kind == "reads":
            if "published" not in now:
                old = recorded.get("published", {}) | old
            own = recorded.get("results", {})
            old, new = ({name: of[name] for name in of if name not in own} for of in (old, new))
        for name in sorted({*old, *new}) if kind in now else ():
            if old.get(name) != new.get(name):
                yield phrase.format(name=name, old=old.get(name), new=new.get(name))


def flaws(project: Project, stem: str, notebook: Any, results: Mapping[str, str]) -> Iterator[str]:
    """What in an executed notebook must not be published, whatever it was made from.

    Error outputs, cells that were not executed, a page or results that were edited since.

    Parameters
    ----------
    stem : its name.
    results : the sha256 of the files beside it, by name.
    """
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "code":
            if any(output.output_type == "error" for output in cell.outputs):
                yield f"cell {number} holds an error output"
            if cell.execution_count is None and cell.source.strip():
                yield f"cell {number} was not executed"
    recorded, source = notebook.metadata.get("cena", {}), project.notebooks / f"{stem}.py"
    if recorded.get("digest") != digest(notebook):
        yield "it was edited by hand after it was executed"
    if source.is_file() and text_sha256(source) == recorded.get("source"):
        yield from other_text(jupytext.read(source), notebook)
    for name, checksum in recorded.get("results", {}).items():
        if results.get(name) != checksum:
            yield f"result {name} is missing or not what the notebook wrote"
