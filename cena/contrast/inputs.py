"""What the encoder sees of a view: unit columns weighted by the logarithm of their singular values.

The EPDJM of a view is ``directions * singular_values`` (the paper's equation 2, U_k S_k). Its magnitudes span decades
between architectures, and a network trains badly on them. So every column keeps its direction, and its length becomes

    log(1 + singular value / reference),

where the reference is the median singular value of the training set. It is one fixed number, saved with the encoder:
views of another space are then measured on the same scale.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cena.contrast.mixer import MixerConfig
from cena.errors import InputError


def reference_singular_value(singular_values: ArrayLike, usable: ArrayLike) -> float:
    """The median of the non-zero singular values of the usable views: the unit that :func:`encoder_input` works in.

    Parameters
    ----------
    singular_values : shape (classes, views, components).
    usable : shape (classes, views), true where a view can be used.

    Raises
    ------
    InputError : if no usable view has a non-zero singular value.
    """
    values = np.asarray(singular_values)[np.asarray(usable, dtype=bool)]
    values = values[values > 0]
    if values.size == 0:
        raise InputError("no usable view has a non-zero singular value; compute the views of some live networks first")
    return float(np.median(values))


def encoder_input(directions: ArrayLike, singular_values: ArrayLike, reference: float) -> NDArray[np.float32]:
    """The encoder's input for any number of views; a view whose singular values are all zero gives zeros.

    The paper (section 4.1) feeds the EPDJM itself; the logarithm is this project's departure from it.

    Parameters
    ----------
    directions : left singular vectors, shape (..., points, components); any lengths, usually one up to rounding.
    singular_values : shape (..., components), not negative.
    reference : the singular value whose column gets the length log(2); see :func:`reference_singular_value`.

    Returns
    -------
    float32 array of the shape of `directions`.

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
    if not (np.isfinite(reference) and reference > 0):
        raise InputError(f"the reference singular value is {reference}; expected a finite number above zero")
    lengths = np.sqrt(np.einsum("...pc,...pc->...c", columns, columns))
    # A sum of squares is finite only if every entry is: this checks the directions without another pass over them.
    if not (np.isfinite(lengths).all() and np.isfinite(values).all() and (values >= 0).all()):
        raise InputError(
            "directions or singular values are not finite, or a singular value is negative; "
            "set such views to zero and mark them as not usable"
        )
    scales = np.log1p(values / np.float32(reference)) / np.where(lengths > 0, lengths, 1)
    return np.asarray(columns * scales[..., np.newaxis, :], dtype=np.float32)


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
