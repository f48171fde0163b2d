"""The loss of Barlow Twins: two views of one class agree in every feature, and no two features say the same.

Source: Zbontar, Jing, Misra, LeCun and Deny, Barlow Twins: Self-Supervised Learning via Redundancy Reduction, 2021,
equations 1 and 2. The paper (section 4.2) takes the weight of the redundancy term, lambda = 0.005, from there.
"""

import torch
from torch import Tensor
from torch.nn import functional

from cena.errors import InputError


def cross_correlation(first: Tensor, second: Tensor) -> Tensor:
    """Correlation over the batch of every feature of `first` with every feature of `second`.

    Parameters
    ----------
    first, second : projections of the two views of each class, both of shape (batch, features).

    Returns
    -------
    Shape (features, features). Features are standardised as batch normalisation does it, with 1e-5 added to the
    variance, so one that is constant over the batch has correlation zero.

    Raises
    ------
    InputError : if the shapes differ or the batch has fewer than two classes.
    """
    if first.ndim != 2 or first.shape != second.shape or len(first) < 2:
        raise InputError(
            f"Barlow Twins was given projections of shape {tuple(first.shape)} and {tuple(second.shape)}; "
            "expected two of the same shape (batch, features) with a batch of at least 2"
        )
    first = functional.batch_norm(first, None, None, training=True)
    second = functional.batch_norm(second, None, None, training=True)
    return first.T @ second / len(first)


def barlow_twins(first: Tensor, second: Tensor, redundancy_weight: float = 5e-3) -> Tensor:
    """The loss ``sum_i (1 - C_ii)^2 + redundancy_weight * sum_{i != j} C_ij^2`` of the cross-correlation C.

    Parameters
    ----------
    first, second : projections of the two views of each class, both of shape (batch, features).
    redundancy_weight : the source's lambda.

    Returns
    -------
    A scalar, zero exactly when C is the identity.

    Raises
    ------
    InputError : as :func:`cross_correlation`.
    """
    correlation = cross_correlation(first, second)
    diagonal = torch.diagonal(correlation)
    invariance = (1 - diagonal).square().sum()
    redundancy = (correlation - torch.diag(diagonal)).square().sum()
    return invariance + redundancy_weight * redundancy
