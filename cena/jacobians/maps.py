"""A data Jacobian as readings take it: each row an image of its own, of length one, and what several readings share.

With J_i the gradient at data point i, as an image of shape (channels, r, r), a reading sees the rows Y_i = J_i / |J_i|.
A row of zeros stays one. All is computed in float64 after division by the largest magnitude in J, so that nothing
underflows: gradients may be as small as float32 has them.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from cena.errors import InputError
from cena.types import Floats, Integers

RINGS = (0.0, 0.5, *(k + 0.5 for k in range(1, 17)), 32.5, 64.5, np.inf)
"""Limits, in cycles an image, of the rings that radial readings sum over: about 0, 1, ..., 16, to 32, to 64, above.

They do not depend on the resolution r. Frequencies go up to r / 2 along an axis: with few pixels the last are empty.
"""

LIKENESS_BINS = 16
"""Of pairs of images, by how alike they are."""


@dataclass(frozen=True, eq=False)
class JacobianMaps:
    """One Jacobian, not all zero, and the images it was taken at; made by :func:`jacobian_maps`.

    Parameters
    ----------
    scale : the largest magnitude in the Jacobian, which has the unit of a gradient: outputs a pixel value.
    gram : (points, points) products X X^T of the rows of X, the Jacobian divided by its scale.
    rows : (points, channels, r, r) the rows Y_i.
    likeness_bins : see :func:`likeness_bins`.
    """

    scale: float
    gram: Floats
    rows: Floats
    likeness_bins: Integers

    @cached_property
    def channel_power(self) -> Floats:
        """(channels, r, r // 2 + 1) mean over points of the squared magnitude of each channel's Fourier transform."""
        magnitudes: Floats = self.transforms.real**2 + self.transforms.imag**2
        return np.asarray(magnitudes.mean(axis=0))

    @cached_property
    def transforms(self) -> NDArray[np.complex128]:
        """(points, channels, r, r // 2 + 1) two-dimensional Fourier transform of each channel of each row."""
        return np.asarray(fft.rfft2(self.rows))

    @cached_property
    def pixel_energy(self) -> Floats:
        """(points, r, r) the sum over channels of Y_i squared; sums to one for each point whose row is not zero."""
        return np.asarray(np.einsum("nchw,nchw->nhw", self.rows, self.rows))

    @cached_property
    def energy(self) -> Floats:
        """(r, r) the energy map: the mean over points of their pixels' energies, divided by its own mean."""
        mean = self.pixel_energy.mean(axis=0)
        return np.asarray(mean / mean.mean())


def jacobian_maps(jacobian: NDArray[np.floating], images: NDArray[np.floating], bins: Integers) -> JacobianMaps:
    """A Jacobian prepared for reading.

    Parameters
    ----------
    jacobian : (points, channels * r * r) finite, not all zero.
    images : (points, channels, r, r) where it was taken.
    bins : their :func:`likeness_bins`.

    Raises
    ------
    InputError
        If the shapes do not belong together, or the Jacobian is zero or not finite.
    """
    if images.ndim != 4 or images.shape[2] != images.shape[3] or jacobian.shape != (len(images), images[0].size):
        raise InputError(
            f"a Jacobian of shape {jacobian.shape} and images of shape {images.shape} do not belong together: "
            "expected (points, channels * r * r) and (points, channels, r, r)"
        )
    scale = float(np.abs(jacobian).max())
    if not 0 < scale < np.inf:
        raise InputError("the Jacobian is zero or not finite and has no readings: mark such a view as not usable")
    scaled = jacobian.astype(np.float64) / scale
    gram = scaled @ scaled.T
    lengths = np.sqrt(np.diag(gram))
    rows = scaled / np.where(lengths > 0, lengths, 1)[:, np.newaxis]
    return JacobianMaps(scale, gram, rows.reshape(images.shape), bins)


def likeness_bins(images: NDArray[np.floating]) -> Integers:
    """Which of 16 equally large bins each pair of images is in, by the correlation of their pixels, least alike first.

    Parameters
    ----------
    images : (points, channels, r, r); an image of one grey level correlates with nothing.

    Returns
    -------
    (points * (points - 1) / 2,) for the pairs i < j in the order of ``numpy.triu_indices``.
    """
    pixels = images.reshape(len(images), -1).astype(np.float64)
    centred = pixels - pixels.mean(axis=1, keepdims=True)
    alike = pairs_of(cosines(centred @ centred.T))
    ranks = np.empty(len(alike), dtype=np.int64)
    ranks[np.argsort(alike, kind="stable")] = np.arange(len(alike))
    return ranks * LIKENESS_BINS // max(len(alike), 1)


def mean_in_bins(values: Floats, bins: Integers) -> Floats:
    """(16,) the mean of the values in each likeness bin; 0 in a bin that is empty, as with fewer than seven images."""
    totals = np.bincount(bins, values, minlength=LIKENESS_BINS)
    return np.asarray(totals / np.maximum(np.bincount(bins, minlength=LIKENESS_BINS), 1))


def cosines(gram: Floats) -> Floats:
    """(n, n) the cosines between vectors, from their Gram matrix; 0 with a vector of zeros."""
    lengths = np.sqrt(np.diag(gram))
    inverse = np.where(lengths > 0, 1 / np.where(lengths > 0, lengths, 1), 0)
    return np.asarray(gram * np.outer(inverse, inverse))


def pairs_of(matrix: Floats) -> Floats:
    """(n * (n - 1) / 2,) the entries i < j of a symmetric matrix (n, n), row by row."""
    return np.asarray(matrix[np.triu_indices(len(matrix), 1)])


def ring_sums(values: Floats) -> Floats:
    """Sums over rings of equal frequency, see :data:`RINGS`.

    Parameters
    ----------
    values : (..., r, r // 2 + 1) real, at the frequencies of ``numpy.fft.rfft2`` of a real image; those that it leaves
        out for symmetry are counted.

    Returns
    -------
    (..., rings).
    """
    resolution = values.shape[-2]
    down = np.fft.fftfreq(resolution, 1 / resolution)
    right = np.arange(values.shape[-1])
    ring = np.searchsorted(RINGS, np.hypot(down[:, np.newaxis], right).ravel(), side="right") - 1
    counted = np.where((right > 0) & (2 * right != resolution), 2.0, 1.0)
    weighted = (values * counted).reshape(*values.shape[:-2], ring.size)
    return np.asarray(weighted @ np.eye(len(RINGS) - 1)[ring])


def pooled(image: ArrayLike, cells: int) -> Floats:
    """(cells, cells) means of a square image (r, r) over equal squares, whose borders may run through pixels."""
    array = np.asarray(image, dtype=np.float64)
    resolution = len(array)
    limits = np.arange(cells + 1) * resolution / cells
    pixel = np.arange(resolution)
    overlap = np.minimum(limits[1:, np.newaxis], pixel + 1) - np.maximum(limits[:-1, np.newaxis], pixel)
    weights = np.clip(overlap, 0, None) * cells / resolution
    return np.asarray(weights @ array @ weights.T)
