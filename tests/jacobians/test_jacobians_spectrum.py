"""Principal components against a full singular value decomposition, and jacov against its formula."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from cena.jacobians import epdjm_factors, jacov

Matrix = NDArray[np.float64]
entries = st.floats(-1e3, 1e3, allow_nan=False).map(lambda value: round(value, 3))
matrices = st.tuples(st.integers(1, 7), st.integers(1, 9)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=entries)
)
RELATIVE = 1e-7
"""Of the largest singular value: its square root is what the Gram matrix resolves in float64."""


def gaussian(rows: int, columns: int, seed: int = 0) -> Matrix:
    return np.random.default_rng(seed).standard_normal((rows, columns))


def svd(X: Matrix) -> tuple[Matrix, Matrix]:
    """U and S with the largest entry of each column of U positive."""
    U, S, _ = np.linalg.svd(X, full_matrices=False)
    return U * np.sign(U[np.abs(U).argmax(axis=0), np.arange(U.shape[1])]), S


@pytest.mark.parametrize("shape", [(6, 40), (6, 6), (9, 4), (1, 5), (5, 1), (1, 1)])
def test_equals_singular_value_decomposition(shape: tuple[int, int]) -> None:
    X = gaussian(*shape)
    directions, values = epdjm_factors(X)
    U, S = svd(X)
    assert directions.dtype == values.dtype == np.float64
    assert directions.shape == (shape[0], min(shape))
    np.testing.assert_allclose(values, S, rtol=1e-9)
    np.testing.assert_allclose(directions, U, atol=1e-9)


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e-3, 1e30, 1e300])
def test_any_scale_is_as_good(scale: float) -> None:
    X = gaussian(6, 40)
    directions, values = epdjm_factors(X)
    scaled_directions, scaled_values = epdjm_factors(scale * X)
    np.testing.assert_allclose(scaled_directions, directions, atol=1e-9)
    np.testing.assert_allclose(scaled_values, scale * values, rtol=1e-9)


def test_tiny_float32_gradients_do_not_underflow() -> None:
    X = (1e-30 * gaussian(6, 40)).astype(np.float32)
    directions, values = epdjm_factors(X)
    U, S = svd(X.astype(np.float64))
    np.testing.assert_allclose(values, S, rtol=1e-9)
    np.testing.assert_allclose(directions, U, atol=1e-9)


@pytest.mark.parametrize("rank", [1, 3])
@pytest.mark.parametrize("shape", [(8, 30), (8, 5)])
def test_directions_of_zero_singular_values_are_zero(shape: tuple[int, int], rank: int) -> None:
    X = gaussian(shape[0], rank) @ gaussian(rank, shape[1], seed=1)
    directions, values = epdjm_factors(X)
    U, S = svd(X)
    np.testing.assert_allclose(values[:rank], S[:rank], rtol=1e-9)
    np.testing.assert_allclose(directions[:, :rank], U[:, :rank], atol=1e-9)
    assert not values[rank:].any()
    assert not directions[:, rank:].any()


@pytest.mark.parametrize("shape", [(4, 9), (4, 2)])
def test_zero_matrix(shape: tuple[int, int]) -> None:
    directions, values = epdjm_factors(np.zeros(shape))
    assert directions.shape == (4, min(shape))
    assert values.shape == (min(shape),)
    assert not directions.any()
    assert not values.any()


@given(matrices)
def test_properties_of_any_matrix(X: Matrix) -> None:
    directions, values = epdjm_factors(X)
    largest = values[0]
    assert (np.diff(values) <= 0).all()
    np.testing.assert_allclose(values, np.linalg.svd(X, compute_uv=False), atol=RELATIVE * largest, rtol=RELATIVE)
    projected = directions * values
    np.testing.assert_allclose(projected @ projected.T, X @ X.T, atol=1e-12 * largest**2, rtol=1e-12)
    kept = values > 0
    np.testing.assert_allclose(directions.T @ directions, np.diag(kept.astype(float)), atol=1e-12)
    for column in directions[:, kept].T:
        assert column.max() >= -column.min() > -np.inf
        assert column[np.abs(column).argmax()] > 0


@given(matrices, st.integers(0, 2**32))
def test_projection_does_not_depend_on_the_basis_of_the_pixels(X: Matrix, seed: int) -> None:
    """What is compared is how points lie to each other: their projected inner products survive any rotation."""
    rotation, _ = np.linalg.qr(gaussian(X.shape[1], X.shape[1], seed))
    grams = []
    for matrix in (X, X @ rotation):
        directions, values = epdjm_factors(matrix)
        grams.append((directions * values) @ (directions * values).T)
    np.testing.assert_allclose(grams[1], grams[0], atol=1e-11 * max(np.abs(grams[0]).max(), 1e-300))


def test_coordinates_do_not_depend_on_the_basis_of_the_pixels() -> None:
    X = gaussian(6, 40)
    rotation, _ = np.linalg.qr(gaussian(40, 40, seed=1))
    directions, values = epdjm_factors(X)
    rotated_directions, rotated_values = epdjm_factors(X @ rotation)
    np.testing.assert_allclose(rotated_directions * rotated_values, directions * values, atol=1e-9)
    assert not np.allclose(X @ rotation, X)


def reference_jacov(X: Matrix) -> float:
    """Mellor et al.'s own lines."""
    eigenvalues, _ = np.linalg.eig(np.corrcoef(X))
    k = 1e-5
    return float(-np.sum(np.log(eigenvalues.real + k) + 1.0 / (eigenvalues.real + k)))


