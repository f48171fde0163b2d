"""All views of a space in one resumable Zarr store."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import zarr
from numpy.typing import NDArray

from cena.errors import InputError
from cena.jacobians.views import ViewRecipe, Views, ViewStatus, class_views
from cena.spaces import Space, representatives
from cena.types import Booleans, Integers, Progress, silent

_BATCH = 4
"""Classes a worker computes before it hands them in: what a kill can lose, times the workers."""


class ViewStore:
    """The views of every class of a space on disk, one chunk a class.

    Zarr v3 arrays, all with leading axes (class, view): ``directions`` (..., point, component) float16 and
    ``singular_values`` (..., component) float32 hold the two factors of the EPDJM, whose columns span too many decades
    for float16; ``jacov`` float32; ``status`` uint8 (`ViewStatus`) is the done map, written after the rest of its
    class. Zarr replaces chunk files whole, so a killed run leaves a valid store that :meth:`compute` completes.

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
    def create(cls, path: Path, shape: tuple[int, int, int, int], configuration: Mapping[str, Any]) -> "ViewStore":
        """Open the store at `path`, or make an empty one.

        Parameters
        ----------
        path : folder of the store; made if missing.
        shape : (classes, views, points, components).
        configuration : what the views are made from; kept in the store's attributes.

        Raises
        ------
        InputError
            If the store exists with another shape or configuration, or the folder holds anything else.
        """
        classes, views, points, components = shape
        if not (path / "status" / "zarr.json").exists():  # written last, so its presence means a whole skeleton
            ours = {"zarr.json", "directions", "singular_values", "jacov", "status"}
            if path.exists() and not (path.is_dir() and {entry.name for entry in path.iterdir()} <= ours):
                raise InputError(f"'{path}' holds other files: choose a new or empty folder for the view store")
            group: Any = zarr.open_group(path, mode="w", zarr_format=3)
            group.attrs["configuration"] = dict(configuration)
            for name, dtype, trailing in (
                ("directions", "float16", (points, components)),
                ("singular_values", "float32", (components,)),
                ("jacov", "float32", ()),
                ("status", "uint8", ()),
            ):
                extent = (views, *trailing)
                group.create_array(name, shape=(classes, *extent), chunks=(1, *extent), dtype=dtype)
        store = cls(path)
        found = store._group["directions"].shape
        if found != shape or store.configuration != dict(configuration):
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

    def counts(self) -> dict[str, int]:
        """How many views there are of each `ViewStatus`, by name."""
        status = self.status
        return {kind.name.lower().replace("_", "-"): int((status == kind).sum()) for kind in ViewStatus}

    def missing(self) -> Integers:
        """Classes whose views are not all computed."""
        return np.flatnonzero((self.status == ViewStatus.MISSING).any(axis=1))

    def write(self, class_number: int, views: Views) -> None:
        """Store the views of one class; its status last."""
        for name in ("directions", "singular_values", "jacov", "status"):
            self._group[name][class_number] = getattr(views, name)

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
        progress : told of the classes after each.
        """
        firsts = representatives(space.classes())
        missing = self.missing()
        settings = ViewRecipe(images, self._status.shape[1], seed, precision)
        batches = [missing[i : i + _BATCH] for i in range(0, len(missing), _BATCH)]

        def batch_views(numbers: Integers) -> list[tuple[int, Views]]:
            return [(int(n), class_views(space, int(firsts[n]), int(n), settings)) for n in numbers]

        done = len(firsts) - len(missing)
        parallel = joblib.Parallel(n_jobs=workers, return_as="generator_unordered", batch_size=1)
        for batch in parallel(joblib.delayed(batch_views)(numbers) for numbers in batches):
            for class_number, result in batch:
                self.write(class_number, result)
                done += 1
                progress(done, len(firsts))
