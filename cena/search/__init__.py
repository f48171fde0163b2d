"""Search of a tabulated space under a budget: methods behind one interface, and how their runs are judged.

Every method is called with the same four arguments and returns a :class:`History`; :data:`METHODS` holds them all.

Parameters
----------
candidates : where the n architectures lie. Random search, the forest, the Gaussian process and both of arch2vec's
    search any, the last four as vectors in which choices are one-hot; TPE and differential evolution need a box to
    propose in (:class:`ContinuousCandidates` or :class:`CategoricalCandidates`); local search, evolution and REINFORCE
    need choices (:class:`CategoricalCandidates`). Candidates that declare their classes are searched class by class.
guide : (n,) accuracy that the search sees, in percent; NaN where there is no label.
budget : number of evaluations.
seed : of the run.

What else a method can be told is its own, by keyword, with the defaults of its source.

Raises
------
InputError
    If the method cannot search such candidates, or as :class:`cena.search.evaluator.Evaluator` does.
"""

from cena.search.arch2vec_bo import arch2vec_bo
from cena.search.arch2vec_rl import arch2vec_rl
from cena.search.boxes import differential_evolution, tpe
from cena.search.candidates import Candidates, CategoricalCandidates, ContinuousCandidates, VectorCandidates
from cena.search.clock import evaluations_within, regret_over_time
from cena.search.evaluator import Evaluator
from cena.search.gaussian_process import gaussian_process
from cena.search.moves import local_search, regularised_evolution
from cena.search.neighbours import Neighbours, hamming_neighbours
from cena.search.random_search import random_regret_expectation, random_search
from cena.search.reinforce import reinforce
from cena.search.runs import History, Method, incumbents, regret, regret_table, repeat
from cena.search.surrogate import greedy_forest

METHODS: dict[str, Method] = {
    "random": random_search,
    "local-search": local_search,
    "evolution": regularised_evolution,
    "reinforce": reinforce,
    "tpe": tpe,
    "differential-evolution": differential_evolution,
    "greedy-forest": greedy_forest,
    "gaussian-process": gaussian_process,
    "arch2vec-rl": arch2vec_rl,
    "arch2vec-bo": arch2vec_bo,
}
"""Every method by the name its histories carry."""

__all__ = [
    "METHODS",
    "Candidates",
    "CategoricalCandidates",
    "ContinuousCandidates",
    "Evaluator",
    "History",
    "Method",
    "Neighbours",
    "VectorCandidates",
    "arch2vec_bo",
    "arch2vec_rl",
    "differential_evolution",
    "evaluations_within",
    "gaussian_process",
    "greedy_forest",
    "hamming_neighbours",
    "incumbents",
    "local_search",
    "random_regret_expectation",
    "random_search",
    "regret",
    "regret_over_time",
    "regret_table",
    "regularised_evolution",
    "reinforce",
    "repeat",
    "tpe",
]
