"""Semi-discrete optimal transport from the uniform measure on the unit square to points (paper eq. 5), exactly.

Every point must receive its mass from the nearest part of the square, in the sense of least total squared distance.
The optimal plan sends each Laguerre cell to its point, with weights w that maximise the concave dual

    K(w) = Σ_i ∫_{cell i} (|x - y_i|² - w_i) dx + Σ_i m_i w_i,     ∂K/∂w_i = m_i - area of cell i,

so that the areas equal the masses. The paper solves this by averaged stochastic gradients (:mod:`.stochastic`); we
use the damped Newton method of Kitagawa, Mérigot and Thibert (2019, "Convergence of a Newton algorithm for
semi-discrete optimal transport"), which reaches machine precision, and in far less time.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse.linalg import splu
from scipy.spatial import KDTree

from cena.errors import InputError
from cena.layout.laguerre import LAYOUT, LaguerreCells, checked_points, laguerre_cells
from cena.types import Floats, Integers

# Points closer than this cannot be told apart: the edge between their cells moves by 1 / (2 distance) times the
# rounding of a weight, which would be more than the areas may be wrong.
_SMALLEST_DISTANCE = 1e-6
_SMALLEST_STEP = 2.0**-30
_SEPARATION = 1e-5  # what `separate` puts between points
_UNEVEN = 1e6  # a factor between masses that the areas of cells cannot follow
_MARGIN = 0.05  # of the square, on every side


@dataclass(frozen=True)
class Transport:
    """The optimal transport of the uniform measure on the unit square to n points.

    Attributes
    ----------
    weights : (n,), of the Laguerre cells, with mean 0.
    areas : (n,), of the cells: the masses, to the tolerance asked for.
    centroids : (n, 2), of the cells: the paper's layout coordinates.
    iterations : Newton (or stochastic gradient) steps taken.
    cost : the squared Wasserstein-2 distance.
    """

    weights: Floats
    areas: Floats
    centroids: Floats
    iterations: int
    cost: float


@LAYOUT
def transport(points: ArrayLike, masses: Floats | None = None, tolerance: float = 1e-9) -> Transport:
    """Transport the uniform measure on the unit square to `points` (paper eq. 5).

    Parameters
    ----------
    points : (n, 2), strictly inside the unit square (:func:`to_unit_square`) and distinct (:func:`separate`).
    masses : (n,), positive, divided by their sum; 1 / n each when None.
    tolerance : largest relative error |area - mass| / mass, above 0.

    Raises InputError for points, masses or a tolerance that are not so, and RuntimeError where rounding keeps the areas
    from the tolerance.
    """
    if not tolerance > 0:
        raise InputError(f"the tolerance is {tolerance}: expected a number above 0, for areas are never exact")
    points = checked_points(points)
    _check_distinct(points)
    masses = normalised_masses(masses, len(points))
    weights = np.zeros(len(points))
    cells = laguerre_cells(points, weights)
    # Newton's method is safe while no cell gets empty: this floor stays below every step's areas.
    floor = min(cells.areas.min(), masses.min()) / 2
    iterations, step = 0, 1.0
    while (worst := np.abs(cells.areas / masses - 1).max()) > tolerance:
        direction = _newton_direction(cells, masses)
        error = np.linalg.norm(cells.areas - masses)
        # Kitagawa, Mérigot and Thibert halve from 1 every time; starting at twice the last step halves the work.
        step = min(1.0, 2 * step)
        while True:
            trial = laguerre_cells(points, weights + step * direction)
            if trial.areas.min() >= floor and np.linalg.norm(trial.areas - masses) <= (1 - step / 2) * error:
                break
            step /= 2
            if step < _SMALLEST_STEP:
                raise RuntimeError(
                    f"transport stops at a relative mass error of {worst:.1e}, short of {tolerance:.1e}: "
                    f"{_reason(points, masses)}"
                )
        weights, cells = weights + step * direction, trial
        iterations += 1
    return Transport(weights - weights.mean(), cells.areas, cells.centroids, iterations, float(cells.costs.sum()))


def _reason(points: Floats, masses: Floats) -> str:
    """Why rounding may have kept the areas from the tolerance, and what to do."""
    closest = _nearest(points)[0].min()
    if closest < _SEPARATION / 2:
        return f"two points are {closest:.0e} apart; use separate first"
    uneven = masses.max() / masses.min()
    if uneven > _UNEVEN:
        return f"masses differ by a factor of {uneven:.0e}; even them out or ask for a larger tolerance"
    return f"the closest points are {closest:.0e} apart; ask for a larger tolerance"


def _newton_direction(cells: LaguerreCells, masses: Floats) -> Floats:
    """Change of the weights (n,) that makes the areas equal the masses to first order, keeping the first weight."""
    # All weights may shift together, so the first is held; what remains is positive definite.
    hessian = cells.hessian()[1:, 1:].tocsc()
    solver = splu(hessian, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    direction = np.zeros(len(masses))
    direction[1:] = solver.solve((masses - cells.areas)[1:])
    return direction


def normalised_masses(masses: Floats | None, n: int) -> Floats:
    """Masses (n,) that sum to 1, equal ones for None; raises InputError unless there are n, positive and finite."""
    if masses is None:
        return np.full(n, 1 / n)
    if masses.shape != (n,) or not (np.isfinite(masses).all() and (masses > 0).all()):
        raise InputError(f"masses have shape {masses.shape}, expected ({n},) with every mass positive and finite")
    normalised: Floats = masses / masses.sum()
    return normalised


def _check_distinct(points: Floats) -> None:
    if len(points) == 1:
        return
    nearest, neighbours = _nearest(points)
    if nearest.min() < _SMALLEST_DISTANCE:
        first = int(np.argmax(nearest < _SMALLEST_DISTANCE))
        second = next(index for index in neighbours[first] if index != first)
        raise InputError(
            f"points {first} and {second} are {nearest[first]:.1e} apart, expected at least "
            f"{_SMALLEST_DISTANCE:.0e}; use separate first"
        )


def _nearest(points: Floats) -> tuple[Floats, Integers]:
    """The distance (n,) of each of two or more points to the nearest other, and the two nearest of each (n, 2)."""
    distances, neighbours = KDTree(points).query(points, k=2)
    return distances[:, 1], neighbours


@LAYOUT
def to_unit_square(positions: ArrayLike) -> Floats:
    """Map positions (n, 2) from anywhere in the plane into the unit square, as large as a margin of 0.05 allows.

    Both axes are scaled alike, so that the distances of the first layout step (eq. 4) stay in proportion; the shorter
    side of the bounding box is centred. Positions that all coincide go to the centre.
    """
    positions = np.asarray(positions, dtype=np.float64)
    if positions.ndim != 2 or positions.shape[1] != 2 or not len(positions) or not np.isfinite(positions).all():
        raise InputError(f"positions have shape {positions.shape}, expected finite numbers (n, 2) with n > 0")
    low, high = positions.min(axis=0), positions.max(axis=0)
    extent = float((high - low).max())
    scale = (1 - 2 * _MARGIN) / extent if extent > 0 else 1.0
    points: Floats = 0.5 + scale * (positions - (low + high) / 2)
    return points


@LAYOUT
def separate(points: ArrayLike, seed: int) -> Floats:
    """Points (n, 2) of the unit square of which no two are closer than 1e-5; the others stay where they are.

    Points too close to another, such as the equal embeddings of dead networks, are moved at random, at first by about
    that distance and from round to round further, until there is room for all of them. Raises InputError for points not
    strictly inside the square.
    """
    points = checked_points(points)
    generator = np.random.default_rng(seed)
    separated = points.copy()
    radius = _SEPARATION
    while len(points) > 1:
        nearest, _ = _nearest(separated)
        close = np.flatnonzero(nearest < _SEPARATION)
        if not close.size:
            break
        moved = points[close] + radius * generator.standard_normal((len(close), 2))
        separated[close] = np.clip(moved, _SEPARATION, 1 - _SEPARATION)
        radius *= 1.1
    return separated
