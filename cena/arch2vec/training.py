"""Pre-training of arch2vec, resumable after every epoch, and the embedding it is for.

What an epoch draws depends on the seed and the number of the epoch alone. An interrupted training therefore continues
to the very bytes of one that was not. (Other processors and numbers of threads round differently.)

Departures from the released code: it holds out the last tenth of a benchmark's list, here a tenth is drawn at random,
because the order of a space may be anything (that of NAS-Bench-201 is lexicographic here). As released, the training
graphs are shuffled once, so every epoch sees the same batches.
"""

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from cena.arch2vec.graphs import EMPTY, Graphs
from cena.arch2vec.model import Arch2vec, Arch2vecConfig, arch2vec_loss
from cena.computing import drawn_from
from cena.errors import InputError
from cena.files import array_sha256
from cena.stages import Stage
from cena.tensor_files import part_of, read_checkpoint, write_checkpoint
from cena.types import Progress, silent

ARCH2VEC = Stage("arch2vec", version=1)
"""Pre-training of arch2vec, and embedding by it."""

_HELD_OUT = 10
"""One in so many graphs, rounded up, is not seen by training."""

_EMBEDDED_AT_ONCE = 4096
"""Graphs embedded at a time; it bounds the memory."""


@ARCH2VEC
def arch2vec_embedding(
    graphs: Graphs, config: Arch2vecConfig, checkpoint: Path | None = None, progress: Progress = silent
) -> NDArray[np.float32]:
    """Pre-train on the graphs of a space and embed all of them; arguments and errors as :func:`pretrain`.

    Returns
    -------
    float32 of shape (n, config.latent).
    """
    return encode_graphs(pretrain(graphs, config, checkpoint, progress), graphs)


@ARCH2VEC
def pretrain(
    graphs: Graphs, config: Arch2vecConfig, checkpoint: Path | None = None, progress: Progress = silent
) -> Arch2vec:
    """Train an autoencoder on nine tenths of the graphs.

    Parameters
    ----------
    graphs : the architectures of a space.
    config : sizes and settings.
    checkpoint : file that is replaced after every epoch; if it exists, training continues from it, unless it is
        damaged: then it begins again, and a warning is logged.
    progress : told of every epoch.

    Returns
    -------
    The autoencoder in evaluation mode.

    Raises
    ------
    InputError : if the graphs do not fit the configuration, the loss is no longer finite, or the checkpoint belongs to
        another training.
    """
    training_graphs = graphs[held_out_split(len(graphs), config)[0]]
    training = Pretraining(config)
    identity = {
        "config": asdict(config),
        "adjacency": array_sha256(graphs.adjacency),
        "operations": array_sha256(graphs.operations),
    }
    if checkpoint is not None:
        training.load(checkpoint, identity)
    for epoch in range(len(training.history), config.epochs):
        loss = training.epoch(training_graphs, epoch)
        if not math.isfinite(loss):
            raise InputError(
                f"the loss of epoch {epoch + 1} is not finite; use a learning rate below {config.learning_rate}"
            )
        training.history.append(loss)
        if checkpoint is not None:
            training.save(checkpoint, identity)
        progress(epoch + 1, config.epochs)
    return training.model.eval()


@ARCH2VEC
def encode_graphs(model: Arch2vec, graphs: Graphs) -> NDArray[np.float32]:
    """Embed graphs as the mean over all nodes, empty ones included, of the mean of the nodes' latents.

    Returns
    -------
    float32 of shape (n, latent).

    Raises
    ------
    InputError : if the graphs have another number of operations than the model.
    """
    means: NDArray[np.float32] = node_latents(model, graphs).mean(axis=1)
    return means


def node_latents(model: Arch2vec, graphs: Graphs) -> NDArray[np.float32]:
    """The means of the nodes' latents, (n, nodes, latent), without dropout or noise; errors: :func:`encode_graphs`."""
    check_kinds(graphs, model.config)
    latents = np.empty((*graphs.operations.shape, model.config.latent), dtype=np.float32)
    model.eval()
    with torch.inference_mode():
        for start in range(0, len(graphs), _EMBEDDED_AT_ONCE):
            part = slice(start, start + _EMBEDDED_AT_ONCE)
            latents[part] = model.encode(*tensors_of(graphs[part]))[0].numpy()
    return latents


