"""The artifact store: what was computed once is found again by what it was computed from.

An artifact is a folder ``<root>/<kind>/<key>`` whose key is the hash of the configuration that made it. The caller puts
into the configuration everything that determines the result: settings, keys of the artifacts it is made from, checksums
of data, and the versions of the stages that compute it (:mod:`cena.stages`).

One that comes with the package (:mod:`cena.study.released_artifacts`) is unpacked. Others are built in a folder beside
their place and moved there when they are complete, so that a kill or a full disk at any moment leaves either the whole
artifact or none. Two processes that want the same one build it once: a lock makes the second wait.

Its description lists its files with their sha256, which each process checks before it first uses the artifact. Other
files that come to lie among them (``.DS_Store``, a conflicting copy) do not matter. A damaged file is set aside, until
`build`, which finds the rest in its place, has made it again. If it is the description that is damaged, or older than
these checksums, `build` finds all files, and keeps those that are whole by what it can check itself.
"""

import dataclasses
import json
import logging
import os
import zipfile
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from cena.errors import DamagedError, some
from cena.files import file_sha256, locked, replacing, sha256, write_atomically
from cena.study.checkout import checkout
from cena.study.released_artifacts import released, unpack
from cena.types import Arrays

_log = logging.getLogger(__name__)
_DESCRIPTION = "config.json"
_ARRAYS = "arrays.npz"
_ASIDE = ".damaged"
_UNREADABLE = (OSError, ValueError, EOFError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error)

_checked: set[tuple[Path, int]] = set()
"""Artifacts that this process has found whole, and when their descriptions were written."""


class _AbsentError(Exception):
    """Arrays that nobody shall compute are not stored."""


def artifact_key(config: Mapping[str, object]) -> str:
    """The 16 hexadecimal digits that stand for a configuration.

    It may hold anything JSON has, tuples, dataclasses and numpy scalars, and is the same whatever the order of its
    keys. Raises `TypeError` for other values and `ValueError` for numbers that are not finite.
    """
    return sha256(_canonical(config))[:16]


class ArtifactStore:
    """Artifacts under one folder.

    Parameters
    ----------
    root : the folder; default: the environment's ``CENA_ARTIFACTS``, else ``artifacts`` in the
        :func:`cena.study.checkout.checkout`.
    """

    def __init__(self, root: Path | None = None):
        self.root = Path(os.environ.get("CENA_ARTIFACTS") or checkout() / "artifacts") if root is None else root

    def folder(
        self,
        kind: str,
        config: Mapping[str, object],
        build: Callable[[Path], object],
    ) -> Path:
        """The folder of an artifact, unpacked or built first if there is none, or what of it is damaged.

        Its files must not be changed afterwards.

        Parameters
        ----------
        kind : what sort of thing it is, such as ``"views"``.
        config : all that determines it (see :func:`artifact_key`).
        build : fills the folder it is given, which may hold what a killed or failed build, or damage, has left. It
            must itself never trust a half-written or damaged file.
        """
        place = self._place(kind, config)
        if _damaged(place):
            with locked(place.with_name(f".{place.name}.lock")):
                if damaged := _damaged(place):  # else another process has built it while this one waited
                    folder = place if place.exists() else place.with_name(f".{place.name}.partial")
                    folder.mkdir(parents=True, exist_ok=True)
                    if folder == place:
                        _set_aside(damaged)
                    elif unpack(kind, place.name, folder):
                        damaged = _damaged(folder)
                        _set_aside(damaged)
                    if damaged:
                        build(folder)
                        _describe(folder, kind, config)
                    for file in folder.rglob(f".*{_ASIDE}"):
                        if file.is_file():
                            file.unlink()
                    if folder != place:
                        folder.replace(place)
        return place

    def stored(self, kind: str, config: Mapping[str, object]) -> Arrays | None:
        """The arrays that :meth:`arrays` has stored; None where there are none, or they are damaged."""

        def absent() -> Arrays:
            raise _AbsentError

        place = self._place(kind, config)
        try:
            return self.arrays(kind, config, absent) if place.exists() or released(kind, place.name) else None
        except _AbsentError:
            return None

    def arrays(self, kind: str, config: Mapping[str, object], build: Callable[[], Arrays]) -> Arrays:
        """Named arrays, computed by `build` if they are not stored, or damaged (see :meth:`folder`)."""

        def save(folder: Path) -> None:
            with suppress(DamagedError):
                _load(folder)
                return
            built = build()
            with replacing(folder / _ARRAYS) as temporary, temporary.open("wb") as file:
                np.savez(file, allow_pickle=False, **built)

        try:
            return _load(self.folder(kind, config, save))
        except DamagedError:  # since this process has checked it
            _checked.clear()
            return _load(self.folder(kind, config, save))

    def _place(self, kind: str, config: Mapping[str, object]) -> Path:
        return self.root / kind / artifact_key(config)


def _canonical(config: object) -> str:
    def plain(value: object) -> object:
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return dataclasses.asdict(value)
        if isinstance(value, np.generic):
            return value.item()
        raise TypeError(f"a configuration cannot hold a {type(value).__name__}: {value!r}")

    return json.dumps(config, sort_keys=True, separators=(",", ":"), allow_nan=False, default=plain)


def _describe(folder: Path, kind: str, config: Mapping[str, object]) -> None:
    """Write the description: the checksums of all files but hidden ones, and of itself."""
    names = [path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file()]
    listed = [
        name for name in names if name.parts != (_DESCRIPTION,) and not any(p.startswith(".") for p in name.parts)
    ]
    files = {name.as_posix(): file_sha256(folder / name) for name in listed}
    described = {"kind": kind, "config": config, "files": files}
    description = json.loads(_canonical(described)) | {"sha256": sha256(_canonical(described))}
    write_atomically(folder / _DESCRIPTION, json.dumps(description, indent=1, sort_keys=True) + "\n")


def _damaged(folder: Path) -> list[Path]:
    """What of an artifact is not as it was written: the files that are damaged or lost; or its description, if that is,
    or there is none. Nothing, without a look, if this process has found it whole before."""
    path = folder / _DESCRIPTION
    try:
        written = path.stat().st_ctime_ns
        if (folder, written) in _checked:
            return []
        description = json.loads(path.read_text(encoding="utf-8"))
        if description.pop("sha256") != sha256(_canonical(description)):
            return [path]
        files = [(folder / name, digest) for name, digest in description["files"].items()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return [path]
    damaged = [file for file, digest in files if not _is(file, digest)]
    if not damaged:
        _checked.add((folder, written))
    return damaged


def _is(file: Path, digest: str) -> bool:
    """Whether a file is there, can be read and has this sha256."""
    try:
        return file_sha256(file) == digest
    except OSError:
        return False


def _set_aside(damaged: list[Path]) -> None:
    if damaged and not _is_older(damaged[0]):
        _log.warning("damaged or lost: %s; built again from what is whole", some(damaged))
    for file in damaged:
        if file.exists():
            file.replace(file.with_name(f".{file.name}{_ASIDE}"))


def _is_older(file: Path) -> bool:
    """Whether a file is a description from before there were checksums, which had the number of bytes."""
    with suppress(OSError, ValueError):
        return file.name == _DESCRIPTION and "bytes" in json.loads(file.read_text(encoding="utf-8"))
    return False


def _load(folder: Path) -> Arrays:
    """The arrays in a folder; raises `DamagedError` if they cannot be read, or their own checksums are wrong."""
    path = folder / _ARRAYS
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except _UNREADABLE as error:
        raise DamagedError(f"'{path}' is damaged or lost: run again, which makes it anew") from error
