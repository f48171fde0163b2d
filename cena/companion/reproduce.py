"""Reproducing: a published notebook is executed again, and what comes out is compared with what is published.

Digests and checksums show that a page was edited, unless whoever edited it computed them again. This shows that too. It
reads what earlier runs have kept in the artifact store and what comes with the package, as every run does: with
``CENA_ARTIFACTS`` naming an empty folder and ``CENA_RELEASED=no``, everything is computed anew.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cena.companion.check import differences, published_provenance
from cena.companion.diff import compare, worded
from cena.companion.normalise import read, read_executed
from cena.companion.notebooks import CellProgress, run
from cena.companion.project import Project
from cena.companion.results import checksums, files_in
from cena.errors import InputError
from cena.evaluate.records import Record, read_records


def reproduce(project: Project, stem: str, progress: CellProgress = lambda *_: None) -> list[str]:
    """Execute a published notebook again, into ``_build/<profile>`` and with its own parameters, and compare.

    Returns
    -------
    What differs, of the pages, the records and the other results: a line for each.

    Raises
    ------
    InputError
        If there is no such notebook, or it is not published, or this checkout does not compute what it did, or as
        `cena.companion.notebooks.run`.
    NotebookError
        If it fails.
    """
    project.select([stem])
    page = read_executed(project.notebooks / f"{stem}.ipynb")
    if page is None or "cena" not in page.metadata:
        raise InputError(f"notebook '{stem}' is not published: there is nothing to compare it with")
    recorded = page.metadata.cena
    parameters, old = recorded.get("parameters", {}), recorded.get("results", {})
    profile = parameters.get("profile", "")
    now = published_provenance(project, stem, profile, project.published_results)
    given = [(name, str(value)) for name, value in parameters.items() if value != now["parameters"].get(name)]
    if reasons := [*differences(recorded, now | {"parameters": parameters, "source": recorded.get("source")})]:
        raise InputError(
            f"notebook '{stem}' is not published from this code, data and packages ({'; '.join(reasons)}): go to the "
            "commit that published it, or publish it again"
        )
    published_records = _records(project.published_results, old)
    [done] = run(project, [stem], profile, given, force=True, progress=progress)
    again = read(done.path)
    new = again.metadata.cena.results
    return [
        *differences(recorded, {**again.metadata.cena, "stages": now["stages"]}),
        *_other_cells(page.cells, again.cells),
        *_other_records(published_records, _records(project.results(profile), new)),
        *_other_files(project.published_results, old, new),
    ]


def _other_cells(published: list[Any], again: list[Any]) -> Iterator[str]:
    if len(published) != len(again):
        yield f"the page has {len(published)} cells, and now {len(again)}"
    for number, (old, new) in enumerate(zip(published, again, strict=False), start=1):
        if {**old, "outputs": []} != {**new, "outputs": []}:
            yield f"cell {number} has another text or other tags"
        before, after = (dict(_shown(cell)) for cell in (old, new))
        for part in before | after:
            if before.get(part) != after.get(part):
                yield f"cell {number}, {part}: {_change(before.get(part, 'nothing'), after.get(part, 'nothing'))}"


def _shown(cell: Any) -> Iterator[tuple[str, Any]]:
    """What a cell shows: each part of its outputs, by a name."""
    for number, output in enumerate(cell.get("outputs", []), start=1):
        if output.output_type == "stream":
            yield f"output {number} ({output.name})", output.text
        for kind, content in output.get("data", {}).items():
            yield f"output {number} ({kind})", content


def _change(before: Any, after: Any) -> str:
    """Where two outputs begin to differ."""
    texts = str(before), str(after)
    same = next((at for at, (old, new) in enumerate(zip(*texts, strict=False)) if old != new), min(map(len, texts)))
    start = max(0, same - 20)
    return "published {!r}, now {!r}".format(*(text[start : start + 60] for text in texts))


def _other_records(published: Iterable[Record], again: Iterable[Record]) -> Iterator[str]:
    for row in compare(again, published):
        old, new = (vars(record) if record else {} for record in (row.published, row.own))
        if names := sorted({name for name, _ in old.items() ^ new.items()}):
            numbers = f"published {worded(row.published)}, now {worded(row.own)}"
            yield f"record {row.id} has another {', '.join(names)}: {numbers}, {row.verdict}"


def _records(folder: Path, names: Iterable[str]) -> list[Record]:
    """The records among some results."""
    paths = (folder / name for name in names if name.endswith(".json"))
    return [record for path in paths if path.is_file() for record in read_records(path)]


def _other_files(published: Path, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    """Which results that are no records differ."""
    now = checksums(path for path in files_in(published) if path.name in old)
    for name in sorted({*old, *new}):
        if not name.endswith(".json") and now.get(name) != new.get(name):
            yield f"result {name} is another"
