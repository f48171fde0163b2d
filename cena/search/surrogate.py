"""Search by a model: start at random, then evaluate again and again what a model of the accuracies scores highest."""

from collections.abc import Callable

import numpy as np
from scipy.special import erfcx, ndtr

from cena.errors import InputError
from cena.search.evaluator import Evaluator
from cena.search.history import History
from cena.types import Floats

ModelScore = Callable[[Floats, Floats, Floats, np.random.Generator], Floats]
"""(evaluated vectors (m, d), their accuracies (m,), other vectors (k, d), generator) -> scores (k,), high is good."""


def search_by_model(method: str, score: ModelScore, evaluator: Evaluator, initial: int, batch: int) -> History:
    """Evaluate `initial` random architectures, then those of the highest scores among all that are left.

    The model is fitted afresh to everything evaluated, after each `batch` evaluations. Architectures of equal scores
    are equally likely.

    Parameters
    ----------
    method : name that the history carries.
    score : fits the model and scores the architectures.
    evaluator : of the run, before its first evaluation.
    initial : number of random architectures at the start.
    batch : number of architectures to evaluate between two fits, at least 1.

    Raises
    ------
    InputError
        If `batch` is below 1.
    """
    if batch < 1:
        raise InputError(f"method {method} has batches of {batch} evaluations; give at least 1")
    generator = np.random.default_rng(evaluator.seeds.spawn(1)[0])
    vectors = evaluator.candidates.vectors.positions
    while evaluator.remaining:
        if len(evaluator.evaluated) < initial:
            evaluator.evaluate_random(generator)
            continue
        known = np.array(evaluator.evaluated)
        open_ = generator.permutation(np.flatnonzero(~evaluator.excluded))
        scores = score(vectors[known], evaluator.guide[known], vectors[open_], generator)
        best = np.argsort(-scores, kind="stable")[: min(batch, evaluator.remaining)]
        for architecture in open_[best].tolist():
            evaluator.evaluate(architecture)
    return evaluator.history(method)


def log_expected_improvement(mean: Floats, deviation: Floats, best: float) -> Floats:
    r"""Logarithm of how much a normal accuracy is expected to exceed `best`, (k,).

    .. math:: \log E[\max(Y - b, 0)] = \log \sigma + \log(\varphi(u) + u \Phi(u)), \quad u = (\mu - b) / \sigma.

    In logarithms, since far below `best` the improvement itself underflows and all architectures would be equal.

    Parameters
    ----------
    mean, deviation : (k,) of the predictions; no deviation is negative.
    best : the accuracy to exceed.

    Source: Jones, Schonlau & Welch (Journal of Global Optimization 13, 1998); the logarithm as in Ament et al.,
    "Unexpected improvements to expected improvement for Bayesian optimization" (NeurIPS 2023).
    """
    sigma = np.maximum(deviation, 1e-12)
    u = (mean - best) / sigma
    density = np.exp(-0.5 * u**2) / np.sqrt(2 * np.pi)
    near = np.maximum(density + u * ndtr(u), 1e-300)
    # For u < -1: phi(u) + u Phi(u) = phi(u) (1 - |u| sqrt(pi/2) erfcx(|u| / sqrt 2)); beyond -1e4 that is phi(u) / u^2.
    size = np.clip(-u, 1, None)
    ratio = np.where(size > 1e4, size**-2.0, -np.expm1(np.log(size * np.sqrt(np.pi / 2) * erfcx(size / np.sqrt(2)))))
    far = -0.5 * size**2 - 0.5 * np.log(2 * np.pi) + np.log(np.maximum(ratio, 1e-300))
    result: Floats = np.log(sigma) + np.where(u > -1, np.log(near), far)
    return result
