r"""REINFORCE on an independent categorical distribution for each choice (paper, sections 5.1 and 5.2).

The policy has one logit for each choice of each column: on NAS-Bench-201 the operation of each of the six edges, on
NAS-Bench-101 each possible edge (there or not) and each vertex's operation. A cell :math:`x` that the policy
:math:`\pi_\theta` proposes and that reaches accuracy R moves the logits against the gradient of

.. math:: -(R - b) \log \pi_\theta(x) = -(R - b) \sum_j \log \mathrm{softmax}(\theta_j)_{x_j},

where the baseline b is the bias-corrected exponential moving average of all rewards so far, this one included.
"""

import numpy as np
from numpy.typing import ArrayLike

from cena.search.adam import Adam
from cena.search.candidates import Candidates, CategoricalCandidates, of_kind
from cena.search.evaluator import Evaluator
from cena.search.runs import History
from cena.stages import Stage
from cena.types import Floats, Integers

REINFORCE = Stage("search.reinforce", version=1)

_LEARNING_RATE, _MOMENTUM, _PATIENCE = 0.01, 0.9, 100


@REINFORCE
def reinforce(candidates: Candidates, guide: ArrayLike, budget: int, seed: int) -> History:
    """Sample a cell from the policy, and learn from its accuracy.

    Only a cell that is evaluated for the first time costs an evaluation. A proposal that is no architecture of the
    space, or one without a label, or one that has to wait for other classes, is dropped and sampled again, and the
    policy learns nothing from it. One that has been evaluated before is free, and the policy learns from its accuracy
    once more. A policy that has converged proposes nothing else: after 100 free proposals in a row, the architecture
    nearest to the next one (in Hamming distance) is evaluated in its place.

    Source: Williams, "Simple statistical gradient-following algorithms" (Machine Learning 8, 1992). The paper does not
    give its settings; policy, baseline and the defaults are those of NATS-Bench's code (Dong et al., 2021).
    """
    space = of_kind(candidates, (CategoricalCandidates,), "reinforce")
    evaluator = Evaluator(space, guide, budget, seed)
    generator = evaluator.generator()
    policy = CategoricalPolicy(space.cardinalities, generator)
    adam = Adam([policy.logits], _LEARNING_RATE)
    numerator = denominator = 0.0
    free = 0
    limits = policy.limits()
    while evaluator.remaining:
        codes = policy.sample(limits, generator)
        architecture = space.index(codes)
        if architecture is not None and not evaluator.excluded[architecture]:
            reward, free = evaluator.evaluate(architecture), 0
        elif free == _PATIENCE:
            reward, free = evaluator.evaluate_nearest(codes), 0
            codes = space.positions[evaluator.evaluated[-1]]
        else:
            free += 1
            if architecture is None or not evaluator.is_evaluated(architecture):
                continue
            reward = evaluator.known(architecture)
        numerator = _MOMENTUM * numerator + (1 - _MOMENTUM) * reward
        denominator = _MOMENTUM * denominator + (1 - _MOMENTUM)
        adam.step([policy.gradient(codes, reward - numerator / denominator)])
        limits = policy.limits()
    return evaluator.history("reinforce")


class CategoricalPolicy:
    """Independent softmax distributions over the choices of each column, nearly uniform at first.

    Attributes
    ----------
    logits : (columns, most choices of a column); minus infinity where a column has fewer choices.
    last : (columns,) the number of the last choice.
    """

    def __init__(self, cardinalities: tuple[int, ...], generator: np.random.Generator) -> None:
        counts = np.asarray(cardinalities)[:, None]
        shape = (len(counts), int(counts.max()))
        self.logits = np.where(np.arange(shape[1]) < counts, 1e-3 * generator.standard_normal(shape), -np.inf)
        self.last = counts[:, 0] - 1

    def probabilities(self) -> Floats:
        """Of each choice, (columns, most choices)."""
        weights = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        chances: Floats = weights / weights.sum(axis=1, keepdims=True)
        return chances

    def limits(self) -> Floats:
        """The upper ends of the intervals of [0, 1) that stand for the choices, (columns, most choices)."""
        limits = np.cumsum(self.probabilities(), axis=1)
        limits[np.arange(limits.shape[1]) >= self.last[:, None]] = 1  # rounding may leave the last sum below one
        return limits

    def sample(self, limits: Floats, generator: np.random.Generator) -> Integers:
        """A choice for each column, (columns,), by the policy's :meth:`limits`, which one step of learning outdates."""
        codes: Integers = np.count_nonzero(generator.random((len(limits), 1)) >= limits, axis=1)
        return codes

    def gradient(self, codes: ArrayLike, advantage: float) -> Floats:
        """The gradient of -advantage * log probability of the choices `codes`, (columns,), by the logits."""
        slope = advantage * self.probabilities()
        slope[np.arange(len(slope)), np.asarray(codes, dtype=np.int64)] -= advantage
        return slope
