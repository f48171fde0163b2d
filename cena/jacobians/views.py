"""Views: the data Jacobians of one architecture at several random initialisations (paper, sections 3.3 and 4.1)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from math import log

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cena.computing import channels_last, one_thread
from cena.jacobians.edjm import data_jacobian, epdjm_factors, jacov
from cena.jacobians.readings import Reader
from cena.spaces import Space
from cena.stages import Stage

RESCALE = (7 / 8, 8 / 7)
"""Range of the random factor of each weight matrix. The paper's text has lost its fractions; see `rescale_weights`."""

VIEWS = Stage("views", version=1)
"""Data Jacobians and what is kept of them."""

_NO_MATRICES = (nn.Embedding, nn.EmbeddingBag, nn.LayerNorm, nn.RMSNorm)
"""Modules whose `weight` may have two dimensions or more and yet multiplies no features."""


class ViewStatus(IntEnum):
    """What became of a view."""

    MISSING = 0
    """Not computed yet."""
    USABLE = 1
    NON_FINITE = 2
    """The Jacobian has infinite or undefined entries."""
    DEAD = 3
    """The Jacobian is zero: the output does not depend on the input."""


@dataclass(frozen=True, eq=False)
class ViewRecipe:
    """What the views of all architectures are taken with.

    Parameters
    ----------
    images : (points, 3, resolution, resolution) float32, the data points.
    views : how many initialisations of each class.
    seed : root of every view's seeds, see :func:`view_seeds`.
    precision : see :func:`data_jacobian`.
    readings : which of :data:`cena.jacobians.READINGS` are taken.
    """

    images: NDArray[np.float32]
    views: int
    seed: int
    precision: str
    readings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Views:
    """The views of one class. A view that is not usable is zero."""

    directions: NDArray[np.float16]
    """(views, points, components) left singular vectors of each EDJM."""
    singular_values: NDArray[np.float32]
    """(views, components), descending."""
    jacov: NDArray[np.float32]
    """(views,) Jacobian covariance score."""
    status: NDArray[np.uint8]
    """(views,) a `ViewStatus` each."""
    readings: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    """(views, length) each, by name."""

    @property
    def usable(self) -> NDArray[np.bool_]:
        """(views,) whether a view is finite and not zero."""
        return np.asarray(self.status == ViewStatus.USABLE)


def view_seeds(seed: int, class_number: int, view: int) -> tuple[int, int]:
    """Seeds of a view's initial weights and of its rescaling; independent of every other view's, in any order."""
    state = np.random.SeedSequence([seed, class_number, view]).generate_state(2, dtype=np.uint64)
    return int(state[0]), int(state[1])


def rescale_weights(network: nn.Module, generator: np.random.Generator) -> None:
    """Multiply each weight matrix by its own log-uniform factor from (7/8, 8/7), in place (paper, section 4.1).

    A weight matrix is a parameter of two dimensions or more that is called a weight, as torch calls those of linear
    layers, convolutions, attention and recurrent layers (``weight``, ``in_proj_weight``, ``weight_ih_l0``), and that
    does not belong to an embedding or a normalisation. Everything else stays and draws no factor: biases, scales,
    positional embeddings, class tokens. Where BatchNorm follows, the factor cancels.
    """
    low, high = RESCALE
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            owner, _, own_name = name.rpartition(".")
            if (
                parameter.ndim >= 2
                and "weight" in own_name.split("_")
                and not isinstance(network.get_submodule(owner), _NO_MATRICES)
            ):
                parameter.mul_(float(np.exp(generator.uniform(log(low), log(high)))))


@VIEWS
def class_views(space: Space, architecture: int, class_number: int, settings: ViewRecipe) -> Views:
    """Compute the views of one class on one thread.

    Parameters
    ----------
    space, architecture : a member of the class; all its members have the same distribution of views.
    class_number : the class, which with the seed and the view's number decides the weights.
    settings : images, number of views, seed and precision, the same for every class.
    """
    points = torch.from_numpy(settings.images).contiguous(memory_format=torch.channels_last)

    def jacobians() -> Iterator[NDArray[np.float32]]:
        for view in range(settings.views):
            weight_seed, rescale_seed = view_seeds(settings.seed, class_number, view)
            network = channels_last(space.build(architecture, weight_seed))
            rescale_weights(network, np.random.default_rng(rescale_seed))
            network.requires_grad_(False)
            yield data_jacobian(network, points, settings.precision).numpy()

    reader = Reader(settings.images, settings.readings) if settings.readings else None
    with one_thread():
        return views_of(jacobians(), reader)


def views_of(jacobians: Iterable[NDArray[np.float32]], reader: Reader | None = None) -> Views:
    """The views that some data Jacobians, each of shape (points, pixels), are, with what a reader reads of each."""
    each, readings = [], []
    for jacobian in jacobians:
        each.append(_view(jacobian))
        if reader is not None:
            usable = each[-1][-1] == ViewStatus.USABLE
            readings.append(reader.read(jacobian) if usable else reader.nothing())
    directions, singular_values, scores, status = zip(*each, strict=True)
    return Views(
        np.array(directions, np.float16),
        np.array(singular_values, np.float32),
        np.array(scores, np.float32),
        np.array(status, np.uint8),
        {name: np.array([one[name] for one in readings]) for name in (readings[0] if readings else ())},
    )


def _view(jacobian: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64], float, ViewStatus]:
    components = min(jacobian.shape)
    nothing = np.zeros((len(jacobian), components)), np.zeros(components), 0.0
    if not np.isfinite(jacobian).all():
        return *nothing, ViewStatus.NON_FINITE
    if not jacobian.any():
        return *nothing, ViewStatus.DEAD
    return *epdjm_factors(jacobian), jacov(jacobian), ViewStatus.USABLE
