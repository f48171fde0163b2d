"""The distance-preserving map of an embedding into the plane (paper eq. 4).

Positions y_i in the plane are sought whose Euclidean distances are the cosine distances of the embedding:

    minimise the mean over pairs i < j of | |y_i - y_j| - (1 - cos(z_i, z_j)) |.

The paper says "gradient descent" and no more. We start from the two principal components of the normalised embedding
and take the steps of Adam (Kingma and Ba 2015), their length falling to 0 along a cosine. An epoch uses the pairs
within the blocks of a random partition of the points, so that the n x n distances are never held.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from cena.errors import InputError
from cena.stages import Stage
from cena.types import Floats

DISTANCE_MAP = Stage("distance-map", version=1)
"""From an embedding to the plane."""

_BLOCK = 512  # points
_EPOCHS = 150
_STEP = 0.3  # of the first epoch, in standard deviations of the start
_MEAN_DECAY, _SQUARE_DECAY = 0.9, 0.99  # Adam's averages of the gradient and of its square


@DISTANCE_MAP
def distance_map(embedding: NDArray[Any], seed: int) -> Floats:
    """Map an embedding (n, d) to centred positions (n, 2) that keep its cosine distances (paper eq. 4).

    Computed in single precision and on one thread: the same seed gives the same bytes, however many threads there are.
    Raises InputError for an embedding that is not (n, d), not finite, or has a row of zeros, whose cosine is undefined.
    """
    rows = _normalised(embedding).astype(np.float32)
    generator = np.random.default_rng(seed)
    with threadpool_limits(limits=1):
        positions = principal_start(embedding).astype(np.float32)
        step = _STEP * float(positions.std())
        mean, square = np.zeros_like(positions), np.zeros_like(positions)
        for epoch in range(_EPOCHS):
            # A point is in one block an epoch, so Adam's correction for the first steps counts epochs.
            correction = np.sqrt(1 - _SQUARE_DECAY ** (epoch + 1)) / (1 - _MEAN_DECAY ** (epoch + 1))
            length = step * (1 + np.cos(np.pi * epoch / _EPOCHS)) / 2 * correction
            for block in np.array_split(generator.permutation(len(rows)), max(1, round(len(rows) / _BLOCK))):
                gradient = distortion_gradient(positions[block], _cosine_distances(rows[block]))
                mean[block] = _MEAN_DECAY * mean[block] + (1 - _MEAN_DECAY) * gradient
                square[block] = _SQUARE_DECAY * square[block] + (1 - _SQUARE_DECAY) * gradient**2
                positions[block] -= np.float32(length) * mean[block] / (np.sqrt(square[block]) + np.float32(1e-12))
    centred = positions.astype(np.float64)
    centred -= centred.mean(axis=0)
    return centred


def principal_start(embedding: NDArray[Any]) -> Floats:
    """The two principal components (n, 2) of the normalised embedding, where :func:`distance_map` starts.

    They are scaled to fit the cosine distances of (at most) the first 512 points in the least-squares sense.
    """
    rows = _normalised(embedding)
    centred = rows - rows.mean(axis=0)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, :-3:-1]
    # An eigenvector's sign is arbitrary: make its largest entry positive.
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    components = np.zeros((len(rows), 2))
    components[:, : axes.shape[1]] = centred @ axes
    planar, target = _planar_distances(components[:_BLOCK]), _cosine_distances(rows[:_BLOCK])
    total = (planar**2).sum()
    return components * ((planar * target).sum() / total if total > 0 else 1.0)


@DISTANCE_MAP
def distance_distortion(embedding: NDArray[Any], positions: Floats, seed: int, pairs: int = 1_000_000) -> float:
    """The objective of eq. 4 at `positions` (n, 2), on about `pairs` pairs, or on all when there are no more.

    The pairs are those within random blocks of 1,024 points, which estimates the mean without bias.
    """
    rows = _normalised(embedding)
    if positions.shape != (len(rows), 2):
        raise InputError(f"positions have shape {positions.shape}, expected ({len(rows)}, 2) as the embedding has rows")
    n = len(rows)
    if n * (n - 1) // 2 <= pairs:
        return distortion(positions, _cosine_distances(rows))
    generator = np.random.default_rng(seed)
    size = min(n, 2 * _BLOCK)
    blocks = [generator.choice(n, size, replace=False) for _ in range(-(-2 * pairs // (size * (size - 1))))]
    return float(np.mean([distortion(positions[block], _cosine_distances(rows[block])) for block in blocks]))


def distortion(positions: NDArray[Any], distances: NDArray[Any]) -> float:
    """The mean over pairs i < j of | |y_i - y_j| - d_ij | (eq. 4), for positions (n, 2) and distances (n, n)."""
    n = len(positions)
    excess = np.abs(_planar_distances(positions) - distances)
    np.fill_diagonal(excess, 0)
    return float(excess.sum() / max(1, n * (n - 1)))


def distortion_gradient(positions: NDArray[Any], distances: NDArray[Any]) -> NDArray[Any]:
    """The gradient (n, 2) of :func:`distortion` by the positions; points that coincide do not move each other."""
    n = len(positions)
    planar = _planar_distances(positions)
    pull = np.sign(planar - distances)
    apart = planar > 0
    pull = np.divide(pull, planar, out=np.zeros_like(pull), where=apart)
    gradient = pull.sum(axis=1, keepdims=True) * positions - pull @ positions
    scaled: NDArray[Any] = gradient * positions.dtype.type(2 / max(1, n * (n - 1)))
    return scaled


def _planar_distances(positions: NDArray[Any]) -> NDArray[Any]:
    horizontal, vertical = (np.subtract.outer(axis, axis) for axis in positions.T)
    distances: NDArray[Any] = np.sqrt(horizontal**2 + vertical**2)
    return distances


def _cosine_distances(rows: NDArray[Any]) -> NDArray[Any]:
    distances: NDArray[Any] = 1 - rows @ rows.T
    return distances


def _normalised(embedding: NDArray[Any]) -> Floats:
    if embedding.ndim != 2 or not embedding.size:
        raise InputError(f"embedding has shape {embedding.shape}, expected (n, d) with n > 0 and d > 0")
    rows = embedding.astype(np.float64)
    norms = np.linalg.norm(rows, axis=1)
    undefined = np.flatnonzero(~(np.isfinite(norms) & (norms > 0)))
    if undefined.size:
        raise InputError(
            f"embedding row {undefined[0]} ({undefined.size} in all) is zero or not finite, so its cosine distances "
            "are undefined; leave such rows out"
        )
    normalised: Floats = rows / norms[:, None]
    return normalised
