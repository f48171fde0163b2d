"""The extended data Jacobian matrix (EDJM) of a network: one gradient for each data point.

Paper, section 3.2 and equation 1; Wang et al., "Analysis of Deep Neural Networks with Extended Data Jacobian Matrix"
(ICML 2016).
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cena.errors import InputError, unknown
from cena.types import Floats

_PRECISIONS = ("float32", "bfloat16")


def data_jacobian(network: nn.Module, images: Tensor, precision: str = "float32") -> Tensor:
    """Gradients of the L1 norm of a network's output with respect to each input (equation 1, before projection).

    The network is used as it is: in train mode, as it comes out of its constructor, BatchNorm normalises with the
    statistics of this batch. Row i is then the gradient of the *whole batch's* norm with respect to image i, the rows
    are coupled through the batch, and the images belong to the definition of the matrix. This is what the authors'
    code does. After ``network.eval()`` row i depends on image i alone.

    Parameters
    ----------
    network : maps (n, channels, height, width) to (n, outputs).
    images : (n, channels, height, width), float32.
    precision : ``"float32"``, or ``"bfloat16"`` for autocast: faster where the processor supports it.

    Returns
    -------
    (n, channels * height * width) float32. Zero where the output does not depend on the input.

    Raises
    ------
    InputError
        If the precision is unknown or the output is not a matrix with one row for each image.

    Departure: the authors' code differentiates the plain sum of the outputs; the paper says the L1 norm, used here.
    """
    if precision not in _PRECISIONS:
        raise unknown("precision", precision, _PRECISIONS)
    points = images.detach().clone(memory_format=torch.preserve_format).requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16"):
        outputs = network(points)
    if not isinstance(outputs, Tensor) or outputs.ndim != 2 or len(outputs) != len(images):
        shape = tuple(outputs.shape) if isinstance(outputs, Tensor) else type(outputs).__name__
        raise InputError(
            f"the network maps {tuple(images.shape)} to {shape}: expected one row of outputs for each image"
        )
    if not outputs.requires_grad:
        return torch.zeros(len(images), images[0].numel())
    (gradient,) = torch.autograd.grad(outputs.float().abs().sum(), points, materialize_grads=True)
    return gradient.flatten(1)


def epdjm_factors(jacobian: NDArray[np.floating]) -> tuple[Floats, Floats]:
    """The factors U and S of an EPDJM, the principal components of X = U S V^T (equation 2): it is ``U * S``.

    Equation 2 keeps U_1 S_1, the coordinates of the data points along the top-k directions of *this* matrix: the
    basis V belongs to one network, so two networks are compared by how they arrange the data points, not by pixels.
    All min(n, d) components are returned, largest first; keep the first k columns for a projection to k.

    U and S come from the eigenvectors of the n x n Gram matrix X X^T in float64, which is far smaller than X. Their
    signs are arbitrary; each column's entry of largest magnitude is made positive (the svd_flip convention).

    Parameters
    ----------
    jacobian : (n, d) finite.

    Returns
    -------
    directions : (n, min(n, d)) orthonormal columns U; zero where the singular value is zero to working precision.
    singular_values : (min(n, d),) S, descending.
    """
    X = np.asarray(jacobian, dtype=np.float64)
    scale = np.abs(X).max()
    if scale == 0:
        rank = min(X.shape)
        return np.zeros((len(X), rank)), np.zeros(rank)
    X = X / scale  # the Gram matrix squares magnitudes: keep them away from underflow
    eigenvalues, vectors = np.linalg.eigh(X @ X.T)
    order = np.arange(len(X))[::-1][: min(X.shape)]
    eigenvalues, vectors = eigenvalues[order], vectors[:, order]
    significant = eigenvalues > len(X) * np.finfo(np.float64).eps * eigenvalues[0]
    largest = np.abs(vectors).argmax(axis=0)
    signs = np.where(vectors[largest, np.arange(vectors.shape[1])] < 0, -1.0, 1.0)
    directions = np.where(significant, vectors * signs, 0.0)
    return directions, scale * np.sqrt(np.where(significant, eigenvalues, 0.0))


def jacov(jacobian: NDArray[np.floating]) -> float:
    """Jacobian covariance score: how far the rows of an EDJM are from being correlated. Larger is better.

    With the eigenvalues e of the rows' correlation matrix the score is ``-sum(log(e + k) + 1 / (e + k))``, k = 1e-5.
    Source: Mellor et al., "Neural Architecture Search without Training" (first version, 2020).

    Parameters
    ----------
    jacobian : (n, d) finite, no constant row; a constant row counts as uncorrelated with every other.
    """
    X = np.asarray(jacobian, dtype=np.float64)
    rounding = X.shape[1] * np.finfo(np.float64).eps * np.linalg.norm(X, axis=1, keepdims=True)
    X = X - X.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(X, axis=1, keepdims=True)
    X = np.divide(X, norms, out=np.zeros_like(X), where=norms > rounding)
    correlation = X @ X.T
    np.fill_diagonal(correlation, 1.0)
    shifted = np.clip(np.linalg.eigvalsh(correlation), 0.0, None) + 1e-5
    return -float(np.sum(np.log(shifted) + 1 / shifted))
