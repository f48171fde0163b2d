"""Whether distances in an embedding follow edit distance: what arch2vec claims for its own (Yan et al., section 4.1).

Correlations are Spearman's. A run draws its own pairs or walks, so runs are independent given the graphs and the
model, and their interval is about the draw of the pairs, not about another pre-training.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from cena.arch2vec.graphs import EMPTY, Graphs
from cena.arch2vec.model import Arch2vec
from cena.arch2vec.training import encode_graphs
from cena.arch2vec.validity import Validity, prune
from cena.errors import InputError
from cena.evaluate.intervals import Interval, mean_interval
from cena.evaluate.metrics import pearson

Floats = NDArray[np.float64]


def edit_distance(first: Graphs, second: Graphs) -> NDArray[np.int64]:
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


def walk_correlation(
    model: Arch2vec, graphs: Graphs, valid: Validity, seed: int, walks: int = 200, steps: int = 6, runs: int = 20
) -> Interval:
    """Correlation of embedding distance with edit distance from the start along random walks; see
    :func:`walk_distances` for what is drawn in each run. A walk may come back: edit distance counts, not steps.

    Raises
    ------
    InputError
        As for :func:`walk_distances`, and if there are too few walks or runs to correlate anything.
    """
    correlations = []
    for run in range(runs):
        edits, distances = walk_distances(model, graphs, valid, np.random.default_rng([seed, run]), walks, steps)
        correlations.append(_spearman(distances.ravel(), edits.ravel()))
    return mean_interval(correlations)


def walk_distances(
    model: Arch2vec,
    graphs: Graphs,
    valid: Validity,
    generator: np.random.Generator,
    walks: int = 200,
    steps: int = 6,
) -> tuple[NDArray[np.int64], Floats]:
    """Edit distance and embedding distance from the start after each step of random walks.

    A walk starts at a random graph; a step changes one operation or adds or removes one edge, all such edits to valid
    graphs without superfluous nodes being equally likely. It never adds or removes a node.

    Parameters
    ----------
    model : a pre-trained autoencoder.
    graphs : where walks may start.
    valid : which graphs are architectures, such as :func:`cena.arch2vec.valid_cells`.
    generator : draws the walks.
    walks, steps : number of walks, edits in each.

    Returns
    -------
    edits, distances : both of shape (walks, steps).

    Raises
    ------
    InputError
        If a start is not valid itself, or has no inner node to edit.
    """
    start = graphs[generator.integers(len(graphs), size=walks)]
    if not _walkable(start, valid).all():
        raise InputError("some graphs are not valid or have nodes off every path from input to output: prune them")
    if (np.count_nonzero(start.operations != EMPTY, axis=1) < 3).any():
        raise InputError(
            "some graphs have no node between input and output, so no walk leads from them: leave them out"
        )
    origin = encode_graphs(model, start)
    graph, edits, distances = start, [], []
    for _ in range(steps):
        graph = _step(graph, valid, generator)
        edits.append(edit_distance(start, graph))
        distances.append(np.linalg.norm(encode_graphs(model, graph) - origin, axis=1))
    return np.stack(edits, axis=1), np.stack(distances, axis=1).astype(np.float64)


def _step(graphs: Graphs, valid: Validity, generator: np.random.Generator) -> Graphs:
    """Edit every graph once: edits are drawn until they are valid."""
    operations, adjacency = graphs.operations.copy(), graphs.adjacency.copy()
    sources, targets = np.triu_indices(operations.shape[1], k=1)
    # An edit is a new operation for a node or, after these, the flip of an entry of the adjacency.
    changes = operations.shape[1] * graphs.kinds
    waiting = np.arange(len(graphs))
    while len(waiting):
        edit = generator.integers(changes + len(sources), size=len(waiting))
        rows, flips = np.arange(len(waiting)), edit >= changes
        new_operations, new_adjacency = operations[waiting], adjacency[waiting]
        new_operations[rows[~flips], edit[~flips] // graphs.kinds] = edit[~flips] % graphs.kinds
        entry = edit[flips] - changes
        new_adjacency[rows[flips], sources[entry], targets[entry]] ^= 1
        new_adjacency *= _joinable(graphs.operations[waiting])
        proposed = Graphs(new_adjacency, new_operations, graphs.kinds)
        changed = edit_distance(proposed, Graphs(adjacency[waiting], operations[waiting], graphs.kinds)) == 1
        accepted = changed & _walkable(proposed, valid)
        operations[waiting[accepted]] = new_operations[accepted]
        adjacency[waiting[accepted]] = new_adjacency[accepted]
        waiting = waiting[~accepted]
    return Graphs(adjacency, operations, graphs.kinds)


def _joinable(operations: NDArray[np.int8]) -> NDArray[np.bool_]:
    """(n, nodes, nodes) which pairs of nodes may have an edge: those without an empty node."""
    present: NDArray[np.bool_] = operations != EMPTY
    return present[:, :, None] & present[:, None, :]


def _walkable(graphs: Graphs, valid: Validity) -> NDArray[np.bool_]:
    """(n,) whether graphs are valid and pruning leaves them as they are."""
    whole: NDArray[np.bool_] = edit_distance(prune(graphs), graphs) == 0
    return whole & valid(graphs)


def _spearman(distances: NDArray[np.floating], edits: NDArray[np.int64]) -> float:
    return pearson(stats.rankdata(distances), stats.rankdata(edits))
