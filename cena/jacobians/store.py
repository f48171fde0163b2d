"""All views of a space in one resumable Zarr store."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import zarr
from numpy.typing import NDArray

from cena.errors import InputError, unknown
from cena.jacobians.readings import READINGS
from cena.jacobians.views import ViewRecipe, Views, ViewStatus, class_views
from cena.spaces import Space, representatives
from cena.types import Booleans, Integers, Progress, silent

CLASSES_A_CHUNK = 8
"""Classes a worker computes before it hands them in: what a kill can lose, times the workers."""


class ViewStore:
    """The views of every class of a space on disk, eight classes a chunk.

    Zarr v3 arrays, all with leading axes (class, view): ``directions`` (..., point, component) float16 and
    ``singular_values`` (..., component) float32 hold the two factors of the EPDJM, whose columns span too many
    decades for float16; ``jacov`` float32; each reading float32 under its name; ``status`` uint8 (`ViewStatus`) is the
    done map, written after the rest of its chunk. Zarr replaces chunk files whole, so a killed run leaves a valid store
    that :meth:`compute` completes.

    Parameters
    ----------
    path : folder of the store.
    """

    def __init__(self, path: Path):
        self.path = path
        try:
            self._group: Any = zarr.open_group(path, mode="r+")
            self._status: Any = self._group["status"]
        except (OSError, KeyError, ValueError) as error:
            raise InputError(f"'{path}' is not a view store: compute the views first") from error

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
            If the store exists with another shape or configuration, or the folder holds anything else.
        """
        classes, views, points, components = shape
        arrays: dict[str, tuple[str, tuple[int, ...]]] = {
            "directions": ("float16", (points, components)),
            "singular_values": ("float32", (components,)),
            "jacov": ("float32", ()),
            **{name: ("float32", (length,)) for name, length in (readings or {}).items()},
            "status": ("uint8", ()),
        }
        if not (path / "status" / "zarr.json").exists():  # written last, so its presence means a whole skeleton
            ours = {"zarr.json", *arrays}
            if path.exists() and not (path.is_dir() and {entry.name for entry in path.iterdir()} <= ours):
                raise InputError(f"'{path}' holds other files: choose a new or empty folder for the view store")
            group: Any = zarr.open_group(path, mode="w", zarr_format=3)
            group.attrs["configuration"] = dict(configuration)
            for name, (dtype, trailing) in arrays.items():
                extent = (views, *trailing)
                group.create_array(
                    name, shape=(classes, *extent), chunks=(min(CLASSES_A_CHUNK, classes), *extent), dtype=dtype
                )
        store = cls(path)
        found = {name: array.shape for name, array in store._group.arrays()}
        expected = {name: (classes, views, *trailing) for name, (_, trailing) in arrays.items()}
        if found != expected or store.configuration != dict(configuration):
            raise InputError(
                f"the view store '{path}' was made with another configuration: delete it or choose another folder"
            )
        return store

    @property
    def configuration(self) -> dict[str, Any]:
        """What the views were made from."""
        return dict(self._group.attrs["configuration"])

    @property
    def status(self) -> NDArray[np.uint8]:
        """(classes, views) the `ViewStatus` of each view."""
        return np.asarray(self._status[:])

    @property
    def usable(self) -> Booleans:
        """(classes, views) whether a view can be used; the others are zero."""
        return np.asarray(self.status == ViewStatus.USABLE)

    @property
    def directions(self) -> NDArray[np.float16]:
        """(classes, views, points, components) left singular vectors of each EDJM."""
        return np.asarray(self._group["directions"][:])

    @property
    def singular_values(self) -> NDArray[np.float32]:
        """(classes, views, components) singular values of each EDJM, descending."""
        return np.asarray(self._group["singular_values"][:])

    @property
    def jacov(self) -> NDArray[np.float32]:
        """(classes, views) Jacobian covariance score of each EDJM."""
        return np.asarray(self._group["jacov"][:])

    @property
    def readings(self) -> tuple[str, ...]:
        """The names of the readings that are taken, as :data:`cena.jacobians.READINGS` has them."""
        return tuple(name for name in READINGS if name in self._group)

    def reading(self, name: str) -> NDArray[np.float32]:
        """(classes, views, length) one reading; raises `InputError` if it was not taken."""
        if name not in self.readings:
            raise unknown(f"reading of the view store '{self.path}'", name, self.readings)
        return np.asarray(self._group[name][:])

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
            self._group[name][part] = np.stack([getattr(views, name) for views in classes])
        for name in self.readings:
            self._group[name][part] = np.stack([views.readings[name] for views in classes])
        self._group["status"][part] = np.stack([views.status for views in classes])

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
        chunks = np.unique(self.missing() // CLASSES_A_CHUNK)
        done = len(firsts) - len(self.missing())

        def computed(chunk: int) -> tuple[int, list[Views]]:
            first = CLASSES_A_CHUNK * chunk
            numbers = range(first, min(first + CLASSES_A_CHUNK, len(firsts)))
            return chunk, [class_views(space, int(firsts[n]), n, settings) for n in numbers]

        parallel = joblib.Parallel(n_jobs=workers, return_as="generator_unordered", batch_size=1)
        for chunk, classes in parallel(joblib.delayed(computed)(int(chunk)) for chunk in chunks):
            self.write(chunk, classes)
            done += len(classes)
            progress(done, len(firsts))
