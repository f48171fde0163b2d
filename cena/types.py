"""The few types that all rooms share."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
Arrays = dict[str, NDArray[Any]]

Progress = Callable[[int, int], object]
"""Called with (units done, units in all) after each unit of a long computation."""


def silent(done: int, total: int) -> None:
    """Progress that nobody watches."""
