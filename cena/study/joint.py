"""One encoder for several spaces, whose embeddings can then be compared (paper, section 5.3)."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cena import contrast, layout
from cena.contrast import ClosedForm, EncoderConfig, TrainedEncoder
from cena.contrast.closed_form import CLOSED_FORM
from cena.errors import InputError
from cena.stages import versions
from cena.study.closed_forms import ClosedFormEmbedding, embedded_classes
from cena.study.encoders import ViewArrays, encoder_key, stored_embedding, stored_encoder, stored_layout
from cena.study.pipeline import Pipeline
from cena.types import Floats


class JointEmbedding:
    """An encoder trained on the union of the views of some spaces, and their embeddings by it.

    Every class of every space is one class of the training, so a larger space has more weight. The paper does not say
    how it balances the spaces.

    Parameters
    ----------
    pipelines : of the spaces, with the same images, resolution and points; the first gives the store and the settings
        of the encoder. Of a space with more views than another the first are taken in training, as many as all have.

    Raises
    ------
    InputError
        If there are no pipelines or their views do not fit one encoder.
    """

    def __init__(self, pipelines: Sequence[Pipeline]):
        self.pipelines = _joined(pipelines)

    @property
    def encoder_config(self) -> EncoderConfig:
        """The settings of the encoder and its training, those of the first pipeline's own."""
        return self.pipelines[0].encoder_config

    @cached_property
    def _key(self) -> dict[str, Any]:
        return encoder_key(self.encoder_config, [pipeline.views_key for pipeline in self.pipelines])

    def _union(self) -> ViewArrays:
        """The views of all spaces, one after the other."""
        arrays = [pipeline.view_arrays() for pipeline in self.pipelines]
        views = min(pipeline.profile.views.per_class for pipeline in self.pipelines)
        return ViewArrays(
            np.concatenate([each.directions[:, :views] for each in arrays]),
            np.concatenate([each.singular_values[:, :views] for each in arrays]),
            np.concatenate([each.usable[:, :views] for each in arrays]),
        )

    @cached_property
    def encoder(self) -> TrainedEncoder:
        """The encoder trained on the union, resumable when interrupted."""
        first = self.pipelines[0]
        return stored_encoder(first.store, self._key, self._union, first.progress)

    @cached_property
    def untrained_encoder(self) -> TrainedEncoder:
        """The control: the weights that the training started from."""
        return contrast.untrained_encoder(self.encoder_config, self.encoder.scale)

    @cached_property
    def embeddings(self) -> tuple[NDArray[np.float32], ...]:
        """(architectures, 512) of each space, by the trained encoder."""
        return tuple(self._embedding("trained", space) for space in range(len(self.pipelines)))

    @cached_property
    def untrained_embeddings(self) -> tuple[NDArray[np.float32], ...]:
        """(architectures, 512) of each space, by the untrained encoder."""
        return tuple(self._embedding("untrained", space) for space in range(len(self.pipelines)))

    def coordinates(self, space: int) -> NDArray[np.float64]:
        """(architectures, 3) of the space of this number, as :attr:`Pipeline.coordinates`, from its joint embedding."""
        pipeline = self.pipelines[space]
        stored = stored_layout(
            pipeline.store,
            {"space": space, **self._key},
            lambda: self._class_embedding("trained", space),
            pipeline.profile.seed,
        )
        return layout.coordinates(pipeline.per_architecture(stored["centroids"]), pipeline.parameters)

    def _embedding(self, which: str, space: int) -> NDArray[np.float32]:
        return self.pipelines[space].per_architecture(self._class_embedding(which, space))

    def _class_embedding(self, which: str, space: int) -> NDArray[np.float32]:
        pipeline = self.pipelines[space]
        return stored_embedding(
            pipeline.store,
            {"which": which, "space": space, **self._key},
            lambda: self.encoder if which == "trained" else self.untrained_encoder,
            pipeline.view_arrays,
        )


class JointClosedForm:
    """One encoder in closed form for several spaces, each of the same weight, and their embeddings by it.

    Parameters
    ----------
    pipelines : of the spaces, with the same images, resolution and points; the first gives the store and the settings.
    readings : which of its readings are blocks; by default those of the settings.

    Raises
    ------
    InputError
        If there are no pipelines, their views do not fit one encoder, or a reading is not among those that the profile
        takes.
    """

    def __init__(self, pipelines: Sequence[Pipeline], readings: tuple[str, ...] = ()):
        self._each = [ClosedFormEmbedding(pipeline, readings) for pipeline in _joined(pipelines)]

    @cached_property
    def encoder(self) -> ClosedForm:
        """The encoder that the views of all spaces give."""
        first = self._each[0]

        def build(folder: Path) -> None:
            spaces = [(each.blocks, each.pipeline.usable) for each in self._each]
            contrast.fit_joint_closed_form(spaces, first.config).save(folder / "closed-form.safetensors")

        key = {
            "config": first.config,
            "readings": first.readings,
            "joint": [each.pipeline.views_key for each in self._each],
            "stages": versions(CLOSED_FORM),
        }
        folder = first.pipeline.store.folder("closed-form", key, build)
        return contrast.load_closed_form(folder / "closed-form.safetensors")

    @cached_property
    def embeddings(self) -> tuple[Floats, ...]:
        """(architectures, components) of each space."""
        return tuple(
            each.pipeline.per_architecture(embedded_classes(self.encoder, each.blocks, each.pipeline.usable))
            for each in self._each
        )


def _joined(pipelines: Sequence[Pipeline]) -> tuple[Pipeline, ...]:
    """The pipelines; raises `InputError` where there are none or their views do not fit one encoder."""
    if not pipelines:
        raise InputError("a joint embedding needs the pipeline of at least one space")
    for setting in ("images", "resolution", "points"):
        values = dict.fromkeys(str(getattr(pipeline.profile.views, setting)) for pipeline in pipelines)
        if len(values) > 1:
            raise InputError(f"views of {' and '.join(values)} {setting} do not fit one encoder: give one of them")
    return tuple(pipelines)
