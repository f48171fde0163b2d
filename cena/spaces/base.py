"""What every search space offers."""

import operator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import nn

from cena.errors import InputError


class Space(Protocol):
    """A finite set of architectures, numbered from 0, that can be built as networks.

    An *architecture* is an index; a *class* is a set of architectures that compute the same family of functions, so
    their data Jacobians are distributed alike and one set of views serves them all.

    A space that subclasses this one inherits :meth:`classes` and :meth:`one_hot`.
    """

    name: str
    resolution: int
    """Height and width in pixels of the images its networks are meant for."""

    def __len__(self) -> int:
        """Number of architectures."""
        ...

    def architecture(self, index: int) -> str:
        """The string form of an architecture; raises `InputError` for an index outside the space."""
        ...

    def index(self, architecture: str) -> int:
        """The index of a string form; raises `InputError` when it is malformed or not in the space."""
        ...

    def classes(self) -> NDArray[np.int64]:
        """(n,) the class of each architecture, numbered 0, 1, ... in order of first appearance; here, each its own."""
        return np.arange(len(self), dtype=np.int64)

    def build(self, index: int, seed: int) -> nn.Module:
        """The network of an architecture, its weights drawn from `seed` alone; maps (n, 3, r, r) to logits."""
        ...

    def parameters(self, index: int) -> int:
        """Exact number of trainable parameters of the network that :meth:`build` makes."""
        ...

    def one_hot(self) -> NDArray[np.float64]:
        """(n, d) the raw encoding: each of the :meth:`choices` as a block of zeros with a single one."""
        codes, cardinalities = self.choices()
        return np.concatenate([np.eye(size)[codes[:, i]] for i, size in enumerate(cardinalities)], axis=1)

    def choices(self) -> tuple[NDArray[np.int64], tuple[int, ...]]:
        """(n, choices) the raw categorical codes, and how many values each choice has."""
        ...


def check_index(space: Space, index: int) -> None:
    """Raise `InputError` when `index` is no architecture of `space`."""
    try:
        number = operator.index(index)
    except TypeError:
        number = -1
    if not 0 <= number < len(space):
        raise InputError(
            f"architecture {index} is not in space '{space.name}': give an index from 0 to {len(space) - 1}"
        )


def check_text(space: Space, architecture: object) -> None:
    """Raise `InputError` when an architecture is given as anything but text."""
    if not isinstance(architecture, str):
        raise InputError(
            f"an architecture of space '{space.name}' is given as a {type(architecture).__name__}: give its text, such "
            f"as '{space.architecture(0)}'"
        )


def representatives(classes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first architecture of each class, (number of classes,)."""
    return np.unique(classes, return_index=True)[1].astype(np.int64)


def numbered_by_appearance(keys: list[object]) -> NDArray[np.int64]:
    """Equal keys get equal numbers, 0, 1, ... in order of first appearance."""
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)
