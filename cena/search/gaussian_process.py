r"""A Gaussian process over a table of candidates, and the search that evaluates where it expects to improve most.

The targets :math:`y` of :math:`m` observed rows are normal with covariance :math:`a (K + \eta I)`, where the kernel is
Matérn's of smoothness 5/2 with one length scale :math:`\ell_b` for each block of features,

.. math:: k(x, x') = (1 + s + s^2 / 3) e^{-s}, \quad s^2 = 5 \sum_b |x_b - x'_b|^2 / \ell_b^2.

The prior of the amplitude :math:`a` is worth one observation: :math:`1 / a` is chi-squared with one degree of freedom.
It integrates out, and a target is then distributed by Student's t. What is left to choose, the length scales and the
share of noise :math:`\eta`, maximises the marginal likelihood

.. math:: \log p(y) = -\tfrac12 \log |K + \eta I| - \tfrac{m + 1}{2} \log(1 + y^T (K + \eta I)^{-1} y) + \text{const}.

One more observation adds one row to the Cholesky factor, and one to the whitened covariances with all rows of the
table, from which mean and variance follow everywhere. Only new hyper-parameters make everything anew.

Source: Rasmussen & Williams, "Gaussian processes for machine learning" (2006), sections 2.2, 4.2, 5.4 and 9.9.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.spatial.distance import cdist
from scipy.special import ndtri

from cena.search.candidates import Candidates
from cena.search.evaluator import Evaluator
from cena.search.runs import History
from cena.search.surrogate import RANDOM_STARTS, log_expected_improvement, search_by_model
from cena.stages import Stage
from cena.types import Floats, Integers

GAUSSIAN_PROCESS = Stage("search.gaussian-process", version=2)

_GROWTH = 1.2
"""The hyper-parameters are chosen again when there are so many times the observations of the last time."""

_LENGTH, _NOISE = 1.0, 0.01
"""Where each choice begins. The last choice is the worse beginning: every other time it ends in a lesser optimum."""

_LENGTHS, _NOISES = (0.05, 50.0), (1e-6, 10.0)
"""The least and the most that the likelihood may choose."""


@GAUSSIAN_PROCESS
def gaussian_process(candidates: Candidates, guide: ArrayLike, budget: int, seed: int, *, batch: int = 1) -> History:
    """Evaluate the architecture with the highest expected improvement over the best so far, over the whole space.

    The start is 10 random architectures. Targets are the accuracies' ranks among those known, spread like a normal
    sample, so that a few broken architectures do not decide the scale. Architectures at one place are one row of the
    table, and so are those of one class, where `candidates` declare classes; the row lies where the first of them does.

    Parameters
    ----------
    batch : number of architectures to evaluate between two looks at the model.
    """
    evaluator = Evaluator(candidates, guide, budget, seed)
    return search_by_model("gaussian-process", _Improvement(candidates, budget), evaluator, RANDOM_STARTS, batch)


class _Improvement:
    """The score of a search: the logarithm of the expected improvement of the rank-normal targets."""

    def __init__(self, candidates: Candidates, capacity: int) -> None:
        vectors = candidates.vectors
        alike = vectors.positions if vectors.classes is None else vectors.classes
        _, first, self.rows = np.unique(alike, axis=0, return_index=True, return_inverse=True)
        self.process = GaussianProcess([block[first] for block in vectors.blocks], capacity)
        self.fitted = 0

    def __call__(self, known: Integers, accuracy: Floats, _generator: np.random.Generator) -> Floats:
        for architecture in known[len(self.process.observed) :].tolist():
            self.process.observe(int(self.rows[architecture]))
        targets = rank_normal(accuracy)
        if len(known) >= _GROWTH * self.fitted:
            self.process.fit(targets)
            self.fitted = len(known)
        mean, deviation = self.process.predict(targets)
        return log_expected_improvement(mean, deviation, float(targets.max()))[self.rows]


def rank_normal(values: Floats) -> Floats:
    """The normal quantile of each value's rank, (m,): at (r - 1/2) / m for the r-th smallest; ties have a mean rank."""
    _, level, counts = np.unique(values, return_inverse=True, return_counts=True)
    quantiles: Floats = ndtri((np.cumsum(counts) - counts / 2)[level] / len(values))
    return quantiles


