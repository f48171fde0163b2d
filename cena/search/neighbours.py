"""Which architectures are one edit apart, for methods that move from one to the next.

The lists are computed once for a space and kept as two arrays, which are cheap to index and to send to other processes.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cena.errors import InputError
from cena.types import Integers


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The neighbours of each of n architectures, lists of any lengths laid end to end.

    Attributes
    ----------
    starts : (n + 1,) the neighbours of architecture i are `members[starts[i] : starts[i + 1]]`.
    members : (number of neighbours in all,) architectures.
    """

    starts: Integers
    members: Integers

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, architecture: int) -> Integers:
        """The neighbours of one architecture."""
        return self.members[self.starts[architecture] : self.starts[architecture + 1]]

    @classmethod
    def of(cls, lists: Iterable[ArrayLike]) -> "Neighbours":
        """From one list of architectures, perhaps empty, for each architecture.

        Raises
        ------
        InputError
            If a neighbour is no architecture, or an architecture is its own neighbour.
        """
        arrays = [np.asarray(members, dtype=np.int64).ravel() for members in lists]
        starts = np.cumsum([0, *map(len, arrays)], dtype=np.int64)
        members = np.concatenate([np.empty(0, dtype=np.int64), *arrays])
        wrong = (members < 0) | (members >= len(arrays))
        wrong |= members == np.repeat(np.arange(len(arrays)), np.diff(starts))
        if wrong.any():
            place = int(np.flatnonzero(wrong)[0])
            owner = int(np.searchsorted(starts, place, side="right")) - 1
            raise InputError(
                f"architecture {owner} of {len(arrays)} has neighbour {members[place]}; "
                "give other architectures, counted from 0"
            )
        return cls(starts, members)


def hamming_neighbours(codes: ArrayLike) -> Neighbours:
    """The architectures whose codes differ in at most one column, in ascending order.

    Two architectures are neighbours if they agree in all columns but one. So for each column, those that agree in all
    others are gathered in a hash map, and every two of them are neighbours: only neighbours are ever compared.

    Parameters
    ----------
    codes : (n, d) integers.
    """
    table = np.asarray(codes)
    total, columns = table.shape
    pairs = []
    for column in range(columns):
        group = _groups(np.delete(table, column, axis=1))
        order = np.argsort(group, kind="stable")
        size = np.bincount(group)
        start = np.cumsum(size) - size
        first = np.repeat(order, size[group[order]])
        ends = np.cumsum(size[group[order]])
        rank = np.arange(len(first)) - np.repeat(ends - size[group[order]], size[group[order]])
        second = order[start[group[first]] + rank]
        pairs.append((first * total + second)[first != second])
    unique = np.unique(np.concatenate(pairs))
    starts = np.searchsorted(unique, np.arange(total + 1) * total)
    return Neighbours(starts.astype(np.int64), unique % total)


def _groups(rows: NDArray[np.integer]) -> Integers:
    """(n,) for each row the number of its group of equal rows, in order of first appearance."""
    numbers: dict[bytes, int] = {}
    return np.array([numbers.setdefault(row.tobytes(), len(numbers)) for row in rows], dtype=np.int64)
