"""How well embeddings of views know their class, by cosine similarity: what contrastive training is for."""

import numpy as np
from numpy.typing import NDArray

from cena.errors import InputError

_BLOCK = 2048  # views compared with all others at a time; it bounds the memory


def retrieval_accuracy(embeddings: NDArray[np.floating], usable: NDArray[np.bool_]) -> float:
    """Fraction of views whose nearest other view is of the same class.

    Only usable views of classes with at least two of them are compared. By chance the fraction is about
    (views - 1) / (classes * views - 1).

    Parameters
    ----------
    embeddings : shape (classes, views, embedding).
    usable : boolean, shape (classes, views).

    Raises
    ------
    InputError : if the shapes disagree or fewer than two classes have two usable views.
    """
    vectors, classes = unit_vectors(embeddings, usable)
    hits = 0
    for start in range(0, len(vectors), _BLOCK):
        similarity = vectors[start : start + _BLOCK] @ vectors.T
        rows = np.arange(len(similarity))
        similarity[rows, start + rows] = -np.inf  # a view is not its own neighbour
        hits += int(np.count_nonzero(classes[similarity.argmax(axis=1)] == classes[start + rows]))
    return hits / len(vectors)


def same_class_margin(embeddings: NDArray[np.floating], usable: NDArray[np.bool_]) -> float:
    """Mean cosine similarity of two views of one class, less that of two views of different classes.

    Means are over all pairs, found from sums of vectors: the squared length of a sum of unit vectors is the number of
    them plus the similarities of all ordered pairs.

    Parameters, errors : as :func:`retrieval_accuracy`.
    """
    vectors, classes = unit_vectors(embeddings, usable)
    members, counts = np.unique(classes, return_inverse=True, return_counts=True)[1:]
    sums = np.zeros((len(counts), vectors.shape[1]))
    np.add.at(sums, members, vectors)
    same = np.square(sums).sum()
    every = np.square(sums.sum(axis=0)).sum()
    pairs_same = np.square(counts).sum()
    same_mean = (same - len(vectors)) / (pairs_same - len(vectors))
    different_mean = (every - same) / (len(vectors) ** 2 - pairs_same)
    return float(same_mean - different_mean)


def unit_vectors(
    embeddings: NDArray[np.floating], usable: NDArray[np.bool_]
) -> tuple[NDArray[np.floating], NDArray[np.intp]]:
    """The views that can be compared, as unit vectors of shape (n, embedding), and the class of each, shape (n,)."""
    if embeddings.ndim != 3 or embeddings.shape[:2] != usable.shape:
        raise InputError(
            f"embeddings of shape {embeddings.shape} with a usable mask of shape {usable.shape}; "
            "expected (classes, views, embedding) and (classes, views)"
        )
    compared = usable & (usable.sum(axis=1, keepdims=True) >= 2)
    if np.count_nonzero(compared.any(axis=1)) < 2:
        raise InputError("fewer than two classes have two usable views; there is nothing to compare")
    vectors = embeddings[compared]
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1), np.nonzero(compared)[0]
