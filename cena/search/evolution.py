"""Regularised evolution: the oldest of a small population gives way to a mutant of one of its best."""

from collections import deque

import numpy as np
from numpy.typing import ArrayLike

from cena.search.candidates import Candidates, CategoricalCandidates, of_kind
from cena.search.evaluator import Evaluator
from cena.search.history import History
from cena.stages import Stage

EVOLUTION = Stage("search.evolution", version=1)

_POPULATION, _SAMPLE = 10, 3


@EVOLUTION
def regularised_evolution(candidates: Candidates, guide: ArrayLike, budget: int, seed: int) -> History:
    """Draw three of a population of ten with replacement, mutate the best of them by one edit, and let the oldest go.

    Parameters
    ----------
    candidates : the space, n architectures, with choices.
    guide : (n,) accuracy that the search sees, in percent; NaN where there is no label.
    budget : number of evaluations.
    seed : of the run.

    Raises
    ------
    InputError
        If the candidates have no choices, or as :class:`cena.search.evaluator.Evaluator` does.

    Source: Real et al., "Regularized evolution for image classifier architecture search" (AAAI 2019).
    """
    space = of_kind(candidates, (CategoricalCandidates,), "evolution")
    evaluator = Evaluator(space, guide, budget, seed)
    generator = np.random.default_rng(evaluator.seeds.spawn(1)[0])
    alive: deque[int] = deque(maxlen=_POPULATION)
    while evaluator.remaining:
        open_ = np.empty(0, dtype=np.int64)
        if len(alive) == _POPULATION:
            rivals = [alive[i] for i in generator.integers(_POPULATION, size=_SAMPLE)]
            neighbours = space.neighbours[max(rivals, key=evaluator.known)]
            open_ = neighbours[~evaluator.excluded[neighbours]]
        if len(open_):
            child = int(generator.choice(open_))
            evaluator.evaluate(child)
        else:
            child = evaluator.evaluate_random(generator)
        alive.append(child)
    return evaluator.history("evolution")