class GaussianProcess:
    """A process that knows its mean and deviation at each row of a table.

    Parameters
    ----------
    blocks : of features, (n, width) each. Each is scaled so that its variances sum to one.
    capacity : the most observations that there will be.

    Attributes
    ----------
    observed : the rows observed, in order; a row may be observed again.
    logarithms : (blocks + 1,) of the length scales and of the noise, which is in units of the amplitude.
    """

    def __init__(self, blocks: Sequence[Floats], capacity: int) -> None:
        spreads = [np.sqrt(block.var(axis=0).sum()) or 1.0 for block in blocks]
        self._blocks = [block / spread for block, spread in zip(blocks, spreads, strict=True)]
        rows = len(blocks[0])
        self.observed: list[int] = []
        self.logarithms: Floats = np.log([_LENGTH] * len(blocks) + [_NOISE])
        self._squares = np.empty((len(blocks), capacity, rows))  # distances between observed rows and all
        self._factor = np.zeros((capacity, capacity))  # Cholesky's L of K + noise I
        self._whitened = np.empty((capacity, rows))  # L^-1 k(observed, all)
        self._explained = np.zeros(rows)  # the share of a row's variance that the observations take away

    def observe(self, row: int) -> None:
        """Add an observation of a row, which changes the factor by one row."""
        m = len(self.observed)
        for squares, block in zip(self._squares, self._blocks, strict=True):
            squares[m] = cdist(block[row : row + 1], block, "sqeuclidean")[0]
        self.observed.append(row)
        left = self._whitened[:m, row].copy()
        corner = np.sqrt(1 + np.exp(self.logarithms[-1]) - left @ left)
        self._factor[m, :m], self._factor[m, m] = left, corner
        self._whitened[m] = (self._kernel(slice(m, m + 1))[0] - left @ self._whitened[:m]) / corner
        self._explained += self._whitened[m] ** 2

    def fit(self, targets: Floats) -> None:
        """Choose the hyper-parameters by the marginal likelihood of the targets, (observations,)."""
        m = len(self.observed)
        squares = self._squares[:, :m, self.observed]
        start, bounds = np.log([_LENGTH] * len(squares) + [_NOISE]), np.log([_LENGTHS] * len(squares) + [_NOISES])
        found = optimize.minimize(negative_likelihood, start, (squares, targets), "L-BFGS-B", jac=True, bounds=bounds)
        self.logarithms = found.x
        kernel = self._kernel(slice(m))
        noisy = kernel[:, self.observed] + np.exp(self.logarithms[-1]) * np.eye(m)
        self._factor[:m, :m] = np.linalg.cholesky(noisy)
        self._whitened[:m] = solve_triangular(self._factor[:m, :m], kernel, lower=True, check_finite=False)
        self._explained = (self._whitened[:m] ** 2).sum(axis=0)

    def predict(self, targets: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation, (n,) each, of the values without noise at all rows, given the targets."""
        m = len(self.observed)
        white = solve_triangular(self._factor[:m, :m], targets, lower=True, check_finite=False)
        amplitude = (1 + white @ white) / (m + 1)
        return white @ self._whitened[:m], np.sqrt(amplitude * np.maximum(1 - self._explained, 0.0))

    def _kernel(self, observations: slice) -> Floats:
        """Between some observations, (k,), and all rows: (k, n)."""
        return matern(scaled_distances(self.logarithms[:-1], self._squares[:, observations]))


def scaled_distances(logarithms: Floats, squares: Floats) -> Floats:
    r"""The distances s of the kernel, in the shape of each block's squared ones.

    Parameters
    ----------
    logarithms : (blocks,) of the length scales.
    squares : (blocks, ...) squared distances within each block.
    """
    total: Floats = np.tensordot(5 * np.exp(-2 * logarithms), squares, 1)
    return np.sqrt(total, out=total)


def matern(distances: Floats) -> Floats:
    """The kernel at scaled distances, in their shape."""
    return (1 + distances * (1 + distances / 3)) * np.exp(-distances)


def negative_likelihood(logarithms: Floats, squares: Floats, targets: Floats) -> tuple[float, Floats]:
    """Minus the logarithm of the marginal likelihood (a constant aside), and its gradient.

    Parameters
    ----------
    logarithms : (blocks + 1,) of the length scales and of the noise.
    squares : (blocks, m, m) squared distances between the observations.
    targets : (m,).
    """
    m = len(targets)
    distances, noise = scaled_distances(logarithms[:-1], squares), np.exp(logarithms[-1])
    factor = cho_factor(matern(distances) + noise * np.eye(m), lower=True, check_finite=False)
    inverse = cho_solve(factor, np.eye(m), check_finite=False)
    solved = inverse @ targets
    total = 1 + targets @ solved
    value = np.log(np.diag(factor[0])).sum() + 0.5 * (m + 1) * np.log(total)
    by_entry = 0.5 * (inverse - np.outer(solved, solved) * ((m + 1) / total))  # of the covariance
    # Per logarithm of a length scale, an entry k changes by (1 + s) exp(-s) / 3 times the block's part of s^2.
    by_square = 5 / 3 * by_entry * (1 + distances) * np.exp(-distances)
    by_length = np.tensordot(squares, by_square) * np.exp(-2 * logarithms[:-1])
    return float(value), np.append(by_length, noise * np.trace(by_entry))
