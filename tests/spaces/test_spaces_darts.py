"""The networks of DARTS against a reference that follows the original's text, and against the counts of the papers."""

import numpy as np
import pytest
import torch
from test_spaces_genotypes import renumbering
from torch import Tensor, nn
from torch.nn import functional

from cena.errors import InputError
from cena.spaces import DartsSpace
from cena.spaces.darts.genotypes import (
    CELL_NODES,
    DARTS_OPERATIONS,
    DartsCell,
    Genotype,
    canonical_genotype,
    darts_cell,
    random_genotypes,
)
from cena.spaces.darts.networks import DartsCellModule, DartsNetwork, FactorizedReduction, darts_operation
from cena.spaces.darts.published import PUBLISHED_GENOTYPES


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def convolved(x: Tensor, convolution: nn.Module, **options: int) -> Tensor:
    assert isinstance(convolution, nn.Conv2d)
    assert convolution.bias is None
    return functional.conv2d(x, convolution.weight, **options)  # type: ignore[arg-type]


def normalised(x: Tensor) -> Tensor:
    """BatchNorm as it is at initialisation."""
    centred = x - x.mean(dim=(0, 2, 3), keepdim=True)
    deviation: Tensor = (centred.square().mean(dim=(0, 2, 3), keepdim=True) + 1e-5).sqrt()
    return centred / deviation


def reference_operation(name: str, module: nn.Module, x: Tensor, stride: int) -> Tensor:
    """`operations.py` of the original, step by step; images of even height and width."""
    channels = x.shape[1]
    if name == "none":
        return 0 * x[:, :, ::stride, ::stride]
    if name == "max_pool_3x3":
        return functional.max_pool2d(x, 3, stride, padding=1)
    if name == "avg_pool_3x3":
        return functional.avg_pool2d(x, 3, stride, padding=1, count_include_pad=False)
    if name == "skip_connect":
        return x if stride == 1 else reference_reduction(module, x)
    kernel, dilation = (3 if "3x3" in name else 5), (2 if "dil" in name else 1)
    padding = {("sep", 3): 1, ("sep", 5): 2, ("dil", 3): 2, ("dil", 5): 4}[name[:3], kernel]
    convolutions = [layer for layer in module.modules() if isinstance(layer, nn.Conv2d)]
    assert len(convolutions) == (4 if "sep" in name else 2)
    for deep, pointwise in zip(convolutions[::2], convolutions[1::2], strict=True):
        assert deep.kernel_size == (kernel, kernel)
        x = convolved(x.relu(), deep, stride=stride, padding=padding, dilation=dilation, groups=channels)
        x = normalised(convolved(x, pointwise))
        stride = 1
    return x


def reference_reduction(module: nn.Module, x: Tensor) -> Tensor:
    assert isinstance(module, FactorizedReduction)
    x = x.relu()
    halves = convolved(x, module.even, stride=2), convolved(x[:, :, 1:, 1:], module.odd, stride=2)
    return normalised(torch.cat(halves, dim=1))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", DARTS_OPERATIONS)
def test_an_operation_is_the_originals(name: str, stride: int) -> None:
    module, x = darts_operation(name, 4, stride).double(), normal(3, 4, 8, 6)
    torch.testing.assert_close(module(x), reference_operation(name, module, x, stride))
    assert darts_operation(name, 3, stride)(torch.zeros(2, 3, 5, 7)).shape == (2, 3, *((5, 7), (3, 4))[stride - 1])


@pytest.mark.parametrize("kind", ["normal", "after a reduction", "reduction"])
def test_a_cell_sums_two_edges_a_node_and_concatenates(kind: str) -> None:
    cell = random_genotypes(1, seed=8)[0].normal
    module = DartsCellModule(cell, (5, 6), 4, kind == "reduction", kind == "after a reduction").double()
    before, last = normal(3, 5, 16 if kind == "after a reduction" else 8, 8), normal(3, 6, 8, 8, seed=1)
    if kind == "after a reduction":
        before = normal(3, 5, 16, 16)
        values = [reference_reduction(module.before, before)]
    else:
        values = [normalised(convolved(before.relu(), module.before[1]))]  # type: ignore[index]
    values.append(normalised(convolved(last.relu(), module.last[1])))
    for node, edges in enumerate(cell):
        terms = [
            reference_operation(
                name, module.operations[2 * node + i], values[source], 2 if kind == "reduction" and source < 2 else 1
            )
            for i, (name, source) in enumerate(edges)
        ]
        values.append(terms[0] + terms[1])
    torch.testing.assert_close(module(before, last), torch.cat(values[2:], dim=1))


