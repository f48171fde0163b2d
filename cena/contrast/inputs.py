"""What the encoder sees of a view: its directions and its spectrum, each on a scale of its own.

The EPDJM of a view is ``directions * singular_values`` (the paper's equation 2, U_k S_k). Its magnitudes span decades
between architectures and between columns, and a network trains badly on them. So its two factors are given one under
the other: unit columns times sqrt(points), whose entries are of order one, and below them one more row, the logarithms
of the singular values, each standardised over the training views:

    (log(singular value) - mean) / deviation.

Means and deviations are saved with the encoder: views of another space are then measured on the same scale.

On the digits benchmark, with the columns weighted by log(1 + singular value / median) instead of the row, training lost
what the spectrum says about accuracy.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cena.contrast.mixer import MixerConfig
from cena.errors import InputError
from cena.view_arrays import log_singular_values


@dataclass(frozen=True)
class SpectrumScale:
    """The scale that spectra are measured on.

    Parameters
    ----------
    mean, deviation : of each log singular value over the usable training views, both of length (components); the
        deviation of a component that does not vary is 1.
    """

    mean: tuple[float, ...]
    deviation: tuple[float, ...]


def spectrum_scale(singular_values: ArrayLike, usable: ArrayLike) -> SpectrumScale:
    """The scale of a training set.

    Parameters
    ----------
    singular_values : shape (classes, views, components).
    usable : shape (classes, views), true where a view can be used.

    Raises
    ------
    InputError : if no usable view has a non-zero singular value.
    """
    values = np.asarray(singular_values, dtype=np.float32)[np.asarray(usable, dtype=bool)]
    live = values[(values > 0).any(axis=-1)]
    if len(live) == 0:
        raise InputError("no usable view has a non-zero singular value; compute the views of some live networks first")
    logarithms = log_singular_values(live).astype(np.float64)
    deviation = logarithms.std(axis=0)
    deviation = np.where(deviation > 1e-6, deviation, 1.0)
    return SpectrumScale(tuple(logarithms.mean(axis=0).tolist()), tuple(deviation.tolist()))


def encoder_input(directions: ArrayLike, singular_values: ArrayLike, scale: SpectrumScale) -> NDArray[np.float32]:
    """The encoder's input for any number of views; a view whose singular values are all zero gives zeros.

    The paper (section 4.1) feeds the EPDJM itself; taking it apart is this project's departure from it.

    Parameters
    ----------
    directions : left singular vectors, shape (..., points, components); any lengths, usually one up to rounding.
    singular_values : shape (..., components), not negative.
    scale : of the spectra; see :func:`spectrum_scale`.

    Returns
    -------
    float32 array of shape (..., points + 1, components): the unit columns times sqrt(points), and the spectrum.

    Raises
    ------
    InputError : if the shapes disagree, or a value is not finite or a singular value is negative.
    """
    columns = np.asarray(directions, dtype=np.float32)
    values = np.asarray(singular_values, dtype=np.float32)
    if columns.ndim < 2 or columns.shape[:-2] + columns.shape[-1:] != values.shape:
        raise InputError(
            f"directions of shape {columns.shape} and singular values of shape {values.shape} do not belong together; "
            "expected (..., points, components) and (..., components)"
        )
    if values.shape[-1] != len(scale.mean):
        raise InputError(
            f"singular values of shape {values.shape}; expected {len(scale.mean)} components as in training"
        )
    lengths = np.sqrt(np.einsum("...pc,...pc->...c", columns, columns))
    # A sum of squares is finite only if every entry is: this checks the directions without another pass over them.
    if not (np.isfinite(lengths).all() and np.isfinite(values).all() and (values >= 0).all()):
        raise InputError(
            "directions or singular values are not finite, or a singular value is negative; "
            "set such views to zero and mark them as not usable"
        )
    points = columns.shape[-2]
    live = values.max(axis=-1, keepdims=True) > 0
    inputs = np.empty((*columns.shape[:-2], points + 1, columns.shape[-1]), dtype=np.float32)
    factors = np.where(live, np.sqrt(points) / np.where(lengths > 0, lengths, 1), 0).astype(np.float32)
    np.multiply(columns, factors[..., np.newaxis, :], out=inputs[..., :points, :])
    mean, deviation = np.array(scale.mean, dtype=np.float32), np.array(scale.deviation, dtype=np.float32)
    standard = (log_singular_values(values) - mean) / deviation
    inputs[..., points, :] = np.where(live, standard, 0)
    return inputs


def check_views(
    directions: NDArray[np.floating],
    singular_values: NDArray[np.floating],
    usable: NDArray[np.bool_],
    config: MixerConfig,
) -> None:
    """Check the shapes of the views of a space, and that they fit an encoder.

    Parameters
    ----------
    directions : expected of shape (classes, views, points, components).
    singular_values : expected of shape (classes, views, components).
    usable : expected of shape (classes, views) and boolean.
    config : says how many points and components the encoder takes.

    Raises
    ------
    InputError : if a shape is another.
    """
    expected = (*usable.shape, config.points, config.components)
    if usable.ndim != 2 or usable.dtype != bool or directions.shape != expected:
        raise InputError(
            f"directions of shape {directions.shape} with a {usable.dtype} mask of usable views {usable.shape}; "
            f"expected (classes, views, {config.points} points, {config.components} components) and a boolean mask of "
            "shape (classes, views)"
        )
    if singular_values.shape != (*usable.shape, config.components):
        raise InputError(
            f"singular values of shape {singular_values.shape}; expected (classes, views, components), here "
            f"{(*usable.shape, config.components)}"
        )
