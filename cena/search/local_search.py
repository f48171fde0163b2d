"""Local search: climb from a random architecture by one edit at a time, and start again at the top."""

import numpy as np
from numpy.typing import ArrayLike

from cena.search.candidates import Candidates, CategoricalCandidates, of_kind
from cena.search.evaluator import Evaluator
from cena.search.history import History
from cena.stages import Stage

LOCAL_SEARCH = Stage("search.local-search", version=1)


@LOCAL_SEARCH
def local_search(candidates: Candidates, guide: ArrayLike, budget: int, seed: int) -> History:
    """Evaluate neighbours of the current architecture, in random order, and move to a better one.

    Where no neighbour is better, the search starts again at a random architecture that has not been evaluated. What has
    been evaluated before is known, and a neighbour without a label does not exist.

    The source also has a variant that evaluates all neighbours and moves to the best. It is much the weaker rival here:
    mean regret on NAS-Bench-201 (CIFAR-10, 100 runs) after 50, 100, 150, 200 evaluations is .27, .16, .11, .09 points,
    and .65, .24, .17, .12 with whole neighbourhoods.

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

    Source: White, Nolen & Savani, "Exploring the loss landscape in neural architecture search" (UAI 2021). It starts at
    the best of ten random architectures; here each start is one.
    """
    space = of_kind(candidates, (CategoricalCandidates,), "local-search")
    evaluator = Evaluator(space, guide, budget, seed)
    generator = np.random.default_rng(evaluator.seeds.spawn(1)[0])
    current: int | None = None
    while evaluator.remaining:
        if current is None:
            current = evaluator.evaluate_random(generator)
            continue
        before, current = current, None
        for neighbour in generator.permutation(evaluator.labelled(space.neighbours[before])).tolist():
            if not evaluator.is_evaluated(neighbour):
                if not evaluator.remaining:
                    break
                evaluator.evaluate(neighbour)
            if evaluator.known(neighbour) > evaluator.known(before):
                current = neighbour
                break
    return evaluator.history("local-search")
