"""The variational graph-isomorphism autoencoder and its loss.

Source: Yan et al. (NeurIPS 2020), section 3, for the idea; for the exact network and loss, its released code, which
differs from the text in places (the operations are decoded through a sigmoid, not a softmax). Shapes: b graphs, n
nodes, k kinds of operations, h hidden features, d latent dimensions.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from cena.errors import InputError, unknown

Variant = Literal["faithful", "fixed"]


@dataclass(frozen=True)
class Arch2vecConfig:
    """An autoencoder and its pre-training: with the same graphs, it determines the result.

    The defaults are the released ones for NAS-Bench-201; for NAS-Bench-101 `kinds` is 5 and `epochs` 8.

    Parameters
    ----------
    kinds : number of different operations.
    hidden, layers, latent : width and number of the graph-isomorphism layers, dimensions of the embedding.
    dropout : of the latents before they are decoded.
    epochs, batch : passes over the training graphs, graphs in a batch.
    learning_rate, gradient_norm : of Adam; gradients longer than `gradient_norm` are shortened to it.
    variant : "faithful" trains as the released code does, which validates after epoch 0 and never returns to training
        mode: from epoch 1 on BatchNorm uses the statistics that epoch 0 left, nothing is dropped and latents are the
        means. "fixed" trains in training mode throughout.
    sample : pre-train on so many random graphs only; None for all of the training graphs.
    seed : determines the split, the sample, the order, the initial weights and the noise.
    """

    kinds: int = 7
    hidden: int = 128
    layers: int = 4
    latent: int = 16
    dropout: float = 0.3
    epochs: int = 10
    batch: int = 32
    learning_rate: float = 1e-3
    gradient_norm: float = 5.0
    variant: Variant = "faithful"
    sample: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        least = {"kinds": 1, "hidden": 1, "layers": 1, "latent": 1, "epochs": 1, "batch": 1, "sample": 1, "seed": 0}
        for name, lowest in least.items():
            value = getattr(self, name)
            if name == "sample" and value is None:
                continue
            if not isinstance(value, int) or value < lowest:
                raise InputError(f"{name} of arch2vec is {value!r}; expected a whole number of at least {lowest}")
        for name, below in {"learning_rate": float("inf"), "gradient_norm": float("inf"), "dropout": 1.0}.items():
            value = getattr(self, name)
            if not 0 <= value < below:
                raise InputError(f"{name} of arch2vec is {value!r}; expected a number of at least 0 and below {below}")
        if self.variant not in ("faithful", "fixed"):
            raise unknown("variant of arch2vec", self.variant, ("faithful", "fixed"))


class GraphIsomorphismLayer(nn.Module):
    """h_v' = ReLU(BN(MLP((1 + epsilon) h_v + sum of h_u over the neighbours u of v))), epsilon learnt from 0.

    The MLP is linear - BatchNorm - ReLU - linear. BatchNorm takes all nodes of all graphs as its batch. Source: Xu et
    al., "How Powerful are Graph Neural Networks?" (ICLR 2019), equation 4.1.
    """

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.epsilon = nn.Parameter(torch.zeros(()))
        self.transform = nn.Sequential(
            nn.Linear(features, hidden),
            nn.BatchNorm1d(hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.BatchNorm1d(hidden),
            nn.ReLU(),
        )

    def forward(self, nodes: Tensor, neighbours: Tensor) -> Tensor:
        """(b, n, h) from node features (b, n, features) and symmetric adjacency (b, n, n)."""
        gathered = (1 + self.epsilon) * nodes + neighbours @ nodes
        transformed: Tensor = self.transform(gathered.flatten(0, 1))
        return transformed.reshape(*nodes.shape[:2], -1)


class Arch2vec(nn.Module):
    """Graph-isomorphism encoder, linear heads for mean and log standard deviation, inner-product decoder."""

    def __init__(self, config: Arch2vecConfig) -> None:
        super().__init__()
        widths = [config.kinds] + [config.hidden] * config.layers
        self.config = config
        self.layers = nn.ModuleList(map(GraphIsomorphismLayer, widths[:-1], widths[1:]))
        self.mean = nn.Linear(config.hidden, config.latent)
        self.log_deviation = nn.Linear(config.hidden, config.latent)
        self.operations = nn.Linear(config.latent, config.kinds)

    def encode(self, operations: Tensor, adjacency: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log standard deviation of every node's latent, both (b, n, d).

        Parameters
        ----------
        operations : one-hot, (b, n, k); zero rows for empty nodes.
        adjacency : strictly upper triangular, (b, n, n). The layers pass messages both ways: they see A + A^T.
        """
        neighbours = adjacency + adjacency.transpose(1, 2)
        nodes = operations
        for layer in self.layers:
            nodes = layer(nodes, neighbours)  # (b, n, h)
        return self.mean(nodes), self.log_deviation(nodes)

    def decode(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the operations (b, n, k) and of the adjacency (b, n, n), the latter symmetric."""
        kept = functional.dropout(latents, self.config.dropout, self.training)
        return self.operations(kept), kept @ kept.transpose(1, 2)

    def forward(self, operations: Tensor, adjacency: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Logits of :meth:`decode`, then mean and log deviation; latents are sampled in training mode only."""
        mean, log_deviation = self.encode(operations, adjacency)
        latents = mean + torch.randn_like(mean) * log_deviation.exp() if self.training else mean
        return *self.decode(latents), mean, log_deviation


def arch2vec_loss(
    operation_logits: Tensor,
    adjacency_logits: Tensor,
    mean: Tensor,
    log_deviation: Tensor,
    targets: tuple[Tensor, Tensor],
) -> Tensor:
    """Cross-entropy of the operations + cross-entropy of the adjacency + KL divergence / (b n).

    Both cross-entropies are binary and means over all entries. That of the adjacency counts the entries on and below
    the diagonal as right, so the sum over the upper ones is divided by n^2. The divergence from the standard normal
    distribution is a mean over nodes already; the released code divides by their number once more, so it hardly weighs.

    Parameters
    ----------
    operation_logits, adjacency_logits, mean, log_deviation : what :class:`Arch2vec` returns.
    targets : one-hot operations (b, n, k) and strictly upper triangular adjacency (b, n, n).

    Returns
    -------
    A scalar.
    """
    operations, adjacency = targets
    graphs, nodes = operations.shape[:2]
    operation_loss = functional.binary_cross_entropy_with_logits(operation_logits, operations)
    entries = functional.binary_cross_entropy_with_logits(adjacency_logits, adjacency, reduction="none")
    adjacency_loss = entries.triu(1).mean()
    divergence = 0.5 * (mean.square() + (2 * log_deviation).exp() - 1 - 2 * log_deviation).sum(dim=2).mean()
    return operation_loss + adjacency_loss + divergence / (graphs * nodes)
