"""The paper's own solver of eq. 5: averaged stochastic gradient ascent on the dual, in two layers.

After Leclaire and Rabin (2019), "A fast multi-layer approximation to semi-discrete optimal transport": places x are
drawn from the square, each step moves the weights along the stochastic gradient m_i - [x in cell i] by C / √t, where C
is the area that is divided, and the average over all steps is returned (Polyak and Juditsky 1992). For many points this
is slow, hence layers: K-means clusters are transported to first, then the points of each cluster from the cluster's own
Laguerre cell.

It is here to be faithful and to be compared. :func:`cena.layout.transport.transport` is exact and faster.
"""

from collections.abc import Iterator

import numpy as np
from sklearn.cluster import KMeans

from cena.errors import InputError
from cena.layout.laguerre import LAYOUT, checked_points
from cena.layout.transport import Transport, normalised_masses
from cena.types import Floats, Integers

_BATCH = 64  # places drawn a step; Leclaire and Rabin draw one
_SAMPLES = 500  # places drawn a point to measure the areas and centroids of the result


@LAYOUT
def stochastic_transport(
    points: Floats,
    seed: int,
    masses: Floats | None = None,
    clusters: int = 1,
    steps: int = 4000,
) -> Transport:
    """Transport the uniform measure on the unit square to `points`, approximately (paper eq. 5 and section 4.1).

    Parameters
    ----------
    points : (n, 2), strictly inside the unit square.
    masses : (n,), positive, divided by their sum; 1 / n each when None.
    clusters : number of K-means clusters in the upper layer, 1 to n; 1 is the single-layer algorithm. Leclaire and
        Rabin permit more than two layers.
    steps : stochastic gradient steps, in either layer for every cluster.

    In the result areas, centroids and cost are Monte Carlo estimates, a cell that no sample fell into has area 0 and a
    centroid that is not a number, and the weights are those of the points within their own cluster.
    Raises InputError for bad points, masses or clusters.
    """
    points = checked_points(points)
    n = len(points)
    if not 1 <= clusters <= n:
        raise InputError(f"clusters is {clusters}, expected 1 to {n}, the number of points")
    masses = normalised_masses(masses, n)
    generator = np.random.default_rng(seed)
    label = (
        KMeans(clusters, n_init=1, random_state=seed).fit(points).labels_ if clusters > 1 else np.zeros(n, dtype=int)
    )
    upper_masses = np.bincount(label, masses).astype(np.float64)
    centres = np.column_stack([np.bincount(label, masses * axis) for axis in points.T]) / upper_masses[:, None]
    upper_weights = _ascend(centres, upper_masses, generator.random((steps * _BATCH, 2)), 1.0)

    weights = np.zeros(n)
    for cluster, places in _divide(generator.random((clusters * steps * _BATCH, 2)), centres, upper_weights):
        members = label == cluster
        mass = upper_masses[cluster]
        weights[members] = _ascend(points[members], masses[members] / mass, places, mass)

    cell = np.empty(n * _SAMPLES, dtype=int)
    samples = generator.random((n * _SAMPLES, 2))
    upper_cell = _cells(samples, centres, upper_weights)
    for cluster in range(clusters):
        members, inside = np.flatnonzero(label == cluster), upper_cell == cluster
        cell[inside] = members[_cells(samples[inside], points[members], weights[members])]
    hits = np.bincount(cell, minlength=n)
    sums = np.column_stack([np.bincount(cell, axis, minlength=n) for axis in samples.T])
    centroids = sums / np.where(hits > 0, hits, np.nan)[:, None]
    cost = float(((samples - points[cell]) ** 2).sum(axis=1).mean())
    return Transport(weights, hits / len(samples), centroids, steps, cost)


def _ascend(points: Floats, masses: Floats, places: Floats, step_size: float) -> Floats:
    """Averaged weights (k,) after one step for every _BATCH of `places` (s, 2), drawn from the measure to transport."""
    weights, average = np.zeros(len(points)), np.zeros(len(points))
    for step in range(1, len(places) // _BATCH + 1):
        hit = _cells(places[(step - 1) * _BATCH : step * _BATCH], points, weights)
        gradient = masses - np.bincount(hit, minlength=len(points)) / _BATCH
        weights += step_size / np.sqrt(step) * gradient
        average += (weights - average) / step
    average -= average.mean()
    return average


def _divide(places: Floats, centres: Floats, weights: Floats) -> Iterator[tuple[int, Floats]]:
    """Each cluster with those of the `places` (s, 2) that lie in its Laguerre cell."""
    cell = _cells(places, centres, weights)
    order = np.argsort(cell, kind="stable")
    ends = np.cumsum(np.bincount(cell, minlength=len(centres)))[:-1]
    yield from enumerate(np.split(places[order], ends))


def _cells(places: Floats, points: Floats, weights: Floats) -> Integers:
    """The point (s,) in whose Laguerre cell each of the `places` (s, 2) lies."""
    cell = np.empty(len(places), dtype=np.int64)
    offsets = (points**2).sum(axis=1) - weights
    for start in range(0, len(places), 4096):  # bounds the memory
        chunk = slice(start, start + 4096)
        cell[chunk] = (offsets - 2 * places[chunk] @ points.T).argmin(axis=1)
    return cell
