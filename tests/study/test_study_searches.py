"""Stored searches are the searches, and are made again exactly when something that determines them has changed."""

import numpy as np
import pytest

from cena import search
from cena.errors import InputError
from cena.search import CategoricalCandidates, ContinuousCandidates
from cena.stages import STAGES
from cena.study import searches
from cena.study.artifacts import ArtifactStore
from cena.study.searches import repeated_searches

N, BUDGET, SEEDS = 60, 12, (3, 4)
CODES = np.random.default_rng(0).integers(0, 3, size=(N, 2))
CANDIDATES = CategoricalCandidates(CODES, (3, 3))
GUIDE = np.random.default_rng(1).normal(90, 2, N)


@pytest.fixture
def store(tmp_path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


@pytest.fixture
def calls(monkeypatch) -> list[int]:
    """The seeds of the random searches that are really run."""
    made: list[int] = []

    def counted(candidates, guide, budget, seed):
        made.append(seed)
        return search.random_search(candidates, guide, budget, seed)

    monkeypatch.setitem(searches.METHODS, "random", counted)
    return made


@pytest.mark.parametrize("method", [*search.METHODS])
def test_histories_are_those_of_the_method_fresh_and_stored(store, method):
    expected = search.repeat(search.METHODS[method], CANDIDATES, GUIDE, BUDGET, SEEDS)
    for _ in range(2):
        found = repeated_searches(store, method, CANDIDATES, GUIDE, BUDGET, SEEDS)
        for ours, theirs in zip(found, expected, strict=True):
            assert (ours.method, ours.seed) == (theirs.method, theirs.seed)
            np.testing.assert_array_equal(ours.architectures, theirs.architectures)
            np.testing.assert_array_equal(ours.guide, theirs.guide)


def test_finished_searches_are_not_run_again(store, calls):
    for _ in range(2):
        repeated_searches(store, "random", CANDIDATES, GUIDE, BUDGET, SEEDS)
    assert calls == [*SEEDS]


OTHERS = {
    "candidates": (CategoricalCandidates(CODES[::-1], (3, 3)), GUIDE, BUDGET, SEEDS),
    "cardinalities": (CategoricalCandidates(CODES, (3, 4)), GUIDE, BUDGET, SEEDS),
    "kind of candidates": (ContinuousCandidates(CODES / 3), GUIDE, BUDGET, SEEDS),
    "guide": (CANDIDATES, GUIDE + 1, BUDGET, SEEDS),
    "budget": (CANDIDATES, GUIDE, BUDGET + 1, SEEDS),
    "seeds": (CANDIDATES, GUIDE, BUDGET, (3, 5)),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=[*OTHERS])
def test_a_change_of_any_setting_runs_them_again(store, calls, other):
    repeated_searches(store, "random", CANDIDATES, GUIDE, BUDGET, SEEDS)
    repeated_searches(store, "random", *other)
    assert calls == [*SEEDS, *other[-1]]


def test_another_version_of_the_method_or_of_an_optimiser_runs_them_again(store, calls, monkeypatch):
    repeated_searches(store, "random", CANDIDATES, GUIDE, BUDGET, SEEDS)
    with monkeypatch.context() as changed:
        changed.setattr(searches, "version", lambda _package: "0")
        repeated_searches(store, "random", CANDIDATES, GUIDE, BUDGET, SEEDS)
    with monkeypatch.context() as changed:
        changed.setattr(STAGES["search.random"], "version", 2)
        repeated_searches(store, "random", CANDIDATES, GUIDE, BUDGET, SEEDS)
    assert calls == [*SEEDS] * 3


def test_an_interrupted_method_leaves_those_before_it_finished(store, calls, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    repeated_searches(store, "random", CANDIDATES, GUIDE, BUDGET, SEEDS)
    with monkeypatch.context() as interrupted:
        interrupted.setitem(searches.METHODS, "tpe", killed)
        with pytest.raises(KeyboardInterrupt):
            repeated_searches(store, "tpe", CANDIDATES, GUIDE, BUDGET, SEEDS)
    repeated_searches(store, "random", CANDIDATES, GUIDE, BUDGET, SEEDS)
    assert calls == [*SEEDS]
    assert len(repeated_searches(store, "tpe", CANDIDATES, GUIDE, BUDGET, SEEDS)) == len(SEEDS)


def test_an_unknown_method_is_named(store):
    with pytest.raises(InputError, match="unknown search method 'tpr'; valid: tpe"):
        repeated_searches(store, "tpr", CANDIDATES, GUIDE, BUDGET, SEEDS)
    assert not store.root.exists()
