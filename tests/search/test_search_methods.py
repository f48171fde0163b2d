"""One suite for every method on both kinds of candidates: a new method joins by its entry in METHODS."""

import logging
import random
from functools import partial
from itertools import product

import numpy as np
import optuna
import pytest

from cena.errors import InputError
from cena.search import (
    METHODS,
    CategoricalCandidates,
    ContinuousCandidates,
    Evaluator,
    VectorCandidates,
    random_regret_expectation,
    regret_table,
    repeat,
)
from cena.search.evaluator import BudgetSpentError

CODES = np.array(list(product(range(3), range(4), range(1), range(5))))  # 60 architectures; one column has no choice
POINTS = np.random.default_rng(5).random((60, 2)).round(1)  # many architectures share a point
CANDIDATES = {
    "continuous": ContinuousCandidates(POINTS),
    "categorical": CategoricalCandidates(CODES, CODES.max(axis=0) + 1),
    "vector": VectorCandidates(4 * POINTS - 2),
}
NEEDS = {name: {"categorical"} for name in ("local-search", "evolution", "reinforce")} | {
    name: {"continuous", "categorical"} for name in ("tpe", "differential-evolution")
}
PAIRS = [(name, kind) for name in METHODS for kind in CANDIDATES if kind in NEEDS.get(name, CANDIDATES)]
CHEAP = {"greedy-forest": {"batch": 9}, "gaussian-process": {"batch": 7}, "arch2vec-bo": {"batch": 9}}
"""Parameters with which a method behaves alike and runs faster."""
GUIDE = np.random.default_rng(6).permutation(60) + 30.0  # all different, so that a best one is unique
PARTLY = np.where(np.arange(60) % 3 == 0, np.nan, GUIDE)  # 40 labels
CLASSES = np.random.default_rng(7).integers(0, 12, 60) * 10  # of one to eight architectures


@pytest.fixture(params=PAIRS, ids="-".join)
def pair(request):
    return request.param


@pytest.fixture
def name(pair):
    return pair[0]


@pytest.fixture
def method(name):
    return partial(METHODS[name], **CHEAP.get(name, {}))


@pytest.fixture
def candidates(pair):
    return CANDIDATES[pair[1]]


@pytest.mark.parametrize("name", NEEDS)
def test_candidates_that_a_method_cannot_search_are_refused(name):
    for kind in CANDIDATES.keys() - NEEDS[name]:
        with pytest.raises(InputError, match=f"method {name} searches .*CategoricalCandidates, not"):
            METHODS[name](CANDIDATES[kind], GUIDE, 5, 0)


@pytest.mark.parametrize("budget", [1, 2, 11, 37])
def test_budget_is_exact_and_architectures_distinct(method, candidates, budget):
    history = method(candidates, GUIDE, budget, 0)
    assert history.architectures.shape == history.guide.shape == (budget,)
    assert len(set(history.architectures.tolist())) == budget


def test_history_says_what_was_run(name, method, candidates):
    history = method(candidates, GUIDE, 20, 3)
    assert (history.method, history.seed) == (name, 3)
    assert (history.guide == GUIDE[history.architectures]).all()


def test_same_seed_same_run(method, candidates):
    assert (method(candidates, GUIDE, 40, 7).architectures == method(candidates, GUIDE, 40, 7).architectures).all()


def test_seeds_differ(method, candidates):
    runs = {tuple(method(candidates, GUIDE, 20, seed).architectures.tolist()) for seed in range(5)}
    assert len(runs) == 5


def test_longer_budget_continues_the_same_search(method, candidates):
    """A method may not look at how much it has left, or its regret curve would depend on where the axis ends."""
    short, long = method(candidates, GUIDE, 15, 2), method(candidates, GUIDE, 45, 2)
    assert (long.architectures[:15] == short.architectures).all()


def test_whole_space_is_searched(method, candidates):
    history = method(candidates, GUIDE, 60, 1)
    assert history.guide.max() == GUIDE.max()
    assert sorted(history.architectures.tolist()) == list(range(60))


def test_unlabelled_architectures_are_never_proposed(method, candidates):
    history = method(candidates, PARTLY, 40, 1)
    assert sorted(history.architectures.tolist()) == np.flatnonzero(np.isfinite(PARTLY)).tolist()


@pytest.mark.parametrize("guide", [GUIDE, PARTLY], ids=["all labelled", "partly labelled"])
def test_each_class_is_proposed_once_before_any_is_again(method, candidates, guide):
    labelled = np.flatnonzero(np.isfinite(guide))
    history = method(candidates.each_class_once(CLASSES), guide, len(labelled), 2)
    assert sorted(history.architectures.tolist()) == labelled.tolist()
    found, left = CLASSES[history.architectures].tolist(), CLASSES[labelled].tolist()
    while left:
        turn = set(left)
        assert set(found[: len(turn)]) == turn
        found = found[len(turn) :]
        for each in turn:
            left.remove(each)


def test_classes_of_one_architecture_change_nothing(method, candidates):
    alone = candidates.each_class_once(np.arange(60))
    assert (method(alone, GUIDE, 40, 1).architectures == method(candidates, GUIDE, 40, 1).architectures).all()


def test_constant_accuracy_is_searched_too(method, candidates):
    """Differential evolution converges at once, and starts again until the budget is spent."""
    assert len(set(method(candidates, np.full(60, 50.0), 60, 0).architectures.tolist())) == 60


def test_global_random_state_is_left_alone_and_not_used(method, candidates):
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    first = method(candidates, GUIDE, 30, 4).architectures
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002
    np.random.seed(2)  # noqa: NPY002
    assert (method(candidates, GUIDE, 30, 4).architectures == first).all()


