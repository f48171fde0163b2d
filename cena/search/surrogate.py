"""Search by a model: start at random, then evaluate again and again what a model of the accuracies scores highest.

Here are the search, the score of a model that knows how sure it is, and the simplest model, a random forest.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import erfcx, ndtr
from sklearn.ensemble import RandomForestRegressor

from cena.errors import InputError
from cena.search.candidates import Candidates
from cena.search.evaluator import Evaluator
from cena.search.runs import History
from cena.stages import Stage
from cena.types import Floats, Integers

GREEDY_FOREST = Stage("search.greedy-forest", version=1)

RANDOM_STARTS = 10
"""Architectures that the searches by a forest and by a Gaussian process evaluate before they have a model."""

_TREES = 60

ModelScore = Callable[[Integers, Floats, np.random.Generator], Floats]
"""(evaluated architectures (m,), their accuracies (m,), generator) -> scores of the whole space (n,), high is good."""


def search_by_model(method: str, score: ModelScore, evaluator: Evaluator, initial: int, batch: int) -> History:
    """Evaluate `initial` random architectures, then those of the highest scores among all that are left.

    The model learns from everything evaluated, after each `batch` evaluations. Architectures of equal scores are
    equally likely.

    Parameters
    ----------
    method : name that the history carries.
    score : fits the model and scores all architectures.
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
    generator = evaluator.generator()
    while evaluator.remaining:
        if len(evaluator.evaluated) < initial:
            evaluator.evaluate_random(generator)
            continue
        known = np.array(evaluator.evaluated)
        open_ = generator.permutation(np.flatnonzero(~evaluator.excluded))
        scores = score(known, evaluator.guide[known], generator)
        for _ in range(min(batch, evaluator.remaining)):
            if not len(open_):
                break  # a new round of the classes begins with another look at the model
            evaluator.evaluate(int(open_[scores[open_].argmax()]))
            open_ = open_[~evaluator.excluded[open_]]
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


@GREEDY_FOREST
def greedy_forest(candidates: Candidates, guide: ArrayLike, budget: int, seed: int, *, batch: int = 1) -> History:
    """Evaluate the architecture of the highest prediction, over the whole space, without any exploration.

    The start is 10 random architectures, the forest is scikit-learn's of 60 trees with its default settings else. A
    larger `batch` divides the number of fits, which is what a run spends its time on.

    Parameters
    ----------
    batch : number of architectures to evaluate between two fits.
    """
    score = partial(_predictions, candidates.vectors.positions)
    return search_by_model("greedy-forest", score, Evaluator(candidates, guide, budget, seed), RANDOM_STARTS, batch)


def _predictions(vectors: Floats, known: Integers, accuracy: Floats, generator: np.random.Generator) -> Floats:
    forest = RandomForestRegressor(_TREES, random_state=int(generator.integers(2**31)))
    predictions: Floats = forest.fit(vectors[known], accuracy).predict(vectors)
    return predictions
