import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import KDTree
from scipy.spatial.distance import pdist

from cena.errors import InputError
from cena.layout import coordinates, laguerre_cells, separate, to_unit_square, transport


def smallest_distance(points):
    return KDTree(points).query(points, k=2)[0][:, 1].min()


def test_a_lattice_is_already_transported():
    ticks = (np.arange(9) + 0.5) / 9
    points = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    result = transport(points)
    np.testing.assert_allclose(result.weights, 0, atol=1e-12)
    np.testing.assert_allclose(result.centroids, points, atol=1e-12)
    assert result.iterations == 0
    assert result.cost == pytest.approx(1 / 9**2 / 6)


def test_a_shrunken_lattice_has_the_same_cells():
    ticks = (np.arange(9) + 0.5) / 9
    lattice = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    result = transport(0.3 * lattice + np.array([0.1, 0.55]))
    np.testing.assert_allclose(result.centroids, lattice, atol=1e-8)


def test_one_and_two_points():
    np.testing.assert_allclose(transport(np.array([[0.1, 0.9]])).centroids, [[0.5, 0.5]])
    result = transport(np.array([[0.1, 0.2], [0.4, 0.2]]))
    np.testing.assert_allclose(result.centroids, [[0.25, 0.5], [0.75, 0.5]])


@pytest.mark.parametrize("axis", [0, 1])
def test_points_on_a_line_have_strips(axis):
    generator = np.random.default_rng(0)
    place = generator.permutation(np.linspace(0.1, 0.7, 12) ** 1.5)
    masses = generator.uniform(0.5, 2, 12)
    points = np.full((12, 2), 0.8)
    points[:, axis] = place
    result = transport(points, masses)
    widths = masses / masses.sum()
    order = np.argsort(place)
    middle = np.empty(12)
    middle[order] = np.cumsum(widths[order]) - widths[order] / 2
    np.testing.assert_allclose(result.areas, widths, rtol=1e-8)
    np.testing.assert_allclose(result.centroids[:, axis], middle, atol=1e-8)
    np.testing.assert_allclose(result.centroids[:, 1 - axis], 0.5, atol=1e-8)
    # Integral of |x - y_i|² over strip i: its own variance, and the distance of its centre from the point.
    across = widths**2 / 12 + (middle - place) ** 2
    along = 1 / 12 + (0.5 - 0.8) ** 2
    assert result.cost == pytest.approx((widths * (across + along)).sum())


def test_a_mirror_symmetric_set_has_mirror_symmetric_cells(clustered):
    half = clustered(60, 3) * [0.45, 1]
    mirrored = np.concatenate([half, [1, 0] + half * [-1, 1]])
    result = transport(mirrored)
    np.testing.assert_allclose(result.weights[:60], result.weights[60:], atol=1e-8)
    np.testing.assert_allclose(result.centroids[:60], [1, 0] + result.centroids[60:] * [-1, 1], atol=1e-7)


def test_masses_may_differ(clustered):
    masses = np.random.default_rng(4).uniform(0.1, 10, 300)
    result = transport(clustered(300, 4), masses)
    np.testing.assert_allclose(result.areas, masses / masses.sum(), rtol=1e-8)


def test_shifting_all_points_shifts_the_weights_by_a_linear_function(clustered):
    """|x - y - t|² - w' and |x - y|² - w differ by a function of x alone when w' = w + 2 y·t + a constant."""
    points, shift = 0.5 * clustered(100, 5) + 0.1, np.array([0.2, 0.15])
    before, after = transport(points), transport(points + shift)
    expected = before.weights + 2 * points @ shift
    np.testing.assert_allclose(after.weights, expected - expected.mean(), atol=1e-9)
    np.testing.assert_allclose(after.centroids, before.centroids, atol=1e-7)


