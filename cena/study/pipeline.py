"""From a profile to embeddings and coordinates: each stage is computed once and kept as an artifact.

Every notebook asks a `Pipeline` for what it needs; whichever runs first builds it, the others find it.
"""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cena import contrast, layout
from cena.computing import native_bfloat16
from cena.contrast import EncoderConfig, TrainedEncoder
from cena.data import labels
from cena.data.images import Images, images
from cena.files import sha256
from cena.jacobians import Reader, ViewStore
from cena.jacobians.readings import READING
from cena.spaces import SampledSpace, Space, load, representatives, sample
from cena.stages import versions
from cena.study.artifacts import ArtifactStore
from cena.study.cluster import cluster
from cena.study.encoders import (
    StageProgress,
    ViewArrays,
    encoder_key,
    stored_embedding,
    stored_encoder,
    stored_layout,
)
from cena.study.needs import OWN, need_files, needed_files
from cena.study.profiles import profile
from cena.study.scale import at_scale, benchmark, scale, view_stages
from cena.study.settings import Profile

Array = NDArray[np.float64]


class Pipeline:
    """The stages of the method (paper, section 4) under one profile.

    Arrays over *classes* have one row for each function family of the space; `per_architecture` expands them.

    Parameters
    ----------
    settings : the profile or its name.
    store : where artifacts are kept; by default as `ArtifactStore` says.
    workers : parallel processes for views; on a cluster if `cena.study.cluster` knows of one.
    progress : told about long stages.

    Raises
    ------
    InputError
        If there is no such profile, or it needs data that are not there and cannot be had: the message names each file
        and where it comes from.
    """

    def __init__(
        self,
        settings: Profile | str,
        store: ArtifactStore | None = None,
        workers: int = -1,
        progress: StageProgress | None = None,
    ):
        self.profile = profile(settings) if isinstance(settings, str) else settings
        self.store = store or ArtifactStore()
        self.workers = workers
        self.progress = progress or (lambda _stage, _done, _total: None)
        need_files(needed_files([OWN], self.profile), self.profile)

    @cached_property
    def space(self) -> Space:
        """The space, or the profile's sample of it, at the scale of its benchmark: its labels and parameter counts.

        A profile that asks for no labels takes the space as :func:`cena.spaces.load` has it.
        """
        chosen = self.profile
        whole = benchmark(chosen.space.name) if chosen.space.datasets else load(chosen.space.name)
        return sample(whole, chosen.space.architectures, chosen.seed) if chosen.space.architectures else whole

    @cached_property
    def view_space(self) -> Space:
        """The same architectures at the profile's scale: the networks whose Jacobians are taken."""
        return at_scale(self.space, self.profile)

    @cached_property
    def classes(self) -> NDArray[np.int64]:
        """(architectures,) class of each architecture."""
        return self.space.classes()

    @cached_property
    def parameters(self) -> NDArray[np.int64]:
        """(architectures,) number of parameters of the benchmark's network."""
        return np.array([self.space.parameters(i) for i in range(len(self.space))])

    def per_architecture(self, values: NDArray[Any]) -> NDArray[Any]:
        """Expand an array over classes to the architectures of the space."""
        return values[self.classes]

    def accuracy(self, dataset: str) -> Array:
        """(architectures,) the profile's labels in percent; raises `InputError` if the profile has no such data set."""
        accuracy = labels.accuracy(self.profile.space.name, self.profile.space.label_key(dataset))
        return accuracy[self.space.indices] if isinstance(self.space, SampledSpace) else accuracy

    def class_accuracy(self, dataset: str) -> Array:
        """(classes,) the mean label of each class's members, in percent; errors as :meth:`accuracy`."""
        return np.bincount(self.classes, self.accuracy(dataset)) / np.bincount(self.classes)

    @cached_property
    def images(self) -> Images:
        """The data points at which Jacobians are taken, the same for all networks."""
        seen = self.profile.views
        return images(seen.images, seen.points, seen.resolution, self.profile.seed)

    @cached_property
    def precision(self) -> str:
        """The profile's precision where the processor has it, else float32."""
        return self.profile.views.precision if native_bfloat16() else "float32"

    @property
    def components(self) -> int:
        """The number of singular values a Jacobian has."""
        return min(self.profile.views.points, 3 * self.profile.views.resolution**2)

    @cached_property
    def _views_config(self) -> dict[str, Any]:
        chosen = self.profile
        return {
            "space": chosen.space.name,
            **scale(self.space, chosen),
            "images": self.images.checksum,
            "points": chosen.views.points,
            "views": chosen.views.per_class,
            "seed": chosen.seed,
            "precision": self.precision,
            "readings": [*chosen.closed_form.readings],
        }

    @cached_property
    def views_key(self) -> dict[str, Any]:
        """The configuration of the views, the networks they are of and the versions of the stages that compute them."""
        networks = "\n".join(self.space.architecture(int(i)) for i in self.representatives)
        return {
            **self._views_config,
            "networks": sha256(networks),
            "stages": versions(*view_stages(self.space), READING),
        }

    @cached_property
    def views(self) -> ViewStore:
        """The views of every class (section 4.1), resumable when interrupted."""
        config = self._views_config
        classes = int(self.classes.max()) + 1
        shape = (classes, self.profile.views.per_class, self.profile.views.points, self.components)
        readings = Reader(self.images.pixels, self.profile.closed_form.readings).lengths

        def build(folder: Path) -> None:
            store = ViewStore.create(folder / "views.zarr", shape, config, readings)
            with cluster():
                store.compute(
                    self.view_space,
                    self.images.pixels,
                    self.profile.seed,
                    self.precision,
                    self.workers,
                    lambda done, total: self.progress("views", done, total),
                )

        folder = self.store.folder("views", self.views_key, build)
        return ViewStore(folder / "views.zarr")

    @cached_property
    def directions(self) -> NDArray[np.float16]:
        """(classes, views, points, components) left singular vectors of each EDJM."""
        return self.views.directions

    @cached_property
    def singular_values(self) -> NDArray[np.float32]:
        """(classes, views, components) singular values of each EDJM; see `usable` for the views that count."""
        return self.views.singular_values

    @cached_property
    def usable(self) -> NDArray[np.bool_]:
        """(classes, views) whether a view is finite and not zero."""
        return self.views.usable

    @cached_property
    def spectrum(self) -> Array:
        """(classes, views, components) singular values, NaN where a view cannot be used."""
        return np.where(self.usable[..., None], self.singular_values.astype(np.float64), np.nan)

    @cached_property
    def jacov(self) -> Array:
        """(classes, views) Jacobian covariance score, NaN where a view cannot be used."""
        return np.where(self.usable, self.views.jacov.astype(np.float64), np.nan)

    @cached_property
    def readings(self) -> dict[str, NDArray[np.float32]]:
        """(classes, views, length) each reading that the closed form takes, by name; see `usable`."""
        return {name: self.views.reading(name) for name in self.profile.closed_form.readings}

    def view_arrays(self) -> ViewArrays:
        """The views as the paper's encoder takes them."""
        return ViewArrays(self.directions, self.singular_values, self.usable)

    @cached_property
    def encoder_config(self) -> EncoderConfig:
        """The settings of the encoder and its training."""
        chosen = self.profile
        return EncoderConfig(
            points=chosen.views.points,
            components=self.components,
            width=chosen.encoder.width,
            depth=chosen.encoder.depth,
            epochs=chosen.encoder.epochs,
            seed=chosen.seed,
        )

    @cached_property
    def _encoder_key(self) -> dict[str, Any]:
        return encoder_key(self.encoder_config, self.views_key)

    @cached_property
    def encoder(self) -> TrainedEncoder:
        """The encoder, trained by contrast of the views (section 4.2), resumable when interrupted."""
        return stored_encoder(self.store, self._encoder_key, self.view_arrays, self.progress)

    @cached_property
    def untrained_encoder(self) -> TrainedEncoder:
        """The control: the weights that the encoder's training started from."""
        return contrast.untrained_encoder(self.encoder_config, self.encoder.scale)

    def _embedding(self, which: str, encoder: Callable[[], TrainedEncoder]) -> NDArray[np.float32]:
        return stored_embedding(self.store, {"which": which, **self._encoder_key}, encoder, self.view_arrays)

    @cached_property
    def embedding(self) -> NDArray[np.float32]:
        """(classes, 512) the contrastive embedding, the mean over views."""
        return self._embedding("trained", lambda: self.encoder)

    @cached_property
    def untrained_embedding(self) -> NDArray[np.float32]:
        """(classes, 512) the embedding by the untrained encoder."""
        return self._embedding("untrained", lambda: self.untrained_encoder)

    @cached_property
    def layout(self) -> dict[str, Array]:
        """The two steps to the square (equations 4 and 5), over classes: see :func:`stored_layout`."""
        return stored_layout(self.store, self._encoder_key, lambda: self.embedding, self.profile.seed)

    @cached_property
    def coordinates(self) -> Array:
        """(architectures, 3) centroid of the Laguerre cell and scaled log parameters: the space that is searched."""
        return layout.coordinates(self.per_architecture(self.layout["centroids"]), self.parameters)

    @cached_property
    def representatives(self) -> NDArray[np.int64]:
        """(classes,) the first architecture of each class."""
        return representatives(self.classes)
