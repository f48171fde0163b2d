"""The budget of one run: every method reads accuracies through it, so that all are held to the same rules."""

import numpy as np
from numpy.typing import ArrayLike

from cena.errors import InputError
from cena.search.candidates import Candidates
from cena.search.runs import History
from cena.types import Floats


class BudgetSpentError(Exception):
    """Raised instead of an evaluation beyond the budget; ends the loop of an optimiser that has no other way out."""


class Evaluator:
    """Looks up accuracies and records them: each architecture at most once, exactly `budget` in all.

    An architecture without a label (NaN) cannot be evaluated. It is excluded from the start, alike for every method.
    Of candidates that declare their classes, one architecture of each class is evaluated before a second of any.

    Parameters
    ----------
    candidates : the space, n architectures.
    guide : (n,) accuracy of each that the search may see; NaN where there is none.
    budget : number of evaluations, from 1 to the number of labelled architectures.
    seed : of the run.

    Attributes
    ----------
    labelled : (n,) whether each architecture has a label.
    excluded : (n,) whether each has none, has been evaluated, or has to wait for other classes.
    evaluated : the architectures evaluated so far, in order.

    Raises
    ------
    InputError
        If `guide` has another length or an infinite value, the budget does not fit, or `seed` is negative.
    """

    def __init__(self, candidates: Candidates, guide: ArrayLike, budget: int, seed: int) -> None:
        self.guide = checked_guide(guide, budget)
        if len(self.guide) != len(candidates):
            raise InputError(
                f"there are {len(self.guide)} guide accuracies for {len(candidates)} candidates; "
                "give one for each, NaN where there is none"
            )
        if seed < 0:
            raise InputError(f"the seed is {seed}; give a non-negative integer")
        self.candidates = candidates
        self.budget = budget
        self.seed = seed
        self._seeds = np.random.SeedSequence(seed)
        self.labelled = ~np.isnan(self.guide)
        self.excluded = ~self.labelled
        self._known = np.zeros(len(candidates), dtype=np.bool_)
        self.evaluated: list[int] = []
        self._ties = self.generator()

    def generator(self) -> np.random.Generator:
        """A generator for what the method draws, the next of the run's."""
        return np.random.default_rng(self._seeds.spawn(1)[0])

    @property
    def remaining(self) -> int:
        """How many evaluations are left."""
        return self.budget - len(self.evaluated)

    def evaluate(self, architecture: int) -> float:
        """The guide accuracy of an architecture, at the price of one evaluation.

        Raises
        ------
        BudgetSpentError
            If no evaluation is left.
        InputError
            If the architecture has no label, has been evaluated before, or has to wait for other classes.
        """
        if self.remaining == 0:
            raise BudgetSpentError
        if self.excluded[architecture]:
            reason = "is of a class that has been evaluated before the others"
            if not self.labelled[architecture]:
                reason = "has no guide accuracy"
            elif self._known[architecture]:
                reason = "has been evaluated before"
            raise InputError(f"architecture {architecture} {reason}; propose one that is not excluded")
        classes = self.candidates.classes
        self._known[architecture] = True
        self.excluded[architecture if classes is None else classes == classes[architecture]] = True
        if self.excluded.all():  # each class has had its turn
            self.excluded = ~self.labelled | self._known
        self.evaluated.append(architecture)
        return float(self.guide[architecture])

    def evaluate_nearest(self, query: ArrayLike) -> float:
        """The guide accuracy of the nearest architecture to `query`, (d,), that can still be evaluated.

        Raises `BudgetSpentError` if no evaluation is left.
        """
        return self.evaluate(self.candidates.nearest_unevaluated(query, self.excluded, self._ties))

    def evaluate_random(self, generator: np.random.Generator) -> int:
        """Evaluate an architecture drawn from those that still can be, and return which one; one must be left."""
        open_ = np.flatnonzero(~self.excluded)
        architecture = int(open_[generator.integers(len(open_))])
        self.evaluate(architecture)
        return architecture

    def known(self, architecture: int) -> float:
        """The guide accuracy of an architecture that has been evaluated; asking again costs nothing.

        Raises
        ------
        InputError
            If it has not been evaluated.
        """
        if not self._known[architecture]:
            raise InputError(f"architecture {architecture} has not been evaluated; evaluate it first")
        return float(self.guide[architecture])

    def is_evaluated(self, architecture: int) -> bool:
        """Whether the guide accuracy of an architecture is known."""
        return bool(self._known[architecture])

    def history(self, method: str) -> History:
        """What has been evaluated so far, as a run of `method`."""
        evaluated = np.array(self.evaluated, dtype=np.int64)
        return History(method, self.seed, evaluated, self.guide[evaluated])


def checked_guide(guide: ArrayLike, budget: int) -> Floats:
    """Guide accuracies, (n,), after checking that they can be searched with `budget` evaluations.

    Raises
    ------
    InputError
        If `guide` is no vector or has an infinite value, or `budget` is below 1 or above the number of labels.
    """
    accuracy = np.asarray(guide, dtype=np.float64)
    if accuracy.ndim != 1 or np.isinf(accuracy).any():
        raise InputError(
            f"the guide accuracies have shape {accuracy.shape} and {np.isinf(accuracy).sum()} infinite values; "
            "give a vector of accuracies, NaN where there is none"
        )
    labelled = int(np.isfinite(accuracy).sum())
    if labelled == 0:
        raise InputError(f"none of the {len(accuracy)} guide accuracies is a number; give at least one")
    if not 1 <= budget <= labelled:
        raise InputError(
            f"the budget is {budget} evaluations and {labelled} of {len(accuracy)} architectures have a guide "
            f"accuracy; give a budget from 1 to {labelled}"
        )
    return accuracy
