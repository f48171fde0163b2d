"""Executed notebooks made comparable: equal results are equal bytes.

What differs between two runs of one notebook on one machine or another, and says nothing about its results, is removed
or made stable: cell ids, times, absolute paths, memory addresses, random element ids, progress bars, and the pieces in
which printed text happened to arrive.
"""

import json
import re
import sys
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

import nbformat

from cena.files import naming, sha256

_MEMORY_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]{6,}")
_CELL_FILE = re.compile(r"[^\s\"'<>]*ipykernel_\d+/\d+\.py")
_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b")
_TABLES = ("stages", "parameters", "settings", "data", "packages", "results", "reads", "published")
"""What of a provenance is by name."""
_WIDGET = "application/vnd.jupyter.widget-view+json"

Node = Any
"""A notebook or a part of one, as `nbformat` holds it."""


def normalise(notebook: Node, root: Path) -> Node:
    """The notebook in place, without what differs between runs.

    Parameters
    ----------
    notebook : an executed notebook.
    root : the repository root; paths below it become relative to it.
    """
    notebook.metadata = _node(
        {
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"file_extension": ".py", "name": "python", "pygments_lexer": "ipython3"},
            **({"cena": notebook.metadata.cena} if "cena" in notebook.metadata else {}),
        }
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    clean = _Cleaner(root)
    for position, cell in enumerate(notebook.cells):
        cell.id = f"cell-{position:03d}"
        for transient in ("papermill", "execution", "lines_to_next_cell"):
            cell.metadata.pop(transient, None)
        if not cell.metadata.get("tags", True):  # papermill gives every cell an empty list
            del cell.metadata["tags"]
        if cell.cell_type == "code":
            cell.outputs = [clean.output(output) for output in _merged(cell.outputs) if _WIDGET not in _data(output)]
    return notebook


def digest(notebook: Node) -> str:
    """The sha256 of all that a normalised execution holds, but for this digest in its provenance.

    An edit by hand changes it: of a number, a figure, the text, the provenance. It is no signature. Whoever wants to
    deceive computes it again, and no reading can tell; executing the notebook again can, see
    :mod:`cena.companion.reproduce`.
    """
    made_from = {name: value for name, value in notebook.metadata.get("cena", {}).items() if name != "digest"}
    content = {**notebook, "metadata": {**notebook.metadata, "cena": made_from}}
    return sha256(json.dumps(content, sort_keys=True))


def read(path: Path) -> Node:
    """The notebook in a file."""
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def read_executed(path: Path) -> Node | None:
    """The notebook in a file; None when there is none, or the file or its provenance is anything else."""
    try:
        notebook = read(path)
        nbformat.validate(notebook)
    except (OSError, ValueError, TypeError, AttributeError, RecursionError, nbformat.ValidationError):
        return None  # of JSON that is no notebook, nbformat takes parts that are not there
    recorded = notebook.metadata.get("cena", {})
    parts = [recorded.get(part, {}) for part in _TABLES] if isinstance(recorded, dict) else [None]
    return notebook if all(isinstance(part, dict) for part in parts) else None


def write(notebook: Node, path: Path) -> None:
    """Write the notebook as text that depends on nothing but its content. Not atomic: write beside, then replace."""
    text = nbformat.writes(notebook, version=4) + "\n"  # type: ignore[no-untyped-call]
    with naming(path):
        path.write_text(text, encoding="utf-8")


def _node(content: dict[str, Any]) -> Node:
    return nbformat.from_dict(content)  # type: ignore[no-untyped-call]


def _data(output: Node) -> Node:
    return output.get("data", {})


def _merged(outputs: Iterable[Node]) -> list[Node]:
    """The outputs with text that was printed in pieces joined, standard output first, and without progress bars."""
    merged: list[Node] = []
    for printed, group in groupby(outputs, key=lambda output: output.output_type == "stream"):
        if not printed:
            merged += group
            continue
        pieces = list(group)
        for name in ("stdout", "stderr"):
            text = _without_progress("".join(piece.text for piece in pieces if piece.name == name))
            if text:
                merged.append(_node({"output_type": "stream", "name": name, "text": text}))
    return merged


def _without_progress(text: str) -> str:
    """Printed text without the lines that were drawn over with carriage returns."""
    lines = re.findall(r"[^\n]*\n|[^\n]+", text.replace("\r\n", "\n"))
    return "".join(line for line in lines if "\r" not in line)


class _Cleaner:
    """Cleans the texts of one notebook; random element ids are numbered in the order in which they appear."""

    def __init__(self, root: Path):
        # A virtual environment may lie in the repository: longer paths go first.
        places = {sys.prefix: "<python>", sys.base_prefix: "<python>", str(Path.home()): "~", str(root.resolve()): "."}
        self._places = [
            (re.compile(rf"(?<![\w.]){re.escape(path)}(?![\w.-])"), name)
            for path, name in sorted(places.items(), key=lambda item: -len(item[0]))
            if len(path) > 1
        ]
        self._ids: dict[str, str] = {}

    def output(self, output: Node) -> Node:
        """The output with all its texts cleaned; images that are not text stay."""
        if "text" in output:
            output.text = self._text(output.text)
        if output.output_type == "error":
            output.evalue = self._text(output.evalue)
            output.traceback = [self._text(line) for line in output.traceback]
        for kind, content in _data(output).items():
            if isinstance(content, str) and (kind.startswith("text/") or kind.endswith("xml")):
                output.data[kind] = self._text(content)
        return output

    def _text(self, text: str) -> str:
        text = _CELL_FILE.sub("<cell>", text)
        for path, name in self._places:
            text = path.sub(name, text)
        text = _MEMORY_ADDRESS.sub("", text)
        return _UUID.sub(lambda match: self._ids.setdefault(match[0], self._numbered()), text)

    def _numbered(self) -> str:
        return f"00000000-0000-4000-8000-{len(self._ids) + 1:012d}"
