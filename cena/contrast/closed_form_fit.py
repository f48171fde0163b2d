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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from cena.contrast.closed_form import CLOSED_FORM, BlockProjection, ClosedForm, check_finite
from cena.errors import InputError
from cena.types import Booleans, Floats, Integers

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
    return fit_joint_closed_form([(blocks, usable)], config)


@CLOSED_FORM
def fit_joint_closed_form(
    spaces: Sequence[tuple[Mapping[str, NDArray[np.floating]], Booleans]], config: ClosedFormConfig
) -> ClosedForm:
    """Fit one encoder to the views of several spaces, whose embeddings can then be compared.

    Every space counts alike, however many classes it has. With W_s, B_s and m_s the two covariances and the mean of
    the views of space s, and m the mean of the m_s,

        W = mean_s W_s,   B = mean_s (B_s + (m_s - m)(m_s - m)^T):

    what tells the spaces apart tells their classes apart.

    Parameters
    ----------
    spaces : the readings and the mask of usable views of each, as :func:`fit_closed_form` takes them; the readings and
        their lengths are the same in all, classes and views need not be.
    config : its settings.

    Raises
    ------
    InputError
        As :func:`fit_closed_form`, or if the readings of two spaces differ.
    """
    counts = [_checked_counts(blocks, usable, config) for blocks, usable in spaces]
    lengths = [{name: block.shape[2] for name, block in blocks.items()} for blocks, _ in spaces]
    for other in lengths[1:]:
        if other != lengths[0]:
            raise InputError(
                f"the readings {lengths[0]} (name: length) of one space are {other} in another: give the same"
            )
    scales: dict[str, tuple[Floats, Floats]] = {}
    axes: list[Floats] = []
    coordinates: list[list[Floats]] = []
    for name in lengths[0]:
        views = [blocks[name][usable].astype(np.float64) for blocks, usable in spaces]
        mean, deviation = scales[name] = _scale(views)
        standard = [(block - mean) / deviation for block in views]
        axes.append(_principal_axes(standard, config.principal))
        coordinates.append([block @ axes[-1] for block in standard])
    by_space = [np.concatenate(parts, axis=1) for parts in zip(*coordinates, strict=True)]
    values, vectors = _directions(by_space, counts, config)
    ends = np.cumsum([axis.shape[1] for axis in axes])[:-1]
    weights = [axis @ part for axis, part in zip(axes, np.split(vectors, ends), strict=True)]
    factors = np.sqrt(values / (1 + values)) * _signs(np.concatenate(weights))
    return ClosedForm(
        {name: BlockProjection(*scales[name], part * factors) for name, part in zip(scales, weights, strict=True)},
        values,
    )


def _checked_counts(blocks: Mapping[str, NDArray[np.floating]], usable: Booleans, config: ClosedFormConfig) -> Integers:
    """(classes with any,) the number of usable views of each."""
    if not blocks or any(block.ndim != 3 or block.shape[:2] != usable.shape for block in blocks.values()):
        raise InputError(
            f"readings of shapes {[block.shape for block in blocks.values()]} and a mask of usable views "
            f"{usable.shape} do not belong together: expected (classes, views, length) and (classes, views)"
        )
    views = usable.sum(axis=1)
    counts: Integers = views[views > 0]
    if not (counts > 1).any():
        raise InputError(
            "no class has two usable views: the closed form needs several initialisations of a class to know its noise"
        )
    if len(counts) <= config.components:
        raise InputError(
            f"{len(counts)} classes with usable views cannot span {config.components} components: ask for fewer "
            "components or give more classes"
        )
    check_finite({name: block[usable] for name, block in blocks.items()})
    return counts


def _scale(views: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Mean and deviation of each column of the views (n, size) of some spaces, each of the same weight."""
    mean = np.mean([block.mean(axis=0) for block in views], axis=0)
    deviation = np.sqrt(np.mean([((block - mean) ** 2).mean(axis=0) for block in views], axis=0))
    varies = deviation > 1e-9 * np.max([np.abs(block).max(axis=0) for block in views], axis=0)
    return mean, np.where(varies, deviation, 1.0)


def _principal_axes(standard: Sequence[Floats], most: int) -> Floats:
    """(size, axes) the leading principal axes of the centred views (n, size) of some spaces, but for those of rounding
    error."""
    size = standard[0].shape[1]
    covariance = np.mean([block.T @ block / len(block) for block in standard], axis=0)
    values, vectors = eigh(covariance, subset_by_index=[max(size - most, 0), size - 1])
    leading: Floats = vectors[:, ::-1][:, values[::-1] > _LEAST_VARIANCE]
    return leading


def _directions(
    spaces: Sequence[Floats], counts: Sequence[Integers], config: ClosedFormConfig
) -> tuple[Floats, Floats]:
    """Lambda (d,) and the directions a as columns, from the centred views (N, size) of each space ordered by class, and
    how many of each class."""
    covariances = [_covariances(Z, each) for Z, each in zip(spaces, counts, strict=True)]
    within = np.mean([W for W, _ in covariances], axis=0)
    apart = np.array([Z.mean(axis=0) for Z in spaces])  # of the spaces; their mean is zero
    between = np.mean([B for _, B in covariances], axis=0) + apart.T @ apart / len(spaces)
    noise = np.trace(within) / max(len(within), 1)
    if noise <= _LEAST_VARIANCE:
        raise InputError(
            "all views of a class are equal: the closed form needs views of several initialisations that differ"
        )
    shrunk = (1 - config.shrinkage) * within + config.shrinkage * noise * np.eye(len(within))
    if eigh(shrunk, eigvals_only=True, subset_by_index=[0, 0])[0] <= _LEAST_VARIANCE * noise:
        raise InputError("in some direction initialisations do not differ: ask for a shrinkage above 0")
    values, vectors = eigh(between, shrunk)
    values, vectors = values[::-1][: config.components], vectors[:, ::-1][:, : config.components]
    kept = values > _LEAST_SIGNAL
    if not kept.any():
        raise InputError("classes differ no more than initialisations of one class do: there is nothing to embed")
    return values[kept], vectors[:, kept]


def _covariances(Z: Floats, counts: Integers) -> tuple[Floats, Floats]:
    """W and B of one space, from its views (N, size) ordered by class, `counts` of each."""
    N, C = len(Z), len(counts)
    Z = Z - Z.mean(axis=0)
    means = np.add.reduceat(Z, np.cumsum(counts) - counts) / counts[:, np.newaxis]
    residuals = Z - np.repeat(means, counts, axis=0)
    within = residuals.T @ residuals / (N - C)
    weighted = means * np.sqrt(counts)[:, np.newaxis]
    between = (weighted.T @ weighted / (C - 1) - within) / ((N - (counts**2).sum() / N) / (C - 1))
    return within, between


def _signs(weights: Floats) -> Floats:
    """(d,) what makes the largest weight of each column positive."""
    largest = np.abs(weights).argmax(axis=0)
    return np.where(weights[largest, np.arange(weights.shape[1])] < 0, -1.0, 1.0)
