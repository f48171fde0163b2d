"""Training of the encoder with Barlow Twins, resumable after every epoch.

The paper (section 4.2) gives the loss, its weight and the batch; optimiser, schedule and epochs are this project's:
AdamW with one cycle of the learning rate, 30 epochs.

What an epoch draws depends on the seed and the number of the epoch alone. An interrupted training therefore continues
to the very bytes of one that was not. (Other processors and numbers of threads round differently.)
"""

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cena.contrast.barlow_twins import barlow_twins
from cena.contrast.encoder import EncoderConfig, TrainedEncoder, initial_networks
from cena.contrast.inputs import check_views, spectrum_scale
from cena.contrast.pairs import TrainingViews
from cena.errors import InputError
from cena.files import array_sha256
from cena.stages import Stage
from cena.tensor_files import read_checkpoint, write_checkpoint
from cena.types import Progress, silent

ENCODER = Stage("encoder", version=1)
"""Training of the encoder, and embedding by it."""


@ENCODER
def train_encoder(
    directions: NDArray[np.floating],
    singular_values: NDArray[np.floating],
    usable: NDArray[np.bool_],
    config: EncoderConfig,
    checkpoint: Path | None = None,
    progress: Progress = silent,
) -> TrainedEncoder:
    """Train an encoder on the views of a space.

    Parameters
    ----------
    directions : left singular vectors, shape (classes, views, points, components), float16 or wider.
    singular_values : shape (classes, views, components).
    usable : boolean, shape (classes, views); classes with fewer than two usable views are left out.
    config : sizes and settings.
    checkpoint : file that is replaced after every epoch; if it exists, training continues from it, unless it is
        damaged: then it begins again, and a warning is logged.
    progress : told of the epochs after each.

    Raises
    ------
    InputError : if shapes disagree, there are too few usable views, the loss is no longer finite, or the checkpoint
        belongs to another training.
    """
    check_views(directions, singular_values, usable, config)
    scale = spectrum_scale(singular_values, usable)
    views = TrainingViews(directions, singular_values, usable, scale, config.batch)
    training = Training(config, views.batches_per_epoch())
    identity = {
        "config": {**asdict(config), "precision": training.precision},
        "singular_values": array_sha256(singular_values),
        "usable": array_sha256(usable),
    }
    if checkpoint is not None:
        training.load(checkpoint, identity)
    for epoch in range(len(training.history), config.epochs):
        generator = np.random.default_rng(np.random.SeedSequence([config.seed, epoch]))
        loss = float(np.mean([training.step(first, second) for first, second in views.batches(generator)]))
        if not math.isfinite(loss):
            raise InputError(
                f"the loss of epoch {epoch + 1} is not finite; use a learning rate below {config.learning_rate}"
            )
        training.history.append(loss)
        if checkpoint is not None:
            training.save(checkpoint, identity)
        progress(epoch + 1, config.epochs)
    return TrainedEncoder(training.encoder.eval(), config, scale, tuple(training.history))


class Training:
    """All that changes during training: encoder, projection head, optimiser and the loss of every finished epoch."""

    def __init__(self, config: EncoderConfig, batches_per_epoch: int) -> None:
        self.config = config
        self.encoder, self.projection = initial_networks(config)
        self.networks = nn.ModuleDict({"encoder": self.encoder, "projection": self.projection})
        self.optimizer = torch.optim.AdamW(self.networks.parameters(), weight_decay=config.weight_decay)
        self.history: list[float] = []
        self.steps_done = 0
        self.steps = config.epochs * batches_per_epoch
        self.precision = config.computed_in

    def step(self, first: Tensor, second: Tensor) -> float:
        """Learn from one batch of pairs, each of shape (batch, points + 1, components), and return its loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * one_cycle(self.steps_done, self.steps)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.precision == "bfloat16"):
            projections = self.projection(self.encoder(torch.cat([first, second])))
        first, second = projections.float().chunk(2)
        loss = barlow_twins(first, second, self.config.redundancy_weight)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.steps_done += 1
        return loss.item()

    def save(self, path: Path, identity: dict[str, Any]) -> None:
        """Write the checkpoint; `identity` says which training it belongs to."""
        done = {"history": self.history, "steps_done": self.steps_done}
        write_checkpoint(path, identity, self.networks.state_dict(), self.optimizer, done)

    def load(self, path: Path, identity: dict[str, Any]) -> None:
        """Continue where :meth:`save` left off, if it did; errors as :func:`cena.tensor_files.read_checkpoint`."""
        if found := read_checkpoint(path, identity, self.optimizer):
            tensors, done = found
            self.networks.load_state_dict(tensors)
            self.history, self.steps_done = done["history"], done["steps_done"]


def one_cycle(step: int, steps: int) -> float:
    """Learning rate at a step of `steps`, as a fraction of the highest.

    Half a cosine up from 1/25 over the first 30 % of the steps, then half a cosine down to almost nothing. Source:
    Smith and Topin, Super-Convergence, 2018, with the settings of ``torch.optim.lr_scheduler.OneCycleLR``; as a
    function of the step it needs no state of its own in a checkpoint.
    """
    lowest, last = 1 / 25, 1 / 25e4
    peak = 0.3 * steps - 1
    if step <= peak:
        return lowest + (1 - lowest) * (1 - math.cos(math.pi * step / peak)) / 2
    return last + (1 - last) * (1 + math.cos(math.pi * (step - peak) / (steps - 1 - peak))) / 2
