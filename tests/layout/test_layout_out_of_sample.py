"""The place of a new point in a finished layout."""

import numpy as np
import pytest

from cena.errors import InputError
from cena.layout import distance_map, laguerre_cells, place, separate, to_unit_square, transport
from cena.layout.out_of_sample import plane_position, square_position


@pytest.fixture(scope="module")
def planar():
    """60 embeddings whose cosine distances a plane can hold nearly exactly: short arcs about one direction."""
    generator = np.random.default_rng(0)
    return np.column_stack([0.15 * generator.standard_normal((60, 2)), np.ones(60), np.zeros((60, 5))])


@pytest.fixture(scope="module")
def finished(planar):
    plane = distance_map(planar, seed=0)
    points = separate(to_unit_square(plane), seed=0)
    return planar, plane, points, transport(points)


def test_exact_distances_give_the_exact_position():
    generator = np.random.default_rng(1)
    plane, new = generator.standard_normal((40, 2)), generator.standard_normal(2)
    np.testing.assert_allclose(plane_position(np.hypot(*(plane - new).T), plane), new, atol=1e-5)


def test_no_position_near_by_is_better(finished):
    embedding, plane, points, cells = finished
    new = embedding[3] + embedding[7] + 0.02
    distances = 1 - embedding @ new / np.linalg.norm(embedding, axis=1) / np.linalg.norm(new)
    found = place(new, embedding, plane, points, cells.weights).plane

    def objective(position):
        return np.abs(np.hypot(*(plane - position).T) - distances).mean()

    steps = 1e-3 * np.random.default_rng(0).standard_normal((50, 2))
    assert all(objective(found) <= objective(found + step) + 1e-9 for step in steps)


def test_a_known_embedding_comes_back_to_its_place_and_cell(finished):
    embedding, plane, points, cells = finished
    spacing = np.sqrt(np.prod(np.ptp(plane, axis=0)) / len(plane))
    placed = [place(3 * embedding[i], embedding, plane, points, cells.weights) for i in range(0, 60, 7)]
    apart = [np.linalg.norm(one.plane - plane[i]) for one, i in zip(placed, range(0, 60, 7), strict=True)]
    assert np.median(apart) < 0.5 * spacing
    centroids = [
        np.linalg.norm(one.square - cells.centroids[i]) for one, i in zip(placed, range(0, 60, 7), strict=True)
    ]
    assert np.median(centroids) < 2 / np.sqrt(60)  # the width of a cell or two


def test_a_known_point_falls_into_its_own_cell(clustered):
    points = clustered(80, seed=0)
    cells = transport(points)
    polygons = laguerre_cells(points, cells.weights).polygons()
    for i in range(0, 80, 9):
        where, cell = square_position(points[i], points, cells.weights)
        assert cell == i
        low, high = polygons[i].min(axis=0), polygons[i].max(axis=0)
        assert (where >= low - 1e-6).all()
        assert (where <= high + 1e-6).all()


def test_the_place_is_where_the_cell_of_a_new_point_appears(clustered):
    """With a weight that just gives it a cell, the new point's cell is tiny and lies at the place found."""
    points = clustered(80, seed=1)
    weights = transport(points).weights
    new = np.array([0.41, 0.37])
    where, cell = square_position(new, points, weights)
    power = ((where - points) ** 2).sum(axis=1) - weights
    assert power[cell] == pytest.approx(power.min(), abs=1e-8)
    least = ((where - new) ** 2).sum() - power.min()
    joined = laguerre_cells(np.vstack([points, new]), np.append(weights, least + 1e-5))
    assert 0 < joined.areas[-1] < 0.01
    np.testing.assert_allclose(joined.centroids[-1], where, atol=0.05)
    assert laguerre_cells(np.vstack([points, new]), np.append(weights, least - 1e-5)).areas[-1] < 1e-12


def test_equal_weights_without_transport_leave_points_where_they_are():
    """Two points and the Voronoi diagram: a new one between them appears on the line between their cells."""
    points = np.array([[0.25, 0.5], [0.75, 0.5]])
    where, _ = square_position(np.array([0.5, 0.5]), points, np.zeros(2))
    assert where[0] == pytest.approx(0.5)


def test_a_position_outside_goes_to_the_border(finished):
    embedding, plane, points, cells = finished
    far = place(-embedding[0], embedding, plane, points, cells.weights)
    assert ((far.square >= 0) & (far.square <= 1)).all()


@pytest.mark.parametrize("new", [np.zeros(8), np.ones(3), np.full(8, np.nan)])
def test_what_cannot_be_placed_is_refused(finished, new):
    embedding, plane, points, cells = finished
    with pytest.raises(InputError, match=r"new embedding has shape|cosine distances are undefined"):
        place(new, embedding, plane, points, cells.weights)
    with pytest.raises(InputError, match=r"weights have shape \(3,\), expected \(60,\)"):
        place(embedding[0], embedding, plane, points, np.zeros(3))
