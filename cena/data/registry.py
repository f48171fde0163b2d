"""The files that are downloaded: where they come from, what they must contain, and where they are kept.

The download folder is named by the environment variable ``CENA_DATA``, else it is the user's cache folder. A file that
is already there is checked against its checksum and used as it is: the folder may be read-only and filled by hand.
``CENA_DATA_MIRROR`` names a server that has the files under the paths of their public addresses, to be asked instead.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pooch
from tqdm import tqdm

from cena.data.public_files import ACCEPTED, DataFile
from cena.data.public_files import REGISTRY as REGISTRY
from cena.errors import InputError, unknown
from cena.files import file_sha256, locked
from cena.types import Progress

RETRIES = 2
"""How often a failed download is tried again."""


def data_folder() -> Path:
    """The download folder: the environment variable ``CENA_DATA`` if set, else the user's cache folder for `cena`."""
    named = os.environ.get("CENA_DATA")
    return Path(named).expanduser() if named else Path(pooch.os_cache("cena"))


def entry(name: str) -> DataFile:
    """What is known of a file; raises `InputError` for an unknown name."""
    if name in REGISTRY:
        return REGISTRY[name]
    if name in ACCEPTED:
        return ACCEPTED[name]
    raise unknown("data file", name, REGISTRY)


def missing(names: Iterable[str]) -> list[str]:
    """Those of `names` that are not in the download folder, in their order; raises `InputError` for unknown names."""
    wanted = [(name, entry(name)) for name in names]
    return [name for name, _ in wanted if not (data_folder() / name).exists()]


def how_to_get(name: str) -> str:
    """A phrase for messages about a file that is missing: where it comes from, and the ways to put it in place."""
    known = entry(name)
    place = data_folder() / name
    if known.url is None:
        return f"{name} ({known.origin}), which has no public address: put it at {place}"
    return (
        f"{name} ({known.origin}), from {known.url}: `cena data fetch` gets it, or download it by hand to {place}, or "
        "set CENA_DATA to a folder that holds it"
    )


def unusable(name: str, reason: str) -> InputError:
    """The error for a file from which no labels can be read."""
    return InputError(f"no labels can be read from {name}: {reason}; get the file again: {how_to_get(name)}")


def fetch(name: str, progress: Progress | None = None) -> Path:
    """The path of a verified file, downloaded first if it is not in the download folder.

    A file that is there is verified and used, never downloaded again nor changed. A download is written and verified
    beside its final place and then moved there, so no half-written file ever has the file's name; one that broke off is
    continued by the next call, and a second process waits for the first.

    Parameters
    ----------
    name : in :mod:`cena.data.public_files`, a path relative to the download folder.
    progress : told of (bytes there, bytes in all, 0 if the server does not say); None: a bar is shown in a terminal.

    Raises
    ------
    InputError
        If the name is unknown, the file there has another content, or it cannot be downloaded.
    """
    known = entry(name)
    path = data_folder() / name
    if path.exists():
        return _checked(name, path)
    if known.url is None:
        raise InputError(f"cannot find {how_to_get(name)}")
    from cena.data import download  # the network library is imported only when something is downloaded

    lock = path.with_name(f"{path.name}.lock")
    try:
        with locked(lock), _bar(progress, path.name) as told:
            if not path.exists():  # else another process has just downloaded it
                part = path.with_name(f"{path.name}.part")
                download.download(_address(known.url), part, known.checksum, 1 + RETRIES, told)
                part.replace(path)
        lock.unlink(missing_ok=True)  # whoever still waits for it finds the file there
    except (OSError, ValueError) as error:
        raise InputError(f"cannot download ({download.reason(error)}) {how_to_get(name)}") from error
    return _checked(name, path)


def state(name: str) -> str:
    """``"missing"``, ``"verified"`` or ``"damaged"``: whether a file is there and has its checksum."""
    if missing([name]):
        return "missing"
    return "verified" if _is_good(data_folder() / name, entry(name).checksum) else "damaged"


def _address(url: str) -> str:
    mirror = os.environ.get("CENA_DATA_MIRROR")
    return f"{mirror.rstrip('/')}{urlsplit(url).path}" if mirror else url


def _checked(name: str, path: Path) -> Path:
    checksum = entry(name).checksum
    if not _is_good(path, checksum):
        raise InputError(
            f"{path} is damaged: its sha256 is not {checksum}; remove it and run again, or replace it: "
            f"{how_to_get(name)}"
        )
    return path


def _is_good(path: Path, checksum: str) -> bool:
    status = path.stat()
    return _matches(path, checksum, (status.st_size, status.st_mtime_ns))


@contextmanager
def _bar(progress: Progress | None, name: str) -> Iterator[Progress]:
    if progress is not None:
        yield progress
        return
    with tqdm(desc=name, unit="B", unit_scale=True, disable=None) as bar:  # None: unless it is no terminal

        def told(there: int, total: int) -> None:
            bar.total = total or None
            bar.update(there - bar.n)

        yield told


@cache
def _matches(path: Path, checksum: str, _version: tuple[int, int]) -> bool:
    """Whether a file has its checksum; remembered in this process while its `_version` (size and time) stays."""
    return file_sha256(path) == checksum
