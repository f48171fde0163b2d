"""Released artifacts: what took hours comes with the package, and is unpacked where it is asked for.

They are kept as an :class:`~cena.study.artifacts.ArtifactStore` has them, folders ``<kind>/<key>`` with their
checksums, in a zip file. As a key is the hash of all that determines a result, what is out of date is never asked for.
With ``CENA_RELEASED=no`` in the environment there are none, and all is computed: the way to check them.
"""

import os
import zipfile
from functools import cache
from pathlib import Path, PurePosixPath

from cena.files import replacing, write_atomically

RELEASED_FOLDER = Path(__file__).parent / "released"

KINDS = ("embedding", "imagenet", "layout", "searches")
"""What takes long to compute, and little room to keep."""

LARGEST_ARTIFACT = 4 * 2**20
"""Bytes of the largest artifact that is released."""

LARGEST_TOGETHER = 30 * 2**20
"""Bytes that all files in :data:`RELEASED_FOLDER` may have."""


def released(kind: str, key: str) -> bool:
    """Whether an artifact comes with the package."""
    return os.environ.get("CENA_RELEASED") != "no" and f"{kind}/{key}" in _members(RELEASED_FOLDER)


def unpack(kind: str, key: str, folder: Path) -> bool:
    """Put the files of a released artifact into `folder`; False if it does not come with the package."""
    if not released(kind, key):
        return False
    path, names = _members(RELEASED_FOLDER)[f"{kind}/{key}"]
    with zipfile.ZipFile(path) as archive:
        for name in names:
            write_atomically(folder / PurePosixPath(name).name, archive.read(name))
    return True


def pack(root: Path, path: Path) -> int:
    """Write all finished artifacts of :data:`KINDS` under `root` that are small enough into a zip file; their number.

    Equal artifacts give equal bytes.
    """
    folders = [place.parent for kind in KINDS for place in sorted((root / kind).glob("[!.]*/config.json"))]
    small = [folder for folder in folders if _is_small(folder)]
    path.parent.mkdir(exist_ok=True)
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for file in (file for folder in small for file in sorted(folder.glob("[!.]*"))):
            archive.writestr(zipfile.ZipInfo(file.relative_to(root).as_posix()), file.read_bytes(), zipfile.ZIP_LZMA)
    return len(small)


def _is_small(folder: Path) -> bool:
    files = [*folder.glob("[!.]*")]
    return all(file.is_file() for file in files) and sum(file.stat().st_size for file in files) <= LARGEST_ARTIFACT


@cache
def _members(folder: Path) -> dict[str, tuple[Path, list[str]]]:
    """The zip file of each released artifact, by kind and key, and the names of its files there."""
    found: dict[str, tuple[Path, list[str]]] = {}
    for path in sorted(folder.glob("*.zip")):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                found.setdefault(str(PurePosixPath(name).parent), (path, []))[1].append(name)
    return found
