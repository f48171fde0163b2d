"""Search of a tabulated space under a budget: methods behind one interface, and how their runs are judged.

A method is a function of :class:`Candidates` (where architectures lie), guide accuracies, a budget and a seed, and
returns a :class:`History`. :data:`METHODS` holds them all.
"""

from cena.search.candidates import Candidates, CategoricalCandidates, ContinuousCandidates
from cena.search.differential_evolution import differential_evolution
from cena.search.evaluator import Evaluator
from cena.search.history import History, incumbents, regret, regret_table
from cena.search.random_search import random_regret_expectation, random_search
from cena.search.runs import Method, repeat
from cena.search.tpe import tpe

METHODS: dict[str, Method] = {
    "random": random_search,
    "tpe": tpe,
    "differential-evolution": differential_evolution,
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
    "differential_evolution",
    "incumbents",
    "random_regret_expectation",
    "random_search",
    "regret",
    "regret_table",
    "repeat",
    "tpe",
]
