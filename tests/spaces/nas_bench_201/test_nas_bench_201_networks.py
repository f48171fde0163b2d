"""The networks against a tiny reference that follows the benchmark's text word by word."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from cena.spaces.nas_bench_201.cells import EDGES, TopologyCell, all_topology_cells, parse_topology_cell
from cena.spaces.nas_bench_201.networks import AveragePool, CellModule, ReductionBlock, cell_network
from cena.spaces.nas_bench_201.size import CELL as SIZE_CELL

ZERO_CELL = parse_topology_cell("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def average(x: Tensor) -> Tensor:
    return functional.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


def with_gradient(function: Callable[[Tensor], Tensor], x: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    point = x.clone().requires_grad_()
    output = function(point)
    (gradient,) = torch.autograd.grad((output * weights).sum(), point)
    return output.detach(), gradient


@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (1, 5, 4, 7), (2, 1, 1, 1), (1, 2, 1, 3), (1, 2, 2, 2)])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-6), (torch.float32, 1e-5)])
def test_average_pool_equals_torchs_and_so_does_its_gradient(
    shape: tuple[int, ...], dtype: torch.dtype, tolerance: float
) -> None:
    x, weights = normal(*shape, dtype=dtype), normal(*shape, seed=1, dtype=dtype)
    pooled, gradient = with_gradient(AveragePool(), x, weights)
    expected, expected_gradient = with_gradient(average, x, weights)
    assert pooled.dtype == gradient.dtype == dtype
    torch.testing.assert_close(pooled, expected, rtol=tolerance, atol=tolerance)
    torch.testing.assert_close(gradient, expected_gradient, rtol=tolerance, atol=tolerance)


def test_average_pool_is_exact_in_double_precision() -> None:
    x = normal(2, 3, 8, 8)
    torch.testing.assert_close(AveragePool()(x), average(x), rtol=1e-12, atol=1e-12)


def test_average_pool_of_a_constant_is_the_constant_at_the_border_too() -> None:
    torch.testing.assert_close(AveragePool()(torch.full((1, 2, 5, 5), 3.0)), torch.full((1, 2, 5, 5), 3.0))


def reference_cell(module: CellModule, cell: TopologyCell, x: Tensor) -> Tensor:
    """Every edge computed by itself, zeros and dead edges included: NAS-Bench-201, section 2.1."""
    nodes = [x]
    for target in (1, 2, 3):
        total = torch.zeros_like(x[:, :1])
        for edge, (source, end) in enumerate(EDGES):
            if end != target or cell[edge] == "none":
                continue
            value = nodes[source].expand(-1, x.shape[1], -1, -1)
            learned = module.edges[str(edge)]
            if cell[edge] == "avg_pool_3x3":
                total = total + average(value)
            elif cell[edge] == "skip_connect":
                total = total + (learned(value) if isinstance(learned, nn.Sequential) else value)
            else:
                total = total + learned(functional.relu(value))
        nodes.append(total)
    return nodes[3]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("cell", all_topology_cells()[7::173], ids=str)
def test_a_cell_computes_what_the_benchmark_says(cell: TopologyCell, training: bool) -> None:
    module = CellModule(cell, 3, 3).double().train(training)
    x, weights = normal(4, 3, 6, 6), normal(4, 3, 6, 6, seed=1)
    output, gradient = with_gradient(lambda point: module(point) + 0 * point, x, weights)
    expected, expected_gradient = with_gradient(
        lambda point: reference_cell(module, cell, point) + 0 * point, x, weights
    )
    torch.testing.assert_close(output, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-4, atol=1e-4)


def test_a_skip_that_changes_the_width_is_a_convolution_and_batch_norm() -> None:
    """The size space's cells widen on the edges that leave node 0."""
    module = CellModule(SIZE_CELL, 3, 5).double().eval()
    x = normal(2, 3, 6, 6)
    one, two, three = (module.edges[str(edge)] for edge in (0, 1, 3))
    assert [type(layer) for layer in three.children()] == [nn.Conv2d, nn.BatchNorm2d]
    node_1 = one(functional.relu(x))
    node_2 = two(functional.relu(x)) + module.edges["2"](functional.relu(node_1))
    expected = three(x) + module.edges["4"](functional.relu(node_1)) + module.edges["5"](functional.relu(node_2))
    torch.testing.assert_close(module(x), expected)
    assert expected.shape == (2, 5, 6, 6)


def test_the_zero_cell_yields_zeros_of_its_own_width_and_type() -> None:
    output = CellModule(ZERO_CELL, 3, 5)(normal(2, 3, 6, 4))
    assert torch.equal(output, torch.zeros(2, 5, 6, 4, dtype=torch.float64))


def test_a_reduction_halves_the_resolution_and_its_shortcut_has_neither_norm_nor_bias() -> None:
    block = ReductionBlock(3, 5).double().eval()
    x = normal(2, 3, 8, 6)
    assert block(x).shape == (2, 5, 4, 3)
    for layer in block.residual.children():
        if isinstance(layer, nn.Sequential):
            nn.init.zeros_(layer[0].weight)  # type: ignore[arg-type]
    weight = block.shortcut[1].weight
    assert isinstance(weight, Tensor)
    expected = torch.einsum("oi,nihw->nohw", weight[:, :, 0, 0], functional.avg_pool2d(x, 2))
    torch.testing.assert_close(block(x), expected)


def test_the_network_of_the_benchmark() -> None:
    cell = all_topology_cells()[-1]
    network = cell_network(cell, [[16] * 6, [32] * 6, [64] * 6], 10)
    kinds = [type(layer).__name__ for layer in network]
    head = ["BatchNorm2d", "ReLU", "AdaptiveAvgPool2d", "Flatten", "Linear"]
    stage, reduction = ["CellModule"] * 5, ["ReductionBlock"]
    assert kinds == ["Conv2d", "BatchNorm2d", *stage, *reduction, *stage, *reduction, *stage, *head]
    features = network[:-5](torch.zeros(2, 3, 32, 32))
    assert features.shape == (2, 64, 8, 8)
