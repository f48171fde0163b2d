"""Views: their seeds, the rescaling of weights, and what becomes of networks that have no usable Jacobian."""

from math import log

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from cena.jacobians import (
    ViewRecipe,
    ViewStatus,
    class_views,
    data_jacobian,
    epdjm_factors,
    jacov,
    rescale_weights,
    view_seeds,
)
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
    return class_views(space, architecture, class_number, ViewRecipe(IMAGES, count, seed, "float32"))


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


def changed(network: nn.Module, seed: int) -> dict[str, float]:
    """The factor of each parameter that rescaling changes, by name; every entry of it gets that factor."""
    before = {name: parameter.detach().clone() for name, parameter in network.named_parameters()}
    rescale_weights(network, np.random.default_rng(seed))
    factors = {}
    for name, parameter in network.named_parameters():
        assert parameter.requires_grad
        if not torch.equal(parameter, before[name]):
            factors[name] = float(parameter.detach().norm() / before[name].norm())
            torch.testing.assert_close(parameter.detach(), factors[name] * before[name])
    return factors


def test_all_weights_of_a_benchmark_are_rescaled_in_their_order_each_by_one_factor() -> None:
    """Stored views rely on which factor is whose."""
    network = SPACE.build(0, 0)
    matrices = [name for name, parameter in network.named_parameters() if parameter.ndim >= 2]
    factors = changed(network, 1)
    assert list(factors) == matrices
    expected = np.exp(np.random.default_rng(1).uniform(log(7 / 8), log(8 / 7), len(matrices)))
    np.testing.assert_allclose(list(factors.values()), expected, rtol=1e-6)


class Transformer(nn.Module):
    """Parameters of every kind: those of layers, and others of two dimensions and more."""

    def __init__(self) -> None:
        super().__init__()
        self.class_token = nn.Parameter(torch.randn(1, 1, 8))
        self.positions = nn.Parameter(torch.randn(16, 8))
        self.relative_position_bias_table = nn.Parameter(torch.randn(9, 2))
        self.layer_scale = nn.Parameter(torch.randn(8, 1, 1))
        self.token = nn.Embedding(5, 8)
        self.norm = nn.LayerNorm([4, 8])
        self.root_norm = nn.RMSNorm([4, 8])
        self.patches = nn.Conv2d(3, 8, 2)
        self.up = nn.ConvTranspose2d(8, 3, 2)
        self.attention = nn.MultiheadAttention(8, 2)
        self.cross = nn.MultiheadAttention(8, 2, kdim=6, vdim=6)
        self.recurrent = nn.LSTM(8, 4)
        self.pair = nn.Bilinear(2, 3, 4)
        self.head = nn.utils.parametrizations.orthogonal(nn.Linear(8, 8))
        for parameter in (self.norm.weight, self.root_norm.weight):
            nn.init.normal_(parameter)


def test_what_is_no_weight_matrix_is_not_rescaled() -> None:
    assert list(changed(Transformer(), 0)) == [
        "patches.weight",
        "up.weight",
        "attention.in_proj_weight",
        "attention.out_proj.weight",
        "cross.q_proj_weight",
        "cross.k_proj_weight",
        "cross.v_proj_weight",
        "cross.out_proj.weight",
        "recurrent.weight_ih_l0",
        "recurrent.weight_hh_l0",
        "pair.weight",
    ]


def test_a_parameter_that_is_not_rescaled_takes_no_factor_from_the_others() -> None:
    layers = [nn.Linear(3, 3), nn.Linear(3, 3)]
    alone = changed(nn.ModuleList(layers), 2)
    with_positions = changed(nn.ModuleList([layers[0], nn.Embedding(4, 3), layers[1]]), 2)
    np.testing.assert_allclose(list(with_positions.values()), list(alone.values()), rtol=1e-6)


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
        directions, values = epdjm_factors(jacobian)
        np.testing.assert_allclose(found.directions[view], directions, atol=2e-3)
        np.testing.assert_allclose(found.singular_values[view], values, rtol=1e-4)
        assert found.jacov[view] == pytest.approx(jacov(jacobian), rel=1e-4)
        assert found.status[view] == ViewStatus.USABLE
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
    found = class_views(TopologySpace("tiny", CELLS, 4, 1, resolution=4), 0, 0, ViewRecipe(images, 1, 0, "float32"))
    assert found.directions.shape == (1, 60, 48)
    assert found.singular_values.shape == (1, 48)


@pytest.mark.parametrize(
    ("space", "architecture", "status"),
    [(SPACE, 1, ViewStatus.DEAD), (BrokenSpace("broken", CELLS, 4, 1, resolution=8), 0, ViewStatus.NON_FINITE)],
)
def test_a_network_without_usable_jacobian_is_recorded_and_zero(
    space: Space, architecture: int, status: ViewStatus
) -> None:
    found = views(space, architecture)
    assert found.status.tolist() == [status] * 3
    assert not found.directions.any()
    assert not found.singular_values.any()
    assert not found.jacov.any()


def test_a_space_whose_classes_include_a_dead_one_has_both() -> None:
    assert [views(architecture=i, count=1).status[0] for i in (0, 1)] == [ViewStatus.USABLE, ViewStatus.DEAD]


def test_views_leave_the_number_of_threads_alone_even_after_an_error() -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        views(count=1)
        assert torch.get_num_threads() == 2
        with pytest.raises(ValueError, match="unknown precision"):
            class_views(SPACE, 0, 0, ViewRecipe(IMAGES, 1, 0, "float8"))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


def test_arrays_of_views_lie_in_memory_in_the_order_of_their_axes() -> None:
    """An encoder's sums round by the order in memory, and a stored view must give what a fresh one gives."""
    assert views().directions.flags.c_contiguous
