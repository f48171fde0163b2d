"""Every rival as a matrix: what a forest is given to predict accuracy from, one row for each architecture.

All take arrays in the order of a space and return float64 matrices of shape (architectures, columns); a vector becomes
one column. Nothing here sees a label.

Dead networks (Jacobian zero or not finite) stay in: a judge that leaves out what an embedding cannot place would
flatter it. Functions pass them on as NaN; :func:`feature_sets` then replaces every entry that is not finite with
:func:`fill_dead`'s stand-in, a finite number clearly below its column, so one split of a tree can set them apart.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.decomposition import PCA

from cena.errors import InputError
from cena.stages import Stage
from cena.types import Floats
from cena.view_arrays import log_singular_values, mean_over_views

FEATURES = Stage("features", version=2)
"""Feature sets of every rival."""

FOREST_COMPONENTS = 16
"""How many :func:`principal_components` of an embedding a forest is given beside log parameters."""

READING_COMPONENTS = 32
"""How many principal components of an encoder's own inputs a forest is given: twice :data:`FOREST_COMPONENTS`, so that
what contrast chooses is not what the rival lacks room for."""

TRIVIAL = ("one-hot", "one-hot + log parameters", "jacov + log parameters", "log parameters")
"""The feature sets that take no spectrum and no encoder: the best of them is a record's `baseline`."""


@FEATURES
def log_parameters(parameters: ArrayLike) -> Floats:
    """Natural logarithm of the parameter counts, shape (n,), as one column.

    Raises
    ------
    InputError
        If a count is not positive.
    """
    counts = _matrix("parameters", parameters)
    if not (counts > 0).all():
        raise InputError(
            f"parameters has {np.count_nonzero(~(counts > 0))} counts that are not positive: expected counts"
        )
    return np.log(counts)


@FEATURES
def log_spectrum(singular_values: ArrayLike) -> Floats:
    """Log singular values of the EDJM, shape (n, views, components), averaged over an architecture's live views.

    Zeros count as :data:`cena.view_arrays.SPECTRUM_FLOOR` times their view's largest value. A view is dead when it is
    all zero or has a value that is not finite; an architecture with dead views only is a row of NaN.
    """
    values = np.asarray(singular_values, dtype=np.float64)
    if values.ndim != 3:
        raise InputError(f"singular_values has shape {values.shape}: expected (architectures, views, components)")
    live = np.isfinite(values).all(axis=2) & (values.max(axis=2) > 0)
    return mean_over_views(log_singular_values(values), live)


@FEATURES
def principal_components(matrix: ArrayLike, components: int) -> Floats:
    """The first principal components of a feature matrix, not whitened, largest variance first.

    The honest way to join a wide block with a single column such as log parameters: at full width that column is one
    candidate among hundreds wherever a forest draws candidate columns at random, and repeating it would be a weight to
    tune; reduced to k components it is one among k + 1. It needs no label, and a forest on few columns is fast.
    On four synthetic spaces (512 noisy columns made of six categorical choices, 1,000 labels) 16 components with the
    default forest reached tau .84 to .86; all columns, log parameters repeated 20 times, `max_features="sqrt"`: .73 to
    .86. On the one where it was tried, the default forest on all columns reached the same tau in 17 times the time.

    Fitted to the live rows; rows with an entry that is not finite become NaN. Signs as in scikit-learn's `svd_flip`
    (each component's largest loading is positive), so the result is deterministic.

    Raises
    ------
    InputError
        If `components` is not between 1 and the smaller of live rows and columns.
    """
    full = _matrix("features", matrix)
    live = np.isfinite(full).all(axis=1)
    most = _most_components(full)
    if not 1 <= components <= most:
        raise InputError(f"components is {components}: {most} principal components exist here, give 1 to {most}")
    reduced = np.full((len(full), components), np.nan)
    reduced[live] = fitted_components(full[live], components).transform(full[live])
    return reduced


def _most_components(matrix: Floats) -> int:
    """How many principal components there are: the smaller of live rows and columns."""
    return min(int(np.isfinite(matrix).all(axis=1).sum()), int(matrix.shape[1]))


def fitted_components(matrix: NDArray[np.floating], components: int) -> PCA:
    """What reduces rows like those of a matrix of finite numbers to its first principal components, in its precision:
    see :func:`principal_components`."""
    return PCA(components, svd_solver="covariance_eigh").fit(matrix)


def join(*matrices: ArrayLike) -> Floats:
    """The matrices side by side.

    Raises
    ------
    InputError
        If they differ in their number of rows.
    """
    blocks = [_matrix(f"block {number}", matrix) for number, matrix in enumerate(matrices, start=1)]
    if len({len(block) for block in blocks}) != 1:
        raise InputError(f"cannot join features of {[len(block) for block in blocks]} rows: give all of the same space")
    return np.concatenate(blocks, axis=1)


