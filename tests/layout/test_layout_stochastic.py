import numpy as np
import pytest

from cena.errors import InputError
from cena.layout import stochastic_transport, transport

POINTS = np.random.default_rng(0).uniform(0.25, 0.75, (24, 2))


def test_one_layer_agrees_with_newton():
    exact, estimate = transport(POINTS), stochastic_transport(POINTS, 0)
    np.testing.assert_allclose(estimate.weights, exact.weights, atol=0.05 * exact.weights.std())
    np.testing.assert_allclose(estimate.centroids, exact.centroids, atol=0.02)
    np.testing.assert_allclose(estimate.areas, 1 / 24, rtol=0.2)
    assert estimate.cost == pytest.approx(exact.cost, rel=0.03)


def test_more_steps_come_closer():
    exact = transport(POINTS)
    errors = [
        np.mean([np.abs(stochastic_transport(POINTS, seed, steps=steps).weights - exact.weights) for seed in range(3)])
        for steps in (100, 5000)
    ]
    assert errors[1] < errors[0] / 4


def test_masses_are_followed():
    masses = np.linspace(1, 4, 24)
    estimate = stochastic_transport(POINTS, 0, masses)
    np.testing.assert_allclose(estimate.areas, masses / masses.sum(), rtol=0.25)


def test_two_layers_give_each_point_its_mass():
    exact, estimate = transport(POINTS), stochastic_transport(POINTS, 0, clusters=4)
    np.testing.assert_allclose(estimate.areas, 1 / 24, rtol=0.25)
    # The cells of the upper layer are not optimal for the lower one, so the cost can only be larger, but not by much.
    assert exact.cost * 0.98 < estimate.cost < exact.cost * 1.2
    assert np.linalg.norm(estimate.centroids - exact.centroids, axis=1).mean() < 0.1


def test_a_cluster_for_every_point_is_one_layer():
    estimate = stochastic_transport(POINTS, 0, clusters=24, steps=2000)
    np.testing.assert_allclose(estimate.areas, 1 / 24, rtol=0.3)
    np.testing.assert_array_equal(estimate.weights, 0)


def test_same_seed_same_result():
    first, second = (stochastic_transport(POINTS, 3, clusters=3, steps=50) for _ in range(2))
    assert first.centroids.tobytes() == second.centroids.tobytes()


def test_a_cell_without_samples_has_no_centroid():
    points = np.array([[0.5, 0.5], [0.4, 0.5], [0.6, 0.5]])
    estimate = stochastic_transport(points, 0, masses=np.array([1e-9, 1, 1]), steps=1000)
    assert estimate.areas[0] == 0
    assert np.isnan(estimate.centroids[0]).all()
    assert np.isfinite(estimate.centroids[1:]).all()


@pytest.mark.parametrize("clusters", [0, 25])
def test_bad_number_of_clusters_is_named(clusters):
    with pytest.raises(InputError, match="clusters is"):
        stochastic_transport(POINTS, 0, clusters=clusters)
