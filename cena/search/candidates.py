"""What a search method sees of a space: a geometry to propose in, and the nearest architecture to a proposal.

A space is finite, but TPE and differential evolution propose anywhere in a box. A proposal is therefore replaced by
the nearest architecture that has not been evaluated yet (paper, section 5). The paper does not say what happens at
ties; here each of the tied architectures is equally likely. Ties are common: raw encodings differ in whole operations,
and architectures of one class share their coordinates.

The nearest one is found by looking at all: 50 microseconds for 15,625 architectures in 3 dimensions, against more than
a millisecond for a proposal by TPE. A k-d tree is faster in 3 dimensions, but not in the 16 of arch2vec.
"""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cena.errors import InputError

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


class Candidates(ABC):
    """The architectures of a space, (n,), laid out in d dimensions."""

    positions: NDArray[Any]
    """Where each architecture lies, (n, d)."""

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def dimensions(self) -> int:
        """The number d of dimensions."""
        return int(self.positions.shape[1])

    @abstractmethod
    def from_unit_cube(self, position: FloatArray) -> NDArray[Any]:
        """The query, (d,), that a `position` in the unit cube, (d,), stands for."""

    @abstractmethod
    def distances(self, query: ArrayLike) -> NDArray[Any]:
        """A number for each architecture, (n,), that grows with its distance to `query`, (d,)."""

    def nearest_unevaluated(self, query: ArrayLike, excluded: BoolArray, generator: np.random.Generator) -> int:
        """The architecture nearest to `query`, (d,), among those not `excluded`, (n,).

        Equally near architectures are equally likely; `generator` decides. At least one must not be excluded.
        """
        distances = np.where(excluded, np.inf, self.distances(query))
        nearest = np.flatnonzero(distances == distances.min())
        return int(nearest[generator.integers(len(nearest))])


class ContinuousCandidates(Candidates):
    """Architectures as points in the unit cube, near in Euclidean distance.

    Parameters
    ----------
    points : (n, d) coordinates in [0, 1]; several architectures may share a point.

    Raises
    ------
    InputError
        If `points` has another shape, is empty, or has a value that is not a number in [0, 1].
    """

    def __init__(self, points: ArrayLike) -> None:
        # Column-major, so that `distances` runs along contiguous memory: ten times faster.
        self.positions: FloatArray = np.array(points, dtype=np.float64, order="F")
        if self.positions.ndim != 2 or self.positions.size == 0:
            shape = self.positions.shape
            raise InputError(f"the points have shape {shape}; give a non-empty (architectures, dimensions) array")
        outside = np.flatnonzero(~((self.positions >= 0) & (self.positions <= 1)).all(axis=1))
        if outside.size:
            point = self.positions[outside[0]].tolist()
            raise InputError(f"point {outside[0]} is {point}, outside the unit cube; scale every coordinate to [0, 1]")

    def from_unit_cube(self, position: FloatArray) -> FloatArray:
        """The position itself."""
        return position

    def distances(self, query: ArrayLike) -> FloatArray:
        """Squared Euclidean distances, (n,)."""
        differences = self.positions.T - np.asarray(query, dtype=np.float64)[:, None]
        squares: FloatArray = (differences**2).sum(axis=0)
        return squares


class CategoricalCandidates(Candidates):
    """Architectures as sequences of choices, near in Hamming distance: the number of choices that differ.

    Parameters
    ----------
    codes : (n, d) integers, in column j from 0 to cardinalities[j] - 1.
    cardinalities : (d,) number of choices in each column.

    Raises
    ------
    InputError
        If the shapes do not fit, `codes` is empty or not integer, or a code is outside its column's choices.
    """

    def __init__(self, codes: ArrayLike, cardinalities: ArrayLike) -> None:
        given, counts = np.asarray(codes), np.asarray(cardinalities)
        if given.ndim != 2 or given.size == 0 or not np.issubdtype(given.dtype, np.integer):
            raise InputError(
                f"the codes are {given.dtype} of shape {given.shape}; give a non-empty (architectures, dimensions) "
                "array of integers"
            )
        if counts.shape != given.shape[1:] or not np.issubdtype(counts.dtype, np.integer):
            raise InputError(
                f"the cardinalities are {counts.dtype} of shape {counts.shape}; give one integer for each of the "
                f"{given.shape[1]} columns of the codes"
            )
        outside = np.argwhere((given < 0) | (given >= counts))
        if outside.size:
            row, column = outside[0]
            raise InputError(
                f"architecture {row} has code {given[row, column]} in column {column}, which has "
                f"{counts[column]} choices; give codes from 0 to {counts[column] - 1}"
            )
        # Small and column-major: `distances` is bound by memory.
        self.positions = np.array(given, dtype=np.min_scalar_type(int(counts.max())), order="F")
        self.cardinalities: tuple[int, ...] = tuple(counts.tolist())

    def from_unit_cube(self, position: FloatArray) -> NDArray[np.int64]:
        """Each axis is cut into as many equal bins as its column has choices: (d,) codes."""
        counts = np.asarray(self.cardinalities)
        codes: NDArray[np.int64] = np.minimum((position * counts).astype(np.int64), counts - 1)
        return codes

    def distances(self, query: ArrayLike) -> NDArray[np.int16]:
        """Hamming distances, (n,)."""
        differs = np.not_equal(self.positions.T, np.asarray(query, dtype=self.positions.dtype)[:, None])
        counts: NDArray[np.int16] = differs.sum(axis=0, dtype=np.int16)
        return counts
