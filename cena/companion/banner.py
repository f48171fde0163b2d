"""The banner on a published page that is stale: what has moved on since its notebook was executed."""

import re
from collections.abc import Sequence
from pathlib import Path

from cena.companion.normalise import read, write

_SAID = "This page shows an earlier run. What has changed since then, so that its numbers may no longer hold:"
_MARKUP = re.compile(r"([\\`*_{}\[\]<>$#|])")


def put_banner(page: Path, reasons: Sequence[str]) -> None:
    """Write a warning with a list of reasons, in plain words, below the title of a page: an executed notebook."""
    listed = "\n".join("- " + _MARKUP.sub(r"\\\1", reason) for reason in reasons)
    notebook = read(page)
    title, _, text = notebook.cells[0].source.partition("\n")
    notebook.cells[0].source = f"{title}\n\n```{{warning}}\n{_SAID}\n\n{listed}\n```\n{text}"
    write(notebook, page)
