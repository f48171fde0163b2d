"""Adam, for the methods that train a small model of their own between evaluations.

Torch trains the same models to the same weights, but spends most of its time on calls, as they have thirty to eighty
thousand weights and one gradient at a time. With the gradients written beside each model this Adam trains REINFORCE's
policy ten times, DNGO's network five times as fast as torch on one core (`tests/benchmarks/test_search_speed.py`, which
asks for at least twice). Of the time of arch2vec's policy Adam is a small part, torch's or this; its weights are plain
arrays for the reason in :mod:`cena.search.arch2vec_rl`.
"""

import numpy as np

from cena.types import Floats


class Adam:
    """Minimise by Adam with its usual constants, in place.

    Parameters
    ----------
    weights : arrays of any shapes; :meth:`step` changes their values.
    learning_rate : the step size.

    Source: Kingma & Ba, "Adam: a method for stochastic optimization" (ICLR 2015), algorithm 1.
    """

    BETAS = (0.9, 0.999)
    EPSILON = 1e-8

    def __init__(self, weights: list[Floats], learning_rate: float) -> None:
        self.weights = weights
        self.learning_rate = learning_rate
        self.steps = 0
        self._means = [np.zeros_like(array) for array in weights]
        self._squares = [np.zeros_like(array) for array in weights]

    def step(self, gradients: list[Floats]) -> None:
        """Move the weights against the gradients of the loss, one for each array."""
        self.steps += 1
        first, second = self.BETAS
        rate = self.learning_rate / (1 - first**self.steps)
        scale = 1 / np.sqrt(1 - second**self.steps)
        for weight, gradient, mean, square in zip(self.weights, gradients, self._means, self._squares, strict=True):
            mean += (1 - first) * (gradient - mean)
            square += (1 - second) * (gradient * gradient - square)
            weight -= rate * mean / (np.sqrt(square) * scale + self.EPSILON)