def test_nothing_is_printed_or_reconfigured(method, candidates, capfd, caplog):
    optuna_logger = logging.getLogger("optuna")  # does not propagate, and prints to the stream of its import
    optuna_logger.addHandler(caplog.handler)
    try:
        method(candidates, GUIDE, 20, 0)
        assert optuna.logging.get_verbosity() == optuna.logging.INFO
    finally:
        optuna_logger.removeHandler(caplog.handler)
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("guide", "budget", "seed", "message"),
    [
        (GUIDE, 0, 0, "the budget is 0 evaluations.*from 1 to 60"),
        (GUIDE, -3, 0, "the budget is -3"),
        (GUIDE, 61, 0, "the budget is 61"),
        (PARTLY, 41, 0, "40 of 60 architectures have a guide accuracy; give a budget from 1 to 40"),
        (np.full(60, np.nan), 5, 0, "none of the 60 guide accuracies is a number"),
        (GUIDE[:59], 5, 0, "59 guide accuracies for 60 candidates"),
        (np.stack([GUIDE, GUIDE]), 5, 0, r"shape \(2, 60\)"),
        (np.append(GUIDE[:59], np.inf), 5, 0, "1 infinite values"),
        (GUIDE, 5, -1, "the seed is -1"),
    ],
)
def test_bad_input_is_refused(method, candidates, guide, budget, seed, message):
    with pytest.raises(InputError, match=message):
        method(candidates, guide, budget, seed)


def test_runs_do_not_depend_on_workers(method, candidates):
    seeds = [5, 0, 2]
    alone, together = ([*repeat(method, candidates, GUIDE, 25, seeds, workers)] for workers in (1, 2))
    assert [history.seed for history in alone] == seeds
    for one, other in zip(alone, together, strict=True):
        assert (one.method, one.seed) == (other.method, other.seed)
        assert one.architectures.tobytes() == other.architectures.tobytes()
        assert one.guide.tobytes() == other.guide.tobytes()


def times_random(name, candidates, accuracy, budget, runs):
    """Mean final regret as a multiple of random search's."""
    table = regret_table([*repeat(METHODS[name], candidates, accuracy, budget, range(runs))], accuracy)
    return table[:, -1].mean() / random_regret_expectation(accuracy, accuracy, budget)[-1]


@pytest.mark.parametrize(
    ("name", "budget", "runs", "bound"), [("tpe", 40, 6, 0.2), ("differential-evolution", 120, 40, 0.6)]
)
def test_model_beats_random_on_a_smooth_landscape(name, budget, runs, bound):
    points = np.random.default_rng(0).random((2000, 2))
    accuracy = 90 - 30 * ((points - [0.3, 0.7]) ** 2).sum(axis=1)
    assert times_random(name, ContinuousCandidates(points), accuracy, budget, runs) < bound


def test_tpe_beats_random_on_a_separable_landscape():
    codes = np.array(list(product(range(5), repeat=5)))
    accuracy = 90 - np.array([0, 1, 2, 4, 8])[codes].sum(axis=1)
    assert times_random("tpe", CategoricalCandidates(codes, [5] * 5), accuracy, 60, 6) < 0.5


def test_evaluator_charges_each_architecture_once():
    evaluator = Evaluator(CANDIDATES["continuous"], PARTLY, 2, 0)
    assert evaluator.evaluate(4) == GUIDE[4]
    with pytest.raises(InputError, match="architecture 4 has been evaluated before"):
        evaluator.evaluate(4)
    with pytest.raises(InputError, match="architecture 3 has no guide accuracy"):
        evaluator.evaluate(3)
    assert evaluator.remaining == 1
    evaluator.evaluate_nearest(POINTS[4])
    for beyond in (lambda: evaluator.evaluate(7), lambda: evaluator.evaluate_nearest(POINTS[7])):
        with pytest.raises(BudgetSpentError):
            beyond()
    assert evaluator.evaluated[0] == 4
    assert len(evaluator.evaluated) == 2


def test_evaluator_lets_a_class_wait_for_the_others():
    evaluator = Evaluator(CANDIDATES["vector"].each_class_once([0, 0, 0, *[1] * 57]), PARTLY, 4, 0)
    evaluator.evaluate(1)
    assert [evaluator.is_evaluated(i) for i in (0, 1, 2)] == [False, True, False]
    with pytest.raises(InputError, match="architecture 2 is of a class that has been evaluated before the others"):
        evaluator.evaluate(2)
    evaluator.evaluate(5)
    assert evaluator.evaluate(2) == GUIDE[2]
    evaluator.evaluate_nearest(CANDIDATES["vector"].positions[1])
    assert evaluator.evaluated[3] > 2  # classes 0 and 1 have had a turn each, and class 0 another


def test_evaluator_takes_the_proposed_architecture_when_it_is_open():
    evaluator = Evaluator(CANDIDATES["categorical"], GUIDE, 60, 0)
    for architecture in (17, 3, 59):
        assert evaluator.evaluate_nearest(CODES[architecture]) == GUIDE[architecture]
    assert evaluator.evaluated == [17, 3, 59]


def test_evaluator_tells_again_what_it_has_evaluated():
    evaluator = Evaluator(CANDIDATES["categorical"], PARTLY, 3, 0)
    evaluator.evaluate(4)
    assert evaluator.known(4) == GUIDE[4]
    assert [evaluator.is_evaluated(i) for i in (3, 4, 5)] == [False, True, False]
    assert evaluator.labelled[[5, 3, 4]].tolist() == [True, False, True]
    for architecture in (3, 5):
        with pytest.raises(InputError, match=f"architecture {architecture} has not been evaluated"):
            evaluator.known(architecture)
