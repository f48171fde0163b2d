"""Speed of what a view costs, each against its alternative in one run (run it with `pytest --benchmark-only`)."""

from collections.abc import Callable
from time import perf_counter

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from cena.computing import native_bfloat16
from cena.jacobians import Reader, ViewRecipe, class_views, data_jacobian, epdjm_factors
from cena.spaces import load
from cena.spaces.nas_bench_201.networks import AveragePool

CELL = "|nor_conv_3x3~0|+|avg_pool_3x3~0|nor_conv_1x1~1|+|skip_connect~0|nor_conv_3x3~1|avg_pool_3x3~2|"
POINTS = 64


@pytest.fixture(autouse=True)
def one_thread():
    """As each worker has."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def fastest(function: Callable[[], object], rounds: int) -> float:
    """Seconds of the fastest of several calls."""
    seconds = []
    for _ in range(rounds):
        start = perf_counter()
        function()
        seconds.append(perf_counter() - start)
    return min(seconds)


def compare(benchmark, ours: Callable[[], object], other: Callable[[], object], rounds: int = 9) -> float:
    """How many times as long the alternative takes; also kept in the benchmark's record."""
    benchmark.pedantic(ours, rounds=rounds, warmup_rounds=1)
    ratio = fastest(other, rounds) / benchmark.stats.stats.min
    benchmark.extra_info["alternative takes times"] = round(ratio, 2)
    return ratio


def test_speed_of_principal_components_against_a_full_decomposition(benchmark):
    jacobian = np.random.default_rng(0).standard_normal((POINTS, 3 * 32 * 32)).astype(np.float32)
    double = jacobian.astype(np.float64)
    assert compare(
        benchmark,
        lambda: epdjm_factors(jacobian),
        lambda: np.linalg.svd(double, full_matrices=False),
    ) > 2  # fmt: skip


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_speed_of_average_pool_against_torchs(benchmark, precision):
    if precision == "bfloat16" and not native_bfloat16():
        pytest.skip("this processor does not multiply bfloat16")
    dtype = getattr(torch, precision)
    images = torch.randn(POINTS, 16, 32, 32, dtype=dtype).contiguous(memory_format=torch.channels_last)
    weights = torch.randn_like(images)

    def forward_and_backward(pool: Callable[[Tensor], Tensor]) -> Tensor:
        points = images.detach().requires_grad_()
        return torch.autograd.grad(pool(points), points, weights)[0]

    def torchs(points: Tensor) -> Tensor:
        return functional.avg_pool2d(points, 3, stride=1, padding=1, count_include_pad=False)

    ours = AveragePool()
    assert compare(benchmark, lambda: forward_and_backward(ours), lambda: forward_and_backward(torchs)) > 1.2


@pytest.mark.skipif(not native_bfloat16(), reason="this processor does not multiply bfloat16")
def test_speed_of_a_jacobian_in_bfloat16_against_float32(benchmark):
    space = load("nas-bench-201")
    network = space.build(space.index(CELL), 0).to(memory_format=torch.channels_last).requires_grad_(False)
    points = torch.randn(POINTS, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    assert compare(
        benchmark,
        lambda: data_jacobian(network, points, "bfloat16"),
        lambda: data_jacobian(network, points, "float32"),
        rounds=4,
    ) > 1.2  # fmt: skip


@pytest.mark.parametrize("name", ["nas-bench-201", "digits-topology"])
def test_speed_of_one_view(benchmark, name):
    """All of it: building, rescaling, the Jacobian, its components and its covariance score."""
    space = load(name)
    cell = space.index(CELL) if name == "nas-bench-201" else len(space) - 1
    images = np.random.default_rng(0).standard_normal((POINTS, 3, space.resolution, space.resolution))
    precision = "bfloat16" if native_bfloat16() else "float32"
    settings = ViewRecipe(images.astype(np.float32), 1, 0, precision)
    views = benchmark.pedantic(class_views, (space, cell, 0, settings), rounds=4, warmup_rounds=1)
    assert views.status.all()


def test_speed_of_all_readings_against_the_jacobian_they_are_of(benchmark):
    """A few percent of a view of a full network."""
    space = load("nas-bench-201")
    network = space.build(space.index(CELL), 0).to(memory_format=torch.channels_last).requires_grad_(False)
    images = np.random.default_rng(0).standard_normal((POINTS, 3, 32, 32)).astype(np.float32)
    points = torch.from_numpy(images).contiguous(memory_format=torch.channels_last)
    jacobian = data_jacobian(network, points).numpy()
    reader = Reader(images)
    precision = "bfloat16" if native_bfloat16() else "float32"
    assert compare(
        benchmark,
        lambda: reader.read(jacobian),
        lambda: data_jacobian(network, points, precision),
        rounds=4,
    ) > 10  # fmt: skip
