"""Optimisers of other libraries, with their default settings, that propose in a box (paper, section 5.1).

TPE is optuna's, differential evolution scipy's.
"""

from contextlib import suppress

import optuna
from numpy.typing import ArrayLike
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState
from scipy import optimize

from cena.search.candidates import BOXES, Candidates, CategoricalCandidates, ContinuousCandidates, of_kind
from cena.search.evaluator import BudgetSpentError, Evaluator
from cena.search.runs import History
from cena.stages import Stage
from cena.types import Floats

TPE = Stage("search.tpe", version=1)
DIFFERENTIAL_EVOLUTION = Stage("search.differential-evolution", version=1)


@TPE
def tpe(candidates: Candidates, guide: ArrayLike, budget: int, seed: int) -> History:
    """Propose by TPE, evaluate the nearest architecture, and tell TPE the accuracy *at that architecture*.

    The paper does not say whether TPE learns the accuracy at its proposal or at the architecture evaluated for it. The
    latter is where it was measured, and does better: TPE proposes evaluated cells of the raw encoding again and again,
    and would be told a neighbour's accuracy for them. Mean regret on NAS-Bench-201 (CIFAR-10, raw encoding, 100 runs)
    after 50, 100, 150, 200 evaluations is .27, .13, .09, .06 points so, and .32, .16, .12, .09 the other way.

    Source: Bergstra et al., "Algorithms for hyper-parameter optimization" (NeurIPS 2011).
    """
    box = of_kind(candidates, BOXES, "tpe")
    evaluator = Evaluator(box, guide, budget, seed)
    distributions = _distributions(box)
    study = _silent_study(seed=int(evaluator.generator().bit_generator.seed_seq.generate_state(1)[0]))
    while evaluator.remaining:
        proposal = study.ask(distributions)
        accuracy = evaluator.evaluate_nearest([proposal.params[name] for name in distributions])
        study.tell(proposal, state=TrialState.FAIL)  # TPE ignores failed trials
        position = box.positions[evaluator.evaluated[-1]].tolist()
        measured = dict(zip(distributions, position, strict=True))
        study.add_trial(optuna.trial.create_trial(params=measured, distributions=distributions, value=accuracy))
    return evaluator.history("tpe")


def _distributions(candidates: ContinuousCandidates | CategoricalCandidates) -> dict[str, BaseDistribution]:
    """What TPE may propose in each dimension."""
    if isinstance(candidates, CategoricalCandidates):
        return {f"x{j}": CategoricalDistribution(range(count)) for j, count in enumerate(candidates.cardinalities)}
    return {f"x{j}": FloatDistribution(0.0, 1.0) for j in range(candidates.dimensions)}


def _silent_study(seed: int) -> optuna.Study:
    """A study in memory. Optuna would announce it on standard error, once a run."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    finally:
        optuna.logging.set_verbosity(verbosity)


@DIFFERENTIAL_EVOLUTION
def differential_evolution(candidates: Candidates, guide: ArrayLike, budget: int, seed: int) -> History:
    """Evolve 15 points a dimension in the unit cube by best/1/bin; the budget ends the search, wherever it is.

    Categorical columns become axes that are cut into equal bins. Scipy calls a population converged when its accuracies
    spread by less than 1 % of their mean, then polishes the best point by L-BFGS-B; both are its defaults and spend
    evaluations like any others. A search that ends before its budget is spent starts again with a fresh seed.

    Source: Storn & Price, "Differential evolution" (Journal of Global Optimization 11, 1997).
    """
    box = of_kind(candidates, BOXES, "differential-evolution")
    evaluator = Evaluator(box, guide, budget, seed)

    def loss(position: Floats) -> float:
        return -evaluator.evaluate_nearest(box.from_unit_cube(position))

    with suppress(BudgetSpentError):
        while True:
            optimize.differential_evolution(loss, [(0.0, 1.0)] * box.dimensions, rng=evaluator.generator())
    return evaluator.history("differential-evolution")
