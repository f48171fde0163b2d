"""Arrays over views: the logarithm of their spectra, and the mean over those that count."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

SPECTRUM_FLOOR = 1e-6
"""Singular values below this fraction of their view's largest are rounding error of the float32 gradients."""


def log_singular_values(singular_values: NDArray[Any]) -> NDArray[Any]:
    """Natural logarithms of singular values (..., components), in the precision they are given in.

    Values below :data:`SPECTRUM_FLOOR` times their view's largest count as that. A view whose largest value is zero or
    not finite gives zeros.
    """
    largest = singular_values.max(axis=-1, keepdims=True).astype(np.float64)
    live = (largest > 0) & np.isfinite(largest)
    scale = np.where(live, largest, 1)  # first: a product with the floor could underflow
    relative = np.maximum(singular_values / scale, SPECTRUM_FLOOR)
    return np.where(live, np.log(scale) + np.log(relative), 0).astype(singular_values.dtype)


def mean_over_views(values: NDArray[Any], counted: NDArray[np.bool_]) -> NDArray[Any]:
    """The mean (n, columns) over the views that count, in the precision of the values; NaN where none counts.

    Parameters
    ----------
    values : shape (n, views, columns).
    counted : boolean, shape (n, views).
    """
    count = counted.sum(axis=1, keepdims=True).astype(values.dtype)
    total = np.where(counted[:, :, np.newaxis], values, 0).sum(axis=1)
    means: NDArray[Any] = np.where(count > 0, total / np.maximum(count, 1), values.dtype.type(np.nan))
    return means