def test_gradient_of_the_dual_is_mass_minus_area(clustered):
    points, masses = clustered(20, 6), np.full(20, 1 / 20)
    weights = 1e-3 * np.random.default_rng(6).standard_normal(20)

    def dual(w):
        cells = laguerre_cells(points, w)
        return cells.costs.sum() - w @ cells.areas + w @ masses

    step = 1e-6
    measured = [(dual(weights + step * axis) - dual(weights - step * axis)) / (2 * step) for axis in np.eye(20)]
    np.testing.assert_allclose(measured, masses - laguerre_cells(points, weights).areas, atol=1e-7)
    result = transport(points)
    assert dual(result.weights) == pytest.approx(result.cost)  # no duality gap
    assert dual(weights) < result.cost


def test_no_other_assignment_of_the_cells_costs_less(clustered):
    points = clustered(50, 7)
    result = transport(points)
    generator = np.random.default_rng(7)
    # Cost of carrying cell i to point p(i): spread about the centroid, which no assignment changes, plus its way.
    ways = ((result.centroids - points) ** 2).sum(axis=1) @ result.areas
    for _ in range(200):
        other = generator.permutation(50)
        assert ((result.centroids - points[other]) ** 2).sum(axis=1) @ result.areas > ways
    two_swapped = np.arange(50)
    two_swapped[[0, 1]] = [1, 0]
    assert ((result.centroids - points[two_swapped]) ** 2).sum(axis=1) @ result.areas > ways


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(1, 80),
    clusters=st.integers(1, 5),
    spread=st.sampled_from([0.3, 0.02, 0.001]),
    copies=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_areas_equal_the_masses(n, clusters, spread, copies, seed):
    generator = np.random.default_rng(seed)
    centres = generator.standard_normal((clusters, 2))
    positions = centres[generator.integers(clusters, size=n)] + spread * generator.standard_normal((n, 2))
    if copies:
        positions = np.concatenate([positions, positions[: n // 2]])
    result = transport(separate(to_unit_square(positions), seed))
    np.testing.assert_allclose(result.areas * len(positions), 1, atol=1e-8)
    assert result.areas.sum() == pytest.approx(1, abs=1e-9)
    assert ((result.centroids > 0) & (result.centroids < 1)).all()
    np.testing.assert_allclose(result.centroids.mean(axis=0), 0.5, atol=1e-6)


@pytest.mark.slow
def test_all_of_nas_bench_201_is_transported_exactly(clustered):
    result = transport(separate(clustered(15_625, 0), 0))
    assert np.abs(15_625 * result.areas - 1).max() < 1e-8


def test_copies_are_named():
    points = np.array([[0.1, 0.1], [0.4, 0.4], [0.7, 0.2], [0.4, 0.4]])
    with pytest.raises(InputError, match=r"points 1 and 3 are 0\.0e\+00 apart"):
        transport(points)


def test_a_tolerance_beyond_rounding_is_an_error():
    points = np.random.default_rng(0).uniform(0.2, 0.8, (40, 2))
    with pytest.raises(RuntimeError, match="relative mass error"):
        transport(points, tolerance=1e-18)


@pytest.mark.parametrize("masses", [np.ones(3), np.array([1.0, -1.0]), np.array([1.0, np.nan])])
def test_bad_masses_are_named(masses):
    with pytest.raises(InputError, match=r"masses .* expected \(2,\)"):
        transport(np.array([[0.2, 0.2], [0.6, 0.6]]), masses)


def test_to_unit_square_keeps_proportions():
    positions = np.random.default_rng(1).standard_normal((40, 2)) * [300, 20] - 1000
    points = to_unit_square(positions)
    ratio = pdist(points) / pdist(positions)
    np.testing.assert_allclose(ratio, ratio[0])
    np.testing.assert_allclose([points[:, 0].min(), points[:, 0].max()], [0.05, 0.95])
    np.testing.assert_allclose(points[:, 1].min() + points[:, 1].max(), 1)


def test_to_unit_square_puts_coinciding_positions_into_the_centre():
    np.testing.assert_array_equal(to_unit_square(np.full((3, 2), 7.0)), np.full((3, 2), 0.5))


@pytest.mark.parametrize(
    ("positions", "words"),
    [(np.zeros((4, 3)), "shape"), (np.array([[np.nan, 0]]), "finite"), (np.zeros((0, 2)), "n > 0")],
)
def test_to_unit_square_names_bad_input(positions, words):
    with pytest.raises(InputError, match=words):
        to_unit_square(positions)


def test_separate_moves_copies_only():
    points = np.random.default_rng(2).uniform(0.1, 0.9, (300, 2))
    points[100:200] = points[100]
    separated = separate(points, 0)
    assert smallest_distance(separated) >= 1e-5
    np.testing.assert_array_equal(separated[:100], points[:100])
    np.testing.assert_array_equal(separated[200:], points[200:])
    assert np.abs(separated - points).max() < 1e-3
    np.testing.assert_array_equal(separate(points, 0), separated)
    assert (separate(points, 1) != separated).any()


def test_separate_finds_room_in_a_corner():
    separated = separate(np.full((200, 2), 1e-9), 0)
    assert smallest_distance(separated) >= 1e-5
    assert ((separated > 0) & (separated < 1)).all()
    assert separate(np.array([[0.5, 0.5]]), 0).tolist() == [[0.5, 0.5]]


def test_coordinates_fill_the_unit_cube():
    centroids = np.random.default_rng(3).random((4, 2))
    result = coordinates(centroids, np.array([100, 10, 1000, 31622777]))
    np.testing.assert_array_equal(result[:, :2], centroids)
    np.testing.assert_allclose(result[:, 2], [1 / 6.5, 0, 2 / 6.5, 1])
    np.testing.assert_array_equal(coordinates(centroids, np.full(4, 7))[:, 2], 0.5)


@pytest.mark.parametrize(
    ("centroids", "parameters", "words"),
    [
        (np.full((2, 2), 0.5), np.array([1, 2, 3]), "shape"),
        (np.full((2, 2), 1.5), np.array([1, 2]), "unit square"),
        (np.full((2, 2), np.nan), np.array([1, 2]), "unit square"),
        (np.full((2, 2), 0.5), np.array([0, 2]), "not positive"),
    ],
)
def test_coordinates_name_bad_input(centroids, parameters, words):
    with pytest.raises(InputError, match=words):
        coordinates(centroids, parameters)


@pytest.mark.parametrize("tolerance", [0.0, -1.0, float("nan")])
def test_a_tolerance_that_no_areas_meet_is_a_sentence(tolerance):
    with pytest.raises(InputError, match=r"the tolerance is .*: expected a number above 0"):
        transport(np.array([[0.25, 0.5], [0.75, 0.5]]), tolerance=tolerance)


@pytest.mark.parametrize("kind", [np.float16, np.float32, list])
def test_points_of_any_precision_are_computed_in_double(kind):
    """Rounded positions, as t-SNE gives them: the cells are those of the same numbers in double precision."""
    positions = np.random.default_rng(0).random((200, 2)).astype(np.float16)
    given = positions.tolist() if kind is list else positions.astype(kind)
    found = transport(separate(to_unit_square(given), seed=0))
    expected = transport(separate(to_unit_square(positions.astype(np.float64)), seed=0))
    np.testing.assert_array_equal(found.centroids, expected.centroids)
    assert np.abs(found.areas * len(found.areas) - 1).max() < 1e-9


@pytest.mark.parametrize(
    ("points", "masses", "advice"),
    [
        ([[0.5, 0.5], [0.5, 0.500002], [0.2, 0.3]], None, "apart; use separate first"),
        ([[0.25, 0.5], [0.75, 0.5]], np.array([1.0, 1e9]), "masses differ by a factor of 1e\\+09"),
        (np.random.default_rng(0).uniform(0.2, 0.8, (40, 2)), None, "the closest points .* ask for a larger tolerance"),
    ],
)
def test_the_advice_fits_the_cause(points, masses, advice):
    with pytest.raises(RuntimeError, match=advice):
        transport(points, masses, tolerance=1e-18)
