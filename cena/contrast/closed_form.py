"""The contrastive encoder in closed form: what tells classes apart against what initialisation changes.

A view z of class c is modelled as z = m + u_c + e, with u_c of covariance B over classes and e of covariance W over
initialisations. Both are estimated by the moments of a one-way layout with n_c usable views a class, N in all, of C
classes:

    W = sum_c sum_v (z_cv - z_c)(z_cv - z_c)^T / (N - C),
    B = (sum_c n_c (z_c - z)(z_c - z)^T / (C - 1) - W) / n_0,   n_0 = (N - sum_c n_c^2 / N) / (C - 1),

where z_c and z are the means of a class and of all views, so that a class with more views weighs more, and one with a
single view adds to B alone. The directions a that maximise a^T B a / a^T W a solve the generalised eigenproblem

    B a = lambda W_s a,   a^T W_s a = 1,   W_s = (1 - shrinkage) W + shrinkage trace(W) / d I,

and lambda is the signal to noise ratio of one view along a: how much there is to learn. Coordinates are
sqrt(lambda / (1 + lambda)) a^T (z - m), in units of the noise; the factor's square is the reliability of a view, the
part of its variance that its class explains, and distances hardly see what is mostly noise.

These are the directions of linear discriminant analysis with the classes for labels. They are also what a linear
encoder with an ideal contrastive loss finds: the spectral contrastive loss of pairs of views,
-2 E f(z)^T f(z+) + E (f(z)^T f(z'))^2, is least for the leading directions of B against B + W, in the order of
lambda / (1 + lambda), only that its coordinates have that for their variance. So no training can do better among linear
encoders, but for the shrinkage.

Before all this each column is standardised over the usable views and each block (reading) is projected to its leading
principal components, so that no block counts for its length. There is no seed. Where a sign is arbitrary, the largest
weight is positive.

Sources: Searle, Casella and McCulloch, "Variance Components" (1992), chapter 3 (the estimates); Fisher, "The use of
multiple measurements in taxonomic problems" (1936); Friedman, "Regularized Discriminant Analysis" (1989), the
shrinkage; HaoChen et al., "Provable Guarantees for Self-Supervised Deep Learning with Spectral Contrastive Loss"
(NeurIPS 2021).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import eigh

from cena.errors import InputError
from cena.files import array_sha256, sha256
from cena.stages import Stage
from cena.tensor_files import read_tensors, write_tensors
from cena.types import Booleans, Floats, Integers

CLOSED_FORM = Stage("closed-form", version=1)
"""The contrastive encoder in closed form, and embedding by it."""

_KIND = "a closed-form encoder"
_LEAST_SIGNAL = 1e-3
"""Directions with a smaller lambda are left out: classes differ in them by less than sampling error."""
_LEAST_VARIANCE = 1e-9
"""Principal components of smaller variance are rounding error of float32; that of a standardised column is one."""


@dataclass(frozen=True)
class ClosedFormConfig:
    """Settings of a closed-form encoder.

    Parameters
    ----------
    components : the most dimensions the embedding has, fewer where classes differ in fewer.
    shrinkage : from 0 to 1, how far the covariance of initialisations is drawn towards a multiple of the identity.
    principal : the most principal components a block is given.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    components: int = 32
    shrinkage: float = 0.1
    principal: int = 200

    def __post_init__(self) -> None:
        for name in ("components", "principal"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} of the closed form is {getattr(self, name)}; expected at least 1")
        if not 0 <= self.shrinkage <= 1:
            raise InputError(f"shrinkage of the closed form is {self.shrinkage}; expected a number from 0 to 1")


@dataclass(frozen=True, eq=False)
class BlockProjection:
    """What a closed-form encoder does to one block: its share of the embedding is affine.

    Parameters
    ----------
    mean, deviation : (size,) of each column over the usable views; the deviation of a column that never varies is 1.
    projection : (size, d) from the standardised block, principal components and reliability included.
    """

    mean: Floats
    deviation: Floats
    projection: Floats


