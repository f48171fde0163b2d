"""Training epoch by epoch, with the views and the accuracies of the networks after each epoch (section 4.4).

The paper embeds 20 networks during their first 50 epochs of training and does not say how. Here an architecture is
trained from several seeds, side by side as one grouped network, and the networks of the seeds are its *views*: after
each epoch the Jacobian of every one is taken at the data points that the encoder was trained with. Before the first
epoch these are views as everywhere else, of networks at random initialisation (without the rescaling of section 4.1).
Other data points, or augmented images, would not be other networks, and the encoder has only seen one set of points.

As everywhere, Jacobians are taken in train mode: BatchNorm uses the statistics of the points. Its running statistics,
which the accuracies use, are not touched by them.

What an epoch draws depends on the seed and the number of the epoch alone. An interrupted training therefore continues
to the very bytes of one that was not. (Other processors round differently.)
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cena.computing import channels_last, one_thread
from cena.errors import InputError
from cena.files import array_sha256
from cena.jacobians import ViewStatus
from cena.spaces import Space
from cena.stages import Stage
from cena.tensor_files import CHECKPOINT, part_of, read_checkpoint, read_tensors, write_checkpoint
from cena.trajectories.digits_training import (
    DIGITS_BATCH,
    DIGITS_LEARNING_RATE,
    DIGITS_WEIGHT_DECAY,
    epoch_order,
    learn,
    side_by_side,
)
from cena.trajectories.training_sets import TrainingSet
from cena.trajectories.views import network_views, stacked
from cena.types import Booleans, Progress, silent

TRAJECTORIES = Stage("trajectories", version=2)
"""Training epoch by epoch, with views and accuracies."""

_AT_ONCE = 250
"""Images whose class is predicted at a time."""

LEARNED = 400
"""Training images, the first, whose accuracy is taken after every epoch: more would cost as much as the training."""


@dataclass(frozen=True)
class TrajectoryConfig:
    """How networks are trained and seen; with space, architecture, training set and points it determines the result.

    The optimiser is that of the digits benchmark (:mod:`cena.trajectories.digits_training`), as are learning rate and
    batch if not given.

    Parameters
    ----------
    epochs : passes over the training set; the learning rate falls along a cosine to zero at the last.
    seeds : each decides initial weights and the order of the images of one network.
    batch : images in a step.
    learning_rate : of the first step.
    precision : of the Jacobians, see :func:`cena.jacobians.data_jacobian`; training is in float32.
    readings : which of :data:`cena.jacobians.READINGS` are taken of them.
    """

    epochs: int
    seeds: tuple[int, ...] = (0, 1)
    batch: int = DIGITS_BATCH
    learning_rate: float = DIGITS_LEARNING_RATE
    precision: str = "float32"
    readings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.epochs < 0 or not self.seeds:
            raise InputError(
                f"a trajectory of {self.epochs} epochs from {len(self.seeds)} seeds: give at least 0 epochs and 1 seed"
            )
        if self.batch < 2:
            raise InputError(f"a batch of {self.batch} images: give at least 2, for BatchNorm")


@dataclass(frozen=True, eq=False)
class TrajectoryExperiment:
    """What the trajectories of several architectures have in common.

    Parameters
    ----------
    space : of the architectures.
    data : what they are trained and tested on, at the space's resolution.
    points : (points, 3, resolution, resolution), those of the encoder that is to embed the views.
    config : how they are trained and seen.
    """

    space: Space
    data: TrainingSet
    points: NDArray[np.float32]
    config: TrajectoryConfig


@dataclass(frozen=True, eq=False)
class Trajectory:
    """An architecture before training and after every epoch: all leading axes are (epochs + 1, seeds).

    A view that is not usable (see :class:`cena.jacobians.ViewStatus`) is zero.
    """

    directions: NDArray[np.float16]
    """(..., points, components) left singular vectors of each EDJM."""
    singular_values: NDArray[np.float32]
    """(..., components), descending."""
    status: NDArray[np.uint8]
    """A `ViewStatus` each."""
    training_accuracy: NDArray[np.float32]
    """In percent of the first :data:`LEARNED` training images, without batch statistics."""
    test_accuracy: NDArray[np.float32]
    """In percent of the test images, after the last epoch; before, nobody needs it, and it is NaN."""
    readings: dict[str, NDArray[np.float32]]
    """(..., length) each, by name."""

    @property
    def usable(self) -> Booleans:
        """Whether each view is finite and not zero."""
        return np.asarray(self.status == ViewStatus.USABLE)


_READINGS = "readings"
_ARRAYS = tuple(name for name in Trajectory.__dataclass_fields__ if name != _READINGS)


def combined(how: Callable[[list[Any]], Any], trajectories: Sequence[Trajectory]) -> Trajectory:
    """One trajectory of several of the same kind, whose arrays are combined one by one, as by `np.stack`."""
    return Trajectory(
        **{name: how([getattr(each, name) for each in trajectories]) for name in _ARRAYS},
        readings={name: how([each.readings[name] for each in trajectories]) for name in trajectories[0].readings},
    )


@TRAJECTORIES
def train_trajectory(
    experiment: TrajectoryExperiment, architecture: int, checkpoint: Path, progress: Progress = silent
) -> Trajectory:
    """Train an architecture on one thread and look at it after every epoch, the first look being before training.

    Parameters
    ----------
    experiment, architecture : what is trained, on what, and how.
    checkpoint : a file that is replaced after every epoch; if it exists, training continues from it, unless it is
        damaged: then it begins again, and a warning is logged. After the last epoch it holds the trajectory and the
        trained weights (see :func:`load_trajectory`, :func:`trained_network`).
    progress : told of the epochs after each.

    Raises
    ------
    InputError : if the checkpoint belongs to another training.
    """
    space, data, points, config = experiment.space, experiment.data, experiment.points, experiment.config
    identity = {
        "architecture": space.architecture(architecture),
        "parameters": space.parameters(architecture),
        # as it comes back from a file
        "config": {**asdict(config), "seeds": list(config.seeds), "readings": list(config.readings)},
        "data": data.checksum,
        "points": array_sha256(points),
    }
    with one_thread():
        training = _Training(space, architecture, data, config)
        if not training.load(checkpoint, identity):
            training.look(points)
        while training.epochs_done < config.epochs:
            training.epoch(training.epochs_done)
            training.look(points)
            training.save(checkpoint, identity)
            progress(training.epochs_done, config.epochs)
        if config.epochs == 0:
            training.save(checkpoint, identity)
        return training.trajectory


def load_trajectory(path: Path) -> Trajectory:
    """The trajectory in a finished checkpoint, or as far as it goes; raises `InputError` if it is damaged."""
    tensors, _ = read_tensors(path, CHECKPOINT)
    return _trajectory(tensors)


def trained_network(space: Space, architecture: int, seeds: tuple[int, ...], checkpoint: Path | None) -> nn.Module:
    """The networks of all seeds side by side (see :func:`cena.trajectories.digits_training.side_by_side`).

    With the weights in a checkpoint; without one, at their initialisation.
    """
    network = channels_last(side_by_side([space.build(architecture, seed) for seed in seeds]))
    if checkpoint is not None:
        network.load_state_dict(part_of(read_tensors(checkpoint, CHECKPOINT)[0], "network"))
    return network


class _Training:
    """All that changes during training: the networks, the optimiser, and what was seen so far."""

    def __init__(self, space: Space, architecture: int, data: TrainingSet, config: TrajectoryConfig):
        self.config = config
        self.copies = len(config.seeds)
        self.network = trained_network(space, architecture, config.seeds, None)
        self.optimizer = torch.optim.AdamW(self.network.parameters(), weight_decay=DIGITS_WEIGHT_DECAY, fused=True)
        # Copies: what joblib hands to a worker may not be writable, which torch warns of.
        self.training, self.test = (
            (torch.tensor(images), torch.tensor(classes))
            for images, classes in ((data.images, data.classes), (data.test_images, data.test_classes))
        )
        self.steps = len(data.images) // config.batch
        if self.steps == 0:
            raise InputError(
                f"'{data.name}' has {len(data.images)} training images: give at least one batch, {config.batch}"
            )
        self.trajectory: Trajectory

    @property
    def epochs_done(self) -> int:
        return len(self.trajectory.status) - 1

    def look(self, points: NDArray[np.float32]) -> None:
        """Append views and accuracies as they are now."""
        views = network_views(self.network, self.copies, points, self.config.precision, self.config.readings)
        before = getattr(self, "trajectory", None)
        epochs_done = 0 if before is None else len(before.status)
        untested = np.full(self.copies, np.nan, np.float32)
        seen = Trajectory(
            views.directions[np.newaxis],
            views.singular_values[np.newaxis],
            views.status[np.newaxis],
            self._accuracy(*(part[:LEARNED] for part in self.training))[np.newaxis],
            (self._accuracy(*self.test) if epochs_done == self.config.epochs else untested)[np.newaxis],
            {name: reading[np.newaxis] for name, reading in views.readings.items()},
        )
        self.trajectory = seen if before is None else combined(np.concatenate, [before, seen])

    def epoch(self, number: int) -> None:
        """One pass over the training images, in an order of its own for each seed."""
        images, classes = self.training
        size = self.config.batch
        generators = [np.random.default_rng([seed, number, len(images)]) for seed in self.config.seeds]
        orders = epoch_order(generators, len(images))
        self.network.train()
        for step in range(self.steps):
            done = (number * self.steps + step) / (self.config.epochs * self.steps)
            for group in self.optimizer.param_groups:
                group["lr"] = self.config.learning_rate * (1 + math.cos(math.pi * done)) / 2
            learn(self.network, self.optimizer, images, classes, orders[:, step * size : (step + 1) * size])

    @torch.no_grad()
    def _accuracy(self, images: Tensor, classes: Tensor) -> NDArray[np.float32]:
        """(copies,) in percent."""
        self.network.eval()
        correct = torch.zeros(self.copies)
        for part, truth in zip(torch.split(images, _AT_ONCE), torch.split(classes, _AT_ONCE), strict=True):
            outputs = self.network(stacked(part, self.copies)).reshape(len(part), self.copies, -1)
            correct += (outputs.argmax(dim=2) == truth[:, None]).sum(dim=0)
        return (100 * correct / len(images)).numpy()

    def save(self, path: Path, identity: dict[str, Any]) -> None:
        """Write the checkpoint; after the last epoch without the optimiser, which nobody needs any more."""
        tensors = {f"network.{name}": tensor for name, tensor in self.network.state_dict().items()}
        tensors |= {f"seen.{name}": torch.from_numpy(getattr(self.trajectory, name)) for name in _ARRAYS}
        readings = self.trajectory.readings.items()
        tensors |= {f"{_READINGS}.{name}": torch.from_numpy(reading) for name, reading in readings}
        finished = self.epochs_done == self.config.epochs
        write_checkpoint(path, identity, tensors, None if finished else self.optimizer)

    def load(self, path: Path, identity: dict[str, Any]) -> bool:
        """Continue where :meth:`save` left off; False if it did not. Raises `InputError` for another training."""
        found = read_checkpoint(path, identity, self.optimizer)
        if found:
            self.network.load_state_dict(part_of(found[0], "network"))
            self.trajectory = _trajectory(found[0])
        return found is not None


def _trajectory(tensors: Mapping[str, Tensor]) -> Trajectory:
    seen, readings = (
        {name: tensor.numpy() for name, tensor in part_of(tensors, part).items()} for part in ("seen", _READINGS)
    )
    return Trajectory(**seen, readings=readings)
