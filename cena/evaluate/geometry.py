"""Whether two embeddings of the same architectures have the same geometry."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import pdist, squareform
from scipy.stats import spearmanr

from cena.errors import InputError
from cena.evaluate.intervals import Interval
from cena.stages import Stage

GEOMETRY = Stage("geometry", version=1)
"""Agreement of distances."""

Distance = Literal["cosine", "euclidean"]


@GEOMETRY
def distance_agreement(
    first: ArrayLike, second: ArrayLike, seed: int, resamples: int = 1000, distance: Distance = "cosine"
) -> Interval:
    """Spearman's rank correlation of the pairwise distances in two embeddings, with its 95 % bootstrap interval.

    1 when the same pairs are close in both, 0 when the two have nothing in common. Architectures are resampled, not
    pairs, since pairs with a common architecture are not independent. An architecture drawn twice gives no pair with
    itself.

    Parameters
    ----------
    first, second : (n, d) and (n, e), a row for each of the same architectures.
    seed : of the resampling.
    resamples : bootstrap samples.
    distance : ``"cosine"``, as in the layout (equation 4 of the paper), or ``"euclidean"``, for features such as log
        singular values, of which a common factor of all Jacobians then changes nothing.

    Returns
    -------
    The correlation with percentile limits, widened to hold it; `runs` is the number of architectures.

    Raises
    ------
    InputError
        If the rows differ in number, are fewer than 4, or one is not finite or, where the distance is the cosine's,
        zero, so that it is undefined.
    """
    distances = [_distances(name, matrix, distance) for name, matrix in (("first", first), ("second", second))]
    count = len(distances[0])
    if len(distances[1]) != count:
        raise InputError(f"the embeddings have {count} and {len(distances[1])} rows: give the same architectures")
    upper = np.triu_indices(count, 1)

    def correlation(drawn: NDArray[np.intp]) -> float:
        pairs = drawn[upper[0]], drawn[upper[1]]
        different = pairs[0] != pairs[1]
        return float(spearmanr(*(matrix[pairs][different] for matrix in distances)).statistic)

    value = correlation(np.arange(count))
    generator = np.random.default_rng(seed)
    drawn = [correlation(generator.integers(count, size=count)) for _ in range(resamples)]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Interval(value, min(float(low), value), max(float(high), value), count)


def _distances(name: str, embedding: ArrayLike, distance: Distance) -> NDArray[np.float64]:
    matrix = np.asarray(embedding, dtype=np.float64)
    if matrix.ndim != 2 or len(matrix) < 4 or not np.isfinite(matrix).all():
        raise InputError(f"the {name} embedding has shape {matrix.shape}: expected at least 4 rows, all finite")
    if distance == "cosine" and not matrix.any(axis=1).all():
        raise InputError(f"the {name} embedding has shape {matrix.shape} and rows that are zero: they have no cosine")
    return np.asarray(squareform(pdist(matrix, distance)))
