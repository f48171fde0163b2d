"""Whether distances in an embedding follow edit distance: what arch2vec claims for its own (Yan et al., section 4.1).

Correlations are Spearman's. A run draws its own pairs, so runs are independent given the graphs and the
model, and their interval is about the draw of the pairs, not about another pre-training.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from cena.arch2vec.graphs import Graphs
from cena.errors import InputError
from cena.evaluate.intervals import Interval, mean_interval
from cena.evaluate.metrics import pearson
from cena.types import Integers


def edit_distance(first: Graphs, second: Graphs) -> Integers:
    """(n,) nodes whose operation differs plus edges in one graph only, node i compared with node i.

    For NAS-Bench-201 it is the number of edges of the cell with another operation. Where graphs can be renumbered
    (NAS-Bench-101) it is an upper bound of the graph edit distance, which would take the best renumbering. The released
    code counts two for a changed operation, because it compares one-hot rows.

    Raises
    ------
    InputError
        If the two do not have the same number of graphs and nodes.
    """
    if first.operations.shape != second.operations.shape:
        raise InputError(
            f"edit distances of graphs and nodes {first.operations.shape} to {second.operations.shape}: give pairs "
            "of graphs of one space"
        )
    nodes = np.count_nonzero(first.operations != second.operations, axis=1)
    edges = np.count_nonzero(first.adjacency != second.adjacency, axis=(1, 2))
    return np.asarray(nodes + edges, dtype=np.int64)


def edit_distance_correlation(
    graphs: Graphs, embedding: NDArray[np.floating], seed: int, pairs: int = 1000, runs: int = 20
) -> Interval:
    """Correlation of the distance of random pairs in an embedding with their edit distance.

    Parameters
    ----------
    graphs, embedding : a space's architectures and their embedding of shape (n, dimensions).
    seed : determines the pairs.
    pairs, runs : pairs in a run, each drawn from all architectures; number of runs.

    Raises
    ------
    InputError
        If lengths differ, or there are too few graphs, pairs or runs to correlate anything.
    """
    if len(embedding) != len(graphs):
        raise InputError(f"{len(graphs)} graphs with an embedding of {len(embedding)}: give one row for each graph")
    correlations = []
    for run in range(runs):
        generator = np.random.default_rng([seed, run])
        first, second = generator.integers(len(graphs), size=(2, pairs))
        distances = np.linalg.norm(embedding[first] - embedding[second], axis=1)
        correlations.append(_spearman(distances, edit_distance(graphs[first], graphs[second])))
    return mean_interval(correlations)


def _spearman(distances: NDArray[np.floating], edits: Integers) -> float:
    return pearson(stats.rankdata(distances), stats.rankdata(edits))
