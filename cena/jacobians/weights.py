"""The weights that a view starts from: each matrix gets a factor of its own, and a head of zeros is drawn."""

from collections.abc import Iterator
from math import log

import numpy as np
import torch
from torch import nn

RESCALE = (7 / 8, 8 / 7)
"""Range of the random factor of each weight matrix. The paper's text has lost its fractions; see `rescale_weights`."""

_NO_MATRICES = (nn.Embedding, nn.EmbeddingBag, nn.LayerNorm, nn.RMSNorm)
"""Modules whose `weight` may have two dimensions or more and yet multiplies no features."""


def rescale_weights(network: nn.Module, generator: np.random.Generator) -> None:
    """Multiply each weight matrix by its own log-uniform factor from (7/8, 8/7), in place (paper, section 4.1).

    A weight matrix is a parameter of two dimensions or more that is called a weight, as torch calls those of linear
    layers, convolutions, attention and recurrent layers (``weight``, ``in_proj_weight``, ``weight_ih_l0``), and that
    does not belong to an embedding or a normalisation. Everything else stays and draws no factor: biases, scales,
    positional embeddings, class tokens, and weights under a parametrization, which says what they may be. Where
    BatchNorm follows, the factor cancels.
    """
    low, high = RESCALE
    with torch.no_grad():
        for _, weight in _weight_matrices(network):
            weight.mul_(float(np.exp(generator.uniform(log(low), log(high)))))


def draw_zero_weights(network: nn.Module) -> list[str]:
    """Draw the weight matrices that are zero as torch draws those of its layers, and return their names.

    Transformers and mixers often start with a last layer of zeros. The output is then zero, and so is its gradient,
    whatever the network: only a head that is not zero lets its Jacobian be seen.
    """
    zero = [(name, weight) for name, weight in _weight_matrices(network) if not weight.any()]
    for _, weight in zero:
        nn.init.kaiming_uniform_(weight, a=5**0.5)
    return [name for name, _ in zero]


def _weight_matrices(network: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """The weight matrices that :func:`rescale_weights` speaks of, in the order of the network, by name."""
    for name, parameter in network.named_parameters():
        owner, _, own_name = name.rpartition(".")
        if (
            parameter.ndim >= 2
            and "weight" in own_name.split("_")
            and not isinstance(network.get_submodule(owner), _NO_MATRICES)
        ):
            yield name, parameter
