"""Any torch module as an architecture of a space, and what a factory must not do."""

import pickle
import re

import numpy as np
import pytest
import torch
from torch import nn

from cena.errors import InputError
from cena.spaces import ModuleSpace

ONE = nn.Linear(3, 2)


def linear() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(48, 2))


class Viewer(nn.Module):
    """Calls `view`, which channels last does not allow, and overwrites its input."""

    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3, padding=1)
        self.linear = nn.Linear(64, 2)

    def forward(self, x):
        return self.linear(self.convolution(x.relu_()).view(len(x), -1))


def test_a_space_of_modules_keeps_its_promises():
    space = ModuleSpace({"a": linear, "b": Viewer}, resolution=4)
    assert (len(space), space.resolution, space.name) == (2, 4, "modules")
    assert [space.index(space.architecture(i)) for i in (0, 1)] == [0, 1]
    np.testing.assert_array_equal(space.classes(), [0, 1])
    np.testing.assert_array_equal(space.one_hot(), np.eye(2))
    assert space.parameters(0) == 98
    assert space.build(1, 0)(torch.zeros(5, 3, 4, 4)).shape == (5, 2)
    with pytest.raises(InputError, match="unknown network of space 'modules' 'c'; valid: a, b"):
        space.index("c")
    with pytest.raises(InputError, match="architecture 2 is not in space 'modules'"):
        space.build(2, 0)


def test_weights_come_from_the_seed_alone():
    space, state = ModuleSpace({"a": linear}, 4), torch.get_rng_state()
    one, same, other = (next(iter(space.build(0, seed).parameters())) for seed in (1, 1, 2))
    torch.testing.assert_close(one, same, rtol=0, atol=0)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_frozen_parameters_count():
    space = ModuleSpace({"a": lambda: linear().requires_grad_(False)}, 4)
    assert space.parameters(0) == 98


def test_modules_may_view_and_overwrite_their_images():
    """Views are computed with images and weights in channels-last order, on which `view` fails."""
    network = ModuleSpace({"a": Viewer}, 4).build(0, 0)
    network.to(memory_format=torch.channels_last)
    images = torch.randn(5, 3, 4, 4).contiguous(memory_format=torch.channels_last).requires_grad_()
    before = images.detach().clone()
    network(images).sum().backward()
    assert images.grad is not None
    assert images.grad.any()
    assert torch.equal(images.detach(), before)


def raising() -> nn.Module:
    raise OSError("no weights\nfound")


@pytest.mark.parametrize(
    ("factory", "sentence"),
    [
        (raising, "the factory of 'x' raises OSError (no weights found): give one that returns a module"),
        (lambda _needed: linear(), "the factory of 'x' raises TypeError ("),
        (lambda: np.zeros(3), "the factory of 'x' returns a ndarray: give one that returns a torch.nn.Module"),
        (nn.ReLU, "network 'x' has no parameters: there is nothing to initialise"),
        (lambda: nn.LazyLinear(3), "'weight' of network 'x' is lazy: give every layer its sizes"),
        (lambda: nn.Linear(3, 2, device="meta"), "'weight' of network 'x' is on device 'meta': let the factory"),
        (lambda: nn.Linear(3, 2).double(), "'weight' of network 'x' is torch.float64: give a network of torch.float32"),
    ],
)
def test_what_a_factory_must_not_do(factory, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        ModuleSpace({"x": factory}, 4).build(0, 0)


def test_a_factory_must_not_return_a_module_that_was_built_before():
    one, other = linear(), linear()
    alternating = iter([one, other, one])
    space = ModuleSpace({"x": lambda: next(alternating)}, 4)
    built = [space.build(0, seed) for seed in (0, 1)]
    with pytest.raises(InputError, match="the factory of 'x' returns one and the same module: let it build a new one"):
        space.build(0, 2)
    assert len(built) == 2


def test_a_factory_is_called_once_for_each_network():
    calls = []
    space = ModuleSpace({"x": lambda: (calls.append(1), linear())[1]}, 4)
    space.build(0, 0)
    assert len(calls) == 1


def test_a_space_of_modules_can_be_sent_to_a_worker():
    space = ModuleSpace({"x": linear}, 4)
    built = space.build(0, 0)
    again = pickle.loads(pickle.dumps(space)).build(0, 0)
    torch.testing.assert_close(list(again.parameters()), list(built.parameters()), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("factories", "sentence"),
    [
        ({}, "space 'modules' has no networks: give at least one factory"),
        ({"x": ONE}, "network 'x' is given as a Linear: give a function without arguments"),
        ({"x": 3}, "network 'x' is given as a int: give a function"),
    ],
)
def test_what_is_no_factory(factories, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        ModuleSpace(factories)