def held_out_split(graphs: int, config: Arch2vecConfig) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices of the graphs that are trained on, in the order of training, and of those held out.

    A sample leaves the same tenth held out as all training graphs do.

    Raises
    ------
    InputError : if there are fewer than 2 graphs, or fewer than the sample to train on.
    """
    if graphs < 2:
        raise InputError(f"arch2vec was given {graphs} graphs: give at least 2, one to train on and one to hold out")
    order = np.random.default_rng([config.seed, 0]).permutation(graphs)
    available = graphs + -graphs // _HELD_OUT
    if config.sample is not None and config.sample > available:
        raise InputError(
            f"sample of arch2vec is {config.sample}: {available} of {graphs} graphs can be trained on, give no more"
        )
    return order[:available][: config.sample], order[available:]


class Pretraining:
    """All that changes during pre-training: the autoencoder, the optimiser and the loss of every finished epoch."""

    def __init__(self, config: Arch2vecConfig) -> None:
        self.config = config
        with drawn_from(_seed(config, 0)):
            self.model = Arch2vec(config)
        self.optimizer = torch.optim.Adam(self.model.parameters(), config.learning_rate, fused=True)
        self.history: list[float] = []

    def epoch(self, graphs: Graphs, epoch: int) -> float:
        """Learn from all graphs once, in their order, and return the mean loss of the batches."""
        check_kinds(graphs, self.config)
        self.model.train(epoch == 0 or self.config.variant == "fixed")
        operations, adjacency = (torch.split(tensor, self.config.batch) for tensor in tensors_of(graphs))
        losses = []
        with drawn_from(_seed(self.config, epoch + 1)):
            for targets in zip(operations, adjacency, strict=True):
                operation_logits, adjacency_logits, mean, log_deviation = self.model(*targets)
                loss = arch2vec_loss(operation_logits, adjacency_logits, mean, log_deviation, targets)
                self.optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(self.model.parameters(), self.config.gradient_norm)
                self.optimizer.step()
                losses.append(loss.item())
        return float(np.mean(losses))

    def save(self, path: Path, identity: dict[str, Any]) -> None:
        """Write the checkpoint; `identity` says which training it belongs to."""
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        write_checkpoint(path, identity, tensors, self.optimizer, {"history": self.history})

    def load(self, path: Path, identity: dict[str, Any]) -> None:
        """Continue where :meth:`save` left off, if it did; errors as :func:`cena.tensor_files.read_checkpoint`."""
        if found := read_checkpoint(path, identity, self.optimizer):
            tensors, done = found
            self.model.load_state_dict(part_of(tensors, "model"))
            self.history = done["history"]


def tensors_of(graphs: Graphs) -> tuple[Tensor, Tensor]:
    """One-hot operations (b, n, k), zero for empty nodes, and adjacency (b, n, n), both float32."""
    codes = torch.tensor(graphs.operations, dtype=torch.int64) - EMPTY  # from 0, which is empty
    operations = functional.one_hot(codes, graphs.kinds - EMPTY)[..., -EMPTY:].float()
    return operations, torch.tensor(graphs.adjacency, dtype=torch.float32)


def check_kinds(graphs: Graphs, config: Arch2vecConfig) -> None:
    """Raise `InputError` when the graphs have other operations than the autoencoder reads."""
    if graphs.kinds != config.kinds:
        raise InputError(
            f"the graphs have {graphs.kinds} kinds of operations and the autoencoder {config.kinds}: "
            "configure it with those of the graphs"
        )


def _seed(config: Arch2vecConfig, draw: int) -> int:
    """What torch draws from: 0 the initial weights, 1 and on the noise of each epoch."""
    return int(np.random.SeedSequence([config.seed, draw]).generate_state(1)[0])
