"""The LSTM policy of arch2vec's reinforcement learning, with its gradient by hand.

It takes one state at a time, and torch's `LSTMCell` spends most of its time on calls: an episode with its update takes
torch four times as long (`tests/benchmarks/test_search_speed.py`, one core).
"""

import numpy as np

from cena.types import Floats


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