@dataclass(frozen=True, eq=False)
class ClosedForm:
    """A fitted encoder.

    Parameters
    ----------
    blocks : the projection of each block, by the name of its reading.
    signal_to_noise : (d,) lambda of each direction, the largest first.
    """

    blocks: Mapping[str, BlockProjection]
    signal_to_noise: Floats

    @property
    def digest(self) -> str:
        """The sha256 of the names of its blocks and of all numbers: equal encoders have equal ones."""
        return sha256("\n".join(f"{name} {array_sha256(array.numpy())}" for name, array in self._tensors().items()))

    @CLOSED_FORM
    def embed(self, blocks: Mapping[str, NDArray[np.floating]]) -> Floats:
        """Embed views.

        Parameters
        ----------
        blocks : (..., size) each, by the name of the reading, the same as it was fitted on. A view that is not usable
            gets some place or other: leave it out of means.

        Returns
        -------
        (..., d).

        Raises
        ------
        InputError
            If the readings or their lengths are others than it was fitted on, or a value is not finite.
        """
        expected = {name: len(block.mean) for name, block in self.blocks.items()}
        found = {name: block.shape[-1] for name, block in blocks.items()}
        if found != expected:
            raise InputError(
                f"the readings {found} (name: length) are not those that the closed form was fitted on, {expected}: "
                "give the same"
            )
        _check_finite(blocks)
        return np.asarray(
            sum(
                (blocks[name].astype(np.float64) - block.mean) / block.deviation @ block.projection
                for name, block in self.blocks.items()
            )
        )

    def save(self, path: Path) -> None:
        """Write one safetensors file, atomically: equal encoders give equal bytes."""
        write_tensors(path, _KIND, self._tensors(), {"blocks": list(self.blocks), "digest": self.digest})

    def _tensors(self) -> dict[str, torch.Tensor]:
        named = {
            f"{name}.{part}": getattr(block, part)
            for name, block in self.blocks.items()
            for part in BlockProjection.__dataclass_fields__
        }
        return {name: torch.from_numpy(array) for name, array in (named | {"lambda": self.signal_to_noise}).items()}


def load_closed_form(path: Path) -> ClosedForm:
    """Read what :meth:`ClosedForm.save` wrote.

    Raises
    ------
    InputError
        If the file is missing, damaged or no closed-form encoder.
    """
    tensors, description = read_tensors(path, _KIND)
    arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
    try:
        blocks = {
            name: BlockProjection(**{part: arrays[f"{name}.{part}"] for part in BlockProjection.__dataclass_fields__})
            for name in description["blocks"]
        }
        loaded = ClosedForm(blocks, arrays["lambda"])
        whole = loaded.digest == description["digest"]
    except (KeyError, TypeError) as error:
        raise InputError(f"{path} is no closed form of this version; fit and save it again") from error
    if not whole:
        raise InputError(f"{path} is damaged: its numbers do not have the digest that was saved; make it again")
    return loaded


