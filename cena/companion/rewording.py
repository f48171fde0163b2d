"""Rewording costs nothing: a published execution takes over the text of its source and keeps its outputs.

Prose, captions, comments and the names in code may change without the notebook computing anything else. Its version
then stays as it is, the page stays fresh, and its text is carried over from the source. What guards the version is the
golden test of notebooks (tests/golden): it fails when code changes and the version does not.
"""

from collections.abc import Sequence
from typing import Any

import jupytext

from cena.companion.normalise import normalise, read, write
from cena.companion.project import Project
from cena.errors import InputError
from cena.files import file_sha256, replacing

INJECTED = "injected-parameters"
"""The tag of the cell that papermill adds, which no source has."""


def reworded(source: Any, executed: Any) -> Any:
    """The execution, in place, with the text of its source: every cell's source and metadata, but not its outputs.

    Raises
    ------
    InputError
        If the two do not have the same kinds of cells in the same order.
    """
    cells = [cell for cell in executed.cells if INJECTED not in cell.metadata.get("tags", [])]
    kinds = [[cell.cell_type for cell in notebook_cells] for notebook_cells in (source.cells, cells)]
    if kinds[0] != kinds[1]:
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
        If a source has other cells than its execution.
    """
    carried = []
    for stem in project.select(stems):
        source, place = project.notebooks / f"{stem}.py", project.notebooks / f"{stem}.ipynb"
        if not place.exists():
            continue
        executed, declared = read(place), jupytext.read(source)
        recorded = executed.metadata.cena
        if recorded.version != declared.metadata.cena["version"] or recorded.source == file_sha256(source):
            continue
        try:
            executed = reworded(declared, executed)
        except InputError as error:
            raise InputError(f"notebook '{stem}': {error}") from None
        recorded.source = file_sha256(source)
        with replacing(place) as temporary:
            write(normalise(executed, project.root), temporary)
        carried.append(stem)
    return carried
