"""Stored searches are the searches, and are made again exactly when something that determines them has changed."""

import time

import numpy as np
import pytest

from cena import search
from cena.errors import InputError
from cena.search import CategoricalCandidates, ContinuousCandidates, VectorCandidates
from cena.stages import STAGES
from cena.study import searches
from cena.study.artifacts import ArtifactStore
from cena.study.searches import Search, repeated_searches

N, BUDGET, SEEDS = 60, 12, (3, 4)
CODES = np.random.default_rng(0).integers(0, 3, size=(N, 2))
CANDIDATES = CategoricalCandidates(CODES, (3, 3))
GUIDE = np.random.default_rng(1).normal(90, 2, N)
RANDOM = Search("random", "random", CANDIDATES)


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
    expected = [*search.repeat(search.METHODS[method], CANDIDATES, GUIDE, BUDGET, SEEDS)]
    for _ in range(2):
        found = repeated_searches(store, Search("", method, CANDIDATES), GUIDE, BUDGET, SEEDS)
        for ours, theirs in zip(found, expected, strict=True):
            assert (ours.method, ours.seed) == (theirs.method, theirs.seed)
            np.testing.assert_array_equal(ours.architectures, theirs.architectures)
            np.testing.assert_array_equal(ours.guide, theirs.guide)


def test_finished_searches_are_not_run_again(store, calls):
    for _ in range(2):
        repeated_searches(store, RANDOM, GUIDE, BUDGET, SEEDS)
    assert calls == [*SEEDS]


OTHERS = {
    "candidates": (CategoricalCandidates(CODES[::-1], (3, 3)), GUIDE, BUDGET, SEEDS),
    "cardinalities": (CategoricalCandidates(CODES, (3, 4)), GUIDE, BUDGET, SEEDS),
    "kind of candidates": (ContinuousCandidates(CODES / 3), GUIDE, BUDGET, SEEDS),
    "classes": (CANDIDATES.each_class_once(CODES[:, 0]), GUIDE, BUDGET, SEEDS),
    "guide": (CANDIDATES, GUIDE + 1, BUDGET, SEEDS),
    "budget": (CANDIDATES, GUIDE, BUDGET + 1, SEEDS),
    "seeds": (CANDIDATES, GUIDE, BUDGET, (3, 5)),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=[*OTHERS])
def test_a_change_of_any_setting_runs_them_again(store, calls, other):
    repeated_searches(store, RANDOM, GUIDE, BUDGET, SEEDS)
    candidates, *rest = other
    repeated_searches(store, Search("random", "random", candidates), *rest)
    assert calls == [*SEEDS, *other[-1]]


def test_other_blocks_of_the_same_positions_run_them_again(store, calls):
    for candidates in (VectorCandidates(CODES), VectorCandidates(CODES[:, :1], CODES[:, 1:])):
        repeated_searches(store, Search("random", "random", candidates), GUIDE, BUDGET, SEEDS)
    assert calls == [*SEEDS] * 2


def test_another_version_of_the_method_or_of_an_optimiser_runs_them_again(store, calls, monkeypatch):
    repeated_searches(store, RANDOM, GUIDE, BUDGET, SEEDS)
    with monkeypatch.context() as changed:
        changed.setattr(searches, "version", lambda _package: "0")
        repeated_searches(store, RANDOM, GUIDE, BUDGET, SEEDS)
    with monkeypatch.context() as changed:
        changed.setattr(STAGES["search.random"], "version", 2)
        repeated_searches(store, RANDOM, GUIDE, BUDGET, SEEDS)
    assert calls == [*SEEDS] * 3


