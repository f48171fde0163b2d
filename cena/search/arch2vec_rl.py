"""arch2vec's reinforcement learning: a recurrent policy that walks through the embedding space.

The policy's gradient is written by hand. It takes one state at a time, and torch's `LSTMCell` spends most of its time
on calls: an episode with its update takes torch four times as long (`tests/benchmarks/test_search_speed.py`, one core).
"""

import numpy as np
from numpy.typing import ArrayLike

from cena.search.adam import Adam
from cena.search.candidates import Candidates
from cena.search.evaluator import Evaluator
from cena.search.runs import History
from cena.stages import Stage
from cena.types import Floats

ARCH2VEC_RL = Stage("search.arch2vec-rl", version=1)

_EPISODE, _HIDDEN, _LEARNING_RATE = 16, 128, 0.01


@ARCH2VEC_RL
def arch2vec_rl(candidates: Candidates, guide: ArrayLike, budget: int, seed: int, *, baseline: float = 40.0) -> History:
    r"""Walk by actions of a recurrent policy, and train the policy by REINFORCE after each episode of 16 steps.

    From the embedding of one architecture the policy proposes a mean :math:`\mu_t`; the action is drawn from
    :math:`N(\mu_t, I)` and leads to the nearest architecture that has not been evaluated. After an episode the loss is
    the mean of :math:`-(R_t - b) \log N(a_t; \mu_t, I)`, with the accuracy as a fraction for the reward and a fixed
    baseline b. The policy's cell is 128 wide, and Adam's learning rate is 0.01. The walk goes on from where it is; the
    policy forgets. It begins at a random architecture, which is not evaluated by that.

    Parameters
    ----------
    baseline : in percent; the source has 40 on NAS-Bench-201 and 95 on NAS-Bench-101.

    Source: Yan et al., "Does unsupervised architecture representation learning help neural architecture search?"
    (NeurIPS 2020), and its released code. That code takes the second nearest architecture; here it is the nearest, as
    the paper says.
    """
    space = candidates.vectors
    evaluator = Evaluator(space, guide, budget, seed)
    generator = evaluator.generator()
    policy = RecurrentPolicy(space.dimensions, _HIDDEN, generator)
    adam = Adam(policy.weights, _LEARNING_RATE)
    state = space.positions[generator.integers(len(space))]
    while evaluator.remaining:
        slopes = []
        for _ in range(min(_EPISODE, evaluator.remaining)):
            mean = policy(state)
            action = mean + generator.standard_normal(len(mean))
            reward = evaluator.evaluate_nearest(action)
            state = space.positions[evaluator.evaluated[-1]]
            slopes.append(-(reward - baseline) / 100 * (action - mean))
        adam.step(policy.gradients(np.stack(slopes) / _EPISODE))
        policy.forget()
    return evaluator.history("arch2vec-rl")


class RecurrentPolicy:
    r"""An LSTM cell followed by a linear layer: the mean of the next action from the sequence of states.

    .. math:: i, f, g, o = W x_t + U h_{t-1} + b, \quad c_t = \sigma(f) c_{t-1} + \sigma(i) \tanh(g),
              \quad h_t = \sigma(o) \tanh(c_t), \quad \mu_t = V h_t + a.

    Parameters
    ----------
    dimensions : of states and actions.
    hidden : width of the cell.
    generator : draws the weights, uniform within one over the square root of `hidden`, as usual for this cell.

    Attributes
    ----------
    weights : the arrays W (4 hidden, dimensions), U (4 hidden, hidden), b (4 hidden,), V (dimensions, hidden) and
        a (dimensions,); the usual cell has two biases of which only the sum matters, here b.

    Source: Hochreiter & Schmidhuber, "Long short-term memory" (Neural Computation 9, 1997).
    """

    def __init__(self, dimensions: int, hidden: int, generator: np.random.Generator) -> None:
        shapes = [(4 * hidden, dimensions), (4 * hidden, hidden), (4 * hidden,), (dimensions, hidden), (dimensions,)]
        bound = 1 / np.sqrt(hidden)
        self.weights: list[Floats] = [generator.uniform(-bound, bound, shape) for shape in shapes]
        self.weights[2] += generator.uniform(-bound, bound, 4 * hidden)
        self.forget()

    def forget(self) -> None:
        """Begin a new sequence."""
        hidden = self.weights[1].shape[1]
        self._hidden, self._cell = np.zeros(hidden), np.zeros(hidden)
        self._trace: list[tuple[Floats, ...]] = []

    def __call__(self, state: Floats) -> Floats:
        """The mean action, (dimensions,), after one more state, (dimensions,)."""
        W, U, b, V, a = self.weights
        before_hidden, before = self._hidden, self._cell
        gates = W @ state + U @ before_hidden + b
        i, f, g, o = gates.reshape(4, -1)
        i, f, g, o = _sigmoid(i), _sigmoid(f), np.tanh(g), _sigmoid(o)
        self._cell = f * before + i * g
        self._hidden = o * np.tanh(self._cell)
        self._trace.append((state, before_hidden, before, i, f, g, o, self._cell, self._hidden))
        mean: Floats = V @ self._hidden + a
        return mean

    def gradients(self, slopes: Floats) -> list[Floats]:
        """The gradient of a loss by the `weights`, from its gradient by each mean since :meth:`forget`.

        Parameters
        ----------
        slopes : (steps, dimensions).
        """
        _, U, _, V, _ = self.weights
        steps = len(self._trace)
        hidden_slope, cell_slope = np.zeros(V.shape[1]), np.zeros(V.shape[1])
        gate_slopes = np.empty((steps, 4 * V.shape[1]))
        for t in range(steps - 1, -1, -1):
            _, _, before, i, f, g, o, cell, _ = self._trace[t]
            hidden_slope = hidden_slope + V.T @ slopes[t]
            squashed = np.tanh(cell)
            cell_slope = cell_slope + hidden_slope * o * (1 - squashed**2)
            gate_slopes[t] = np.concatenate(
                [
                    cell_slope * g * i * (1 - i),
                    cell_slope * before * f * (1 - f),
                    cell_slope * i * (1 - g**2),
                    hidden_slope * squashed * o * (1 - o),
                ]
            )
            hidden_slope, cell_slope = U.T @ gate_slopes[t], cell_slope * f
        states, befores, hiddens = (np.stack([step[k] for step in self._trace]) for k in (0, 1, -1))
        return [
            gate_slopes.T @ states,
            gate_slopes.T @ befores,
            gate_slopes.sum(axis=0),
            slopes.T @ hiddens,
            slopes.sum(axis=0),
        ]


def _sigmoid(value: Floats) -> Floats:
    result: Floats = 0.5 * (1 + np.tanh(0.5 * value))  # unlike 1 / (1 + exp(-value)), never overflows
    return result
