"""Training the digits benchmark: every architecture from several seeds, side by side.

The networks are so small that most of their training time is overhead, so the seeds of one architecture are trained
as one grouped network (`side_by_side`): the same computation as one by one, in less than half the time.
"""

from collections.abc import Sequence
from copy import deepcopy
from time import process_time
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from cena.computing import channels_last, one_thread
from cena.data.digits_images import Split, digits_images
from cena.spaces import Space
from cena.stages import Stage
from cena.types import Floats

DIGITS = Stage("digits", version=1)
"""Images and trainings of the digits benchmarks."""

SEEDS = (0, 1, 2)
DIGITS_EPOCHS = 6
DIGITS_BATCH = 30
DIGITS_LEARNING_RATE = 5e-3
DIGITS_WEIGHT_DECAY = 1e-2


class GroupedLinear(nn.Module):
    """Several linear layers side by side: (n, groups * inputs) to (n, groups * outputs)."""

    def __init__(self, layers: Sequence[nn.Linear]):
        super().__init__()
        self.weight = nn.Parameter(torch.stack([layer.weight.detach().T for layer in layers]))
        self.bias = nn.Parameter(torch.stack([layer.bias.detach() for layer in layers]))

    def forward(self, x: Tensor) -> Tensor:
        """Apply each layer to its own block of inputs."""
        blocks = x.reshape(len(x), len(self.weight), -1)
        return (torch.einsum("ngi,gio->ngo", blocks, self.weight) + self.bias).flatten(1)


def side_by_side(networks: Sequence[nn.Module]) -> nn.Module:
    """One network that computes several of the same structure at once.

    It maps (n, groups * channels, height, width), the images of each network stacked along the channels, to
    (n, groups * outputs). Convolutions become grouped convolutions; everything else acts on each channel alone.
    """
    joined = deepcopy(networks[0])
    for name, layer in list(joined.named_modules()):
        layers: list[Any] = [network.get_submodule(name) for network in networks]
        if isinstance(layer, nn.Conv2d):
            layer.groups = len(networks)
            layer.weight = nn.Parameter(torch.cat([one.weight.detach() for one in layers]))
        elif isinstance(layer, nn.BatchNorm2d):
            layer.weight = nn.Parameter(torch.cat([one.weight.detach() for one in layers]))
            layer.bias = nn.Parameter(torch.cat([one.bias.detach() for one in layers]))
            layer.running_mean = torch.cat([one.running_mean for one in layers])
            layer.running_var = torch.cat([one.running_var for one in layers])
        elif isinstance(layer, nn.Linear):
            joined.set_submodule(name, GroupedLinear(layers))
    return joined


@DIGITS
def train_digits(space: Space, architecture: int, seeds: Sequence[int] = SEEDS) -> tuple[Floats, float]:
    """Train an architecture from each seed and test it.

    AdamW with a cosine schedule, on one thread. A seed decides the initial weights and the order of the training
    images. (NAS-Bench-201 trains by SGD; so short a training leaves more to the seed that way.)

    Returns
    -------
    accuracies : (seeds, 2) validation and test accuracy in percent.
    seconds : processor time of one training, the mean over the seeds.
    """
    with one_thread():
        start = process_time()
        network = channels_last(side_by_side([space.build(architecture, seed) for seed in seeds]))
        data = digits_images()
        _fit(network, data.training, seeds)
        network.eval()
        accuracies = np.stack([_accuracy(network, split, len(seeds)) for split in (data.validation, data.test)], axis=1)
        return accuracies, (process_time() - start) / len(seeds)


def learn(
    network: nn.Module, optimizer: torch.optim.Optimizer, images: Tensor, classes: Tensor, batches: Tensor
) -> None:
    """One step of networks side by side, each on a batch of its own.

    Parameters
    ----------
    network : made by :func:`side_by_side`.
    images, classes : all of the training set, (n, 3, height, width) and (n,).
    batches : (networks, batch) which of them each network learns from.
    """
    inputs = torch.cat([images[batch] for batch in batches], dim=1)
    outputs = network(inputs.contiguous(memory_format=torch.channels_last))
    logits = outputs.reshape(batches.numel(), -1)
    # The mean over all networks, times their number: each one's gradient is what it would be alone.
    loss = functional.cross_entropy(logits, classes[batches].T.flatten()) * len(batches)
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def epoch_order(generators: Sequence[np.random.Generator], images: int) -> Tensor:
    """(networks, images) the order in which each network sees the training images, from a generator each."""
    return torch.from_numpy(np.stack([generator.permutation(images) for generator in generators]))


def _fit(network: nn.Module, split: Split, seeds: Sequence[int]) -> None:
    images, digits = torch.from_numpy(split.images), torch.from_numpy(split.digits)
    generators = [np.random.default_rng([seed, len(digits)]) for seed in seeds]
    steps_per_epoch = len(digits) // DIGITS_BATCH
    parameters = network.parameters()
    optimizer = torch.optim.AdamW(parameters, DIGITS_LEARNING_RATE, weight_decay=DIGITS_WEIGHT_DECAY, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, DIGITS_EPOCHS * steps_per_epoch)
    for _ in range(DIGITS_EPOCHS):
        orders = epoch_order(generators, len(digits))
        for step in range(steps_per_epoch):
            learn(network, optimizer, images, digits, orders[:, step * DIGITS_BATCH : (step + 1) * DIGITS_BATCH])
            schedule.step()


@torch.no_grad()
def _accuracy(network: nn.Module, split: Split, groups: int) -> Floats:
    """(groups,) accuracy in percent of each network."""
    images = torch.from_numpy(split.images).repeat(1, groups, 1, 1).contiguous(memory_format=torch.channels_last)
    predicted = network(images).reshape(len(images), groups, -1).argmax(dim=2).numpy()
    return np.asarray(100 * (predicted == split.digits[:, None]).mean(axis=0))
