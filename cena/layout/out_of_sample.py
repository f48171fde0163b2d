"""The place of a new architecture in a finished layout: the same objectives, with all other points held where they are.

First the plane (paper eq. 4): the position y of a new embedding z that minimises the mean over known architectures i of

    | |y - y_i| - (1 - cos(z, z_i)) |.

Then the square (eq. 5): the new point joins the transport with a mass that goes to 0. Its Laguerre cell then shrinks to
the place x of the square where it first appears when its weight grows from -∞, the maximum over the square of

    min_i (|x - y_i|² - w_i) - |x - y|²,

a concave function, piecewise linear in x: a linear program. For y = y_i the maximum is taken on all of cell i.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog, minimize
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from cena.errors import InputError
from cena.layout.laguerre import LAYOUT, checked_points
from cena.layout.transport import to_unit_square
from cena.types import Floats

_STARTS = 8  # known architectures, nearest by cosine, at whose positions the descent starts


@dataclass(frozen=True)
class Place:
    """Where a new architecture comes to lie.

    Attributes
    ----------
    plane : (2,), its position beside those of the distance-preserving map.
    square : (2,), its place in the unit square.
    cell : the known point whose Laguerre cell holds that place; where several meet, the one nearest in the plane.
    """

    plane: Floats
    square: Floats
    cell: int


@LAYOUT
def place(new: NDArray[Any], embedding: NDArray[Any], plane: Floats, points: Floats, weights: Floats) -> Place:
    """Place a new embedding (d,) in the layout of n known ones, which do not move.

    A position outside the box of the known ones is moved to its border before it goes to the square.

    Parameters
    ----------
    new : (d,), not zero.
    embedding : (n, d), of the known architectures, no row zero.
    plane : (n, 2), their positions by :func:`cena.layout.distance_map`.
    points, weights : (n, 2) and (n,), of the Laguerre cells, the points from `plane` by
        :func:`cena.layout.to_unit_square` and :func:`cena.layout.separate`.

    Raises InputError for arrays that are not so.
    """
    n = len(embedding)
    if embedding.ndim != 2 or new.shape != embedding.shape[1:] or plane.shape != (n, 2) or not n:
        raise InputError(
            f"the new embedding has shape {new.shape}, the known ones {embedding.shape} and their positions "
            f"{plane.shape}: expected (d,), (n, d) and (n, 2)"
        )
    position = plane_position(_cosine_distances(new, embedding), plane)
    inside = np.clip(position, plane.min(axis=0), plane.max(axis=0))
    point = to_unit_square(np.vstack([plane, inside]))[-1]
    return Place(position, *square_position(point, points, weights))


def plane_position(distances: NDArray[Any], plane: Floats) -> Floats:
    """The position (2,) whose Euclidean distances to `plane` (n, 2) are nearest to `distances` (n,) in the mean.

    The objective has local minima: the descent (Nelder and Mead's, which needs no gradient) starts at several known
    positions and the best end is kept.
    """

    def distortion(position: Floats) -> float:
        return float(np.abs(np.hypot(*(plane - position).T) - distances).mean())

    scale = float(np.median(distances)) or 1.0
    ends = []
    for start in plane[np.argsort(distances, kind="stable")[:_STARTS]]:
        simplex = start + 0.1 * scale * np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        options = {"initial_simplex": simplex, "xatol": 1e-6 * scale, "fatol": 1e-9}
        ends.append(minimize(distortion, start, method="Nelder-Mead", options=options))
    best: Floats = min(ends, key=lambda end: float(end.fun)).x
    return best


def square_position(point: Floats, points: Floats, weights: Floats) -> tuple[Floats, int]:
    """Where in the unit square the cell of a new `point` (2,) first appears, and the known cell that holds the place.

    `points` (n, 2) and `weights` (n,) are those of the known Laguerre cells. Raises InputError for bad points.
    """
    points = checked_points(points)
    if weights.shape != (len(points),):
        raise InputError(f"weights have shape {weights.shape}, expected ({len(points)},), one for each point")
    # Maximise t with t <= 2 x·(y - y_i) + |y_i|² - |y|² - w_i for all i; coordinates are from the new point.
    apart = points - point
    constants = (apart**2).sum(axis=1) - weights
    constraints = np.column_stack([2 * apart, np.ones(len(points))])
    bounds = [(-point[0], 1 - point[0]), (-point[1], 1 - point[1]), (None, None)]
    with threadpool_limits(limits=1):
        solution = linprog([0, 0, -1], A_ub=constraints, b_ub=constants, bounds=bounds, method="highs")
    slack = constants - constraints @ solution.x
    meeting = np.flatnonzero(slack <= slack.min() + 1e-9)
    cell = int(meeting[np.argmin((apart[meeting] ** 2).sum(axis=1))])
    return np.clip(point + solution.x[:2], 0, 1), cell


def _cosine_distances(new: NDArray[Any], embedding: NDArray[Any]) -> Floats:
    rows, row = embedding.astype(np.float64), new.astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(row)
    if not (np.isfinite(lengths).all() and (lengths > 0).all()):
        raise InputError("an embedding is zero or not finite, so its cosine distances are undefined: leave it out")
    distances: Floats = 1 - rows @ row / lengths
    return distances
