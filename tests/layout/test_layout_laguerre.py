import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cena.errors import InputError
from cena.layout import laguerre_cells


def lattice(k):
    ticks = (np.arange(k) + 0.5) / k
    return np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)


def polygon_area(corners):
    x, y = corners.T
    return (x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def nearest(places, points, weights):
    """Brute force: the point with the smallest power distance to each place."""
    return (((places[:, None] - points[None]) ** 2).sum(axis=2) - weights).argmin(axis=1)


def test_a_lattice_has_square_cells():
    points = lattice(7)
    cells = laguerre_cells(points, np.zeros(49))
    np.testing.assert_allclose(cells.areas, 1 / 49, rtol=1e-12)
    np.testing.assert_allclose(cells.centroids, points, atol=1e-13)
    np.testing.assert_allclose(cells.costs, (1 / 7) ** 4 / 6, rtol=1e-10)
    assert all(len(polygon) == 4 for polygon in cells.polygons())
    np.testing.assert_allclose([polygon_area(polygon) for polygon in cells.polygons()], 1 / 49, rtol=1e-9)


def test_one_point_has_the_whole_square():
    cells = laguerre_cells(np.array([[0.2, 0.9]]), np.array([3.0]))
    np.testing.assert_allclose(cells.areas, 1)
    np.testing.assert_allclose(cells.centroids, [[0.5, 0.5]])
    np.testing.assert_allclose(cells.costs, 1 / 6 + 0.3**2 + 0.4**2)
    assert sorted(map(tuple, cells.polygons()[0].tolist())) == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_a_weight_moves_the_edge_by_half_its_share_of_the_distance():
    points = np.array([[0.3, 0.5], [0.7, 0.5]])
    cells = laguerre_cells(points, np.array([0.08, 0.0]))
    np.testing.assert_allclose(cells.areas, [0.5 + 0.08 / 0.8, 0.5 - 0.08 / 0.8])


def test_a_point_may_lie_outside_its_cell():
    points = np.array([[0.4, 0.5], [0.5, 0.5]])
    cells = laguerre_cells(points, np.array([0.06, 0.0]))  # the edge is at x = 0.75
    np.testing.assert_allclose(cells.areas, [0.75, 0.25])
    np.testing.assert_allclose(cells.centroids, [[0.375, 0.5], [0.875, 0.5]])


def test_a_covered_cell_is_empty():
    points = np.array([[0.5, 0.5], [0.3, 0.5], [0.7, 0.5]])
    cells = laguerre_cells(points, np.array([-1.0, 0.0, 0.0]))
    assert cells.areas[0] == 0
    np.testing.assert_allclose(cells.areas[1:], 0.5)
    assert np.isnan(cells.centroids[0]).all()
    assert [len(polygon) for polygon in cells.polygons()] == [0, 4, 4]


def test_cells_are_the_nearest_places_in_power_distance(clustered):
    generator = np.random.default_rng(0)
    points = clustered(120, 1)
    weights = 0.01 * generator.standard_normal(120)
    cells = laguerre_cells(points, weights)
    places = generator.random((100_000, 2))
    share = np.bincount(nearest(places, points, weights), minlength=120) / len(places)
    np.testing.assert_allclose(cells.areas, share, atol=0.006)
    # Places inside a polygon: random convex combinations of its corners.
    for i, corners in enumerate(cells.polygons()):
        if len(corners):
            inside = generator.dirichlet(np.ones(len(corners)), 20) @ corners
            assert (nearest(inside, points, weights) == i).all()
            assert polygon_area(corners) == pytest.approx(cells.areas[i], abs=1e-10)


def test_moments_agree_with_integration_by_brute_force():
    generator = np.random.default_rng(5)
    points, weights = generator.uniform(0.1, 0.9, (6, 2)), 0.02 * generator.standard_normal(6)
    cells = laguerre_cells(points, weights)
    places = lattice(700)
    cell = nearest(places, points, weights)
    for i in range(6):
        mine = places[cell == i]
        np.testing.assert_allclose(cells.centroids[i], mine.mean(axis=0), atol=1e-3)
        assert cells.costs[i] == pytest.approx(((mine - points[i]) ** 2).sum() / len(places), abs=1e-4)


def test_hessian_agrees_with_finite_differences(clustered):
    points = clustered(30, 2)
    weights = 1e-4 * np.random.default_rng(2).standard_normal(30)
    hessian = laguerre_cells(points, weights).hessian().toarray()
    step = 1e-7
    measured = np.empty((30, 30))
    for j in range(30):
        shift = step * np.eye(30)[j]
        ahead, behind = laguerre_cells(points, weights + shift), laguerre_cells(points, weights - shift)
        measured[:, j] = (ahead.areas - behind.areas) / (2 * step)
    np.testing.assert_allclose(hessian, measured, atol=1e-4 * np.abs(hessian).max())
    np.testing.assert_allclose(hessian, hessian.T)
    np.testing.assert_allclose(hessian.sum(axis=1), 0, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 60),
    spread=st.sampled_from([0.4, 0.05, 1e-3]),
    weight=st.sampled_from([0.0, 1e-3, 0.1]),
    flat=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_cells_divide_the_square(n, spread, weight, flat, seed):
    generator = np.random.default_rng(seed)
    points = 0.5 + spread * generator.uniform(-1, 1, (n, 2))
    if flat:
        points[:, 1] = 0.25
    cells = laguerre_cells(points, weight * generator.random(n))
    assert cells.areas.sum() == pytest.approx(1, abs=1e-9)
    assert (cells.areas > -1e-12).all()
    filled = cells.areas > 1e-9
    centroids = cells.centroids[filled]
    assert ((centroids > -1e-6) & (centroids < 1 + 1e-6)).all()
    np.testing.assert_allclose((cells.areas[filled, None] * centroids).sum(axis=0), 0.5, atol=1e-6)


@pytest.mark.parametrize(
    ("points", "words"),
    [
        (np.zeros((3, 3)), "shape"),
        (np.zeros((0, 2)), "shape"),
        (np.array([[0.5, 0.5], [0.5, 1.0]]), r"point 1 at \[0.5, 1.0\]"),
        (np.array([[0.5, np.nan]]), "point 0"),
    ],
)
def test_bad_points_are_named(points, words):
    with pytest.raises(InputError, match=words):
        laguerre_cells(points, np.zeros(len(points)))


@pytest.mark.parametrize("weights", [np.zeros(2), np.array([np.inf])])
def test_bad_weights_are_named(weights):
    with pytest.raises(InputError, match="weights"):
        laguerre_cells(np.array([[0.5, 0.5]]), weights)


def test_of_points_in_one_place_one_has_the_cell():
    cells = laguerre_cells([[0.5, 0.5], [0.5, 0.5], [0.2, 0.3]], np.zeros(3))
    assert sorted(cells.areas[:2] > 0) == [False, True]
    np.testing.assert_allclose(cells.areas.sum(), 1)
    np.testing.assert_allclose(max(cells.areas[:2]), laguerre_cells([[0.5, 0.5], [0.2, 0.3]], np.zeros(2)).areas[0])
