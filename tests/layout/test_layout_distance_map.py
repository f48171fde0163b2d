import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform
from threadpoolctl import threadpool_limits

from cena.errors import InputError
from cena.layout import distance_distortion, distance_map, principal_start
from cena.layout.distance_map import distortion, distortion_gradient


def embedding(n, seed, d=32):
    generator = np.random.default_rng(seed)
    latent = generator.standard_normal((12, 3))[generator.integers(12, size=n)]
    latent = latent + 0.3 * generator.standard_normal((n, 3))
    return np.tanh(latent @ generator.standard_normal((3, d)))


def realisable(n, seed):
    """Points in the plane and an embedding whose cosine distances are exactly theirs.

    -|y_i - y_j| is conditionally positive definite (Schoenberg 1938), so 1 - |y_i - y_j| is a Gram matrix of unit
    vectors when the points are close enough together.
    """
    points = 0.5 * np.random.default_rng(seed).uniform(-1, 1, (n, 2))
    values, vectors = np.linalg.eigh(1 - squareform(pdist(points)))
    assert values.min() > 0
    return points, vectors * np.sqrt(values)


def test_gradient_agrees_with_finite_differences():
    generator = np.random.default_rng(0)
    positions = generator.standard_normal((9, 2))
    distances = squareform(generator.uniform(0, 2, 36))
    measured = np.empty((9, 2))
    for i in range(9):
        for axis in range(2):
            step = np.zeros((9, 2))
            step[i, axis] = 1e-6
            ahead, behind = distortion(positions + step, distances), distortion(positions - step, distances)
            measured[i, axis] = (ahead - behind) / 2e-6
    np.testing.assert_allclose(distortion_gradient(positions, distances), measured, atol=1e-9)


def test_distortion_is_the_mean_over_pairs():
    positions = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])
    distances = squareform(np.array([4.0, 1.5, 1.0]))  # of the pairs 01, 02, 12
    assert distortion(positions, distances) == pytest.approx((1 + 0.5 + np.hypot(3, 3) - 1) / 3)


def test_points_that_coincide_do_not_move_each_other():
    gradient = distortion_gradient(np.zeros((4, 2)), 1 - np.eye(4))
    np.testing.assert_array_equal(gradient, 0)


def test_realisable_distances_are_recovered():
    points, rows = realisable(60, 1)
    positions = distance_map(rows, 0)
    np.testing.assert_allclose(pdist(positions), pdist(points), atol=2e-3)
    assert distance_distortion(rows, positions, 0) < 2e-4
    assert distance_distortion(rows, principal_start(rows), 0) > 50 * distance_distortion(rows, positions, 0)


def test_map_is_better_than_its_start():
    rows = embedding(1200, 2)  # more than one block
    positions = distance_map(rows, 0)
    assert positions.shape == (1200, 2)
    np.testing.assert_allclose(positions.mean(axis=0), 0, atol=1e-12)
    start = distance_distortion(rows, principal_start(rows), 0)
    # This embedding has three dimensions: ten times as many epochs over all pairs gain no more than 9 % either.
    assert distance_distortion(rows, positions, 0) < 0.92 * start


def test_no_single_point_can_be_moved_to_advantage():
    rows = embedding(80, 3)
    positions = distance_map(rows, 0)
    before = distance_distortion(rows, positions, 0)
    generator = np.random.default_rng(3)
    for i in range(80):
        moved = positions.copy()
        moved[i] += 0.02 * generator.standard_normal(2)
        assert distance_distortion(rows, moved, 0) > before - 1e-5


def test_same_seed_same_bytes_whatever_the_threads():
    rows = embedding(1100, 4)
    first = distance_map(rows, 7)
    with threadpool_limits(limits=2):
        second = distance_map(rows, 7)
    assert first.tobytes() == second.tobytes()
    assert first.tobytes() != distance_map(rows, 8).tobytes()


def test_length_and_order_of_magnitude_of_rows_do_not_matter():
    rows = embedding(40, 5)
    lengths = np.random.default_rng(5).uniform(0.1, 100, (40, 1))
    assert distance_distortion(rows * lengths, distance_map(rows, 0), 0) == pytest.approx(
        distance_distortion(rows, distance_map(rows * lengths, 0), 0), rel=0.01
    )


def test_start_of_a_planar_embedding_keeps_its_shape():
    angles = np.linspace(0, 1, 30)
    start = principal_start(np.column_stack([np.cos(angles), np.sin(angles)]))
    chords = 2 * np.sin(np.abs(np.subtract.outer(angles, angles)) / 2)
    ratio = pdist(start) / squareform(chords)
    np.testing.assert_allclose(ratio, ratio[0])


@pytest.mark.parametrize("rows", [np.ones((1, 5)), np.ones((7, 5)), np.ones((4, 1))])
def test_equal_rows_come_to_one_place(rows):
    np.testing.assert_allclose(distance_map(rows, 0), 0, atol=1e-6)
    assert distance_distortion(rows, np.zeros((len(rows), 2)), 0) == pytest.approx(0, abs=1e-12)


def test_sampled_distortion_estimates_that_of_all_pairs():
    rows = embedding(1500, 6)
    positions = principal_start(rows)
    exact = distance_distortion(rows, positions, 0, pairs=1500 * 1499 // 2)
    sampled = distance_distortion(rows, positions, 0, pairs=1_000_000)
    assert sampled != exact
    assert sampled == pytest.approx(exact, rel=0.02)
    assert sampled == distance_distortion(rows, positions, 0, pairs=1_000_000)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (np.ones(4), "shape"),
        (np.ones((0, 4)), "shape"),
        (np.array([[1.0, 2.0], [0.0, 0.0]]), "row 1"),
        (np.array([[np.nan, 1.0], [1.0, 0.0]]), "row 0"),
    ],
)
def test_bad_embeddings_are_named(rows, words):
    with pytest.raises(InputError, match=words):
        distance_map(rows, 0)


def test_positions_of_another_embedding_are_refused():
    with pytest.raises(InputError, match=r"expected \(5, 2\)"):
        distance_distortion(np.ones((5, 3)), np.zeros((4, 2)), 0)
