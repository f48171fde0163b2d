"""Readings: what of a Jacobian an encoder is given.

The paper's EPDJM keeps which images and how strongly (U and S of X = U S V^T) and drops where in the image (V), and the
signs of its columns are arbitrary. The readings here are statistics of the whole Jacobian that do not change with what
means nothing. Each is a function from a prepared Jacobian (:class:`cena.jacobians.maps.JacobianMaps`) to numbers, most
of them natural logarithms, without unit unless said. Y_i are its rows, of length one, as images.

What a reading does not change with:

``factors`` : which singular vectors stand for the Jacobian: their signs, and their rotation where singular values are
    equal. All readings have this, being functions of the Jacobian itself.
``order`` : the order of the data points.
``scale`` : a factor of the whole Jacobian.
``signs`` : a sign of each row.
``rotation`` : any orthogonal matrix from the left, which mixes the points.
``resolution`` : not the values, but their number does not change with the height and width of the images (as long as
    they have more pixels than there are points).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import comb

import numpy as np
from numpy.typing import NDArray

from cena.errors import InputError, unknown
from cena.jacobians.maps import (
    LIKENESS_BINS,
    RINGS,
    JacobianMaps,
    cosines,
    jacobian_maps,
    likeness_bins,
    mean_in_bins,
    pairs_of,
    pooled,
    ring_sums,
)
from cena.stages import Stage
from cena.types import Floats, Integers
from cena.view_arrays import log_singular_values

READING = Stage("readings", version=1)
"""What is read of a Jacobian."""

POOLED_CELLS = 8
"""Height and width of the pooled energy map."""

QUANTILES = 21
"""From the least to the greatest magnitude."""


@dataclass(frozen=True)
class JacobianSize:
    """The numbers that a Jacobian's shape (points, channels * resolution * resolution) is made of."""

    points: int
    resolution: int
    channels: int

    @property
    def values(self) -> int:
        """How many singular values it has."""
        return min(self.points, self.channels * self.resolution**2)

    @property
    def frequencies(self) -> int:
        """How many of the image's spatial frequencies a real transform has."""
        return self.resolution * (self.resolution // 2 + 1)

    @property
    def pairs(self) -> int:
        """How many pairs of channels there are."""
        return comb(self.channels, 2)


@dataclass(frozen=True)
class Reading:
    """A reading and what is known of it.

    Parameters
    ----------
    name : what stores and embeddings call it.
    function : from a prepared Jacobian to a vector, in float64.
    length : of that vector.
    invariances : what it does not change with; see the module.
    """

    name: str
    function: Callable[[JacobianMaps], Floats]
    length: Callable[[JacobianSize], int]
    invariances: frozenset[str]


def spectrum(maps: JacobianMaps) -> Floats:
    """Logarithms of the singular values of J, the largest first; those below 1e-6 of it count as that.

    In the unit of the gradients, before the logarithm.
    """
    squares = np.linalg.eigvalsh(maps.gram)[::-1][: maps.rows[0].size]
    return np.asarray(np.log(maps.scale) + log_singular_values(np.sqrt(squares.clip(0))))


def spatial_power(maps: JacobianMaps) -> Floats:
    """Logarithm of each spatial frequency's share of the power, (r, r // 2 + 1): how smooth gradients are.

    Power is the mean over points of the sum over channels of abs(FFT2(Y_i))^2; shares below 1e-7 count as that.
    """
    power = maps.channel_power.sum(axis=0)
    return _log_at_least(power / power.sum(), 1e-7)


def radial_power(maps: JacobianMaps) -> Floats:
    """Logarithm of each ring's share of the power; rings are those of `RINGS`, in cycles an image; at least 1e-7."""
    power = ring_sums(maps.channel_power.sum(axis=0))
    return _log_at_least(power / power.sum(), 1e-7)


def energy_map(maps: JacobianMaps) -> Floats:
    """Logarithm of each pixel's energy over the mean of all, (r, r): padding, strides and receptive fields show.

    Energy is the mean over points of the sum over channels of Y_i squared; below 1e-6 of the mean it counts as that.
    """
    return _log_at_least(maps.energy, 1e-6)


def pooled_energy(maps: JacobianMaps) -> Floats:
    """The energy map pooled to 8x8 before the logarithm: its coarse shape at any resolution."""
    return _log_at_least(pooled(maps.energy, POOLED_CELLS), 1e-6)


def energy_spectrum(maps: JacobianMaps) -> Floats:
    """Logarithm of the power of the energy map, (r, r // 2 + 1): its regular patterns, wherever they begin.

    Power is abs(FFT2(energy map, divided by its mean))^2 / r^4, which is 1 at frequency zero; at least 1e-12.
    """
    return _log_at_least(_energy_power(maps), 1e-12)


def radial_energy_spectrum(maps: JacobianMaps) -> Floats:
    """Logarithm of the power of the energy map, as `energy_spectrum` has it, summed over each ring; at least 1e-12."""
    return _log_at_least(ring_sums(_energy_power(maps)), 1e-12)


def magnitudes(maps: JacobianMaps) -> Floats:
    """How unequal the entries of a row are: 21 quantiles of their magnitudes, then the participation of its pixels.

    The quantiles are the logarithms of those of all abs(Y_i), each divided by its row's mean; at least 1e-5. The
    participation ratio of a row is the share of pixels that would hold its energy e were they equal,
    1 / (r^2 sum e^2); its mean and standard deviation over points are given as logarithms; at least 1e-9.
    """
    sizes = np.abs(maps.rows).reshape(len(maps.rows), -1)
    means = sizes.mean(axis=1, keepdims=True)
    sizes /= np.where(means > 0, means, 1)
    ordered = np.sort(sizes, axis=None)  # and read off here: numpy.quantile takes several times as long
    places = np.linspace(0, len(ordered) - 1, QUANTILES)
    below, above = ordered[np.floor(places).astype(int)], ordered[np.ceil(places).astype(int)]
    quantiles = below + places % 1 * (above - below)
    crowding = np.einsum("nhw,nhw->n", maps.pixel_energy, maps.pixel_energy) * maps.energy.size
    participation = np.where(crowding > 0, 1 / np.where(crowding > 0, crowding, 1), 0)
    spread = np.array([participation.mean(), participation.std()])
    return np.concatenate([_log_at_least(quantiles, 1e-5), _log_at_least(spread, 1e-9)])


def likeness(maps: JacobianMaps) -> Floats:
    """Mean cosine between the gradients of two images, in 16 bins of how alike the images are, the least alike first.

    Images are alike as their pixels correlate. With fewer than seven images some bins are empty, and 0.
    """
    return mean_in_bins(pairs_of(cosines(maps.gram)), maps.likeness_bins)


def channel_energy(maps: JacobianMaps) -> Floats:
    """Logarithm of each colour channel's share of the energy, the mean over points; at least 1e-6."""
    shares = np.einsum("nchw,nchw->c", maps.rows, maps.rows)
    return _log_at_least(shares / shares.sum(), 1e-6)


def channel_coherence(maps: JacobianMaps) -> Floats:
    """Coherence of each two channels at each frequency, (pairs, r, r // 2 + 1), from -1 to 1; no logarithm.

    The real part of the mean over points of F_a conj(F_b), divided by the root of the two channels' powers; F is FFT2
    of Y_i. 0 where a channel has no power.
    """
    return _coherence(*_cross_power(maps))


def radial_channel_coherence(maps: JacobianMaps) -> Floats:
    """Coherence of each two channels in each ring, (pairs, rings), from -1 to 1: both powers are summed beforehand."""
    return _coherence(*(ring_sums(power) for power in _cross_power(maps)))


def _log_at_least(values: Floats, floor: float) -> Floats:
    return np.asarray(np.log(np.maximum(values, floor))).ravel()


def _energy_power(maps: JacobianMaps) -> Floats:
    return np.asarray(np.abs(np.fft.rfft2(maps.energy)) ** 2 / maps.energy.size**2)


def _cross_power(maps: JacobianMaps) -> tuple[Floats, Floats, Floats]:
    """For the pairs of channels a < b: the real part of their cross-power, the power of a, and that of b."""
    first, second = np.triu_indices(maps.rows.shape[1], 1)
    F = maps.transforms
    cross = F[:, first].real * F[:, second].real + F[:, first].imag * F[:, second].imag
    return cross.mean(axis=0), maps.channel_power[first], maps.channel_power[second]


def _coherence(cross: Floats, first: Floats, second: Floats) -> Floats:
    size = np.sqrt(first * second)
    return np.asarray(np.where(size > 0, cross / np.where(size > 0, size, 1), 0)).ravel()


_ALWAYS = frozenset({"factors", "order"})
_ROWS = _ALWAYS | {"scale", "signs"}
_FREE = _ROWS | {"resolution"}
_RINGS = len(RINGS) - 1

READINGS: dict[str, Reading] = {
    reading.name: reading
    for reading in (
        Reading("spectrum", spectrum, lambda size: size.values, _FREE - {"scale"} | {"rotation"}),
        Reading("spatial-power", spatial_power, lambda size: size.frequencies, _ROWS),
        Reading("energy-map", energy_map, lambda size: size.resolution**2, _ROWS),
        Reading("magnitudes", magnitudes, lambda _: QUANTILES + 2, _FREE),
        Reading("likeness", likeness, lambda _: LIKENESS_BINS, _FREE - {"signs"}),
        Reading("channel-energy", channel_energy, lambda size: size.channels, _FREE),
        Reading("channel-coherence", channel_coherence, lambda size: size.pairs * size.frequencies, _ROWS),
        Reading("energy-spectrum", energy_spectrum, lambda size: size.frequencies, _ROWS),
        Reading("radial-power", radial_power, lambda _: _RINGS, _FREE),
        Reading("pooled-energy", pooled_energy, lambda _: POOLED_CELLS**2, _FREE),
        Reading("radial-energy-spectrum", radial_energy_spectrum, lambda _: _RINGS, _FREE),
        Reading("radial-channel-coherence", radial_channel_coherence, lambda size: size.pairs * _RINGS, _FREE),
    )
}
"""All readings, by name."""


def chosen_readings(names: Sequence[str]) -> tuple[Reading, ...]:
    """The readings of these names; raises `InputError` for one that there is not, or twice the same."""
    for name in names:
        if name not in READINGS:
            raise unknown("reading", name, READINGS)
        if names.count(name) > 1:
            raise InputError(f"reading '{name}' is named {names.count(name)} times: name each once")
    return tuple(READINGS[name] for name in names)


class Reader:
    """Takes readings of the Jacobians of many networks at the same images.

    Parameters
    ----------
    images : (points, channels, r, r), the data points.
    names : which of :data:`READINGS`, in the order in which they are given back.

    Raises
    ------
    InputError
        If a name is unknown, or named twice.
    """

    def __init__(self, images: NDArray[np.floating], names: Sequence[str] = tuple(READINGS)):
        self.readings = chosen_readings(names)
        self._images = images

    @cached_property
    def _bins(self) -> Integers:
        return likeness_bins(self._images)

    @READING
    def read(self, jacobian: NDArray[np.floating]) -> dict[str, NDArray[np.float32]]:
        """The readings of one Jacobian by name, each of its length; errors as :func:`jacobian_maps`."""
        maps = jacobian_maps(jacobian, self._images, self._bins)
        return {reading.name: reading.function(maps).astype(np.float32) for reading in self.readings}

    @property
    def lengths(self) -> dict[str, int]:
        """How many numbers each reading has, by name."""
        points, channels, resolution = self._images.shape[:3]
        size = JacobianSize(points, resolution, channels)
        return {reading.name: reading.length(size) for reading in self.readings}

    def nothing(self) -> dict[str, NDArray[np.float32]]:
        """Zeros in the place of the readings of a Jacobian that is not usable."""
        return {name: np.zeros(length, np.float32) for name, length in self.lengths.items()}
