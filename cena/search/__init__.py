"""Search of a tabulated space under a budget: methods behind one interface, and how their runs are judged.

A method is a function of :class:`Candidates` (where architectures lie), guide accuracies, a budget and a seed, and
returns a :class:`History`. What else it can be told is its own, by keyword, with the defaults of its source.
:data:`METHODS` holds them all. Random search, the forest, the Gaussian process and both of arch2vec's search any
candidates; TPE and differential evolution need a box to propose in (:class:`ContinuousCandidates` or
:class:`CategoricalCandidates`); local search, evolution and REINFORCE need choices (:class:`CategoricalCandidates`).
"""

from cena.search.arch2vec_bo import arch2vec_bo
from cena.search.arch2vec_rl import arch2vec_rl
from cena.search.candidates import Candidates, CategoricalCandidates, ContinuousCandidates, VectorCandidates
from cena.search.clock import evaluations_within, regret_over_time
from cena.search.differential_evolution import differential_evolution
from cena.search.evaluator import Evaluator
from cena.search.evolution import regularised_evolution
from cena.search.forest import greedy_forest
from cena.search.gaussian_process import gaussian_process
from cena.search.history import History, incumbents, regret, regret_table
from cena.search.local_search import local_search
from cena.search.neighbours import Neighbours, hamming_neighbours
from cena.search.random_search import random_regret_expectation, random_search
from cena.search.reinforce import reinforce
from cena.search.runs import Method, repeat
from cena.search.tpe import tpe

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