def test_the_network_of_the_paper() -> None:
    """20 cells; those at a third and at two thirds halve the resolution and double the channels."""
    network = DartsSpace(genotypes=[PUBLISHED_GENOTYPES["DARTS"]], channels=4).build(0, seed=0)
    assert isinstance(network, DartsNetwork)
    widths = [cell.last[1].out_channels for cell in network.cells]  # type: ignore[index,union-attr]
    assert widths == [4] * 6 + [8] * 7 + [16] * 7
    assert [i for i, cell in enumerate(network.cells) if isinstance(cell.before, FactorizedReduction)] == [7, 14]
    assert network.stem[0].out_channels == 12
    sizes = []
    for cell in network.cells:
        cell.register_forward_hook(lambda _module, _inputs, output: sizes.append(output.shape[-1]))
    network(torch.zeros(2, 3, 32, 32))
    assert sizes == [32] * 6 + [16] * 7 + [8] * 7


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("DARTS", 3_349_342), ("P-DARTS", 3_433_798), ("arch2vec-RL", 3_298_150), ("arch2vec-BO", 3_616_966)],
)
def test_parameter_counts_are_the_literatures(name: str, parameters: int) -> None:
    """The first two to the last digit (logs and issue 7 of pdarts), arch2vec's 3.3 and 3.6 M as its README rounds."""
    space = DartsSpace(genotypes=[PUBLISHED_GENOTYPES[name]])
    assert space.parameters(0) == parameters
    assert sum(parameter.numel() for parameter in space.build(0, seed=0).parameters()) == parameters


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"channels": 0}, "channels of space 'x' is 0: give at least 1"),
        ({"cells_per_stage": 0}, "cells_per_stage of space 'x' is 0: give at least 1"),
        ({"resolution": 3}, "resolution of space 'x' is 3: give at least 4"),
        ({"outputs": 0}, "outputs of space 'x' is 0: give at least 1"),
    ],
)
def test_an_impossible_space_is_refused(wrong: dict[str, int], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        DartsSpace("x", random_genotypes(2, seed=0), **wrong)


def test_a_genotype_is_given_once() -> None:
    one, other = random_genotypes(2, seed=0)
    with pytest.raises(InputError, match="genotypes 0 and 2 of space 'x' are the same: give one of them"):
        DartsSpace("x", [one, other, one])


def scrambled(cell: DartsCell, generator: np.random.Generator) -> DartsCell:
    """A cell of the same family: nodes in another order that they allow, and what is zero reads anything."""
    while True:
        order = generator.permutation(CELL_NODES).tolist()
        number = {0: 0, 1: 1} | {2 + old: 2 + new for new, old in enumerate(order)}
        edges = [(name, number[source]) for old in order for name, source in cell[old]]
        edges = [
            ("none", int(generator.integers(2 + place // 2))) if name == "none" else (name, source)
            for place, (name, source) in enumerate(edges)
        ]
        if all(source < 2 + place // 2 for place, (_, source) in enumerate(edges)):
            return darts_cell(edges)


def copy_weights(ours: DartsNetwork, theirs: DartsNetwork, cells: list[tuple[DartsCell, DartsCell]]) -> None:
    """Make the networks of one family compute the same: what reads a cell's output permutes its blocks of channels."""

    def copy(source: nn.Module, target: nn.Module, order: list[int] | None = None) -> None:
        state = source.state_dict()
        for name, weight in state.items():
            if order is not None and weight.ndim >= 2:
                blocks = weight.chunk(CELL_NODES, dim=1)
                state[name] = torch.cat([blocks[old] for old in order], dim=1)
        target.load_state_dict(state)

    copy(ours.stem, theirs.stem)
    before: list[int] | None = None
    last: list[int] | None = None
    for one, other, (cell, variant) in zip(ours.cells, theirs.cells, cells, strict=True):
        copy(one.before, other.before, before)  # type: ignore[arg-type]
        copy(one.last, other.last, last)  # type: ignore[arg-type]
        order = renumbering(cell, variant)
        assert order is not None
        number = {0: 0, 1: 1} | {2 + old: 2 + new for new, old in enumerate(order)}
        for new, old in enumerate(order):
            free = [0, 1]
            for place, (name, source) in enumerate(variant[new]):
                found = [i for i in free if (cell[old][i][0], number[cell[old][i][1]]) == (name, source)]
                if found:  # else it is zero in both
                    free.remove(found[0])
                    copy(one.operations[2 * old + found[0]], other.operations[2 * new + place])  # type: ignore[index]
        before, last = last, list(order)
    copy(ours.classifier, theirs.classifier, last)


@pytest.mark.parametrize("seed", range(16))
@pytest.mark.parametrize("form", ["scrambled", "canonical"])
def test_networks_of_one_class_agree_when_they_share_weights(seed: int, form: str) -> None:
    generator = np.random.default_rng(seed)
    reduce, cell = (genotype.normal for genotype in random_genotypes(2, seed=100 + seed))
    one = Genotype(cell, reduce)
    other = (
        canonical_genotype(one)
        if form == "canonical"
        else Genotype(scrambled(cell, generator), scrambled(reduce, generator))
    )
    if one == other:
        return
    space = DartsSpace("pair", [one, other], channels=2, cells_per_stage=1, resolution=8)
    assert space.classes().tolist() == [0, 0]
    ours, theirs = space.build(0, seed).double(), space.build(1, seed + 1).double()
    assert isinstance(ours, DartsNetwork)
    assert isinstance(theirs, DartsNetwork)
    images = normal(4, 3, 8, 8)
    apart = (ours(images) - theirs(images)).abs().max()
    pairs = [(one.reduce, other.reduce) if i in (1, 3) else (one.normal, other.normal) for i in range(5)]
    copy_weights(ours, theirs, pairs)
    assert (ours(images) - theirs(images)).abs().max() < 1e-9 < apart
