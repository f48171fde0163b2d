"""All views of a space in one resumable Zarr store."""

import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import Crc32cCodec, ZstdCodec

from cena.errors import DamagedError, InputError, some, unknown
from cena.files import file_sha256, sha256
from cena.jacobians.readings import READINGS
from cena.jacobians.views import ViewRecipe, Views, ViewStatus, class_views
from cena.processes import parallel
from cena.spaces import Space, representatives
from cena.types import Booleans, Integers, Progress, silent

_log = logging.getLogger(__name__)

CLASSES_A_CHUNK = 8
"""Classes a worker computes before it hands them in: what a kill can lose, times the workers."""

_ARRAYS = ("directions", "singular_values", "jacov", "status")
_METADATA = "zarr.json"


class ViewStore:
    """The views of every class of a space on disk, eight classes a chunk.

    Zarr v3 arrays, all with leading axes (class, view): ``directions`` (..., point, component) float16 and
    ``singular_values`` (..., component) float32 hold the two factors of the EPDJM, whose columns span too many
    decades for float16; ``jacov`` float32; each reading float32 under its name; ``status`` uint8 (`ViewStatus`) is the
    done map, written after the rest of its chunk. Zarr replaces chunk files whole, so a killed run leaves a valid store
    that :meth:`compute` completes.

    Every chunk has a checksum, and the store's attributes those of the descriptions (``zarr.json``). What is damaged or
    lost is noticed when it is read, and :meth:`compute` computes its chunk again.

    Parameters
    ----------
    path : folder of the store.

    Raises
    ------
    InputError
        If there is no store. Reading from it, as opening it, raises `DamagedError` at a damaged file.
    """

    def __init__(self, path: Path):
        self.path = path
        try:
            group: Any = zarr.open_group(path, mode="r+")
            attributes = group.attrs.asdict()
            self.configuration: dict[str, Any] = attributes["configuration"]
            """What the views were made from."""
            for name, digest in attributes.get("sha256", {}).items():  # older stores have no digests
                if not (file := path / name / _METADATA).is_file() or digest != file_sha256(file):
                    raise _damaged(file)
            readings = [name for name in READINGS if name in group]
            self._arrays: dict[str, Any] = {name: group[name] for name in (*_ARRAYS, *readings)}
            self._status = self._arrays["status"]
            if self._status.attrs.get("configuration") not in (None, _digest(self.configuration)):
                raise _damaged(path / _METADATA)
        except DamagedError:
            raise
        except Exception as error:  # zarr raises any kind at a description that is damaged
            raise InputError(
                f"'{path}' is not a view store: compute the views first (if its {_METADATA} is damaged, "
                "ViewStore.create writes it again and keeps the views)"
            ) from error

    @classmethod
    def create(
        cls,
        path: Path,
        shape: tuple[int, int, int, int],
        configuration: Mapping[str, Any],
        readings: Mapping[str, int] | None = None,
    ) -> "ViewStore":
        """Open the store at `path`, or make an empty one.

        Parameters
        ----------
        path : folder of the store; made if missing.
        shape : (classes, views, points, components).
        configuration : what the views are made from; kept in the store's attributes.
        readings : the length of each reading to take, by name; see :attr:`cena.jacobians.Reader.lengths`.

        Raises
        ------
        InputError
            If the store exists with another shape or configuration, or the folder holds something else. Files whose
            names begin with a dot, or that lie among those of a store, are left alone.
        """
        each = shape[:2]
        shapes: dict[str, tuple[int, ...]] = {
            "directions": shape,
            "singular_values": (*each, shape[3]),
            "jacov": each,
            **{name: (*each, length) for name, length in (readings or {}).items()},
            "status": each,
        }
        try:
            store = cls(path)
        except InputError:  # there is none, or its descriptions are unfinished or damaged
            _describe(path, configuration, shapes)
            store = cls(path)
        found = {name: array.shape for name, array in store._arrays.items()}
        if found != shapes or store.configuration != dict(configuration):
            raise _another(path)
        return store

    @property
    def status(self) -> NDArray[np.uint8]:
        """(classes, views) the `ViewStatus` of each view."""
        return self._whole("status")

    @property
    def usable(self) -> Booleans:
        """(classes, views) whether a view can be used; the others are zero."""
        return np.asarray(self.status == ViewStatus.USABLE)

    @property
    def directions(self) -> NDArray[np.float16]:
        """(classes, views, points, components) left singular vectors of each EDJM."""
        return self._whole("directions")

    @property
    def singular_values(self) -> NDArray[np.float32]:
        """(classes, views, components) singular values of each EDJM, descending."""
        return self._whole("singular_values")

    @property
    def jacov(self) -> NDArray[np.float32]:
        """(classes, views) Jacobian covariance score of each EDJM."""
        return self._whole("jacov")

    @property
    def readings(self) -> tuple[str, ...]:
        """The names of the readings that are taken, as :data:`cena.jacobians.READINGS` has them."""
        return tuple(name for name in READINGS if name in self._arrays)

    def reading(self, name: str) -> NDArray[np.float32]:
        """(classes, views, length) one reading; raises `InputError` if it was not taken."""
        if name not in self.readings:
            raise unknown(f"reading of the view store '{self.path}'", name, self.readings)
        return self._whole(name)

    def counts(self) -> dict[str, int]:
        """How many views there are of each `ViewStatus`, by name."""
        status = self.status
        return {kind.name.lower().replace("_", "-"): int((status == kind).sum()) for kind in ViewStatus}

    def missing(self) -> Integers:
        """Classes whose views are not all computed."""
        return np.flatnonzero((self.status == ViewStatus.MISSING).any(axis=1))

    def write(self, chunk: int, classes: Sequence[Views]) -> None:
        """Store the views of all classes of a chunk; their status last."""
        part = slice(CLASSES_A_CHUNK * chunk, CLASSES_A_CHUNK * chunk + len(classes))
        for name in ("directions", "singular_values", "jacov"):
            self._arrays[name][part] = np.stack([getattr(views, name) for views in classes])
        for name in self.readings:
            self._arrays[name][part] = np.stack([views.readings[name] for views in classes])
        self._status[part] = np.stack([views.status for views in classes])

    def compute(
        self,
        space: Space,
        images: NDArray[np.float32],
        seed: int,
        precision: str,
        workers: int = -1,
        progress: Progress = silent,
    ) -> None:
        """Compute what is missing, in parallel; the same values for any number of workers and any interruption.

        A chunk of which a file is damaged or lost is missing too; a warning that names the file is logged.

        Parameters
        ----------
        space : its classes are the classes of the store.
        images : (points, 3, resolution, resolution) float32.
        seed : root of every view's seed.
        precision : see `cena.jacobians.data_jacobian`.
        workers : joblib's `n_jobs`; -1 for one a core.
        progress : told of the classes after each chunk.
        """
        firsts = representatives(space.classes())
        settings = ViewRecipe(images, self._status.shape[1], seed, precision, self.readings)
        self._forget_damaged()
        chunks = np.unique(self.missing() // CLASSES_A_CHUNK)
        done = len(firsts) - len(self.missing())

        def computed(chunk: int) -> tuple[int, list[Views]]:
            first = CLASSES_A_CHUNK * chunk
            numbers = range(first, min(first + CLASSES_A_CHUNK, len(firsts)))
            return chunk, [class_views(space, int(firsts[n]), n, settings) for n in numbers]

        in_parallel = parallel(workers, return_as="generator_unordered", batch_size=1)
        for chunk, classes in in_parallel(joblib.delayed(computed)(int(chunk)) for chunk in chunks):
            self.write(chunk, classes)
            done += len(classes)
            progress(done, len(firsts))

    def _forget_damaged(self) -> None:
        """Count chunks as missing, from now on, of which a file is damaged or lost."""
        written = [chunk for chunk in range(self._status.nchunks) if self._file("status", chunk).exists()]
        damaged: dict[int, Path] = {}
        for chunk, name in product(written, self._arrays):
            try:
                self._chunk(name, chunk)
            except DamagedError:
                damaged.setdefault(chunk, self._file(name, chunk))
        if damaged:
            _log.warning("damaged or lost: %s; their classes are computed again", some([*damaged.values()]))
        for chunk in damaged:
            self._file("status", chunk).unlink(missing_ok=True)

    def _whole(self, name: str) -> NDArray[Any]:
        """All chunks of an array; raises `DamagedError` at one that is damaged."""
        array = self._arrays[name]
        values = np.empty(array.shape, array.dtype)
        for chunk in range(array.nchunks):
            values[CLASSES_A_CHUNK * chunk : CLASSES_A_CHUNK * (chunk + 1)] = self._chunk(name, chunk)
        return values

    def _chunk(self, name: str, chunk: int) -> NDArray[Any]:
        """The classes of one chunk; raises `DamagedError` if it is damaged, or lost: zarr would give its fill value."""
        file = self._file(name, chunk)
        try:
            values = np.asarray(self._arrays[name][CLASSES_A_CHUNK * chunk : CLASSES_A_CHUNK * (chunk + 1)])
        except (OSError, ValueError, RuntimeError) as error:
            raise _damaged(file) from error
        if self._file("status", chunk).exists() and not file.exists():
            raise _damaged(file)
        return values

    def _file(self, name: str, chunk: int) -> Path:
        array = self._arrays[name]
        return self.path / name / str(array.metadata.encode_chunk_key((chunk, *[0] * (array.ndim - 1))))


def _describe(path: Path, configuration: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Write the descriptions of a store with arrays of these shapes, anew if there are any; chunks are kept."""
    entries = {entry.name for entry in path.iterdir() if not entry.name.startswith(".")} if path.is_dir() else set()
    if path.is_file() or (entries - {_METADATA} and not entries & shapes.keys()):
        raise InputError(f"'{path}' holds other files: choose a new or empty folder for the view store")
    if descriptions := [file for folder in ("", *shapes) if (file := path / folder / _METADATA).exists()]:
        said = {_said(path / name / _METADATA) for name in shapes} - {None}
        if said and _digest(configuration) not in said:
            raise _another(path)
        _log.warning("a %s of '%s' is damaged or lost: all are written again, the views are kept", _METADATA, path)
    for file in descriptions:
        file.unlink()
    group: Any = zarr.create_group(path, zarr_format=3)
    for name, shape in shapes.items():
        group.create_array(
            name,
            shape=shape,
            chunks=(min(CLASSES_A_CHUNK, shape[0]), *shape[1:]),
            dtype={"directions": "float16", "status": "uint8"}.get(name, "float32"),
            compressors=(ZstdCodec(), Crc32cCodec()),
            # No views are all this, so each chunk is a file: for one that is all fill value Zarr writes none.
            fill_value=0 if name == "status" else np.nan,
            attributes={"configuration": _digest(configuration)},
        )
    digests = {name: file_sha256(path / name / _METADATA) for name in shapes}
    group.attrs.update({"configuration": dict(configuration), "sha256": digests})  # last: now it is a store


def _said(description: Path) -> str | None:
    """Of which configuration an array says to be; None if it says nothing."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        return str(json.loads(description.read_text(encoding="utf-8"))["attributes"]["configuration"])
    return None


def _digest(configuration: Mapping[str, Any]) -> str:
    return sha256(json.dumps(configuration, sort_keys=True))


def _another(path: Path) -> InputError:
    return InputError(
        f"the view store '{path}' was made with another configuration: delete it or choose another folder"
    )


def _damaged(file: Path) -> DamagedError:
    return DamagedError(
        f"'{file}' is damaged or lost: ViewStore.create and compute, given what the store was made with, make it again "
        "and keep all that is whole"
    )
