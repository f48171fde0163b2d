"""How much the neighbours of an architecture say about it: what a search that goes by distances can know.

Neighbours of the same class are left out: they compute the same function and share their place in the embedding, so
that they say nothing about others.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from cena.errors import InputError
from cena.evaluate import kendall
from cena.types import Floats, Integers

TOP = 0.05
"""The share of the space that counts as its best."""

BEST = 50
"""The architectures whose neighbours should be good."""


def nearest_others(
    distances_from: Callable[[int], Floats], asked: ArrayLike, classes: ArrayLike, count: int, seed: int
) -> Integers:
    """(m, count) the nearest architectures of other classes, in no order; equal distances by one random order.

    Parameters
    ----------
    distances_from : of an architecture to all n, (n,).
    asked : (m,) architectures.
    classes : (n,) the class of each architecture.
    count : how many, at least 1.
    seed : of that order.

    Raises
    ------
    InputError
        If fewer architectures than `count` are of other classes than one that is asked for.
    """
    groups = np.asarray(classes)
    names, sizes = np.unique(groups, return_counts=True)
    others = len(groups) - sizes[np.searchsorted(names, groups[np.asarray(asked)])].max(initial=0)
    if not 1 <= count <= others:
        raise InputError(
            f"{count} neighbours of other classes are asked for, and there are {others} for the largest class; "
            f"give a number from 1 to {others}, or more architectures"
        )
    ties = 1e-9 * np.random.default_rng(seed).random(len(groups))
    rows = [
        np.argpartition(np.where(groups == groups[one], np.inf, distances_from(one) + ties), count)[:count]
        for one in np.asarray(asked).tolist()
    ]
    return np.array(rows, dtype=np.int64)


def the_best(accuracy: ArrayLike) -> Integers:
    """The best :data:`TOP` of the space by accuracy, (n,)."""
    return np.flatnonzero(rankdata(-np.asarray(accuracy)) <= TOP * np.size(accuracy))


def rated_neighbours(
    accuracy: ArrayLike, asked: ArrayLike, neighbours: Mapping[str, Integers], sample: ArrayLike
) -> pd.DataFrame:
    """How well neighbourhoods tell accuracy, a row for each geometry.

    Columns: geometry; tau_all and tau_top, Kendall's tau between the accuracy of an architecture and the mean of its
    neighbours, over `sample` and over the best :data:`TOP` of the space; best_in_top, the percentage of the
    neighbours of the best :data:`BEST` that are in it; best_median_rank, their median rank by accuracy, 1 the best.

    Parameters
    ----------
    accuracy : (n,) in percent, of the whole space.
    asked : (m,) architectures: all of `sample` and of :func:`the_best`, in any order.
    neighbours : (m, count) by geometry, see :func:`nearest_others`.
    sample : architectures that stand for all.
    """
    report = np.asarray(accuracy, dtype=np.float64)
    rank = rankdata(-report)
    top, best = the_best(report), np.argsort(rank, kind="stable")[:BEST]
    row = np.full(len(report), -1)
    row[np.asarray(asked)] = np.arange(np.size(asked))
    rows = []
    for geometry, close in neighbours.items():
        around, of_best = report[close].mean(axis=1), close[row[best]]
        tau_all, tau_top = (kendall(around[row[these]], report[these]) for these in (np.asarray(sample), top))
        in_top = 100 * float(np.isin(of_best, top).mean())
        rows.append((geometry, tau_all, tau_top, in_top, float(np.median(rank[of_best]))))
    return pd.DataFrame(rows, columns=["geometry", "tau_all", "tau_top", "best_in_top", "best_median_rank"])


_TOP = f"best {TOP:.0%}".replace("%", " %")
RATED = ("neighbours in", "τ, all", f"τ, {_TOP}", f"of the best {BEST}: neighbours in the {_TOP}", "their median rank")
"""What the columns of :func:`rating_rows` are called."""


def rating_rows(rated: pd.DataFrame) -> list[tuple[str, ...]]:
    """The rows of :func:`rated_neighbours` as text."""
    return [
        (
            str(row.geometry),
            f"{row.tau_all:.2f}",
            f"{row.tau_top:.2f}",
            f"{row.best_in_top:.0f} %",
            f"{row.best_median_rank:.0f}",
        )
        for row in rated.itertuples()
    ]
