"""The coordinates searches work in: the layout and, as a third dimension, the number of parameters (section 4.1)."""

import numpy as np

from cena.errors import InputError
from cena.layout.laguerre import LAYOUT
from cena.types import Floats, Integers


@LAYOUT
def coordinates(centroids: Floats, parameters: Integers) -> Floats:
    """Coordinates (n, 3) in the unit cube: the centroids (n, 2) and the logarithm of the parameter counts (n,).

    The paper adds "the logarithm of the number of parameters" and gives no scale. We map its smallest value to 0 and
    its largest to 1, so that all three coordinates span alike; if all counts are equal, all get 0.5. Raises InputError
    for counts that are not positive, centroids outside the unit square, or lengths that differ.
    """
    if centroids.ndim != 2 or centroids.shape[1] != 2 or parameters.shape != (len(centroids),) or not len(centroids):
        raise InputError(
            f"centroids have shape {centroids.shape} and parameters {parameters.shape}, expected (n, 2) and (n,), n > 0"
        )
    if not ((centroids >= 0) & (centroids <= 1)).all():
        raise InputError("centroids lie outside the unit square or are not numbers; use those transport returns")
    if not (np.isfinite(parameters) & (parameters > 0)).all():
        raise InputError("parameters hold a count that is not positive; expected the parameter counts of networks")
    logarithms = np.log(parameters)
    low, high = logarithms.min(), logarithms.max()
    height = (logarithms - low) / (high - low) if high > low else np.full(len(logarithms), 0.5)
    return np.column_stack([centroids, height])
