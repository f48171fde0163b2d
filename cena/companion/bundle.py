"""The bundle of a release: the published pages, notebooks and results in one folder, with their checksums."""

import shutil
from pathlib import Path

from cena.companion.banner import reasons_by_page
from cena.companion.book import PUBLISHED, build_book, replace_folder
from cena.companion.check import check
from cena.companion.project import Project
from cena.errors import InputError
from cena.files import file_sha256

MANIFEST = "SHA256SUMS"
"""The file in a bundle that has the checksums of all others: ``sha256sum --check SHA256SUMS`` verifies them."""


def bundle(project: Project) -> Path:
    """Build the published book, and put all that a release has into ``_build/release``; an earlier bundle is replaced.

    Returns
    -------
    The folder: ``html``, ``notebooks``, ``results`` and the `MANIFEST`.

    Raises
    ------
    InputError
        If a published page is stale: a sentence for each.
    BookError
        If the book cannot be built.
    """
    stale = reasons_by_page(check(project))
    if stale:
        sentence = "page {0} is stale ({1}): run and publish {0} again"
        raise InputError("\n".join(sentence.format(stem, "; ".join(reasons)) for stem, reasons in stale.items()))
    html = build_book(project, PUBLISHED).parent
    place = project.build("release")
    making = place.with_name(f".{place.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    shutil.copytree(html, making / "html", ignore=shutil.ignore_patterns(".*"))
    shutil.copytree(project.notebooks, making / "notebooks", ignore=shutil.ignore_patterns("[!0-9]*"))
    shutil.copytree(project.published_results, making / "results")
    files = sorted(path.relative_to(making).as_posix() for path in making.rglob("*") if path.is_file())
    manifest = "".join(f"{file_sha256(making / file)}  {file}\n" for file in files)
    (making / MANIFEST).write_text(manifest, encoding="utf-8", newline="\n")
    replace_folder(making, place)
    return place
