"""Laguerre cells (the power diagram) of weighted points, clipped by the unit square.

The cell of point y_i with weight w_i holds the places x of the square where |x - y_i|² - w_i is smallest over i. Lift
each point to (y_i, |y_i|² - w_i): the facets of the lower convex hull of the lifted points are the vertices of the
diagram, and its ridges are the edges between two cells (Aurenhammer 1987, "Power diagrams").

The square is made by mirror images: a point and its image across a side, with equal weights, are separated by exactly
that side, and no image is nearer than its original to any place in the square. Only the points whose cells leave the
square need images, so the hull is computed twice: once to see which cells leave, once with their images.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array
from scipy.spatial import ConvexHull

from cena.errors import InputError
from cena.stages import Stage
from cena.types import Floats, Integers

LAYOUT = Stage("layout", version=1)
"""From the plane to the square: transport and Laguerre cells."""

# What is smaller is rounding: a vertex this far outside the square is no cell that leaves it, corners that agree to
# this many decimals are one corner.
_ROUNDING = 1e-12
_DECIMALS = 12


@dataclass(frozen=True)
class LaguerreCells:
    """The Laguerre cells of n weighted points, as m edges; an edge between two cells is listed once for each.

    Attributes
    ----------
    points : (n, 2), the points the cells belong to.
    owner : (m,), the cell an edge bounds.
    neighbour : (m,), the cell beyond the edge; -1 for a side of the square.
    distance : (m,), the distance from the owner's point to the neighbour's, or to its mirror image.
    ends : (m, 2, 2), the two end points of the edge, relative to the owner's point.
    fans : (m,), the signed area of the triangle that the edge spans with the owner's point. A point may lie outside
        its own cell, hence the sign; the triangles of a cell add up to the cell all the same.
    """

    points: Floats
    owner: Integers
    neighbour: Integers
    distance: Floats
    ends: Floats
    fans: Floats

    @cached_property
    def areas(self) -> Floats:
        """Areas of the cells (n,); an empty cell has area 0."""
        return self._sum(self.fans)

    @cached_property
    def centroids(self) -> Floats:
        """Centroids of the cells (n, 2); not a number for an empty cell."""
        moments = np.column_stack([self._sum(self.fans * self.ends[:, :, axis].sum(axis=1) / 3) for axis in (0, 1)])
        areas = np.where(self.areas > 0, self.areas, np.nan)
        return self.points + moments / areas[:, None]

    @cached_property
    def costs(self) -> Floats:
        """Cost of carrying each cell to its point (n,): the integral of |x - y_i|² over cell i."""
        start, end = self.ends[:, 0], self.ends[:, 1]
        return self._sum(self.fans * (start**2 + end**2 + start * end).sum(axis=1) / 6)

    def hessian(self) -> csr_array:
        """Derivatives of the areas by the weights, sparse (n, n): a graph Laplacian over neighbouring cells.

        The edge between cells i and j moves at the speed 1 / (2 |y_i - y_j|) when w_i grows, so the area of i gains its
        length times that speed, and the area of j loses as much.
        """
        inner = self.neighbour >= 0
        owner, neighbour = self.owner[inner], self.neighbour[inner]
        length = np.linalg.norm(self.ends[inner, 1] - self.ends[inner, 0], axis=1)
        speed = length / (2 * self.distance[inner])
        n = len(self.points)
        rows, columns = np.concatenate([owner, owner]), np.concatenate([owner, neighbour])
        return csr_array((np.concatenate([speed, -speed]), (rows, columns)), shape=(n, n))

    def polygons(self) -> list[Floats]:
        """Corners of each cell (k, 2), anticlockwise, for drawing; (0, 2) for an empty cell."""
        cell = np.repeat(self.owner, 2)
        corners: Floats = (self.ends + self.points[self.owner, None]).reshape(-1, 2)
        # Every corner ends two edges or more, and is wanted once; empty cells have degenerate edges at most.
        listed = np.column_stack([cell, corners.round(_DECIMALS)])[self.areas[cell] > 0]
        rows = np.unique(listed, axis=0)
        cell, corners = rows[:, 0].astype(np.int64), rows[:, 1:]
        spokes = corners - self.centroids[cell]
        order = np.lexsort((np.arctan2(spokes[:, 1], spokes[:, 0]), cell))
        ends = np.cumsum(np.bincount(cell, minlength=len(self.points)))
        return [corners[order[end - count : end]] for end, count in zip(ends, np.diff(ends, prepend=0), strict=True)]

    def _sum(self, values: Floats) -> Floats:
        sums: Floats = np.bincount(self.owner, values, minlength=len(self.points)).astype(np.float64)
        return sums


@LAYOUT
def laguerre_cells(points: ArrayLike, weights: Floats) -> LaguerreCells:
    """Compute the Laguerre cells of weighted points in the unit square.

    Parameters
    ----------
    points : (n, 2), strictly inside the unit square. Of those in one place with the same weight one has the cell.
    weights : (n,), in squared units of length; a larger weight makes a larger cell, equal weights the Voronoi diagram.

    A cell may be empty, where others cover all of it: its area is 0, its centroid not a number, its polygon has no
    corners. Raises InputError for points or weights that are not so.
    """
    points = checked_points(points)
    n = len(points)
    if weights.shape != (n,) or not np.isfinite(weights).all():
        raise InputError(f"weights have shape {weights.shape}, expected finite numbers ({n},), one for each point")
    # Coordinates from the centre keep the lifted heights, and with them the rounding, small.
    centred = points - 0.5
    mirrored = np.zeros(n, dtype=bool)
    mirrored[0] = True  # one point with its images spans space, so that the hull exists even for points on a line
    while True:
        imaged = np.flatnonzero(mirrored)
        sites = np.concatenate([centred, *_images(centred[imaged])])
        heights = (sites**2).sum(axis=1) - np.concatenate([weights, np.tile(weights[imaged], 4)])
        hull = ConvexHull(np.column_stack([sites, heights]))
        lower = hull.equations[:, 2] < -_ROUNDING
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            vertices = hull.equations[:, :2] / (-2 * hull.equations[:, 2:3])
        leaves = ~lower | (np.abs(vertices).max(axis=1) > 0.5 + _ROUNDING)
        leaving = np.unique(hull.simplices[leaves])
        leaving = leaving[leaving < n]
        if mirrored[leaving].all():
            break
        mirrored[leaving] = True

    # The ridge between facet f and its neighbour opposite corner k joins the two other corners of f.
    facet = np.repeat(np.arange(len(hull.simplices)), 3)
    across = hull.neighbors.ravel()
    one, other = hull.simplices[:, [1, 2, 0]].ravel(), hull.simplices[:, [2, 0, 1]].ravel()
    once = (facet < across) & lower[facet] & lower[across]
    owner, neighbour = np.concatenate([one[once], other[once]]), np.concatenate([other[once], one[once]])
    start, end = np.tile(facet[once], 2), np.tile(across[once], 2)
    inside = owner < n
    owner, neighbour, start, end = owner[inside], neighbour[inside], start[inside], end[inside]

    site = sites[owner]
    to_neighbour = sites[neighbour] - site
    distance = np.linalg.norm(to_neighbour, axis=1)
    ends = np.stack([vertices[start] - site, vertices[end] - site], axis=1)
    length = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
    height = (ends.sum(axis=1) * to_neighbour).sum(axis=1) / (2 * distance)
    neighbour = np.where(neighbour < n, neighbour, -1)
    return LaguerreCells(points, owner, neighbour, distance, ends, length * height / 2)


def checked_points(points: ArrayLike) -> Floats:
    """The points (n, 2) in double precision, which the areas need whatever the points come in.

    Raises InputError unless n > 0 and all are strictly inside the unit square.
    """
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise InputError(f"points have shape {points.shape}, expected (n, 2) with n > 0")
    outside = np.flatnonzero(~((points > 0) & (points < 1)).all(axis=1))
    if outside.size:
        place = points[outside[0]].tolist()
        raise InputError(
            f"point {outside[0]} at {place} is not strictly inside the unit square; use to_unit_square first"
        )
    return points


def _images(points: Floats) -> list[Floats]:
    """Mirror images (n, 2) across the left, right, lower and upper side of the square centred at the origin."""
    x, y = points.T
    return [np.column_stack(pair) for pair in ((-1 - x, y), (1 - x, y), (x, -1 - y), (x, 1 - y))]
