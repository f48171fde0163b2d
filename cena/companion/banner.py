"""The banner on a published page that is stale: what has moved on since its notebook was executed."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from cena.companion.check import Staleness
from cena.companion.normalise import read, write

_SAID = "This page shows an earlier run. What has changed since then, so that its numbers may no longer hold:"
_MARKUP = re.compile(r"([\\`*_{}\[\]<>$#|])")


def reasons_by_page(found: Iterable[Staleness]) -> dict[str, list[str]]:
    """The reasons why pages are stale, by the name of their notebook."""
    pages: dict[str, list[str]] = {}
    for stale in found:
        pages.setdefault(stale.notebook, []).append(stale.reason)
    return pages


def put_banner(page: Path, reasons: Sequence[str]) -> None:
    """Write a warning with a list of reasons, in plain words, below the title of a page: an executed notebook."""
    listed = "\n".join("- " + _MARKUP.sub(r"\\\1", reason) for reason in reasons)
    notebook = read(page)
    title, _, text = notebook.cells[0].source.partition("\n")
    notebook.cells[0].source = f"{title}\n\n```{{warning}}\n{_SAID}\n\n{listed}\n```\n{text}"
    write(notebook, page)
