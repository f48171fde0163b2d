"""Which architectures are one edit apart, for methods that move from one to the next.

The lists are computed once for a space and kept as two arrays, which are cheap to index and to send to other processes.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

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

    For each column, those that agree in all others form a group, and every two of a group are neighbours: only
    neighbours are ever compared.

    Parameters
    ----------
    codes : (n, d) integers.
    """
    table = np.asarray(codes)
    everyone, joined = np.arange(len(table)), csr_array((len(table), len(table)), dtype=np.int64)
    for column in range(table.shape[1]):
        group = np.unique(np.delete(table, column, axis=1), axis=0, return_inverse=True)[1]
        members = csr_array((np.ones_like(everyone), (everyone, group)))
        joined += members @ members.T
    joined.setdiag(0)
    joined.eliminate_zeros()
    joined.sort_indices()
    return Neighbours(joined.indptr.astype(np.int64), joined.indices.astype(np.int64))
