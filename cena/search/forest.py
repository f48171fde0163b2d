"""A greedy random forest: evaluate what it predicts to be best, and fit it again."""

import numpy as np
from numpy.typing import ArrayLike
from sklearn.ensemble import RandomForestRegressor

from cena.search.candidates import Candidates
from cena.search.evaluator import Evaluator
from cena.search.history import History
from cena.search.surrogate import search_by_model
from cena.stages import Stage
from cena.types import Floats

GREEDY_FOREST = Stage("search.greedy-forest", version=1)

_INITIAL, _TREES = 10, 60


@GREEDY_FOREST
def greedy_forest(candidates: Candidates, guide: ArrayLike, budget: int, seed: int, *, batch: int = 1) -> History:
    """Evaluate the architecture of the highest prediction, over the whole space, without any exploration.

    The start is 10 random architectures, the forest is scikit-learn's of 60 trees with its default settings else. A
    larger `batch` divides the number of fits, which is what a run spends its time on.

    Parameters
    ----------
    candidates : the space, n architectures; choices are seen one-hot.
    guide : (n,) accuracy that the search sees, in percent; NaN where there is no label.
    budget : number of evaluations.
    seed : of the run.
    batch : number of architectures to evaluate between two fits.

    Raises
    ------
    InputError
        If `batch` is below 1, or as :class:`cena.search.evaluator.Evaluator` does.
    """
    return search_by_model("greedy-forest", _predictions, Evaluator(candidates, guide, budget, seed), _INITIAL, batch)


def _predictions(known: Floats, accuracy: Floats, others: Floats, generator: np.random.Generator) -> Floats:
    forest = RandomForestRegressor(_TREES, random_state=int(generator.integers(2**31)))
    predictions: Floats = forest.fit(known, accuracy).predict(others)
    return predictions
