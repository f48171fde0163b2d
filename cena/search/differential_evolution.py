"""Differential evolution, scipy's implementation with its default settings (paper, section 5.1)."""

from contextlib import suppress

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize

from cena.search.candidates import BOXES, Candidates, of_kind
from cena.search.evaluator import BudgetSpentError, Evaluator
from cena.search.history import History
from cena.stages import Stage
from cena.types import Floats

DIFFERENTIAL_EVOLUTION = Stage("search.differential-evolution", version=1)


@DIFFERENTIAL_EVOLUTION
def differential_evolution(candidates: Candidates, guide: ArrayLike, budget: int, seed: int) -> History:
    """Evolve 15 points a dimension in the unit cube by best/1/bin; the budget ends the search, wherever it is.

    Categorical columns become axes that are cut into equal bins. Scipy calls a population converged when its accuracies
    spread by less than 1 % of their mean, then polishes the best point by L-BFGS-B; both are its defaults and spend
    evaluations like any others. A search that ends before its budget is spent starts again with a fresh seed.

    Parameters
    ----------
    candidates : the space, n architectures.
    guide : (n,) accuracy that the search sees, in percent; NaN where there is no label.
    budget : number of evaluations.
    seed : of the run.

    Raises
    ------
    InputError
        If the candidates have no box to propose in, or as :class:`cena.search.evaluator.Evaluator` does.

    Source: Storn & Price, "Differential evolution" (Journal of Global Optimization 11, 1997).
    """
    box = of_kind(candidates, BOXES, "differential-evolution")
    evaluator = Evaluator(box, guide, budget, seed)

    def loss(position: Floats) -> float:
        return -evaluator.evaluate_nearest(box.from_unit_cube(position))

    with suppress(BudgetSpentError):
        while True:
            generator = np.random.default_rng(evaluator.seeds.spawn(1)[0])
            optimize.differential_evolution(loss, [(0.0, 1.0)] * box.dimensions, rng=generator)
    return evaluator.history("differential-evolution")
