"""The contrastive encoder in closed form, fitted to a pipeline's views, and what follows from it as artifacts."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cena import layout
from cena.contrast import ClosedForm, ClosedFormConfig, fit_closed_form, load_closed_form
from cena.contrast.closed_form import CLOSED_FORM
from cena.errors import unknown
from cena.evaluate import fill_dead
from cena.stages import versions
from cena.study.encoders import stored_layout
from cena.study.pipeline import Pipeline
from cena.study.settings import ClosedFormSettings
from cena.types import Booleans, Floats, Integers
from cena.view_arrays import mean_over_views


class ClosedFormEmbedding:
    """The embedding of a space by readings of whole Jacobians and the contrast that needs no training.

    Parameters
    ----------
    pipeline : of the views, and of the settings.
    readings : which of its readings are blocks; by default those of the settings.
    settings : of the closed form; by default the profile's.

    Raises
    ------
    InputError
        If a reading is not among those that the profile takes.
    """

    def __init__(self, pipeline: Pipeline, readings: tuple[str, ...] = (), settings: ClosedFormSettings | None = None):
        taken = pipeline.profile.closed_form
        self.pipeline = pipeline
        self.settings = settings or taken
        self.readings = readings or self.settings.readings
        for name in self.readings:
            if name not in taken.readings:
                raise unknown(f"reading of profile '{pipeline.profile.name}'", name, taken.readings)

    @property
    def config(self) -> ClosedFormConfig:
        """The settings of the fit."""
        return ClosedFormConfig(self.settings.components, self.settings.shrinkage, self.settings.principal)

    @cached_property
    def _key(self) -> dict[str, Any]:
        return {
            "config": self.config,
            "readings": self.readings,
            "views": self.pipeline.views_key,
            "stages": versions(CLOSED_FORM),
        }

    @cached_property
    def blocks(self) -> dict[str, NDArray[np.float32]]:
        """(classes, views, length) each reading, by name."""
        return {name: self.pipeline.readings[name] for name in self.readings}

    @cached_property
    def encoder(self) -> ClosedForm:
        """The fitted encoder: one page of linear algebra, some seconds, no seed."""

        def build(folder: Path) -> None:
            fit_closed_form(self.blocks, self.pipeline.usable, self.config).save(folder / "closed-form.safetensors")

        return load_closed_form(self.pipeline.store.folder("closed-form", self._key, build) / "closed-form.safetensors")

    @cached_property
    def embedding(self) -> Floats:
        """(classes, components) the mean over usable views; see :func:`embedded_classes`."""

        def build() -> dict[str, NDArray[Any]]:
            return {"embedding": embedded_classes(self.encoder, self.blocks, self.pipeline.usable)}

        return self.pipeline.store.arrays("embedding", self._key, build)["embedding"]

    @cached_property
    def inputs(self) -> Floats:
        """(classes, columns) what the encoder starts from: its blocks as it standardises them, each of the same weight,
        averaged over usable views; a class without any is NaN. The rival of the same Jacobians without contrast."""
        standard = [
            (self.blocks[name] - block.mean) / block.deviation / np.sqrt(len(block.mean))
            for name, block in self.encoder.blocks.items()
        ]
        return mean_over_views(np.concatenate(standard, axis=2), self.pipeline.usable)

    @cached_property
    def layout(self) -> dict[str, Floats]:
        """The two steps to the square (equations 4 and 5), over classes: see :func:`stored_layout`."""
        return stored_layout(self.pipeline.store, self._key, lambda: self.embedding, self.pipeline.profile.seed)

    @cached_property
    def coordinates(self) -> Floats:
        """(architectures, 3) as :attr:`Pipeline.coordinates`, from this embedding."""
        centroids = self.pipeline.per_architecture(self.layout["centroids"])
        return layout.coordinates(centroids, self.pipeline.parameters)

    def fitted_on(self, classes: Integers) -> ClosedForm:
        """The encoder that the views of some classes alone give."""
        return fit_closed_form(_of(self.blocks, classes), self.pipeline.usable[classes], self.config)

    def views_of(self, classes: Integers, encoder: ClosedForm) -> Floats:
        """(len(classes), views, components) the views of some classes, by an encoder of this kind."""
        return encoder.embed(_of(self.blocks, classes))

    def embedding_of(self, classes: Integers) -> Floats:
        """(len(classes), components) the embedding of some classes by what their own views give."""
        return embedded_classes(self.fitted_on(classes), _of(self.blocks, classes), self.pipeline.usable[classes])


def embedded_classes(encoder: ClosedForm, blocks: Mapping[str, NDArray[np.floating]], usable: Booleans) -> Floats:
    """(classes, components) the mean over a class's usable views.

    A class without any has a stand-in below all others in each component, as :func:`cena.evaluate.fill_dead` has it: a
    dead network is far from every living one.
    """
    return fill_dead(mean_over_views(encoder.embed(blocks), usable))


def _of(blocks: Mapping[str, NDArray[np.float32]], classes: Integers) -> dict[str, NDArray[np.float32]]:
    return {name: block[classes] for name, block in blocks.items()}
