"""Search by a model: start at random, then evaluate again and again what a model of the accuracies scores highest.

Here are the search, and two models of scikit-learn's: a random forest and a Gaussian process.
"""

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import erfcx, ndtr
from sklearn.ensemble import RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from cena.errors import InputError
from cena.search.candidates import Candidates
from cena.search.evaluator import Evaluator
from cena.search.runs import History
from cena.stages import Stage
from cena.types import Floats

GREEDY_FOREST = Stage("search.greedy-forest", version=1)
GAUSSIAN_PROCESS = Stage("search.gaussian-process", version=1)

_INITIAL, _TREES = 10, 60

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
    generator = evaluator.generator()
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


@GREEDY_FOREST
def greedy_forest(candidates: Candidates, guide: ArrayLike, budget: int, seed: int, *, batch: int = 1) -> History:
    """Evaluate the architecture of the highest prediction, over the whole space, without any exploration.

    The start is 10 random architectures, the forest is scikit-learn's of 60 trees with its default settings else. A
    larger `batch` divides the number of fits, which is what a run spends its time on.

    Parameters
    ----------
    batch : number of architectures to evaluate between two fits.
    """
    return search_by_model("greedy-forest", _predictions, Evaluator(candidates, guide, budget, seed), _INITIAL, batch)


def _predictions(known: Floats, accuracy: Floats, others: Floats, generator: np.random.Generator) -> Floats:
    forest = RandomForestRegressor(_TREES, random_state=int(generator.integers(2**31)))
    predictions: Floats = forest.fit(known, accuracy).predict(others)
    return predictions


@GAUSSIAN_PROCESS
def gaussian_process(candidates: Candidates, guide: ArrayLike, budget: int, seed: int, *, batch: int = 1) -> History:
    """Evaluate the architecture with the highest expected improvement over the best so far, over the whole space.

    The start is 10 random architectures.
    The kernel is a Matérn one of smoothness 5/2 with one length scale, times a constant, plus noise; all three are
    fitted by marginal likelihood each time, to standardised accuracies.

    Parameters
    ----------
    batch : number of architectures to evaluate between two fits.
    """
    evaluator = Evaluator(candidates, guide, budget, seed)
    return search_by_model("gaussian-process", _improvement, evaluator, _INITIAL, batch)


def _improvement(known: Floats, accuracy: Floats, others: Floats, _generator: np.random.Generator) -> Floats:
    standard = (accuracy - accuracy.mean()) / (accuracy.std() or 1.0)
    kernel = ConstantKernel(1.0, (1e-3, 1e3)) * Matern(0.3, (1e-2, 1e2), nu=2.5) + WhiteKernel(1e-2, (1e-6, 1e1))
    model = GaussianProcessRegressor(kernel)
    with warnings.catch_warnings():
        # A length scale or a noise at its bound says that the data do not determine it, which is no failure.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(known, standard)
    # The model predicts accuracies with their noise; the improvement of the accuracy itself is what counts.
    mean, deviation = model.predict(others, return_std=True)
    noise = model.kernel_.k2.noise_level
    latent = np.sqrt(np.maximum(deviation**2 - noise, 0.0))
    return log_expected_improvement(mean, latent, float(standard.max()))
