"""A network is tried on a few images before its views are computed: it can be embedded, or there is a reason why not.

The trial is also timed, and counts what the backward pass needs to keep, so that whoever waits knows for how long.
"""

import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cena.computing import drawn_from, one_thread, own_settings
from cena.errors import InputError
from cena.jacobians.weights import draw_zero_weights

_IMAGES = 4
"""Images of the trial: few, but enough for BatchNorm."""
_MORE_IMAGES = 16
"""Images of the trial that shows what each further image takes, beside what reading the weights takes."""


@dataclass(frozen=True)
class Cost:
    """What computing a view at all images costs, estimated from a trial."""

    seconds: float
    """Of the forward and backward pass on one thread."""
    memory: int
    """Bytes that the forward pass keeps for the backward pass, weights included."""
    drawn: tuple[str, ...] = ()
    """The weight matrices of zeros that had to be drawn, so that the output depends on the images; by name."""


class _ZeroGradientError(InputError):
    """The output does not depend on the images."""


def probe(name: str, network: nn.Module, images: NDArray[np.float32], precision: str = "float32") -> Cost:
    """Try a network on the first four images, forward and backward, and estimate a view at all of them.

    If it does not take four it is tried on all. Where its output is zero because weights start at zero, these are drawn
    (:func:`cena.jacobians.weights.draw_zero_weights`), as they will be for its views.

    Time and what is kept for the backward pass grow with the images, but for the weights: each is measured at two
    numbers of images, and the line through both goes on to all.

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
    network.requires_grad_(False)
    with one_thread(), own_settings(), drawn_from(0):
        try:
            return _cost(name, network, images, _IMAGES, precision)
        except InputError as reason:
            try:  # a network that folds its images into groups takes all of them, or none
                return _cost(name, network, images, len(images), precision)
            except InputError:
                raise reason from None


def _cost(name: str, network: nn.Module, images: NDArray[np.float32], count: int, precision: str) -> Cost:
    """The cost of all images from a trial of the first `count`."""
    few = torch.from_numpy(images[:count])
    drawn: list[str] = []
    try:
        _trial(name, network, few, precision)
    except _ZeroGradientError:
        drawn = draw_zero_weights(network)
        if not drawn:
            raise
        _trial(name, network, few, precision)
    seconds = _trial(name, network, few, precision)  # again, now that it is compiled and torch is warm
    memory = _weighed(name, network, few, precision)
    if left := len(images) - count:
        larger = torch.from_numpy(images[:_MORE_IMAGES])
        further = seconds * (len(larger) - count) / count
        with suppress(InputError):  # what fails at more images than the first is for its views to tell
            _trial(name, network, larger, precision)  # warm for this number too
            further = max(_trial(name, network, larger, precision) - seconds, 0.0)
        seconds += further * left / (len(larger) - count)
        half = count // 2
        memory += round(left * (memory - _weighed(name, network, few[half:], precision)) / half)
    return Cost(seconds, memory, tuple(drawn))


def _weighed(name: str, network: nn.Module, images: Tensor, precision: str) -> int:
    """Bytes that the forward pass keeps for the backward pass."""
    kept: dict[int, int] = {}
    try:
        with torch.autograd.graph.saved_tensors_hooks(partial(_keep, kept), lambda tensor: tensor):
            _outputs(name, network, images.clone().requires_grad_(), precision)
        return sum(kept.values())
    except InputError:  # as transforms of torch.func have no such hooks: what modules put out stands in for it
        put_out: list[int] = [parameter.nbytes for parameter in network.parameters()]
        hooks = [module.register_forward_hook(partial(_note, put_out)) for module in network.modules()]
        try:
            _outputs(name, network, images.clone().requires_grad_(), precision)
        finally:
            for hook in hooks:
                hook.remove()
        return sum(put_out)


def _note(put_out: list[int], _module: nn.Module, _inputs: Any, output: Any) -> None:
    if isinstance(output, Tensor):
        put_out.append(output.numel() * output.element_size())


def _keep(kept: dict[int, int], tensor: Tensor) -> Tensor:
    """Note the size of what is kept by its place in memory: what several operations keep counts once."""
    try:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
    except (NotImplementedError, RuntimeError):  # a sparse tensor has none
        kept[id(tensor)] = tensor.numel() * tensor.element_size()
    return tensor


def _outputs(name: str, network: nn.Module, points: Tensor, precision: str) -> Any:
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            return network(points)
    except Exception as error:
        raise refused(name, error, tuple(points.shape)) from error


def _trial(name: str, network: nn.Module, images: Tensor, precision: str) -> float:
    """Seconds of one forward and backward pass; raises `InputError` as :func:`probe` does."""
    points = images.clone().requires_grad_()
    started = time.perf_counter()
    outputs = _outputs(name, network, points, precision)
    _check_outputs(name, outputs, len(images))
    try:
        (gradient,) = torch.autograd.grad(outputs.float().abs().sum(), points, materialize_grads=True)
    except Exception as error:
        raise refused(name, error, tuple(images.shape)) from error
    seconds = time.perf_counter() - started
    if not gradient.isfinite().all():
        raise InputError(
            f"the gradient of network '{name}' has values that are not finite: look for a division by zero, a root or "
            "a logarithm at zero"
        )
    if not gradient.any():
        raise _ZeroGradientError(
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
    if tuple(outputs.shape) == (count,):
        raise InputError(
            f"network '{name}' returns shape ({count},) for {count} images: {expected}; keep the last dimension, a "
            "single output is a row of one"
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


def refused(name: str, error: Exception, shape: tuple[int, ...]) -> InputError:
    """Why network `name` has no data Jacobian at images of this shape, in one sentence, from what torch says."""
    said = " ".join(str(error).split()).split(". ")[0].rstrip(".:") or type(error).__name__
    if "more than 1 value per channel" in said:
        advice = "BatchNorm got a single value a channel; give it a batch, or larger maps"
    elif "inplace operation" in said or "in-place operation" in said:
        advice = "an in-place operation overwrites what the backward pass needs; use the one that returns a new tensor"
    elif "Checkpointing is not compatible" in said or "use_reentrant" in said:
        advice = "give its checkpoints use_reentrant=False"
    elif "does not require grad" in said:
        advice = "expected no argmax, detach or no_grad on the way from images to outputs"
    else:
        advice = f"expected a network that maps images of shape {shape} to one row of outputs each"
    return InputError(f"network '{name}' cannot be embedded ({said}): {advice}")
