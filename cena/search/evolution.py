"""Regularised evolution: the oldest of a small population gives way to a mutant of one of its best."""

from collections import deque

import numpy as np
from numpy.typing import ArrayLike

from cena.search.candidates import Candidates, CategoricalCandidates, of_kind
from cena.search.evaluator import Evaluator
from cena.search.history import History
from cena.stages import Stage

EVOLUTION = Stage("search.evolution", version=1)


@EVOLUTION
def regularised_evolution(
    candidates: Candidates, guide: ArrayLike, budget: int, seed: int, *, population: int = 10, sample: int = 3
) -> History:
    """Draw `sample` of the population, mutate the best of them by one edit, and let the oldest go.

    Parameters
    ----------
    candidates : the space, n architectures, with choices.
    guide : (n,) accuracy that the search sees, in percent; NaN where there is no label.
    budget : number of evaluations.
    seed : of the run.
    population : number of architectures that are alive; the first ones are random.
    sample : number of them that compete to be the parent, drawn with replacement.

    Raises
    ------
    InputError
        If the candidates have no choices, or as :class:`cena.search.evaluator.Evaluator` does.

    Source: Real et al., "Regularized evolution for image classifier architecture search" (AAAI 2019).
    """
    space = of_kind(candidates, (CategoricalCandidates,), "evolution")
    evaluator = Evaluator(space, guide, budget, seed)
    generator = np.random.default_rng(evaluator.seeds.spawn(1)[0])
    alive: deque[int] = deque(maxlen=population)
    while evaluator.remaining:
        open_ = np.empty(0, dtype=np.int64)
        if len(alive) == population:
            rivals = [alive[i] for i in generator.integers(population, size=sample)]
            neighbours = space.neighbours[max(rivals, key=evaluator.known)]
            open_ = neighbours[~evaluator.excluded[neighbours]]
        if len(open_):
            child = int(generator.choice(open_))
            evaluator.evaluate(child)
        else:
            child = evaluator.evaluate_random(generator)
        alive.append(child)
    return evaluator.history("evolution")
