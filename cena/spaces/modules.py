"""Networks that belong to no published space: any torch module, made by a function, as the package takes networks.

A factory is a function without arguments that returns a new module, which maps images (n, 3, r, r) to one row of
outputs each. What else a network must be, so that its data Jacobian exists, is checked in `cena.jacobians.probe`.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from cena.computing import drawn_from
from cena.errors import InputError, unknown
from cena.spaces.base import Space, check_index, check_text

Factory = Callable[[], nn.Module]

_given: WeakValueDictionary[int, nn.Module] = WeakValueDictionary()
"""Modules that factories have returned and that still exist, by identity: none may come a second time."""


class ModuleNetwork(nn.Module):
    """A module that sees its images, and keeps its weights, in torch's default order of memory.

    Views are computed with channels last, which is faster but which a module that calls ``view`` may not take. The
    images are copied, so that an in-place operation may come first.
    """

    def __init__(self, module: nn.Module):
        super().__init__()
        self.module = module

    def forward(self, images: Tensor) -> Any:
        """What the module makes of images (n, 3, r, r)."""
        return self.module(images.clone(memory_format=torch.contiguous_format))

    def to(self, *args: Any, **kwargs: Any) -> "ModuleNetwork":
        """As for every module, but another order of memory is not taken up."""
        kwargs.pop("memory_format", None)
        return super().to(*args, **kwargs)


class ModuleSpace(Space):
    """Networks of any kind as a space: each is an architecture by its name, and a class of its own.

    Nothing is known of which compute the same functions.

    Parameters
    ----------
    factories : name -> a function without arguments that returns a new module.
    resolution : height and width of the images in pixels.
    name : the space's name.

    Raises
    ------
    InputError
        If there is no factory, or one that cannot be called.
    """

    def __init__(self, factories: Mapping[str, Factory], resolution: int = 32, name: str = "modules"):
        if not factories:
            raise InputError(f"space '{name}' has no networks: give at least one factory")
        for network, factory in factories.items():
            if not callable(factory) or isinstance(factory, nn.Module):
                raise InputError(
                    f"network '{network}' is given as a {type(factory).__name__}: give a function without arguments "
                    "that returns a new torch.nn.Module"
                )
        self.factories = dict(factories)
        self.resolution = resolution
        self.name = name
        self._names = list(factories)

    def __len__(self) -> int:
        return len(self._names)

    def architecture(self, index: int) -> str:
        """The name of a network."""
        check_index(self, index)
        return self._names[index]

    def index(self, architecture: str) -> int:
        """The index of a name; raises `InputError` for a name that is not in the space."""
        check_text(self, architecture)
        if architecture not in self.factories:
            raise unknown(f"network of space '{self.name}'", architecture, self._names)
        return self._names.index(architecture)

    def build(self, index: int, seed: int) -> nn.Module:
        """The network with the weights its factory gives it, drawn from `seed` where it uses torch's generator.

        It is a copy wherever torch can copy it: nothing that the factory can still reach changes with it.

        Raises
        ------
        InputError
            If the factory raises, or returns no module, one that was built before, or one that is lazy, without
            parameters, or whose parameters are not float32 numbers in the processor's memory; a sentence says which.
        """
        name = self.architecture(index)
        with drawn_from(seed):
            try:
                module = self.factories[name]()
            except Exception as error:
                reason = " ".join(str(error).split()) or "no message"
                raise InputError(
                    f"the factory of '{name}' raises {type(error).__name__} ({reason}): give one that returns a module"
                ) from error
        if not isinstance(module, nn.Module):
            raise InputError(
                f"the factory of '{name}' returns a {type(module).__name__}: give one that returns a torch.nn.Module"
            )
        _check_parameters(name, module)
        if _given.get(id(module)) is module:
            raise InputError(
                f"the factory of '{name}' returns one and the same module: let it build a new one each time"
            )
        _given[id(module)] = module
        return ModuleNetwork(_copied(module))

    def parameters(self, index: int) -> int:
        """Exact number of parameters; those that are frozen count too."""
        return sum(parameter.numel() for parameter in self.build(index, seed=0).parameters())

    def choices(self) -> tuple[NDArray[np.int64], tuple[int, ...]]:
        """(n, 1) the only choice there is: which network. So raw encodings, the identity, know nothing of modules."""
        return self.classes()[:, None], (len(self),)


def _copied(module: nn.Module) -> nn.Module:
    """A copy that shares nothing with a module, or the module itself where it has no copy."""
    try:
        return deepcopy(module)
    except Exception:  # such as the tensors that torch.nn.utils.weight_norm computes and keeps
        return module


def _check_parameters(name: str, module: nn.Module) -> None:
    parameters = dict(module.named_parameters())
    if not parameters:
        raise InputError(f"network '{name}' has no parameters: there is nothing to initialise, give one that has")
    for what, tensor in [*parameters.items(), *module.named_buffers()]:
        if is_lazy(tensor):
            raise InputError(
                f"'{what}' of network '{name}' is lazy: give every layer its sizes, since lazy ones draw their "
                "weights later than from the seed"
            )
        if tensor.device.type != "cpu":
            raise InputError(
                f"'{what}' of network '{name}' is on device '{tensor.device}': let the factory return a network whose "
                "parameters and buffers are on 'cpu'"
            )
    for what, tensor in parameters.items():
        if tensor.is_floating_point() and tensor.dtype != torch.float32:
            raise InputError(f"'{what}' of network '{name}' is {tensor.dtype}: give a network of torch.float32")
