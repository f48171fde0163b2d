"""Function families are right in both directions: cells of one agree for shared weights, of two for no numbering."""

from collections import defaultdict
from functools import cache
from itertools import permutations, product

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cena.spaces import TopologySpace
from cena.spaces.nas_bench_201.cells import (
    CONVOLUTIONS,
    TopologyCell,
    all_topology_cells,
    function_family,
    live_convolutions,
)
from cena.spaces.nas_bench_201.networks import CellModule, ConvNorm


def randomise_norms(network: nn.Module, seed: int) -> None:
    """Give every BatchNorm a random affine map and random statistics."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values in (module.weight.data, module.bias.data, module.running_mean, module.running_var):
                assert values is not None
                values.uniform_(0.5, 1.5, generator=generator)


def copy_weights(source: nn.Module, target: nn.Module, sources: tuple[int, ...], targets: tuple[int, ...]) -> None:
    """Copy everything outside cells, and in each cell the convolutions position by position."""
    for ours, theirs in zip(source.children(), target.children(), strict=True):
        if isinstance(ours, CellModule):
            assert isinstance(theirs, CellModule)
            for from_edge, to_edge in zip(sources, targets, strict=True):
                theirs.edges[str(to_edge)].load_state_dict(ours.edges[str(from_edge)].state_dict())
        else:
            theirs.load_state_dict(ours.state_dict())


@cache
def families() -> list[list[TopologyCell]]:
    members = defaultdict(list)
    for cell in all_topology_cells():
        members[function_family(cell)[0]].append(cell)
    return list(members.values())


def network(cell: TopologyCell, seed: int) -> nn.Module:
    space = TopologySpace("pair", [cell], channels=4, cells_per_stage=1, resolution=8)
    return space.build(0, seed).double()


@pytest.mark.parametrize("seed", range(40))
def test_networks_of_one_family_agree_when_they_share_weights(seed: int) -> None:
    generator = np.random.default_rng([1, seed])
    rich = [family for family in families() if len(family) > 1 and live_convolutions(family[0])]
    family = rich[int(generator.integers(len(rich)))]
    one, other = (family[i] for i in generator.choice(len(family), 2, replace=False))
    ours, theirs = network(one, seed), network(other, seed + 1000)
    randomise_norms(ours, seed)
    copy_weights(ours, theirs, function_family(one)[1], function_family(other)[1])
    images = torch.randn(4, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    for mode in (True, False):  # training first: it moves the running statistics of both alike
        with torch.no_grad():
            difference = (ours.train(mode)(images) - theirs.train(mode)(images)).abs().max()
        assert difference < 1e-9


def test_members_of_one_family_differ_unless_their_weights_are_matched() -> None:
    """The test above could not fail if networks ignored their cells."""
    one = ("nor_conv_3x3", "nor_conv_1x1", "none", "none", "skip_connect", "skip_connect")
    other = ("nor_conv_1x1", "nor_conv_3x3", "none", "none", "skip_connect", "skip_connect")
    assert function_family(one)[0] == function_family(other)[0]
    ours, theirs = network(one, 0), network(other, 1)
    images = torch.randn(4, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert (ours(images) - theirs(images)).abs().max() > 1e-3


class Fingerprints:
    """The output of a cell with one convolution of each kind after another from a fixed pool, as one number.

    The smallest number over all ways to hand out the pool is the same for two cells exactly when some numbering of
    their convolutions makes them agree on a random input, which random weights make as good as agreeing everywhere.
    """

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(5)
        self.pools: dict[str, list[ConvNorm]] = {}
        for name, kernel in zip(CONVOLUTIONS, (1, 3), strict=True):
            self.pools[name] = [ConvNorm(2, 2, kernel).double().eval() for _ in range(6)]
            for index, module in enumerate(self.pools[name]):
                module[0].weight.data.normal_(generator=generator)  # type: ignore[union-attr,operator]
                randomise_norms(module, 10 * kernel + index)
        self.image = torch.randn(1, 2, 4, 4, dtype=torch.float64, generator=generator)
        self.weights = torch.randn(1, 2, 4, 4, dtype=torch.float64, generator=generator)

    @torch.no_grad()
    def __call__(self, cell: TopologyCell) -> float:
        module = CellModule(cell, 2, 2).eval()
        edges = [[edge for edge in live_convolutions(cell) if cell[edge] == name] for name in CONVOLUTIONS]
        outputs = []
        for ones, threes in product(*(permutations(kind) for kind in edges)):
            for name, numbered in zip(CONVOLUTIONS, (ones, threes), strict=True):
                for edge, convolution in zip(numbered, self.pools[name], strict=False):
                    module.edges[str(edge)] = convolution
            output: Tensor = module(self.image)
            outputs.append(float((output * self.weights).sum()))
        return min(outputs)


def by_fingerprint(cells: list[TopologyCell]) -> list[set[TopologyCell]]:
    """Cells grouped by equal fingerprints: gaps between different ones are far above rounding errors."""
    fingerprint = Fingerprints()
    ordered = sorted((fingerprint(cell), cell) for cell in cells)
    values = np.array([value for value, _ in ordered])
    groups: list[set[TopologyCell]] = []
    for gap, (_, cell) in zip(np.diff(values, prepend=-np.inf), ordered, strict=True):
        if gap > 1e-11:
            groups.append(set())
        groups[-1].add(cell)
    return groups


def by_family(cells: list[TopologyCell]) -> list[set[TopologyCell]]:
    groups = defaultdict(set)
    for cell in cells:
        groups[function_family(cell)[0]].add(cell)
    return list(groups.values())


def ordered(groups: list[set[TopologyCell]]) -> list[list[TopologyCell]]:
    return sorted(sorted(group) for group in groups)


def test_cells_of_different_families_agree_for_no_numbering_of_their_convolutions() -> None:
    """Cells made of the same operations, which only a right family keeps apart."""
    generator = np.random.default_rng(3)
    made_of = defaultdict(list)
    for cell in all_topology_cells():
        made_of[tuple(sorted(cell))].append(cell)
    multisets = list(made_of.values())
    for i in generator.choice(len(multisets), 12, replace=False):
        chosen = generator.permutation(len(multisets[i]))[:80]
        cells = [multisets[i][j] for j in chosen]
        assert ordered(by_fingerprint(cells)) == ordered(by_family(cells))


@pytest.mark.slow
def test_families_are_exactly_the_cells_that_agree_for_some_numbering() -> None:
    """All 15,625 cells, all their 51,137 numberings."""
    groups = by_fingerprint(all_topology_cells())
    assert len(groups) == 5_044
    assert ordered(groups) == ordered(by_family(all_topology_cells()))