@pytest.mark.parametrize("seed", range(5))
def test_jacov_is_its_formula(seed: int) -> None:
    X = gaussian(8, 60, seed) @ np.diag(np.linspace(0.1, 3, 60)) + gaussian(8, 1, seed + 10)
    assert jacov(X) == pytest.approx(reference_jacov(X), rel=1e-9)
    assert jacov(X.astype(np.float32)) == pytest.approx(reference_jacov(X), rel=1e-4)


def test_jacov_of_uncorrelated_rows_is_the_largest() -> None:
    rows, pixels = 3, 8
    orthogonal = np.array([[1, 1, 1, 1, -1, -1, -1, -1], [1, 1, -1, -1] * 2, [1, -1] * 4], dtype=float)
    best = -rows * (np.log(1 + 1e-5) + 1 / (1 + 1e-5))
    assert jacov(orthogonal) == pytest.approx(best, rel=1e-12)
    assert all(jacov(gaussian(rows, pixels, seed)) < best for seed in range(20))


def test_jacov_of_equal_rows() -> None:
    row = gaussian(1, 30)
    expected = -(np.log(2 + 1e-5) + 1 / (2 + 1e-5)) - (np.log(1e-5) + 1e5)
    assert jacov(np.vstack([row, row])) == pytest.approx(expected, rel=1e-9)


@given(st.lists(st.floats(1e-6, 1e6), min_size=5, max_size=5), st.lists(st.floats(-10, 10), min_size=5, max_size=5))
def test_jacov_ignores_scale_and_mean_of_each_row(scales: list[float], shifts: list[float]) -> None:
    X = gaussian(5, 40)
    changed = (X + np.array(shifts)[:, None]) * np.array(scales)[:, None]
    assert jacov(changed) == pytest.approx(jacov(X), rel=1e-9)


ALONE = -(np.log(1 + 1e-5) + 1 / (1 + 1e-5))
"""What a row that is correlated with no other adds to the score."""


@pytest.mark.parametrize("rows", [np.zeros((1, 30)), np.zeros((2, 30)), np.ones((2, 30)), np.full((1, 30), 0.1)])
def test_jacov_counts_constant_rows_as_uncorrelated(rows: Matrix) -> None:
    X = gaussian(4, 30)
    assert jacov(np.vstack([X, rows])) == pytest.approx(jacov(X) + len(rows) * ALONE, rel=1e-9)


def test_jacov_counts_constant_rows_as_uncorrelated_whatever_their_rounding() -> None:
    X = gaussian(4, 30)
    rows = np.outer([0.1, 0.2], np.ones(30))
    assert jacov(np.vstack([X, rows])) == pytest.approx(jacov(X) + 2 * ALONE, rel=1e-9)


def test_jacov_of_zero_matrix_is_finite() -> None:
    assert jacov(np.zeros((4, 9))) == pytest.approx(4 * ALONE)
