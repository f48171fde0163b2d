"""Views: the data Jacobians of one architecture at several random initialisations (paper, sections 3.3 and 4.1)."""

from dataclasses import dataclass
from enum import IntEnum
from math import log

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cena.jacobians.edjm import data_jacobian, jacov, principal_components
from cena.spaces import Space
from cena.stages import Stage

RESCALE = (7 / 8, 8 / 7)
"""Range of the random factor of each weight matrix. The paper's text has lost its fractions; see `rescale_weights`."""

VIEWS = Stage("views", version=1)
"""Data Jacobians and what is kept of them."""


class Status(IntEnum):
    """What became of a view."""

    MISSING = 0
    """Not computed yet."""
    USABLE = 1
    NON_FINITE = 2
    """The Jacobian has infinite or undefined entries."""
    DEAD = 3
    """The Jacobian is zero: the output does not depend on the input."""


@dataclass(frozen=True)
class Views:
    """The views of one class. A view that is not usable is zero."""

    directions: NDArray[np.float16]
    """(views, points, components) left singular vectors of each EDJM."""
    singular_values: NDArray[np.float32]
    """(views, components), descending."""
    jacov: NDArray[np.float32]
    """(views,) Jacobian covariance score."""
    status: NDArray[np.uint8]
    """(views,) a `Status` each."""


def view_seeds(seed: int, class_number: int, view: int) -> tuple[int, int]:
    """Seeds of a view's initial weights and of its rescaling; independent of every other view's, in any order."""
    state = np.random.SeedSequence([seed, class_number, view]).generate_state(2, dtype=np.uint64)
    return int(state[0]), int(state[1])


def rescale_weights(network: nn.Module, generator: np.random.Generator) -> None:
    """Multiply each weight matrix by its own log-uniform factor from (7/8, 8/7), in place (paper, section 4.1).

    A weight matrix is a parameter of two or more dimensions. Where BatchNorm follows, the factor cancels.
    """
    low, high = RESCALE
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim >= 2:
                parameter.mul_(float(np.exp(generator.uniform(log(low), log(high)))))


def class_views(
    space: Space,
    architecture: int,
    class_number: int,
    images: NDArray[np.float32],
    views: int,
    seed: int,
    precision: str,
) -> Views:
    """Compute the views of one class on one thread.

    Parameters
    ----------
    space, architecture : a member of the class; all its members have the same distribution of views.
    class_number : the class, which with `seed` and the view's number decides the weights.
    images : (points, 3, resolution, resolution) the data points, the same for every class.
    views : how many initialisations.
    seed : of the whole store.
    precision : see `data_jacobian`.
    """
    points = torch.from_numpy(images).contiguous(memory_format=torch.channels_last)
    components = min(len(images), images[0].size)
    result = Views(
        np.zeros((views, len(images), components), np.float16),
        np.zeros((views, components), np.float32),
        np.zeros(views, np.float32),
        np.zeros(views, np.uint8),
    )
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for view in range(views):
            weight_seed, rescale_seed = view_seeds(seed, class_number, view)
            network = space.build(architecture, weight_seed)
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing from torch's stubs
            rescale_weights(network, np.random.default_rng(rescale_seed))
            network.requires_grad_(False)
            _project(data_jacobian(network, points, precision).numpy(), view, result)
    finally:
        torch.set_num_threads(threads)
    return result


def _project(jacobian: NDArray[np.float32], view: int, result: Views) -> None:
    if not np.isfinite(jacobian).all():
        result.status[view] = Status.NON_FINITE
    elif not jacobian.any():
        result.status[view] = Status.DEAD
    else:
        directions, singular_values = principal_components(jacobian)
        result.directions[view] = directions
        result.singular_values[view] = singular_values
        result.jacov[view] = jacov(jacobian)
        result.status[view] = Status.USABLE
