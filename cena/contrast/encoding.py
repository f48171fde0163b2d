"""Embeddings of views and of classes."""

import numpy as np
import torch
from numpy.typing import NDArray

from cena.contrast.encoder import TrainedEncoder
from cena.contrast.inputs import check_views, encoder_input
from cena.view_arrays import mean_over_views

_AT_ONCE = 128
"""Classes embedded at a time; it bounds the memory."""


def encode_views(
    encoder: TrainedEncoder,
    directions: NDArray[np.floating],
    singular_values: NDArray[np.floating],
    usable: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """Embed every view, with the signs of its columns as they are stored.

    Parameters
    ----------
    encoder : a trained or untrained encoder.
    directions : left singular vectors, shape (classes, views, points, components), float16 or wider.
    singular_values : shape (classes, views, components).
    usable : boolean, shape (classes, views). A view that is not usable is embedded as the zero matrix, which is what
        the Jacobian of a dead network is.

    Returns
    -------
    float32 of shape (classes, views, embedding), computed in float32 on every processor.

    Raises
    ------
    InputError : if shapes disagree with each other or the encoder, or a usable view is not finite.
    """
    check_views(directions, singular_values, usable, encoder.config)
    classes, views = usable.shape
    embeddings = np.empty((classes, views, encoder.config.embedding), dtype=np.float32)
    for start in range(0, classes, _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        values = np.where(usable[part, :, np.newaxis], singular_values[part], 0)
        inputs = torch.from_numpy(encoder_input(directions[part], values, encoder.scale))
        with torch.inference_mode():
            embedded = encoder.network(inputs.flatten(0, 1))
        embeddings[part] = embedded.unflatten(0, inputs.shape[:2]).numpy()
    return embeddings


def encode(
    encoder: TrainedEncoder,
    directions: NDArray[np.floating],
    singular_values: NDArray[np.floating],
    usable: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """Embed every class: the mean of the embeddings of its usable views.

    Views are not brought to unit length first, although distances downstream are cosines: their lengths differ
    little, and the paper does not mention it.

    Parameters, errors : as :func:`encode_views`.

    Returns
    -------
    float32 of shape (classes, embedding). A class without usable views gets the embedding of the zero matrix.
    """
    embeddings = encode_views(encoder, directions, singular_values, usable)
    counted = usable | ~usable.any(axis=1, keepdims=True)
    return mean_over_views(embeddings, counted)
