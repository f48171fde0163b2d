"""The artifact store: what was computed once is found again by what it was computed from.

An artifact is a folder ``<root>/<kind>/<key>`` whose key is the hash of the configuration that made it. The caller puts
into the configuration everything that determines the result: settings, keys of the artifacts it is made from, checksums
of data, and the versions of the stages that compute it (:mod:`cena.stages`).

It is built in a folder beside its place and moved there when it is complete, so that a kill or a full disk at any
moment leaves either the whole artifact or none. Two processes that want the same one build it once: a lock makes the
second wait.
"""

import dataclasses
import json
import logging
import os
import shutil
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from cena.files import locked, sha256, write_atomically
from cena.study.checkout import checkout
from cena.types import Arrays

_log = logging.getLogger(__name__)
_DESCRIPTION = "config.json"
_UNREADABLE = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error)


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
        resumable: bool = False,
    ) -> Path:
        """The folder of an artifact, built first if there is none. Its files must not be changed afterwards.

        Parameters
        ----------
        kind : what sort of thing it is, such as ``"views"``.
        config : all that determines it (see :func:`artifact_key`).
        build : fills the empty folder it is given.
        resumable : keep what a killed or failed build has written, and give it to the next `build` to go on from. Such
            a `build` must itself never trust a half-written file.
        """
        place = self.root / kind / artifact_key(config)
        if _is_complete(place):
            return place
        with locked(place.with_name(f".{place.name}.lock")):
            if not _is_complete(place):  # else another process has built it while this one waited
                if place.exists():
                    _log.warning("artifact %s is damaged: it is built again", place)
                    shutil.rmtree(place)
                partial = place.with_name(f".{place.name}.partial")
                if not resumable:
                    shutil.rmtree(partial, ignore_errors=True)
                partial.mkdir(parents=True, exist_ok=True)
                try:
                    build(partial)
                    _describe(partial, kind, config)
                except BaseException:
                    if not resumable:
                        shutil.rmtree(partial, ignore_errors=True)
                    raise
                partial.replace(place)
        return place

    def stored(self, kind: str, config: Mapping[str, object]) -> Arrays | None:
        """The arrays that :meth:`arrays` has stored; None where there are none. Those that cannot be read count as none
        from then on."""
        place = self.root / kind / artifact_key(config)
        try:
            return _load(place) if _is_complete(place) else None
        except _UNREADABLE:
            _log.warning("artifact %s cannot be read: it is built again", place)
            (place / _DESCRIPTION).unlink(missing_ok=True)
            return None

    def arrays(self, kind: str, config: Mapping[str, object], build: Callable[[], Arrays]) -> Arrays:
        """Named arrays, computed by `build` if they are not stored, or cannot be read (see :meth:`folder`)."""

        def save(folder: Path) -> None:
            np.savez(folder / "arrays.npz", allow_pickle=False, **build())

        found = self.stored(kind, config)
        return _load(self.folder(kind, config, save)) if found is None else found


def _canonical(config: object) -> str:
    def plain(value: object) -> object:
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return dataclasses.asdict(value)
        if isinstance(value, np.generic):
            return value.item()
        raise TypeError(f"a configuration cannot hold a {type(value).__name__}: {value!r}")

    return json.dumps(config, sort_keys=True, separators=(",", ":"), allow_nan=False, default=plain)


def _contents(folder: Path) -> dict[str, int]:
    """How many files a folder holds, beside its description, and how many bytes: cheap, and shows what is cut short."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file() and path != folder / _DESCRIPTION]
    return {"files": len(sizes), "bytes": sum(sizes)}


def _describe(folder: Path, kind: str, config: Mapping[str, object]) -> None:
    description = {"kind": kind, "config": json.loads(_canonical(config)), **_contents(folder)}
    write_atomically(folder / _DESCRIPTION, json.dumps(description, indent=1, sort_keys=True) + "\n")


def _is_complete(folder: Path) -> bool:
    """Whether the artifact is there and holds what its description says."""
    try:
        description = json.loads((folder / _DESCRIPTION).read_text(encoding="utf-8"))
        return all(description[name] == value for name, value in _contents(folder).items())
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _load(folder: Path) -> Arrays:
    with np.load(folder / "arrays.npz", allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
