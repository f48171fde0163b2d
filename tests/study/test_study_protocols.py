"""The protocols and how regret under them follows from stored runs."""

from dataclasses import replace

import numpy as np
import pytest

from cena import search
from cena.data import labels
from cena.data.labels import LabelKey
from cena.search import ContinuousCandidates
from cena.study import protocols as module
from cena.study.artifacts import ArtifactStore
from cena.study.protocols import GUIDED, NOISELESS, TIMED, Protocol, Search, fifth, protocols, regrets

N, BUDGET, SEEDS = 50, 10, range(10)
GENERATOR = np.random.default_rng(0)
CANDIDATES = ContinuousCandidates(GENERATOR.random((N, 2)))
REPORT = GENERATOR.normal(90, 2, N)
GUIDE = REPORT + GENERATOR.normal(0, 1, N)
COST = GENERATOR.uniform(5, 10, N)
KEY = LabelKey("digits", "test", 6, "mean")
PLAIN = Protocol(NOISELESS, REPORT, REPORT, KEY, KEY)
FAIR = Protocol(GUIDED, GUIDE, REPORT, KEY, KEY)
CLOCKED = Protocol(TIMED, GUIDE, REPORT, KEY, KEY, COST, 80.0)
RANDOM = Search("random", "random", CANDIDATES)


@pytest.fixture
def store(tmp_path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def test_protocols_of_the_digits_are_by_their_labels():
    plain, fair = protocols("digits-topology", KEY)
    assert (plain.name, fair.name) == (NOISELESS, GUIDED)
    assert plain.guide is plain.report
    assert fair.guide_key == LabelKey("digits", "validation", 6, "seed0")
    np.testing.assert_array_equal(fair.report, plain.report)  # the mean test accuracy is what the paper's is here
    assert not np.array_equal(fair.guide, fair.report)


@pytest.fixture
def tables(monkeypatch) -> dict[LabelKey, np.ndarray]:
    """The labels there are of a made-up NAS-Bench-201."""
    there: dict[LabelKey, np.ndarray] = {LabelKey("cifar10", "test", 200, "one"): REPORT}
    monkeypatch.setattr(labels, "available", lambda _space: list(there))
    monkeypatch.setattr(labels, "files", lambda _space, **_key: [])
    monkeypatch.setattr(labels, "accuracy", lambda _space, **key: there[LabelKey(**key)])
    monkeypatch.setattr(labels, "train_seconds", lambda _space, **_key: COST)
    monkeypatch.setattr(labels, "evaluation_seconds", lambda _space, **_key: np.ones(N))
    return there


def test_protocols_are_those_that_the_labels_allow(tables):
    paper, mean = LabelKey("cifar10", "test", 200, "one"), LabelKey("cifar10", "test", 200, "mean")
    short = LabelKey("cifar10", "validation", 12, "mean")
    assert [found.name for found in protocols("nas-bench-201", paper)] == [NOISELESS]
    tables[short] = GUIDE
    assert [found.name for found in protocols("nas-bench-201", paper)] == [NOISELESS]  # nothing to judge by
    tables[mean] = REPORT - 1
    _, fair, timed = protocols("nas-bench-201", paper)
    assert fair.guide_key == timed.guide_key == short
    assert fair.report_key == timed.report_key == mean
    np.testing.assert_array_equal(timed.cost, COST + 1)
    assert timed.seconds == 12_000
    tables[short] = np.where(np.arange(N) == 3, np.nan, GUIDE)  # not all architectures
    assert [found.name for found in protocols("nas-bench-201", paper)] == [NOISELESS, GUIDED]
    single = LabelKey("cifar10", "validation", 200, "seed777")
    tables[single] = GUIDE + 1
    assert protocols("nas-bench-201", paper)[1].guide_key == single


def test_labels_whose_file_cannot_be_had_are_not_there(tables, monkeypatch, tmp_path):
    tables[LabelKey("cifar10", "test", 200, "mean")] = REPORT
    tables[LabelKey("cifar10", "validation", 12, "mean")] = GUIDE
    monkeypatch.setenv("CENA_DATA", str(tmp_path))
    monkeypatch.setattr(labels, "files", lambda _space, **_key: [module.registry.LABELS_201])
    assert len(protocols("nas-bench-201", LabelKey("cifar10", "test", 200, "one"))) == 1


def test_regrets_of_counted_evaluations(store):
    found = regrets(store, RANDOM, FAIR, BUDGET, SEEDS, 1)
    runs = search.repeat(search.random_search, CANDIDATES, GUIDE, BUDGET, SEEDS)
    np.testing.assert_array_equal(found, search.regret_table(runs, REPORT))
    np.testing.assert_array_equal(FAIR.axis(BUDGET), np.arange(1, BUDGET + 1))


def test_regrets_in_simulated_time(store):
    found = regrets(store, RANDOM, CLOCKED, BUDGET, SEEDS, 1)
    times = CLOCKED.axis(BUDGET)
    assert found.shape == (len(SEEDS), len(times))
    assert (times[0], times[-1]) == (COST.max(), 80.0)
    for seed, row in zip(SEEDS, found, strict=True):
        run = search.random_search(CANDIDATES, GUIDE, CLOCKED.evaluations(BUDGET), seed)
        finished = search.within(run, COST, 80.0)
        assert row[-1] == search.regret(finished, REPORT)[-1]


def test_protocols_of_the_same_guide_share_their_runs(store):
    alone = regrets(store, RANDOM, FAIR, BUDGET, SEEDS, 1)
    stored = len(list((store.root / "searches").glob("*/config.json")))
    shared = [PLAIN, FAIR, CLOCKED]
    np.testing.assert_array_equal(regrets(store, RANDOM, FAIR, BUDGET, SEEDS, 1, shared), alone)
    regrets(store, RANDOM, CLOCKED, BUDGET, SEEDS, 1, shared)
    assert len(list((store.root / "searches").glob("*/config.json"))) == stored + 1
    judged = replace(CLOCKED, report=REPORT + 1)
    regrets(store, RANDOM, judged, BUDGET, SEEDS, 1, shared)
    assert len(list((store.root / "searches").glob("*/config.json"))) == stored + 1


def test_slow_methods_get_a_tenth_of_the_runs_and_not_too_many(store):
    forest = Search("forest", "greedy-forest", CANDIDATES, (("trees", 2), ("batch", 5)))
    assert [forest.runs(runs) for runs in (500, 100, 50, 49)] == [25, 10, 5, 0]
    assert RANDOM.runs(49) == 49
    assert regrets(store, forest, PLAIN, 12, range(50), 1).shape == (5, 12)


def test_a_search_has_all_runs_under_every_protocol_where_it_is_run(store):
    assert [RANDOM.runs(500, name) for name in (PLAIN.name, GUIDED, TIMED)] == [500, 500, 500]
    assert Search("random", "random", CANDIDATES, everywhere=False).runs(500, TIMED) == 0
    assert Search("forest", "greedy-forest", CANDIDATES).runs(500, TIMED) == 25
    assert len(regrets(store, RANDOM, FAIR, BUDGET, range(30), 1, [PLAIN, CLOCKED])) == 30


def test_causes_are_looked_for_in_a_fifth_of_the_runs():
    assert [fifth(runs) for runs in (500, 100, 50, 7)] == [100, 20, 10, 7]
