"""The pairs of views that an epoch of training sees.

In every epoch every class gives one pair: two different views of it, drawn at random, as the paper pairs two of its
four initialisations. Here every view's columns also get random signs (a departure): the sign of a singular vector is
arbitrary, and an embedding should not hang on it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cena.contrast.inputs import SpectrumScale, encoder_input
from cena.errors import InputError


@dataclass(frozen=True)
class TrainingViews:
    """The views of a space, and how pairs of them are drawn.

    Parameters
    ----------
    directions : left singular vectors, shape (classes, views, points, components). They stay as they are, usually
        float16: only one batch at a time is widened to float32.
    singular_values : shape (classes, views, components).
    usable : shape (classes, views); classes with fewer than two usable views have no pair and are left out.
    scale : of the spectra, see :func:`cena.contrast.encoder_input`.
    batch : pairs in a batch; with fewer classes, all classes are one batch.

    Raises
    ------
    InputError : if fewer than two classes have two usable views.
    """

    directions: NDArray[np.floating]
    singular_values: NDArray[np.floating]
    usable: NDArray[np.bool_]
    scale: SpectrumScale
    batch: int

    def __post_init__(self) -> None:
        if len(self.paired_classes()) < 2:
            raise InputError(
                "fewer than two classes have two usable views; training needs pairs of at least two classes"
            )

    def paired_classes(self) -> NDArray[np.intp]:
        """The classes with at least two usable views."""
        return np.flatnonzero(self.usable.sum(axis=1) >= 2)

    def batches_per_epoch(self) -> int:
        """Number of full batches; what is left over has its turn in another epoch's order."""
        classes = len(self.paired_classes())
        return classes // min(self.batch, classes)

    def batches(self, generator: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Draw an epoch: batches of first and second views, float32 of shape (batch, points + 1, components) each."""
        order = generator.permutation(self.paired_classes())
        for classes in np.array_split(order[: self.batches_per_epoch() * self.batch], self.batches_per_epoch()):
            first, second = draw_two(self.usable[classes], generator)
            yield self._inputs(classes, first, generator), self._inputs(classes, second, generator)

    def _inputs(self, classes: NDArray[np.intp], views: NDArray[np.intp], generator: np.random.Generator) -> Tensor:
        values = self.singular_values[classes, views]
        inputs = encoder_input(self.directions[classes, views], values, self.scale)
        signs = generator.choice(np.array([-1, 1], dtype=np.float32), size=values.shape)
        inputs[:, :-1] *= signs[:, np.newaxis, :]  # the last row is the spectrum
        return torch.from_numpy(inputs)


def draw_two(usable: NDArray[np.bool_], generator: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Two different usable views of every row of `usable`, shape (classes, views); all ordered pairs as likely."""
    lots = np.where(usable, generator.random(usable.shape), 2.0)  # a lot of 2 comes after all drawn from [0, 1)
    order = np.argsort(lots, axis=1)
    return order[:, 0], order[:, 1]
