"""How well an autoencoder reconstructs graphs, and what its latent space decodes to.

For NAS-Bench-201 the adjacency is one matrix for all cells, so reconstructing it is no achievement; the operations
are what counts there.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from cena.arch2vec.graphs import EMPTY, Graphs, isomorphism_classes
from cena.arch2vec.model import Arch2vec
from cena.arch2vec.training import node_latents
from cena.arch2vec.validity import Validity, prune
from cena.errors import InputError


@dataclass(frozen=True)
class Reconstruction:
    """Fractions that come back from the mean latents: operations, entries of the adjacency, whole graphs."""

    operations: float
    adjacency: float
    graphs: float


@dataclass(frozen=True)
class PriorQuality:
    """Of graphs decoded from the prior, the fraction that is valid, and of these the fraction that is distinct."""

    validity: float
    uniqueness: float


def reconstruction(model: Arch2vec, graphs: Graphs) -> Reconstruction:
    """Encode graphs, such as the held-out ones, decode their mean latents and compare.

    Counted are the operations of nodes that are not empty and the entries of the adjacency above the diagonal between
    such nodes. The decoder knows no empty node, so how many there are is taken from the graph. (The released code
    counts an empty node as right when it decodes to the input, and entries between empty nodes, which it always
    decodes to edges: they share one latent, and its product with itself is positive. For the same reason no
    autoencoder of this kind can reconstruct two parallel nodes with the same operation.)

    Raises
    ------
    InputError
        If there is no graph, or the graphs have another number of operations than the model.
    """
    if len(graphs) == 0:
        raise InputError("there is no graph to reconstruct: give at least one")
    decoded = decode_graphs(model, node_latents(model, graphs))
    counted = graphs.operations != EMPTY
    right = decoded.operations == graphs.operations
    upper = np.triu_indices(graphs.operations.shape[1], k=1)
    pairs = (counted[:, :, None] & counted[:, None, :])[:, *upper]
    joined = (decoded.adjacency == graphs.adjacency)[:, *upper]
    whole = (right | ~counted).all(axis=1) & (joined | ~pairs).all(axis=1)
    return Reconstruction(float(right[counted].mean()), float(joined[pairs].mean()), float(whole.mean()))


def prior_quality(model: Arch2vec, graphs: Graphs, valid: Validity, seed: int, count: int = 10_000) -> PriorQuality:
    """Decode latents from the prior of :func:`prior_graphs` and judge the graphs.

    Parameters
    ----------
    model, graphs, seed, count : as :func:`prior_graphs`.
    valid : which graphs are architectures, such as :func:`cena.arch2vec.valid_nas_bench_201_cells`.

    Returns
    -------
    Validity, and the number of valid architectures that differ up to isomorphism over the number of valid ones (0
    without any). Nodes on no path from input to output are pruned before graphs are compared, which the released code
    does not do: it counts some architectures more than once.
    """
    decoded = prior_graphs(model, graphs, seed, count)
    mask = valid(decoded)
    distinct = len(np.unique(isomorphism_classes(prune(decoded[mask])))) if mask.any() else 0
    return PriorQuality(float(mask.mean()), distinct / max(int(mask.sum()), 1))


def prior_graphs(model: Arch2vec, graphs: Graphs, seed: int, count: int = 10_000) -> Graphs:
    """Graphs decoded from random latents.

    By the released protocol a latent of node i is normal with mean and standard deviation, dimension by dimension, of
    the mean latents of node i over the training graphs (of the finished model, where the released code collects them
    during the last epoch).

    Parameters
    ----------
    model : a pre-trained autoencoder.
    graphs : those it was trained on, or a sample of them.
    seed : determines the latents.
    count : graphs to decode.

    Raises
    ------
    InputError
        If there are fewer than 2 graphs, nothing is to be decoded, or the graphs do not fit the model.
    """
    if len(graphs) < 2 or count < 1:
        raise InputError(
            f"{count} graphs are to be decoded with the moments of {len(graphs)}: give a count of at least 1 and at "
            "least 2 training graphs"
        )
    latents = node_latents(model, graphs)
    noise = np.random.default_rng(seed).standard_normal((count, *latents.shape[1:]), dtype=np.float32)
    return decode_graphs(model, latents.mean(axis=0) + latents.std(axis=0, ddof=1) * noise)


def decode_graphs(model: Arch2vec, latents: NDArray[np.float32]) -> Graphs:
    """The most probable graphs, none of their nodes empty, from latents (n, nodes, latent).

    Each node gets its most probable operation, and there is an edge where its probability exceeds one half.
    """
    model.eval()
    with torch.inference_mode():
        operations, adjacency = model.decode(torch.from_numpy(latents))
    edges = (adjacency > 0).triu(1).to(torch.uint8)
    return Graphs(edges.numpy(), operations.argmax(dim=2).to(torch.int8).numpy(), model.config.kinds)
