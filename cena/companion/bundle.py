"""The bundle of a release: the published pages, notebooks and results in one folder, with their checksums."""

import shutil
from pathlib import Path

from cena.companion.book import PUBLISHED, build_book, replace_folder
from cena.companion.check import check
from cena.companion.project import Project
from cena.companion.results import results_written
from cena.errors import InputError
from cena.files import file_sha256

_MANIFEST = "SHA256SUMS"  # sha256sum --check SHA256SUMS


def bundle(project: Project) -> Path:
    """Build the published book, and put all that a release has into ``_build/release``; an earlier bundle is replaced.

    Returns
    -------
    The folder: ``html``, ``notebooks``, ``results``, and ``SHA256SUMS`` with the checksums of all files in these.

    Raises
    ------
    InputError
        If a published page is stale; the sentence names all.
    BookError
        If the book cannot be built.
    """
    stale = check(project)
    if stale:
        raise InputError(
            f"no release while pages are stale ({', '.join(stale)}): `cena check` says why; run and publish them again"
        )
    html = build_book(project, PUBLISHED).parent
    place = project.build("release")
    making = place.with_name(f".{place.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    shutil.copytree(html, making / "html", ignore=shutil.ignore_patterns(".*"))
    for folder in ("notebooks", "results"):
        (making / folder).mkdir()
    for stem in project.stems():
        executed = project.notebooks / f"{stem}.ipynb"
        for path in (executed, executed.with_suffix(".py")):
            shutil.copy(path, making / "notebooks")
        for name in results_written(executed):
            shutil.copy(project.published_results / name, making / "results")
    files = sorted(path.relative_to(making).as_posix() for path in making.rglob("*") if path.is_file())
    manifest = "".join(f"{file_sha256(making / file)}  {file}\n" for file in files)
    (making / _MANIFEST).write_text(manifest, encoding="utf-8", newline="\n")
    replace_folder(making, place)
    return place
