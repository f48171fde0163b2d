"""The views of networks as they are, whatever they have learned: Jacobians of several networks side by side."""

from copy import deepcopy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cena.jacobians import Reader, Views, data_jacobian, views_of


def network_views(
    network: nn.Module, copies: int, points: NDArray[np.float32], precision: str, readings: tuple[str, ...] = ()
) -> Views:
    """The view of each of several networks side by side, which stay as they are.

    Parameters
    ----------
    network : `copies` networks as one, as :func:`trained_network` gives them.
    points : (points, 3, resolution, resolution).
    precision : see :func:`cena.jacobians.data_jacobian`.
    readings : which of :data:`cena.jacobians.READINGS` are taken.
    """
    probe = deepcopy(network).train().requires_grad_(False)  # a forward pass moves BatchNorm's running statistics
    jacobians = data_jacobian(probe, stacked(torch.tensor(np.ascontiguousarray(points)), copies), precision)
    # The networks share no weights, so the gradient of the sum of their norms holds each one's own.
    each = jacobians.reshape(len(points), copies, -1).numpy()
    reader = Reader(points, readings) if readings else None
    return views_of((each[:, copy] for copy in range(copies)), reader)


def stacked(images: Tensor, copies: int) -> Tensor:
    """The same images for each of the networks side by side."""
    return images.repeat(1, copies, 1, 1).contiguous(memory_format=torch.channels_last)
