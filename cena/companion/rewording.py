"""Rewording costs nothing: a published execution takes over the text of its source and keeps its outputs.

Prose, captions, comments and the names in code may change without the notebook computing anything else. Its version
then stays as it is, the page stays fresh, and its text is carried over from the source. What guards the version is the
golden test of notebooks (tests/golden): it fails when code changes and the version does not.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import jupytext

from cena.companion.normalise import digest, normalise, read, write
from cena.companion.project import Project
from cena.errors import InputError
from cena.files import replacing, text_sha256

INJECTED = "injected-parameters"
"""The tag of the cell that papermill adds, which no source has."""


def other_text(source: Any, executed: Any) -> Iterator[str]:
    """In which cells an execution does not have the text of its source."""
    cells = _cells(executed)
    if _kinds(source.cells) != _kinds(cells.values()):
        yield "it has other cells than its source"
        return
    for written, (number, shown) in zip(source.cells, cells.items(), strict=True):
        if written.source != shown.source:
            yield f"cell {number} does not have the text of its source"


def reworded(source: Any, executed: Any) -> Any:
    """The execution, in place, with the text of its source: every cell's source and metadata, but not its outputs.

    Raises
    ------
    InputError
        If the two do not have the same kinds of cells in the same order.
    """
    cells = _cells(executed).values()
    if _kinds(source.cells) != _kinds(cells):
        raise InputError("it has other cells than its execution: raise its version, and execute it again")
    for new, old in zip(source.cells, cells, strict=True):
        old.source, old.metadata = new.source, new.metadata
    return executed


def carry_text(project: Project, stems: Sequence[str]) -> list[str]:
    """Carry the text of sources over to their published executions, where a notebook still has the same version.

    Returns
    -------
    The names of the notebooks whose published text was another.

    Raises
    ------
    InputError
        If a source has other cells than its execution, or an execution was edited by hand.
    """
    carried = []
    for stem in project.select(stems):
        source, place = project.notebooks / f"{stem}.py", project.notebooks / f"{stem}.ipynb"
        if not place.exists():
            continue
        executed, declared = read(place), jupytext.read(source)
        recorded = executed.metadata.cena
        if recorded.version != declared.metadata.cena["version"] or recorded.source == text_sha256(source):
            continue
        if recorded.get("digest") != digest(executed):
            raise InputError(
                f"{place.relative_to(project.root)} was edited by hand: restore it first, or publish it again"
            )
        try:
            executed = normalise(reworded(declared, executed), project.root)
        except InputError as error:
            raise InputError(f"notebook '{stem}': {error}") from None
        executed.metadata.cena.source = text_sha256(source)
        executed.metadata.cena.digest = digest(executed)
        with replacing(place) as temporary:
            write(executed, temporary)
        carried.append(stem)
    return carried


def _cells(executed: Any) -> dict[int, Any]:
    """The cells of an execution that its source has too, by their number on the page."""
    numbered = enumerate(executed.cells, start=1)
    return {number: cell for number, cell in numbered if INJECTED not in cell.metadata.get("tags", [])}


def _kinds(cells: Iterable[Any]) -> list[str]:
    return [cell.cell_type for cell in cells]