@CLOSED_FORM
def fit_closed_form(
    blocks: Mapping[str, NDArray[np.floating]], usable: Booleans, config: ClosedFormConfig
) -> ClosedForm:
    """Fit the encoder to the views of a space.

    Parameters
    ----------
    blocks : (classes, views, size) each, by the name of the reading.
    usable : (classes, views) whether a view counts.
    config : its settings.

    Raises
    ------
    InputError
        If shapes disagree, a usable view is not finite, no class has two usable views, there are not more classes than
        components, or views do not differ within classes or between them.
    """
    if not blocks or any(block.ndim != 3 or block.shape[:2] != usable.shape for block in blocks.values()):
        raise InputError(
            f"readings of shapes {[block.shape for block in blocks.values()]} and a mask of usable views "
            f"{usable.shape} do not belong together: expected (classes, views, length) and (classes, views)"
        )
    views = usable.sum(axis=1)
    counts = views[views > 0]
    if not (counts > 1).any():
        raise InputError(
            "no class has two usable views: the closed form needs several initialisations of a class to know its noise"
        )
    if len(counts) <= config.components:
        raise InputError(
            f"{len(counts)} classes with usable views cannot span {config.components} components: ask for fewer "
            "components or give more classes"
        )
    counted = {name: block[usable].astype(np.float64) for name, block in blocks.items()}
    _check_finite(counted)
    scales = {name: _scale(block) for name, block in counted.items()}
    axes: list[Floats] = []
    coordinates: list[Floats] = []
    for name, block in counted.items():
        mean, deviation = scales[name]
        standard = (block - mean) / deviation
        axes.append(_principal_axes(standard, config.principal))
        coordinates.append(standard @ axes[-1])
    values, vectors = _directions(np.concatenate(coordinates, axis=1), counts, config)
    ends = np.cumsum([axis.shape[1] for axis in axes])[:-1]
    weights = [axis @ part for axis, part in zip(axes, np.split(vectors, ends), strict=True)]
    factors = np.sqrt(values / (1 + values)) * _signs(np.concatenate(weights))
    return ClosedForm(
        {name: BlockProjection(*scales[name], part * factors) for name, part in zip(scales, weights, strict=True)},
        values,
    )


def _check_finite(blocks: Mapping[str, NDArray[np.floating]]) -> None:
    for name, block in blocks.items():
        if not np.isfinite(block).all():
            raise InputError(f"reading '{name}' is not finite everywhere: mark such views as not usable")


def _scale(block: Floats) -> tuple[Floats, Floats]:
    """Mean and deviation of each column of (n, size)."""
    deviation = block.std(axis=0)
    varies = deviation > 1e-9 * np.abs(block).max(axis=0)
    return block.mean(axis=0), np.where(varies, deviation, 1.0)


def _principal_axes(standard: Floats, most: int) -> Floats:
    """(size, axes) the leading principal axes of centred rows (n, size), but for those of rounding error."""
    size = standard.shape[1]
    covariance = standard.T @ standard / len(standard)
    values, vectors = eigh(covariance, subset_by_index=[max(size - most, 0), size - 1])
    leading: Floats = vectors[:, ::-1][:, values[::-1] > _LEAST_VARIANCE]
    return leading


def _directions(Z: Floats, counts: Integers, config: ClosedFormConfig) -> tuple[Floats, Floats]:
    """Lambda (d,) and the directions a as columns, from centred views (N, size) ordered by class, `counts` of each."""
    N, C = len(Z), len(counts)
    means = np.add.reduceat(Z, np.cumsum(counts) - counts) / counts[:, np.newaxis]
    residuals = Z - np.repeat(means, counts, axis=0)
    within = residuals.T @ residuals / (N - C)
    noise = np.trace(within) / max(Z.shape[1], 1)
    if noise <= _LEAST_VARIANCE:
        raise InputError(
            "all views of a class are equal: the closed form needs views of several initialisations that differ"
        )
    weighted = means * np.sqrt(counts)[:, np.newaxis]
    between = (weighted.T @ weighted / (C - 1) - within) / ((N - (counts**2).sum() / N) / (C - 1))
    shrunk = (1 - config.shrinkage) * within + config.shrinkage * noise * np.eye(len(within))
    if eigh(shrunk, eigvals_only=True, subset_by_index=[0, 0])[0] <= _LEAST_VARIANCE * noise:
        raise InputError("in some direction initialisations do not differ: ask for a shrinkage above 0")
    values, vectors = eigh(between, shrunk)
    values, vectors = values[::-1][: config.components], vectors[:, ::-1][:, : config.components]
    kept = values > _LEAST_SIGNAL
    if not kept.any():
        raise InputError("classes differ no more than initialisations of one class do: there is nothing to embed")
    return values[kept], vectors[:, kept]


def _signs(weights: Floats) -> Floats:
    """(d,) what makes the largest weight of each column positive."""
    largest = np.abs(weights).argmax(axis=0)
    return np.where(weights[largest, np.arange(weights.shape[1])] < 0, -1.0, 1.0)
