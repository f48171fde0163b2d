"""Networks without a data Jacobian are refused with the reason; the others are timed."""

import re
import time

import numpy as np
import pytest
import torch
from torch import nn

from cena.errors import InputError
from cena.jacobians import probe

PIXELS = np.random.default_rng(0).standard_normal((12, 3, 6, 6)).astype(np.float32)


class Applied(nn.Module):
    """A linear layer, then a function of its outputs."""

    def __init__(self, then, before=lambda x: x):
        super().__init__()
        self.linear = nn.Linear(108, 4)
        self.then, self.before = then, before

    def forward(self, x):
        return self.then(self.linear(self.before(x).flatten(1)))


class Overwriting(nn.Module):
    """Changes in place what the backward pass of the sigmoid needs."""

    def forward(self, x):
        y = x.flatten(1).sigmoid()
        y += 1
        return y


class OneByOne(nn.Module):
    """Takes its images one at a time, so that BatchNorm has one value a channel."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(108)

    def forward(self, x):
        return torch.cat([self.norm(image.flatten()[None]) for image in x])


class Clock:
    """A clock that a network moves on."""

    def __init__(self):
        self.now = 0.0

    def read(self):
        return self.now

    def seconds(self, seconds, x):
        """`x`, after so many seconds."""
        self.now += seconds
        return x


def test_what_each_image_takes_is_timed_apart(monkeypatch):
    """2 s whatever the images, .25 s an image, half a second for the backward pass; 100 s to compile do not count."""
    clock, compiled = Clock(), []

    def forward(x):
        clock.seconds(0 if compiled else 100, x)
        compiled.append(True)
        return clock.seconds(2 + 0.25 * len(x), x)

    monkeypatch.setattr(time, "perf_counter", clock.read)
    network = Applied(lambda y: y, forward)
    network.linear.register_full_backward_hook(lambda *_: clock.seconds(0.5, None))
    images = np.concatenate([PIXELS, PIXELS, PIXELS])
    assert probe("x", network, images).seconds == pytest.approx(2 + 0.25 * len(images) + 0.5)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_maps_are_weighed_once_an_image_and_weights_once(precision):
    """108 features of 12 images are kept by each tanh and each layer, and the 108 x 108 weights by each layer."""

    def memory(*layers):
        return probe("x", nn.Sequential(nn.Flatten(), nn.Tanh(), *layers), PIXELS, precision).memory

    one_map, weights = PIXELS.nbytes, 108 * 108 * 4
    assert memory(*(nn.Tanh() for _ in range(8))) - memory() == 8 * one_map
    if precision == "float32":
        assert memory(nn.Linear(108, 108)) - memory() == weights
    else:  # in half as many bytes each
        assert memory(nn.Linear(108, 108)) - memory() == weights // 2


def test_the_trial_is_of_a_few_images_and_leaves_threads_alone():
    seen, threads = [], torch.get_num_threads()
    probe("x", Applied(lambda y: y, lambda x: (seen.append(len(x)), x)[1]), PIXELS)
    assert set(seen) == {2, 4, 12}
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        (nn.Linear(7, 2), "network 'x' cannot be embedded (mat1 and mat2 shapes cannot be multiplied"),
        (nn.Conv2d(1, 2, 3), "expected a network that maps images of shape (4, 3, 6, 6) to one row of outputs each"),
        (Applied(lambda y: y.argmax(1, keepdim=True)), "the output of network 'x' has no gradient: expected no argmax"),
        (Applied(lambda y: y.detach()), "the output of network 'x' has no gradient"),
        (Applied(lambda y: y, lambda x: x.detach()), "the output of network 'x' has no gradient"),
        (Applied(lambda y: y.round()), "has gradient zero at every image"),
        (Applied(lambda y: y, lambda x: 0 * x), "has gradient zero at every image"),
        (Applied(lambda y: torch.complex(y, y)), "network 'x' returns complex numbers: expected one tensor"),
        (Applied(lambda y: (y, y)), "network 'x' returns a tuple of 2: expected one tensor"),
        (Applied(lambda y: {"logits": y}), "network 'x' returns a dict of 1: expected one tensor"),
        (Applied(lambda _: None), "network 'x' returns a NoneType: expected one tensor"),
        (Applied(lambda y: y[:, :, None]), "network 'x' returns shape (4, 4, 1) for 4 images"),
        (Applied(lambda y: y.mean(0, keepdim=True)), "network 'x' returns shape (1, 4) for 4 images"),
        (Applied(lambda y: y / 0), "network 'x' returns values that are not finite"),
        (Applied(lambda y: (y - y.detach()).sqrt()), "the gradient of network 'x' has values that are not finite"),
        (Overwriting(), "an in-place operation overwrites what the backward pass needs"),
        (OneByOne(), "BatchNorm got a single value a channel"),
    ],
)
def test_the_reason_is_one_sentence(network, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)) as caught:
        probe("x", network, PIXELS)
    assert "\n" not in str(caught.value)
