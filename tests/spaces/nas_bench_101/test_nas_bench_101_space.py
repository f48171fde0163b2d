"""NAS-Bench-101's networks against a reference that follows the original's text, its space, and the genuine table."""

import os
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from cena.errors import InputError
from cena.spaces.nas_bench_101.cells import (
    NAS_BENCH_101_OPERATIONS,
    NasBench101Cell,
    cell_from_matrix,
    format_nas_bench_101_cell,
    parse_nas_bench_101_cell,
)
from cena.spaces.nas_bench_101.isomorphism import canonical, canonical_hash
from cena.spaces.nas_bench_101.networks import (
    NasBench101CellModule,
    first_channels,
    nas_bench_101_network,
    vertex_channels,
)
from cena.spaces.nas_bench_101.space import MAX_CONCATENATED, NasBench101Space, paper_subset

TEXTS = [
    "output(0)",
    "conv3x3(0)|output(1)",
    "maxpool3x3(0)|output(0,1)",
    "conv3x3(0)|maxpool3x3(0,1)|output(1,2)",
    "conv1x1(0)|conv3x3(0)|maxpool3x3(0)|output(1,2,3)",
    "conv3x3(0)|conv1x1(1)|conv3x3(0,1,2)|output(1,2,3)",
    "maxpool3x3(0)|conv1x1(0)|conv3x3(1,2)|conv1x1(2)|output(0,3,4)",
    "conv3x3(0)|conv1x1(0)|maxpool3x3(1)|conv3x3(0,2)|conv1x1(3)|output(1,4,5)",
    "conv1x1(0)|maxpool3x3(0)|conv3x3(0)|conv1x1(1)|conv3x3(4)|output(2,3,4,5)",
]
CELLS = [parse_nas_bench_101_cell(text) for text in TEXTS]


@pytest.mark.parametrize(
    ("text", "channels"),
    [
        ("output(0)", [6, 10]),
        ("conv3x3(0)|output(0,1)", [6, 10, 10]),  # the input is added, not concatenated
        ("conv3x3(0)|conv3x3(1)|output(2)", [6, 10, 10, 10]),
        ("conv3x3(0)|conv3x3(0)|output(1,2)", [6, 5, 5, 10]),
        ("conv3x3(0)|conv3x3(0)|conv3x3(0)|output(1,2,3)", [6, 4, 3, 3, 10]),  # the remainder goes to the first
        ("conv3x3(0)|conv3x3(1)|conv3x3(1)|conv3x3(1)|output(2,3,4)", [6, 4, 4, 3, 3, 10]),  # the widest reader's
        ("conv3x3(0)|conv3x3(1)|conv3x3(2)|conv3x3(0)|output(1,3,4)", [6, 4, 3, 3, 3, 10]),
        ("conv3x3(0)|" * 5 + "output(1,2,3,4)", [6, 3, 3, 2, 2, 10]),  # vertex 5 is pruned
    ],
)
def test_channels_of_the_vertices(text: str, channels: list[int]) -> None:
    assert vertex_channels(parse_nas_bench_101_cell(text), 6, 10) == channels


def test_every_vertex_has_a_channel_at_the_narrowest_stem() -> None:
    for cell in paper_subset()[::7]:
        assert min(vertex_channels(cell, MAX_CONCATENATED, MAX_CONCATENATED)) > 0


def reference(module: NasBench101CellModule, cell: NasBench101Cell, x: Tensor) -> Tensor:
    """`build_module` of the original, step by step."""
    output, channels = cell.vertices - 1, module.channels
    values = [x]

    def read(target: int) -> Tensor:
        total = torch.zeros(len(x), channels[target], *x.shape[2:], dtype=x.dtype)
        for source in range(1, target):
            if source in cell.inputs(target):
                total = total + values[source][:, : channels[target]]
        if 0 in cell.inputs(target):
            total = total + convolved(module.projections[str(target)], x)
        return total

    for vertex, name in enumerate(cell.operations, start=1):
        operation, summed = module.operations[vertex - 1], read(vertex)
        if name == "maxpool3x3":
            padded = functional.pad(summed, (1, 1, 1, 1), value=-torch.inf)
            values.append(padded.unfold(2, 3, 1).unfold(3, 3, 1).amax(dim=(-2, -1)))
        else:
            assert operation[0].kernel_size == (int(name[4]),) * 2
            values.append(convolved(operation, summed))
    fed = [values[source] for source in cell.inputs(output) if source > 0]
    result = torch.cat(fed, dim=1) if fed else torch.zeros(len(x), channels[output], *x.shape[2:], dtype=x.dtype)
    if 0 in cell.inputs(output):
        result = result + convolved(module.projections[str(output)], x)
    return result


