"""What a notebook declares: its parameters in the cell tagged so, the rest in its header::

# jupyter:
#   cena:
#     needs: [topology, size]
#     reads: results
#     version: 1
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jupytext

from cena.companion.parameters import Parameter, parse
from cena.companion.project import Project
from cena.errors import InputError, unknown

_ENTRIES = ("needs", "reads", "version")


@dataclass(frozen=True)
class Declaration:
    """What a notebook declares.

    Attributes
    ----------
    parameters : in the order of the cell.
    needs : the spaces whose data must be there before it starts.
    reads_results : whether it is made from the results of the other notebooks.
    version : of what the notebook itself computes; raised when its output changes for the same input.
    """

    parameters: tuple[Parameter, ...]
    needs: tuple[str, ...]
    reads_results: bool
    version: int


def declaration(project: Project, stem: str) -> Declaration:
    """What a notebook declares.

    Raises
    ------
    InputError
        If it has not exactly one parameters cell, or this is malformed, or declares no `profile`; if its header has no
        version, or says something that is not known; if a code cell is not Python.
    """
    notebook = jupytext.read(project.notebooks / f"{stem}.py")
    try:
        for cell in notebook.cells:
            if cell.cell_type == "code":
                ast.parse(cell.source)
    except SyntaxError as error:
        line = (error.text or "").strip()
        raise InputError(f"notebook '{stem}' is not Python: {error.msg}, in `{line}`") from None
    cells = [cell.source for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    try:
        return Declaration(_parameters(cells), *_header(notebook.metadata.get("cena", {})))
    except InputError as error:
        raise InputError(f"notebook '{stem}': {error}") from None


def _parameters(cells: list[str]) -> tuple[Parameter, ...]:
    if len(cells) != 1:
        raise InputError(f"it has {len(cells)} cells tagged parameters: give it one")
    parameters = parse(cells[0])
    if not any(parameter.name == "profile" and parameter.type is str for parameter in parameters):
        raise InputError("it declares no parameter 'profile: str'")
    return tuple(parameters)


def _header(said: Any) -> tuple[tuple[str, ...], bool, int]:
    """Needs, whether it reads results, and version, of what a header says under ``cena``."""
    if not isinstance(said, Mapping):
        raise InputError(f"its header says cena: {said!r}; write there what it needs, and its version")
    for entry in said:
        if entry not in _ENTRIES:
            raise unknown("entry of the header", entry, _ENTRIES)
    needs, reads, version = said.get("needs"), said.get("reads"), said.get("version")
    if not (isinstance(needs, list) and all(isinstance(need, str) for need in needs)):
        raise InputError(f"its header says needs: {needs!r}; give a list, such as [topology], or [] for nothing")
    if reads not in (None, "results"):
        raise unknown("word after reads in the header", reads, ["results"])
    if type(version) is not int or version < 1:
        raise InputError(f"its header says version: {version!r}; give a whole number from 1")
    return tuple(needs), reads == "results", version
