"""A network is tried on a few images before its views are computed: it can be embedded, or there is a reason why not.

The trial is also timed, and counts what the backward pass needs to keep, so that whoever waits knows for how long.
"""

import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cena.computing import one_thread
from cena.errors import InputError

_IMAGES = 4
"""Images of the trial: few, but enough for BatchNorm."""


@dataclass(frozen=True)
class Cost:
    """What computing a view at all images costs, estimated from a trial."""

    seconds: float
    """Of the forward and backward pass on one thread."""
    memory: int
    """Bytes that the forward pass keeps for the backward pass, weights included."""


def probe(name: str, network: nn.Module, images: NDArray[np.float32], precision: str = "float32") -> Cost:
    """Try a network on the first four images, forward and backward, and estimate a view at all of them.

    What is kept for the backward pass grows with the images, but for the weights: it is weighed at two numbers of
    images, and the line through both goes on to all.

    Parameters
    ----------
    name : of the network, for messages.
    network : to be tried; its parameters are frozen and its BatchNorm statistics move.
    images : (points, 3, resolution, resolution) float32, all at which the Jacobian is to be taken.
    precision : see `cena.jacobians.data_jacobian`.

    Raises
    ------
    InputError
        If the network has no data Jacobian; the sentence says why: it does not take the images, its output is no
        matrix of real numbers with one row an image, or does not depend on them by a finite gradient that is not zero.
    """
    few = torch.from_numpy(images[:_IMAGES])
    more = len(images) - len(few)
    network.requires_grad_(False)
    with one_thread():
        _trial(name, network, few, precision)
        seconds = _trial(name, network, few, precision)  # again, now that torch is warm
        memory = _weighed(name, network, few, precision)
        if more:
            half = len(few) // 2
            memory += round(more * (memory - _weighed(name, network, few[half:], precision)) / half)
    return Cost(seconds * len(images) / len(few), memory)


def _weighed(name: str, network: nn.Module, images: Tensor, precision: str) -> int:
    """Bytes that the forward pass keeps for the backward pass."""
    kept: dict[int, int] = {}
    with torch.autograd.graph.saved_tensors_hooks(partial(_keep, kept), lambda tensor: tensor):
        _outputs(name, network, images.clone().requires_grad_(), precision)
    return sum(kept.values())


def _keep(kept: dict[int, int], tensor: Tensor) -> Tensor:
    """Note the size of what is kept by its place in memory: what several operations keep counts once."""
    storage = tensor.untyped_storage()
    kept[storage.data_ptr()] = storage.nbytes()
    return tensor


def _outputs(name: str, network: nn.Module, points: Tensor, precision: str) -> Any:
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            return network(points)
    except Exception as error:
        raise _refused(name, error, tuple(points.shape)) from error


def _trial(name: str, network: nn.Module, images: Tensor, precision: str) -> float:
    """Seconds of one forward and backward pass; raises `InputError` as :func:`probe` does."""
    points = images.clone().requires_grad_()
    started = time.perf_counter()
    outputs = _outputs(name, network, points, precision)
    _check_outputs(name, outputs, len(images))
    try:
        (gradient,) = torch.autograd.grad(outputs.float().abs().sum(), points, materialize_grads=True)
    except Exception as error:
        raise _refused(name, error, tuple(images.shape)) from error
    seconds = time.perf_counter() - started
    if not gradient.isfinite().all():
        raise InputError(
            f"the gradient of network '{name}' has values that are not finite: look for a division by zero, a root or "
            "a logarithm at zero"
        )
    if not gradient.any():
        raise InputError(
            f"the output of network '{name}' has gradient zero at every image: it does not depend on them, or only "
            "through steps such as rounding, whose gradient is zero"
        )
    return seconds


def _check_outputs(name: str, outputs: Any, count: int) -> None:
    expected = "expected one tensor with one row of real numbers for each image"
    if not isinstance(outputs, Tensor):
        held = f" of {len(outputs)}" if isinstance(outputs, tuple | list | dict) else ""
        raise InputError(
            f"network '{name}' returns a {type(outputs).__name__}{held}: {expected}; wrap it in a module that "
            "returns its main output only"
        )
    if outputs.ndim != 2 or len(outputs) != count:
        raise InputError(
            f"network '{name}' returns shape {tuple(outputs.shape)} for {count} images: {expected}; flatten or pool it"
        )
    if outputs.is_complex():
        raise InputError(f"network '{name}' returns complex numbers: {expected}; return their magnitudes, for example")
    if not outputs.requires_grad:
        raise InputError(
            f"the output of network '{name}' has no gradient: expected no argmax, detach, no_grad or whole numbers "
            "on the way from images to outputs"
        )
    if not outputs.isfinite().all():
        raise InputError(
            f"network '{name}' returns values that are not finite: look for a division by zero or an overflow, and "
            "check how its weights are initialised"
        )


def _refused(name: str, error: Exception, shape: tuple[int, ...]) -> InputError:
    """The reason in one sentence, from what torch says."""
    said = " ".join(str(error).split()).split(". ")[0].rstrip(".:") or type(error).__name__
    if "more than 1 value per channel" in said:
        advice = "BatchNorm got a single value a channel; give it a batch, or larger maps"
    elif "inplace operation" in said or "in-place operation" in said:
        advice = "an in-place operation overwrites what the backward pass needs; use the one that returns a new tensor"
    elif "does not require grad" in said:
        advice = "expected no argmax, detach or no_grad on the way from images to outputs"
    else:
        advice = f"expected a network that maps images of shape {shape} to one row of outputs each"
    return InputError(f"network '{name}' cannot be embedded ({said}): {advice}")
