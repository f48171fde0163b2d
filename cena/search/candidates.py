"""What a search method sees of a space: a geometry to propose in, and the nearest architecture to a proposal.

A space is finite, but TPE and differential evolution propose anywhere in a box. A proposal is therefore replaced by
the nearest architecture that has not been evaluated yet (paper, section 5). The paper does not say what happens at
ties; here each of the tied architectures is equally likely. Ties are common: raw encodings differ in whole operations,
and architectures of one class share their coordinates.

The nearest one is found by looking at all, which for thousands of architectures costs less than the proposal.

Architectures of one class compute the same functions, so evaluating a second of them tells a search little. Candidates
that declare their classes, :meth:`Candidates.each_class_once`, are searched class by class, by every method.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from copy import copy
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist

from cena.errors import InputError
from cena.search.neighbours import Neighbours, hamming_neighbours
from cena.types import Booleans, Floats, Integers

_Kind = TypeVar("_Kind", bound="Candidates")


class Candidates(ABC):
    """The architectures of a space, (n,), laid out in d dimensions."""

    positions: NDArray[Any]
    """Where each architecture lies, (n, d)."""

    classes: Integers | None = None
    """The class of each architecture, (n,), counted from 0; None: each is a class of its own."""

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def dimensions(self) -> int:
        """The number d of dimensions."""
        return int(self.positions.shape[1])

    @property
    @abstractmethod
    def vectors(self) -> "VectorCandidates":
        """The same architectures as vectors, for methods that regress on numbers: choices become one-hot."""

    def each_class_once(self, classes: ArrayLike) -> Self:
        """The same candidates, of which a search evaluates one of each class before it evaluates a second of any.

        After that it evaluates a second one of each class before a third of any, and so on.

        Parameters
        ----------
        classes : (n,) integers, equal for architectures of one class.

        Raises
        ------
        InputError
            If there is not one integer for each architecture.
        """
        given = np.asarray(classes)
        if given.shape != (len(self),) or not np.issubdtype(given.dtype, np.integer):
            raise InputError(
                f"the classes are {given.dtype} of shape {given.shape} for {len(self)} architectures; "
                "give one integer for each architecture"
            )
        declared = copy(self)
        declared.classes = np.unique(given, return_inverse=True)[1]
        return declared

    @abstractmethod
    def distances(self, query: ArrayLike) -> NDArray[Any]:
        """A number for each architecture, (n,), that grows with its distance to `query`, (d,)."""

    def nearest_unevaluated(self, query: ArrayLike, excluded: Booleans, generator: np.random.Generator) -> int:
        """The architecture nearest to `query`, (d,), among those not `excluded`, (n,).

        Equally near architectures are equally likely; `generator` decides. At least one must not be excluded.
        """
        distances = np.where(excluded, np.inf, self.distances(query))
        nearest = np.flatnonzero(distances == distances.min())
        return int(nearest[generator.integers(len(nearest))])


class VectorCandidates(Candidates):
    """Architectures as vectors in any scale, near in Euclidean distance.

    Parameters
    ----------
    vectors : (n, d) finite numbers; several architectures may share a vector.
    more : further blocks of features of the same architectures, such as the logarithm of their parameters. A position
        is made of all blocks; what they are is for models that weigh one block against another.

    Attributes
    ----------
    widths : the number of dimensions of each block.

    Raises
    ------
    InputError
        If a block has another shape, is empty, or has a value that is not finite.
    """

    def __init__(self, vectors: ArrayLike, *more: ArrayLike) -> None:
        blocks = [np.asarray(block, dtype=np.float64) for block in (vectors, *more)]
        for block in blocks:
            if block.ndim != 2 or block.size == 0:
                shape = block.shape
                raise InputError(f"the points have shape {shape}; give a non-empty (architectures, dimensions) array")
        if len({len(block) for block in blocks}) > 1:
            raise InputError(
                f"the blocks are about {[len(block) for block in blocks]} architectures; give a row for each in each"
            )
        self.positions: Floats = np.concatenate(blocks, axis=1)
        self.widths = tuple(block.shape[1] for block in blocks)
        self._check(self.positions)

    def _check(self, positions: Floats) -> None:
        broken = np.flatnonzero(~np.isfinite(positions).all(axis=1))
        if broken.size:
            raise InputError(f"{broken.size} points are not finite, the first is point {broken[0]}; give finite points")

    @property
    def vectors(self) -> "VectorCandidates":
        """These candidates."""
        return self

    @property
    def blocks(self) -> list[Floats]:
        """The blocks of features that the positions are made of, (n, width) each."""
        return np.split(self.positions, np.cumsum(self.widths)[:-1], axis=1)

    def distances(self, query: ArrayLike) -> Floats:
        """Squared Euclidean distances, (n,)."""
        point = np.asarray(query, dtype=np.float64)
        squares: Floats = cdist(point[None], self.positions, "sqeuclidean")[0]
        return squares


class ContinuousCandidates(VectorCandidates):
    """Architectures as points in the unit cube, for methods that propose in a box.

    Parameters
    ----------
    points : (n, d) coordinates in [0, 1]; several architectures may share a point.

    Raises
    ------
    InputError
        If `points` has another shape, is empty, or has a value that is not a number in [0, 1].
    """

    def _check(self, positions: Floats) -> None:
        outside = np.flatnonzero(~((positions >= 0) & (positions <= 1)).all(axis=1))
        if outside.size:
            point = positions[outside[0]].tolist()
            raise InputError(f"point {outside[0]} is {point}, outside the unit cube; scale every coordinate to [0, 1]")

    def from_unit_cube(self, position: Floats) -> Floats:
        """The position itself."""
        return position


class CategoricalCandidates(Candidates):
    """Architectures as sequences of choices, near in Hamming distance: the number of choices that differ.

    Parameters
    ----------
    codes : (n, d) integers, in column j from 0 to cardinalities[j] - 1.
    cardinalities : (d,) number of choices in each column.
    neighbours : which architectures are one edit apart; by default those whose codes differ in at most one column.
    lookup : the architecture, (d,) codes -> index, that any codes describe, None if they describe none; by default the
        first that has these codes. A space where several codes describe one architecture has to give its own.

    Attributes
    ----------
    neighbours : the architectures one edit away from each.

    Raises
    ------
    InputError
        If the shapes do not fit, `codes` is empty or not integer, a code is outside its column's choices, or
        `neighbours` is about another number of architectures.
    """

    def __init__(
        self,
        codes: ArrayLike,
        cardinalities: ArrayLike,
        neighbours: Neighbours | None = None,
        lookup: Callable[[Integers], int | None] | None = None,
    ) -> None:
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
        self.neighbours = hamming_neighbours(given) if neighbours is None else neighbours
        if len(self.neighbours) != len(given):
            raise InputError(
                f"there are neighbours of {len(self.neighbours)} architectures and codes of {len(given)}; "
                "give a list of neighbours, if an empty one, for each architecture"
            )
        self.lookup = lookup

    def index(self, codes: Integers) -> int | None:
        """The architecture that `codes`, (d,), describe, or None."""
        if self.lookup is not None:
            return self.lookup(codes)
        distances = self.distances(codes)
        first = int(distances.argmin())
        return first if distances[first] == 0 else None

    @property
    def vectors(self) -> VectorCandidates:
        """Each choice one-hot."""
        columns = zip(self.cardinalities, self.positions.T, strict=True)
        vectors = VectorCandidates(np.concatenate([np.eye(count)[column] for count, column in columns], axis=1))
        return vectors if self.classes is None else vectors.each_class_once(self.classes)

    def from_unit_cube(self, position: Floats) -> Integers:
        """Each axis is cut into as many equal bins as its column has choices: (d,) codes."""
        counts = np.asarray(self.cardinalities)
        codes: Integers = np.minimum((position * counts).astype(np.int64), counts - 1)
        return codes

    def distances(self, query: ArrayLike) -> NDArray[np.int16]:
        """Hamming distances, (n,)."""
        differs = np.not_equal(self.positions.T, np.asarray(query, dtype=self.positions.dtype)[:, None])
        counts: NDArray[np.int16] = differs.sum(axis=0, dtype=np.int16)
        return counts


BOXES: tuple[type[ContinuousCandidates] | type[CategoricalCandidates], ...] = (
    ContinuousCandidates,
    CategoricalCandidates,
)
"""The kinds that have a box to propose in."""


def of_kind(candidates: Candidates, kinds: tuple[type[_Kind], ...], method: str) -> _Kind:
    """The `candidates`, if they are of one of the `kinds` that a method can search.

    Raises
    ------
    InputError
        If they are of another kind.
    """
    if not isinstance(candidates, kinds):
        names = " or ".join(kind.__name__ for kind in kinds)
        raise InputError(f"method {method} searches {names}, not {type(candidates).__name__}; give those")
    return candidates
