"""An encoder with one thing changed: what it reads of the views, or the seed of its training."""

from dataclasses import replace
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cena import contrast
from cena.contrast import TrainedEncoder
from cena.errors import unknown
from cena.stages import Stage, versions
from cena.study.encoders import ViewArrays, encoder_key, stored_embedding, stored_encoder
from cena.study.pipeline import Pipeline

ABLATIONS = Stage("ablations", version=1)
"""What an encoder is given of a view when a part is left out."""

Reads = Literal["both", "directions", "spectrum"]


class EncoderVariant:
    """An encoder trained on a pipeline's views with one thing changed, and its embeddings.

    Unchanged, it is the pipeline's own encoder, and the same artifact.

    Parameters
    ----------
    pipeline : of the views, and of the settings of the encoder.
    reads : what training and encoding see of a view, see :func:`only`.
    seed : of the training; by default the pipeline's.

    Raises
    ------
    InputError
        If there is no such part of a view.
    """

    def __init__(self, pipeline: Pipeline, reads: Reads = "both", seed: int | None = None):
        if reads not in get_args(Reads):
            raise unknown("part of a view", reads, get_args(Reads))
        self.pipeline = pipeline
        self.reads = reads
        self.seed = pipeline.encoder_config.seed if seed is None else seed

    @cached_property
    def _key(self) -> dict[str, object]:
        views: dict[str, object] = self.pipeline.views_key
        if self.reads != "both":
            views = {"reads": self.reads, "stages": versions(ABLATIONS), "of": views}
        return encoder_key(replace(self.pipeline.encoder_config, seed=self.seed), views)

    def views(self) -> ViewArrays:
        """What the encoder sees."""
        return only(self.reads, self.pipeline.view_arrays())

    @cached_property
    def encoder(self) -> TrainedEncoder:
        """The trained encoder, resumable when interrupted."""
        return stored_encoder(self.pipeline.store, self._key, self.views, self.pipeline.progress)

    @cached_property
    def embedding(self) -> NDArray[np.float32]:
        """(classes, 512) the embedding, the mean over views."""
        key = {"which": "trained", **self._key}
        return stored_embedding(self.pipeline.store, key, lambda: self.encoder, self.views)

    def embedding_of(self, classes: NDArray[np.int64], initialisations: slice) -> NDArray[np.float32]:
        """(len(classes), 512) the embedding of some classes from some of their initialisations only."""
        seen = self.views()
        return contrast.encode(
            self.encoder,
            seen.directions[classes][:, initialisations],
            seen.singular_values[classes][:, initialisations],
            seen.usable[classes][:, initialisations],
        )


def only(reads: Reads, views: ViewArrays) -> ViewArrays:
    """Views of which one factor tells nothing, since it is the same for all networks.

    With ``"directions"`` all singular values are one. With ``"spectrum"`` the directions are those of one random
    orthonormal basis, the same in every view. With ``"both"`` nothing is changed.
    """
    if reads == "directions":
        flat = np.broadcast_to(views.usable[..., np.newaxis], views.singular_values.shape).astype(np.float32)
        return replace(views, singular_values=flat)
    if reads == "spectrum":
        *_, points, components = views.directions.shape
        square = np.random.default_rng(0).normal(size=(points, points))
        basis = np.linalg.qr(square)[0][:, :components].astype(np.float16)
        return replace(views, directions=np.broadcast_to(basis, views.directions.shape))
    return views