def fill_dead(matrix: ArrayLike) -> Floats:
    """A copy with every entry that is not finite put below its column: smallest finite value minus the column's range.

    A column without range (one distinct finite value) takes 1 as its range.

    Raises
    ------
    InputError
        If a column has no finite entry.
    """
    filled = _matrix("features", matrix).copy()
    finite = np.isfinite(filled)
    if not finite.any(axis=0).all():
        raise InputError("a feature is not finite for any architecture: all networks are dead, so check their views")
    low = np.min(filled, axis=0, where=finite, initial=np.inf)
    spread = np.max(filled, axis=0, where=finite, initial=-np.inf) - low
    return np.where(finite, filled, low - np.where(spread > 0, spread, 1))


@dataclass(frozen=True, eq=False)
class FeatureSources:
    """What feature sets are made of: arrays with a row for each of n architectures, None where there is none.

    Attributes
    ----------
    parameters : parameter counts (n,).
    embedding : that is judged (n, d).
    coordinates : layout and log parameters (n, 3).
    paper : the embedding by the paper's recipe (n, 512), where it is not the one that is judged.
    untrained : embedding of an encoder that was not trained (n, 512), the control.
    readings : what the encoder reads, averaged over views (n, columns).
    singular_values : of the views (n, views, components).
    jacov : scores of the views (n, views).
    one_hot : the space's encoding (n, d).
    """

    parameters: ArrayLike
    embedding: ArrayLike | None = None
    coordinates: ArrayLike | None = None
    paper: ArrayLike | None = None
    untrained: ArrayLike | None = None
    readings: ArrayLike | None = None
    singular_values: ArrayLike | None = None
    jacov: ArrayLike | None = None
    one_hot: ArrayLike | None = None


@FEATURES
def feature_sets(sources: FeatureSources, components: int | None = None) -> dict[str, Floats]:
    """Every feature set that the given arrays allow, by name, the headline first; dead networks filled in.

    Parameters
    ----------
    components : reduce embeddings to this many principal components first, see :func:`principal_components`, where
        they have more; all columns when None, as in the paper.

    Raises
    ------
    InputError
        If the arrays differ in length or one has the wrong shape.
    """
    size = log_parameters(sources.parameters)

    def reduced(matrix: ArrayLike) -> ArrayLike:
        if components is None:
            return matrix
        return principal_components(matrix, min(components, _most_components(_matrix("an embedding", matrix))))

    sets: dict[str, Floats] = {}
    if sources.embedding is not None:
        columns = reduced(sources.embedding)
        sets["embedding + log parameters"] = join(columns, size)
        sets["embedding"] = join(columns)
    if sources.coordinates is not None:
        sets["coordinates"] = join(sources.coordinates)
    if sources.paper is not None:
        columns = reduced(sources.paper)
        sets["paper's recipe + log parameters"] = join(columns, size)
        sets["paper's recipe"] = join(columns)
    if sources.untrained is not None:
        columns = reduced(sources.untrained)
        sets["untrained encoder + log parameters"] = join(columns, size)
        sets["untrained encoder"] = join(columns)
    if sources.singular_values is not None:
        sets["log spectrum + log parameters"] = join(log_spectrum(sources.singular_values), size)
    if sources.readings is not None:
        most = min(READING_COMPONENTS, _most_components(_matrix("readings", sources.readings)))
        sets["readings + log parameters"] = join(principal_components(sources.readings, most), size)
    if sources.jacov is not None:
        sets["jacov + log parameters"] = join(_mean_jacov(sources.jacov), size)
    if sources.one_hot is not None:
        sets["one-hot"] = join(sources.one_hot)
        sets["one-hot + log parameters"] = join(sources.one_hot, size)
        if sources.embedding is not None:
            sets["embedding + one-hot + log parameters"] = join(sets["embedding"], sources.one_hot, size)
    sets["log parameters"] = size
    for name, matrix in sets.items():
        if len(matrix) != len(size):
            raise InputError(f"'{name}' has {len(matrix)} rows and parameters {len(size)}: give all of the same space")
    return {name: fill_dead(matrix) for name, matrix in sets.items()}


def _mean_jacov(jacov: ArrayLike) -> Floats:
    """The `jacov` scores, shape (n, views), averaged over the live (finite) views, as one column; NaN without any."""
    values = np.asarray(jacov, dtype=np.float64)
    if values.ndim != 2:
        raise InputError(f"jacov has shape {values.shape}: expected (architectures, views)")
    return mean_over_views(values[:, :, None], np.isfinite(values))


def _matrix(name: str, values: ArrayLike) -> Floats:
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.ndim == 1:
        matrix = matrix[:, None]
    if matrix.ndim != 2 or matrix.size == 0:
        raise InputError(f"{name} has shape {matrix.shape}: expected a row for each architecture, (n,) or (n, columns)")
    return matrix
