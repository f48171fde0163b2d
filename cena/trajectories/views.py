"""The views of networks as they are, whatever they have learned: EPDJMs of several networks side by side."""

from copy import deepcopy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cena.jacobians import Status, data_jacobian, principal_components


def network_views(
    network: nn.Module, copies: int, points: NDArray[np.float32], precision: str
) -> tuple[NDArray[np.float16], NDArray[np.float32], NDArray[np.uint8]]:
    """The view of each of several networks side by side, which stay as they are.

    Parameters
    ----------
    network : `copies` networks as one, as :func:`trained_network` gives them.
    points : (points, 3, resolution, resolution).
    precision : see :func:`cena.jacobians.data_jacobian`.

    Returns
    -------
    directions, singular values and status, as in :class:`Trajectory`, with the one leading axis (copies).
    """
    probe = deepcopy(network).train().requires_grad_(False)  # a forward pass moves BatchNorm's running statistics
    jacobians = data_jacobian(probe, stacked(torch.tensor(np.ascontiguousarray(points)), copies), precision)
    jacobians = jacobians.reshape(len(points), copies, -1)
    components = min(len(points), points[0].size)
    directions = np.zeros((copies, len(points), components), np.float16)
    singular_values = np.zeros((copies, components), np.float32)
    status = np.full(copies, Status.USABLE, np.uint8)
    for copy in range(copies):
        # The networks share no weights, so the gradient of the sum of their norms holds each one's own.
        jacobian = jacobians[:, copy].numpy()
        if not np.isfinite(jacobian).all():
            status[copy] = Status.NON_FINITE
        elif not jacobian.any():
            status[copy] = Status.DEAD
        else:
            directions[copy], singular_values[copy] = principal_components(jacobian)
    return directions, singular_values, status


def stacked(images: Tensor, copies: int) -> Tensor:
    """The same images for each of the networks side by side."""
    return images.repeat(1, copies, 1, 1).contiguous(memory_format=torch.channels_last)
