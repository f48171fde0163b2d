"""Views: the data Jacobians of one architecture at several random initialisations (paper, sections 3.3 and 4.1)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cena.computing import channels_last, drawn_from, one_thread, own_settings
from cena.errors import InputError
from cena.jacobians.edjm import data_jacobian, epdjm_factors, jacov
from cena.jacobians.probe import refused
from cena.jacobians.readings import Reader
from cena.jacobians.weights import draw_zero_weights, rescale_weights
from cena.spaces import Space
from cena.stages import Stage

VIEWS = Stage("views", version=1)
"""Data Jacobians and what is kept of them."""


class ViewStatus(IntEnum):
    """What became of a view."""

    MISSING = 0
    """Not computed yet."""
    USABLE = 1
    NON_FINITE = 2
    """The Jacobian has infinite or undefined entries."""
    DEAD = 3
    """The Jacobian is zero: the output does not depend on the input."""
    VANISHING = 4
    """No entry of the Jacobian reaches the smallest normal number of float32: what there is has lost its digits."""


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


@VIEWS
def class_views(space: Space, architecture: int, class_number: int, settings: ViewRecipe) -> Views:
    """Compute the views of one class on one thread.

    What a network draws in its forward pass, such as dropout, comes from the view's seed. A view whose Jacobian is
    zero is taken again with :func:`draw_zero_weights`, if there are any.

    Parameters
    ----------
    space, architecture : a member of the class; all its members have the same distribution of views.
    class_number : the class, which with the seed and the view's number decides the weights.
    settings : images, number of views, seed and precision, the same for every class.

    Raises
    ------
    InputError
        If the network cannot be built or does not take the images; the sentence names it.
    """
    points = torch.from_numpy(settings.images).contiguous(memory_format=torch.channels_last)

    def jacobians() -> Iterator[NDArray[np.float32]]:
        for view in range(settings.views):
            weight_seed, rescale_seed = view_seeds(settings.seed, class_number, view)
            network = channels_last(space.build(architecture, weight_seed))
            rescale_weights(network, np.random.default_rng(rescale_seed))
            network.requires_grad_(False)
            with drawn_from(rescale_seed):
                jacobian = taken(network)
                if not jacobian.any() and draw_zero_weights(network):
                    jacobian = taken(network)
            yield jacobian

    def taken(network: nn.Module) -> NDArray[np.float32]:
        try:
            return data_jacobian(network, points, settings.precision).numpy()
        except InputError as error:
            raise InputError(f"'{space.architecture(architecture)}' cannot be embedded: {error}") from error
        except Exception as error:
            raise refused(space.architecture(architecture), error, tuple(points.shape)) from error

    reader = Reader(settings.images, settings.readings) if settings.readings else None
    with one_thread(), own_settings():
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
    if np.abs(jacobian).max() < np.finfo(np.float32).tiny:
        return *nothing, ViewStatus.VANISHING
    return *epdjm_factors(jacobian), jacov(jacobian), ViewStatus.USABLE
