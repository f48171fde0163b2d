"""A greedy random forest: evaluate what it predicts to be best, and fit it again."""

from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.ensemble import RandomForestRegressor

from cena.search.candidates import Candidates
from cena.search.history import History
from cena.search.surrogate import search_by_model
from cena.stages import Stage

GREEDY_FOREST = Stage("search.greedy-forest", version=1)

FloatArray = NDArray[np.float64]


@GREEDY_FOREST
def greedy_forest(
    candidates: Candidates,
    guide: ArrayLike,
    budget: int,
    seed: int,
    *,
    initial: int = 10,
    trees: int = 60,
    batch: int = 1,
) -> History:
    """Evaluate the architecture of the highest prediction, over the whole space, without any exploration.

    A larger `batch` divides the number of fits, which is what a run spends its time on.

    Parameters
    ----------
    candidates : the space, n architectures; choices are seen one-hot.
    guide : (n,) accuracy that the search sees, in percent; NaN where there is no label.
    budget : number of evaluations.
    seed : of the run.
    initial : number of random architectures at the start.
    trees : of the forest, scikit-learn's with its default settings else.
    batch : number of architectures to evaluate between two fits.

    Raises
    ------
    InputError
        If `initial` or `batch` is below 1, or as :class:`cena.search.evaluator.Evaluator` does.
    """
    score = partial(_predictions, trees=trees)
    return search_by_model("greedy-forest", score, candidates, guide, budget, seed, initial, batch)


def _predictions(
    known: FloatArray, accuracy: FloatArray, others: FloatArray, generator: np.random.Generator, trees: int
) -> FloatArray:
    forest = RandomForestRegressor(trees, random_state=int(generator.integers(2**31)))
    predictions: FloatArray = forest.fit(known, accuracy).predict(others)
    return predictions
