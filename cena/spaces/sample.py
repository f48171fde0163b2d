"""A sample of a space, which is a space again."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import nn

from cena.errors import InputError
from cena.spaces.base import Space, check_index, numbered_by_appearance


class SampledSpace(Space):
    """Some architectures of a space, in its order.

    Parameters
    ----------
    whole : the space they are of, whose name and resolution the sample has.
    indices : (n,) the architectures, ascending and distinct; see :func:`sample`.

    Raises
    ------
    InputError
        If the indices are none, not ascending and distinct, or not all in the space.
    """

    def __init__(self, whole: Space, indices: Sequence[int] | NDArray[np.integer]):
        self.whole = whole
        self.indices = np.array(indices, dtype=np.int64)
        self.name = whole.name
        self.resolution = whole.resolution
        if self.indices.ndim != 1 or len(self.indices) == 0 or (np.diff(self.indices) <= 0).any():
            raise InputError(f"a sample of space '{self.name}' needs distinct indices in ascending order")
        for end in (0, -1):
            check_index(whole, int(self.indices[end]))

    def __len__(self) -> int:
        return len(self.indices)

    def architecture(self, index: int) -> str:
        """The string form of an architecture, as in the whole space."""
        return self.whole.architecture(self._of_whole(index))

    def index(self, architecture: str) -> int:
        """The index in the sample of a string form; raises `InputError` when it is malformed or not in the sample."""
        index = self.whole.index(architecture)
        place = int(np.searchsorted(self.indices, index))
        if place == len(self) or self.indices[place] != index:
            raise InputError(f"'{architecture}' is not among the {len(self)} sampled of space '{self.name}'")
        return place

    def classes(self) -> NDArray[np.int64]:
        """(n,) the class of each architecture, numbered anew."""
        return numbered_by_appearance(self.whole.classes()[self.indices].tolist())

    def build(self, index: int, seed: int) -> nn.Module:
        """The network of an architecture, as the whole space builds it."""
        return self.whole.build(self._of_whole(index), seed)

    def parameters(self, index: int) -> int:
        """Exact number of trainable parameters."""
        return self.whole.parameters(self._of_whole(index))

    def choices(self) -> tuple[NDArray[np.int64], tuple[int, ...]]:
        """(n, choices) the raw categorical codes, and how many values each choice has in the whole space."""
        codes, cardinalities = self.whole.choices()
        return codes[self.indices], cardinalities

    def _of_whole(self, index: int) -> int:
        check_index(self, index)
        return int(self.indices[index])


def sample(space: Space, count: int, seed: int) -> SampledSpace:
    """`count` architectures of a space, all subsets as likely; a larger sample of the same seed contains a smaller one.

    Raises
    ------
    InputError
        If the space does not have so many.
    """
    if not 1 <= count <= len(space):
        raise InputError(f"a sample of {count} of space '{space.name}': give 1 to {len(space)} architectures")
    return SampledSpace(space, np.sort(np.random.default_rng(seed).permutation(len(space))[:count]))
