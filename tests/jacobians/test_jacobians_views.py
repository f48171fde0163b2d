"""Views: their seeds, the rescaling of weights, and what becomes of networks that have no usable Jacobian."""

from math import log

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from cena.jacobians import Status, class_views, data_jacobian, jacov, principal_components, rescale_weights, view_seeds
from cena.spaces import Space, TopologySpace
from cena.spaces.nas_bench_201.cells import parse_topology_cell

CELLS = [
    parse_topology_cell("|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|none~1|nor_conv_3x3~2|"),
    parse_topology_cell("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"),
]
SPACE = TopologySpace("tiny", CELLS, channels=4, cells_per_stage=1, resolution=8)
IMAGES = np.random.default_rng(0).standard_normal((6, 3, 8, 8)).astype(np.float32)


class BrokenSpace(TopologySpace):
    """Every network has one weight that is not a number."""

    def build(self, index: int, seed: int) -> nn.Module:
        network = super().build(index, seed)
        next(network.parameters()).data.view(-1)[seed % 2] = torch.nan
        return network


def views(space: Space = SPACE, architecture: int = 0, class_number: int = 0, count: int = 3, seed: int = 0):
    return class_views(space, architecture, class_number, IMAGES, count, seed, "float32")


def test_view_seeds_are_distinct() -> None:
    seeds = [view_seeds(seed, number, view) for seed in (0, 1) for number in range(50) for view in range(8)]
    assert len({value for pair in seeds for value in pair}) == 2 * 2 * 50 * 8


def test_view_seeds_depend_on_nothing_but_their_arguments() -> None:
    keys = [(0, number, view) for number in range(20) for view in range(4)]
    forward = {key: view_seeds(*key) for key in keys}
    assert {key: view_seeds(*key) for key in reversed(keys)} == forward
    assert view_seeds(3, 14, 1) == (5741999563866226970, 2452145054058487013)  # stored views rely on these


def test_rescale_factors_are_log_uniform() -> None:
    network = nn.ModuleList([nn.Linear(1, 2) for _ in range(4000)])
    for parameter in network.parameters():
        nn.init.ones_(parameter)
    rescale_weights(network, np.random.default_rng(0))
    factors = np.array([layer.weight[0, 0].item() for layer in network])
    assert factors.min() > 7 / 8
    assert factors.max() < 8 / 7
    uniform = (np.log(factors) - log(7 / 8)) / (log(8 / 7) - log(7 / 8))
    assert stats.kstest(uniform, "uniform").pvalue > 0.01


def test_only_matrices_are_rescaled_each_by_one_factor() -> None:
    network = SPACE.build(0, 0)
    before = {name: parameter.detach().clone() for name, parameter in network.named_parameters()}
    rescale_weights(network, np.random.default_rng(1))
    factors = []
    for name, parameter in network.named_parameters():
        if parameter.ndim < 2:
            assert torch.equal(parameter, before[name])
        else:
            factors.append(float(parameter.detach().norm() / before[name].norm()))
            torch.testing.assert_close(parameter.detach(), factors[-1] * before[name])
    assert len(set(factors)) == len(factors) > 5
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_rescaling_a_convolution_before_batch_norm_changes_next_to_nothing() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.Flatten()).double()
    points = torch.from_numpy(IMAGES).double()
    before = network(points)
    rescale_weights(network, np.random.default_rng(0))
    torch.testing.assert_close(network(points), before, rtol=1e-3, atol=1e-3)


def test_a_view_is_the_factors_of_its_networks_jacobian() -> None:
    found = views(class_number=5, seed=2)
    for view in range(3):
        weight_seed, rescale_seed = view_seeds(2, 5, view)
        network = SPACE.build(0, weight_seed)
        rescale_weights(network, np.random.default_rng(rescale_seed))
        jacobian = data_jacobian(network, torch.from_numpy(IMAGES)).numpy()
        directions, values = principal_components(jacobian)
        np.testing.assert_allclose(found.directions[view], directions, atol=2e-3)
        np.testing.assert_allclose(found.singular_values[view], values, rtol=1e-4)
        assert found.jacov[view] == pytest.approx(jacov(jacobian), rel=1e-4)
        assert found.status[view] == Status.USABLE
    assert found.directions.shape == (3, 6, 6)
    assert found.directions.dtype == np.float16
    assert found.singular_values.dtype == found.jacov.dtype == np.float32
    assert len(np.unique(found.singular_values[:, 0])) == 3


def test_views_are_deterministic_and_a_longer_run_begins_with_the_shorter() -> None:
    torch.manual_seed(1)
    one = views(count=4)
    torch.manual_seed(2)
    other = views(count=2)
    for name in ("directions", "singular_values", "jacov", "status"):
        assert getattr(other, name).tobytes() == getattr(one, name)[:2].tobytes()


@pytest.mark.parametrize("change", [{"seed": 1}, {"class_number": 1}])
def test_seed_and_class_decide_the_weights(change: dict[str, int]) -> None:
    assert not np.array_equal(views(**change).singular_values, views().singular_values)


def test_fewer_pixels_than_points() -> None:
    images = np.random.default_rng(0).standard_normal((60, 3, 4, 4)).astype(np.float32)
    found = class_views(TopologySpace("tiny", CELLS, 4, 1, resolution=4), 0, 0, images, 1, 0, "float32")
    assert found.directions.shape == (1, 60, 48)
    assert found.singular_values.shape == (1, 48)


@pytest.mark.parametrize(
    ("space", "architecture", "status"),
    [(SPACE, 1, Status.DEAD), (BrokenSpace("broken", CELLS, 4, 1, resolution=8), 0, Status.NON_FINITE)],
)
def test_a_network_without_usable_jacobian_is_recorded_and_zero(
    space: Space, architecture: int, status: Status
) -> None:
    found = views(space, architecture)
    assert found.status.tolist() == [status] * 3
    assert not found.directions.any()
    assert not found.singular_values.any()
    assert not found.jacov.any()


def test_a_space_whose_classes_include_a_dead_one_has_both() -> None:
    assert [views(architecture=i, count=1).status[0] for i in (0, 1)] == [Status.USABLE, Status.DEAD]


def test_threads_are_given_back_even_after_an_error() -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        views(count=1)
        assert torch.get_num_threads() == 2
        with pytest.raises(ValueError, match="unknown precision"):
            class_views(SPACE, 0, 0, IMAGES, 1, 0, "float8")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