def test_an_interrupted_method_leaves_those_before_it_finished(store, calls, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    repeated_searches(store, RANDOM, GUIDE, BUDGET, SEEDS)
    with monkeypatch.context() as interrupted:
        interrupted.setitem(searches.METHODS, "tpe", killed)
        with pytest.raises(KeyboardInterrupt):
            repeated_searches(store, Search("tpe", "tpe", CANDIDATES), GUIDE, BUDGET, SEEDS)
    repeated_searches(store, RANDOM, GUIDE, BUDGET, SEEDS)
    assert calls == [*SEEDS]
    assert len(repeated_searches(store, Search("tpe", "tpe", CANDIDATES), GUIDE, BUDGET, SEEDS)) == len(SEEDS)


def test_runs_and_what_is_stored_are_the_same_whatever_the_number_of_workers(tmp_path):
    stores = [ArtifactStore(tmp_path / str(workers)) for workers in (1, 2)]
    alone, together = (
        repeated_searches(store, RANDOM, GUIDE, BUDGET, range(45), workers)
        for store, workers in zip(stores, (1, 2), strict=True)
    )
    assert [history.seed for history in together] == [*range(45)]
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one.architectures, other.architectures)
    kept, same = (
        {file.relative_to(store.root): file.read_bytes() for file in store.root.rglob("arrays.npz")} for store in stores
    )
    assert kept.keys() == same.keys()
    assert len(kept) == 3
    for file in kept:
        assert np.load(stores[0].root / file)["architectures"].tobytes() == (
            np.load(stores[1].root / file)["architectures"].tobytes()
        )


def test_no_worker_waits_for_the_last_run_of_a_block(store, tmp_path, monkeypatch):
    def patient(candidates, guide, budget, seed):
        (tmp_path / f"started {seed}").touch()
        deadline = time.monotonic() + 60
        while seed == 19 and not (tmp_path / "started 25").exists():  # the last of its block, until one of the next
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return search.random_search(candidates, guide, budget, seed)

    monkeypatch.setitem(searches.METHODS, "random", patient)
    assert len(repeated_searches(store, RANDOM, GUIDE, BUDGET, range(40), workers=2)) == 40


def test_a_kill_loses_only_the_block_it_was_in(store, calls, monkeypatch):
    def killed(candidates, guide, budget, seed):
        if seed == 30:
            raise KeyboardInterrupt
        return search.random_search(candidates, guide, budget, seed)

    with monkeypatch.context() as interrupted:
        interrupted.setitem(searches.METHODS, "random", killed)
        with pytest.raises(KeyboardInterrupt):
            repeated_searches(store, RANDOM, GUIDE, BUDGET, range(40))
    assert [history.seed for history in repeated_searches(store, RANDOM, GUIDE, BUDGET, range(40))] == [*range(40)]
    assert calls == [*range(20, 40)]


def test_what_cannot_be_read_is_run_again_and_nothing_else(store, calls):
    repeated_searches(store, RANDOM, GUIDE, BUDGET, range(40))
    expected = repeated_searches(store, RANDOM, GUIDE, BUDGET, range(40))
    [damaged] = [
        file
        for file in store.root.rglob("arrays.npz")
        if np.array_equal(np.load(file)["architectures"][0], expected[0].architectures)
    ]
    damaged.write_bytes(bytes(damaged.stat().st_size))
    found = repeated_searches(store, RANDOM, GUIDE, BUDGET, range(40))
    assert calls == [*range(40), *range(20)]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one.architectures, other.architectures)


@pytest.fixture
def forest() -> Search:
    return Search("forest", "greedy-forest", CANDIDATES)


def test_slow_methods_get_a_tenth_of_the_runs_and_not_too_many(forest):
    assert [forest.runs(runs) for runs in (500, 100, 50, 49)] == [25, 10, 5, 0]
    assert RANDOM.runs(49) == 49
    assert searches.LEFT_OUT.endswith("a tenth of the runs is fewer than 5")


def test_a_search_has_all_runs_under_every_protocol_where_it_is_run(forest):
    assert [RANDOM.runs(500, fair) for fair in (False, True)] == [500, 500]
    assert Search("random", "random", CANDIDATES, everywhere=False).runs(500, fair=True) == 0
    assert forest.runs(500, fair=True) == 25


def test_an_unknown_method_is_named(store):
    with pytest.raises(InputError, match="unknown search method 'tpr'; valid: tpe"):
        repeated_searches(store, Search("", "tpr", CANDIDATES), GUIDE, BUDGET, SEEDS)
    assert not store.root.exists()
