"""The zoo: every design at every size is a network that can be embedded, and is what its name says."""

import numpy as np
import pytest
import torch
from torch import nn

from cena.jacobians import probe
from cena.report.zoo import DEPTHS, FAMILIES, WIDTHS, Shuffle, resnet

PIXELS = np.random.default_rng(0).standard_normal((4, 3, 8, 8)).astype(np.float32)


def size(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def modules(network: nn.Module, kind: type[nn.Module]) -> int:
    return sum(isinstance(module, kind) for module in network.modules())


@pytest.mark.parametrize("family", FAMILIES)
def test_every_size_has_a_data_jacobian_and_larger_ones_more_parameters(family):
    sizes = {(width, depth): FAMILIES[family](width, depth, 8) for width in WIDTHS for depth in DEPTHS}
    counts = np.array([[size(sizes[width, depth]) for depth in DEPTHS] for width in WIDTHS])
    assert (np.diff(counts, axis=0) > 0).all()
    assert (np.diff(counts, axis=1) > 0).all()
    for corner in ((WIDTHS[0], DEPTHS[0]), (WIDTHS[0], DEPTHS[-1])):
        probe(family, sizes[corner], PIXELS)


@pytest.mark.parametrize("family", FAMILIES)
def test_networks_take_the_resolution_they_are_made_for(family):
    assert FAMILIES[family](8, 1, 32)(torch.randn(2, 3, 32, 32)).shape == (2, 10)


def test_resnet_20_has_20_layers():
    network = resnet(16, 3, 32)
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert sum(convolution.kernel_size == (3, 3) for convolution in convolutions) + modules(network, nn.Linear) == 20
    assert convolutions[0].out_channels == 16


def test_what_the_notebook_says_of_the_designs():
    networks = {family: make(8, 1, 8) for family, make in FAMILIES.items()}
    without_norm = {family for family, network in networks.items() if not modules(network, nn.BatchNorm2d)}
    without_relu = {family for family, network in networks.items() if not modules(network, nn.ReLU | nn.ReLU6)}
    assert without_norm == {"MLP-Mixer", "ViT", "MLP"}
    assert without_relu == {"MLP-Mixer", "ViT"}


def test_a_shuffle_deals_out_two_groups():
    channels = torch.arange(6.0).reshape(1, 6, 1, 1)
    assert Shuffle()(channels).flatten().tolist() == [0, 3, 1, 4, 2, 5]
