r"""arch2vec's Bayesian optimisation: DNGO, a Bayesian linear regression on the features of a small network.

A network with one tanh layer is trained on the accuracies; its hidden layer :math:`\phi` then serves as the features of

.. math:: y = w^T \phi(x) + \varepsilon, \quad w \sim N(0, I / \alpha), \quad \varepsilon \sim N(0, \sigma^2),

whose predictions have a variance. Both hyper-parameters maximise the marginal likelihood.
"""

from functools import partial

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize

from cena.search.adam import Adam
from cena.search.candidates import Candidates
from cena.search.evaluator import Evaluator
from cena.search.runs import History
from cena.search.surrogate import log_expected_improvement, search_by_model
from cena.stages import Stage
from cena.types import Floats, Integers

ARCH2VEC_BO = Stage("search.arch2vec-bo", version=1)

_INITIAL = 16
_HIDDEN, _EPOCHS, _MINIBATCH, _LEARNING_RATE = 128, 100, 10, 0.01


@ARCH2VEC_BO
def arch2vec_bo(candidates: Candidates, guide: ArrayLike, budget: int, seed: int, *, batch: int = 1) -> History:
    """Evaluate the architectures of the highest expected improvement, over the whole space, predicted by DNGO.

    The start is 16 random architectures. The network has 128 hidden units; Adam trains it for 100 epochs on
    mini-batches of 10, with a learning rate of 0.01. Improvement is over the best accuracy so far. In its place the
    source's code has the constants 100 on NAS-Bench-201 and 95 on NAS-Bench-101, and takes the variance for the
    deviation; its paper says neither.

    Parameters
    ----------
    batch : number of architectures to evaluate between two fits; the source has 1 on NAS-Bench-201 and 5 on
        NAS-Bench-101.

    Source: Yan et al. (NeurIPS 2020) and its released code; Snoek et al., "Scalable Bayesian optimization using deep
    neural networks" (ICML 2015). Their DNGO has priors on the two hyper-parameters; here these are bounded only.
    """
    score = partial(_improvement, candidates.vectors.positions)
    return search_by_model("arch2vec-bo", score, Evaluator(candidates, guide, budget, seed), _INITIAL, batch)


def _improvement(vectors: Floats, known: Integers, accuracy: Floats, generator: np.random.Generator) -> Floats:
    centre, scale = vectors[known].mean(axis=0), vectors[known].std(axis=0)
    scale[scale == 0] = 1.0
    inputs, fractions = (vectors[known] - centre) / scale, accuracy / 100
    weight, bias = trained_layer(inputs, fractions, generator)
    regression = BayesianRegression(np.tanh(inputs @ weight + bias), fractions)
    mean, deviation = regression.predict(np.tanh((vectors - centre) / scale @ weight + bias))
    return log_expected_improvement(mean, deviation, fractions.max())


def trained_layer(inputs: Floats, values: Floats, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Weight (d, 128) and bias (128,) of the tanh layer of a network fitted to `values`, (m,), by squared error.

    Parameters
    ----------
    inputs : (m, d); a last mini-batch that would not be full is left out of its epoch.
    """
    size = min(_MINIBATCH, len(inputs))
    bounds = 1 / np.sqrt(inputs.shape[1]), 1 / np.sqrt(_HIDDEN)
    W = generator.uniform(-bounds[0], bounds[0], (inputs.shape[1], _HIDDEN))
    b = generator.uniform(-bounds[0], bounds[0], _HIDDEN)
    v, a = generator.uniform(-bounds[1], bounds[1], _HIDDEN), generator.uniform(-bounds[1], bounds[1], 1)
    adam = Adam([W, b, v, a], _LEARNING_RATE)
    for _ in range(_EPOCHS):
        order = generator.permutation(len(inputs))
        for start in range(0, len(inputs) - size + 1, size):
            rows = order[start : start + size]
            x = inputs[rows]
            features = np.tanh(x @ W + b)
            slope = 2 / size * (features @ v + a - values[rows])
            inner = slope[:, None] * v * (1 - features**2)
            adam.step([x.T @ inner, inner.sum(axis=0), slope @ features, slope.sum(keepdims=True)])
    return W, b


class BayesianRegression:
    """Bayesian linear regression without intercept, hyper-parameters by maximal marginal likelihood.

    Parameters
    ----------
    features : (m, k).
    values : (m,).

    Attributes
    ----------
    precision : alpha, of the prior of the weights.
    noise : the variance of a value.

    Source: Bishop, "Pattern Recognition and Machine Learning" (2006), sections 3.3 and 3.5.
    """

    BOUNDS = ((-10.0, 10.0), (-20.0, 5.0))
    """Of the logarithms of `precision` and `noise`."""

    def __init__(self, features: Floats, values: Floats) -> None:
        left, singular, right = np.linalg.svd(features, full_matrices=False)
        projected = left.T @ values
        outside = max(float(values @ values - projected @ projected), 0.0)
        arguments = (singular**2, projected, outside, len(values))
        found = optimize.minimize(_negative_evidence, (0.0, -3.0), arguments, method="L-BFGS-B", bounds=self.BOUNDS)
        self.precision, self.noise = np.exp(found.x)
        self._right = right
        shrunk = singular**2 / self.noise + self.precision
        self._mean = right.T @ (singular * projected / self.noise / shrunk)
        # The prior's variance 1 / precision, less what the data say in each direction that they span.
        self._gained = 1 / self.precision - 1 / shrunk

    def predict(self, features: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation, (n,) each, of the values without noise at `features`, (n, k)."""
        prior = (features**2).sum(axis=1) / self.precision
        variance = prior - (features @ self._right.T) ** 2 @ self._gained
        return features @ self._mean, np.sqrt(np.maximum(variance, 0.0))


def _negative_evidence(logarithms: Floats, squares: Floats, projected: Floats, outside: float, count: int) -> float:
    """Minus the logarithm of the marginal likelihood, from the singular values of the features (a constant aside).

    The values are normal with variance noise + squares / precision along each left singular vector, and noise in all
    other directions.
    """
    precision, noise = np.exp(logarithms)
    variances = noise + squares / precision
    rest = (count - len(squares)) * np.log(noise) + outside / noise
    return float(0.5 * (np.log(variances).sum() + (projected**2 / variances).sum() + rest))
