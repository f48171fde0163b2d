import numpy as np
import pytest
from numpy.typing import NDArray


@pytest.fixture
def clustered():
    """Makes strongly clustered, distinct points (n, 2): clusters whose sizes differ thirtyfold."""

    def make(n: int, seed: int) -> NDArray[np.float64]:
        generator = np.random.default_rng(seed)
        centres = generator.uniform(0.1, 0.9, (40, 2))
        spreads = 0.01 * 10 ** generator.uniform(-1, 0.5, 40)
        cluster = generator.integers(40, size=n)
        points = centres[cluster] + spreads[cluster, None] * generator.standard_normal((n, 2))
        return np.clip(points, 0.02, 0.98)

    return make
