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
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from cena.data.digits_images import Split, digits_images
from cena.spaces import Space

SEEDS = (0, 1, 2)
EPOCHS = 6
BATCH = 30
LEARNING_RATE = 5e-3
WEIGHT_DECAY = 1e-2


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


def train(space: Space, architecture: int, seeds: Sequence[int] = SEEDS) -> tuple[NDArray[np.float64], float]:
    """Train an architecture from each seed and test it.

    AdamW with a cosine schedule, on one thread. A seed decides the initial weights and the order of the training
    images. (NAS-Bench-201 trains by SGD; so short a training leaves more to the seed that way.)

    Returns
    -------
    accuracies : (seeds, 2) validation and test accuracy in percent.
    seconds : processor time of one training, the mean over the seeds.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        start = process_time()
        network = side_by_side([space.build(architecture, seed) for seed in seeds])
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing from torch's stubs
        data = digits_images()
        _fit(network, data.training, seeds)
        network.eval()
        accuracies = np.stack([_accuracy(network, split, len(seeds)) for split in (data.validation, data.test)], axis=1)
        return accuracies, (process_time() - start) / len(seeds)
    finally:
        torch.set_num_threads(threads)


def _fit(network: nn.Module, split: Split, seeds: Sequence[int]) -> None:
    images, digits = torch.from_numpy(split.images), torch.from_numpy(split.digits)
    generators = [np.random.default_rng([seed, len(digits)]) for seed in seeds]
    steps_per_epoch = len(digits) // BATCH
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * steps_per_epoch)
    for _ in range(EPOCHS):
        orders = torch.from_numpy(np.stack([generator.permutation(len(digits)) for generator in generators]))
        for step in range(steps_per_epoch):
            batch = orders[:, step * BATCH : (step + 1) * BATCH]
            inputs = torch.cat([images[order] for order in batch], dim=1)
            outputs = network(inputs.contiguous(memory_format=torch.channels_last))
            logits = outputs.reshape(BATCH * len(seeds), -1)
            # The mean over all seeds, times their number: each seed's gradient is what it would be alone.
            loss = functional.cross_entropy(logits, digits[batch].T.flatten()) * len(seeds)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()


@torch.no_grad()
def _accuracy(network: nn.Module, split: Split, groups: int) -> NDArray[np.float64]:
    """(groups,) accuracy in percent of each network."""
    images = torch.from_numpy(split.images).repeat(1, groups, 1, 1).contiguous(memory_format=torch.channels_last)
    predicted = network(images).reshape(len(images), groups, -1).argmax(dim=2).numpy()
    return np.asarray(100 * (predicted == split.digits[:, None]).mean(axis=0))