def convolved(module: nn.Module, x: Tensor) -> Tensor:
    weight = module.get_parameter("0.weight")
    y = functional.conv2d(x, weight, padding=weight.shape[-1] // 2)
    mean, variance = y.mean(dim=(0, 2, 3), keepdim=True), y.var(dim=(0, 2, 3), keepdim=True, unbiased=False)
    return torch.relu((y - mean) / (variance + 1e-5).sqrt())


@pytest.mark.parametrize("cell", CELLS, ids=format_nas_bench_101_cell)
def test_a_cell_computes_what_the_original_says(cell: NasBench101Cell) -> None:
    module = NasBench101CellModule(cell, 4, 7).double()
    x = torch.randn(3, 4, 6, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64, requires_grad=True)
    output, expected = module(x), reference(module, cell, x)
    assert output.shape == (3, 7, 6, 5)
    torch.testing.assert_close(output, expected)
    weights = torch.randn(output.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    (gradient,) = torch.autograd.grad((output * weights).sum(), x)
    (expected_gradient,) = torch.autograd.grad((expected * weights).sum(), x)
    torch.testing.assert_close(gradient, expected_gradient)


def test_first_channels_are_the_images_themselves_when_none_is_left_out() -> None:
    x = torch.arange(6.0).reshape(1, 3, 1, 2)
    assert first_channels(x, 3) is x
    assert torch.equal(first_channels(x, 2), x[:, :2])


def test_the_network_of_the_benchmark() -> None:
    network = nas_bench_101_network(CELLS[1], [[16] * 4, [16] + [32] * 3, [32] + [64] * 3], 10)
    stack = ["NasBench101CellModule"] * 3
    head = ["AdaptiveAvgPool2d", "Flatten", "Linear"]
    assert [type(layer).__name__ for layer in network] == [
        *["ConvNormReLU", *stack, "MaxPool2d", *stack, "MaxPool2d", *stack],
        *head,
    ]
    assert network[:-3](torch.zeros(2, 3, 32, 32)).shape == (2, 64, 8, 8)
    assert network[:-3](torch.zeros(2, 3, 5, 5)).shape == (2, 64, 2, 2)  # padding "same", as in the original
    assert not any(layer.bias is not None for layer in network.modules() if isinstance(layer, nn.Conv2d))


def test_parameters_of_the_benchmarks_chain_counted_by_hand() -> None:
    """A chain of one 3x3 convolution at full width: stem, nine cells of a projection and a convolution, head."""
    widths = [(128, 128)] * 3 + [(128, 256)] + [(256, 256)] * 2 + [(256, 512)] + [(512, 512)] * 2
    cells = sum(a * b + 2 * b + 9 * b * b + 2 * b for a, b in widths)
    assert NasBench101Space("x", [CELLS[1]]).parameters(0) == 27 * 128 + 256 + cells + 5130


@pytest.mark.parametrize("stem", [4, 7, 16])
def test_parameters_are_those_of_the_built_network(stem: int) -> None:
    space = NasBench101Space("x", CELLS, stem=stem, cells_per_stack=2, resolution=8, outputs=3)
    for index in range(len(space)):
        network = space.build(index, 0)
        assert space.parameters(index) == sum(parameter.numel() for parameter in network.parameters())


def test_a_cell_is_found_under_any_isomorphic_form() -> None:
    space = NasBench101Space("x", [parse_nas_bench_101_cell("maxpool3x3(0)|conv3x3(0)|output(1,2)")])
    assert space.architecture(0) == "conv3x3(0)|maxpool3x3(0)|output(1,2)"
    assert space.index("maxpool3x3(0)|conv3x3(0)|output(1,2)") == 0
    assert space.index("maxpool3x3(0)|conv3x3(0)|conv3x3(0)|output(1,2)") == 0  # vertex 3 is pruned


def test_choices_have_the_output_last_and_absent_vertices_marked() -> None:
    codes, cardinalities = NasBench101Space("x", [CELLS[3]]).choices()
    matrix = np.zeros((7, 7), dtype=int)
    for edge in ((0, 1), (0, 2), (1, 2), (1, 6), (2, 6)):
        matrix[edge] = 1
    edges = [matrix[s, t] for t in range(7) for s in range(t)]
    assert codes.tolist() == [[*edges, 0, 2, 3, 3, 3]]
    assert cardinalities == (2,) * 21 + (4,) * 5


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"stem": 3}, "stem of space 'x' is 3: give at least 4"),
        ({"cells_per_stack": 0}, "cells_per_stack of space 'x' is 0: give at least 1"),
        ({"resolution": 3}, "resolution of space 'x' is 3: give at least 4"),
        ({"outputs": 0}, "outputs of space 'x' is 0: give at least 1"),
    ],
)
def test_an_impossible_space_is_refused(wrong: dict[str, int], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        NasBench101Space("x", CELLS, **wrong)


def test_isomorphic_cells_are_refused() -> None:
    cells = [
        CELLS[0],
        *map(
            parse_nas_bench_101_cell, ("maxpool3x3(0)|conv3x3(0)|output(1,2)", "conv3x3(0)|maxpool3x3(0)|output(1,2)")
        ),
    ]
    with pytest.raises(InputError, match=r"^cells 1 and 2 of space 'x' are isomorphic: give one of them"):
        NasBench101Space("x", cells)


def test_a_cell_outside_is_refused() -> None:
    with pytest.raises(InputError, match=re.escape(f"cell '{TEXTS[1]}' is not among the 1 of space 'x'")):
        NasBench101Space("x", CELLS[:1]).index(TEXTS[1])


@cache
def table() -> tuple[list[NasBench101Cell], np.ndarray, np.ndarray]:
    """The genuine cells with vertices in the order of the table, their hashes and parameter counts."""
    path = Path(os.environ["CENA_DATA"]) / "nas_bench_101_30001.npz"
    if not path.exists():
        pytest.skip(f"CENA_DATA has no {path.name}, which is not published")
    with np.load(path) as data:
        sizes, matrices, codes = data["n_vertices"], data["adj"], data["ops"]
        cells = [
            cell_from_matrix(matrix[:n, :n], [NAS_BENCH_101_OPERATIONS[code] for code in row[1 : n - 1]])
            for n, matrix, row in zip(sizes.tolist(), matrices, codes, strict=True)
        ]
        return cells, data["hash"], data["params"]


@pytest.mark.real_data
@pytest.mark.skipif("CENA_DATA" not in os.environ, reason="CENA_DATA is not set")
def test_hashes_are_the_benchmarks() -> None:
    cells, hashes, _ = table()
    assert [canonical_hash(cell) for cell in cells] == hashes.tolist()


@pytest.mark.real_data
@pytest.mark.skipif("CENA_DATA" not in os.environ, reason="CENA_DATA is not set")
def test_parameter_counts_are_the_benchmarks() -> None:
    """Exact for the canonical forms, hence all 30,001."""
    cells, _, parameters = table()
    space = NasBench101Space("table", cells)
    assert [space.parameters(i) for i in range(len(space))] == parameters.tolist()


@pytest.mark.real_data
@pytest.mark.skipif("CENA_DATA" not in os.environ, reason="CENA_DATA is not set")
def test_the_tables_own_order_of_vertices_would_miss_some_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its graphs were recovered up to isomorphism, and the count depends on which vertices get the remainders."""
    cells, _, parameters = table()
    other = [i for i, cell in enumerate(cells) if canonical(cell) != cell]
    monkeypatch.setattr("cena.spaces.nas_bench_101.space.canonical", lambda cell: cell)
    space = NasBench101Space("table", [cells[i] for i in other])
    ours = np.array([space.parameters(i) for i in range(len(other))])
    wrong = ours != parameters[other]
    assert wrong.sum() == 527
    assert np.abs(ours / parameters[other] - 1).max() < 0.015
