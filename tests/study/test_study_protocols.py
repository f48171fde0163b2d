"""The protocols and how regret under them follows from stored runs."""

from dataclasses import replace

import numpy as np
import pytest

from cena import search
from cena.data import labels
from cena.data.labels import LabelKey
from cena.search import ContinuousCandidates
from cena.study.artifacts import ArtifactStore
from cena.study.protocols import GUIDED, NOISELESS, TIMED, Protocol, protocols, regrets, searched
from cena.study.searches import Search

N, BUDGET, SEEDS = 50, 10, range(10)
GENERATOR = np.random.default_rng(0)
CANDIDATES = ContinuousCandidates(GENERATOR.random((N, 2)))
REPORT = GENERATOR.normal(90, 2, N)
GUIDE = REPORT + GENERATOR.normal(0, 1, N)
COST = GENERATOR.uniform(5, 10, N)
KEY = LabelKey("digits", "test", 6, "mean")
PLAIN = Protocol(NOISELESS, REPORT, REPORT, KEY, KEY, BUDGET)
FAIR = Protocol(GUIDED, GUIDE, REPORT, KEY, KEY, BUDGET)
CLOCKED = Protocol(TIMED, GUIDE, REPORT, KEY, KEY, BUDGET, COST, 80.0)
RANDOM = Search("random", "random", CANDIDATES)


@pytest.fixture
def store(tmp_path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def test_protocols_of_the_digits_are_by_their_labels():
    plain, fair = protocols("digits-topology", KEY, BUDGET)
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
    monkeypatch.setattr(labels, "accuracy", lambda _space, key: there[key])
    monkeypatch.setattr(labels, "train_seconds", lambda _space, _key: COST)
    monkeypatch.setattr(labels, "evaluation_seconds", lambda _space, _key: np.ones(N))
    return there


def test_protocols_are_those_that_the_labels_allow(tables):
    paper, mean = LabelKey("cifar10", "test", 200, "one"), LabelKey("cifar10", "test", 200, "mean")
    short = LabelKey("cifar10", "validation", 12, "mean")
    assert [found.name for found in protocols("nas-bench-201", paper, BUDGET)] == [NOISELESS]
    tables[short] = GUIDE
    assert [found.name for found in protocols("nas-bench-201", paper, BUDGET)] == [NOISELESS]  # nothing to judge by
    tables[mean] = REPORT - 1
    _, fair, timed = protocols("nas-bench-201", paper, BUDGET)
    assert fair.guide_key == timed.guide_key == short
    assert fair.report_key == timed.report_key == mean
    np.testing.assert_array_equal(timed.cost, COST + 1)
    assert timed.seconds == 12_000
    tables[short] = np.where(np.arange(N) == 3, np.nan, GUIDE)  # not all architectures
    assert [found.name for found in protocols("nas-bench-201", paper, BUDGET)] == [NOISELESS, GUIDED]
    single = LabelKey("cifar10", "validation", 200, "seed777")
    tables[single] = GUIDE + 1
    assert protocols("nas-bench-201", paper, BUDGET)[1].guide_key == single


def test_regrets_of_counted_evaluations(store):
    found = regrets(store, RANDOM, FAIR, SEEDS, 1)
    runs = [*search.repeat(search.random_search, CANDIDATES, GUIDE, BUDGET, SEEDS)]
    np.testing.assert_array_equal(found, search.regret_table(runs, REPORT))
    np.testing.assert_array_equal(FAIR.axis, np.arange(1, BUDGET + 1))


def test_regrets_in_simulated_time(store):
    found = regrets(store, RANDOM, CLOCKED, SEEDS, 1)
    times = CLOCKED.axis
    assert found.shape == (len(SEEDS), len(times))
    assert (times[0], times[-1]) == (COST.max(), 80.0)
    for seed, row in zip(SEEDS, found, strict=True):
        run = search.random_search(CANDIDATES, GUIDE, CLOCKED.evaluations, seed)
        finished = int((np.cumsum(COST[run.architectures]) <= 80.0).sum())
        assert row[-1] == search.regret(run, REPORT)[finished - 1]


def test_protocols_of_the_same_guide_share_their_runs(store):
    alone = regrets(store, RANDOM, FAIR, SEEDS, 1)
    stored = len(list((store.root / "searches").glob("*/config.json")))
    shared = [PLAIN, FAIR, CLOCKED]
    np.testing.assert_array_equal(regrets(store, RANDOM, FAIR, SEEDS, 1, shared), alone)
    regrets(store, RANDOM, CLOCKED, SEEDS, 1, shared)
    assert len(list((store.root / "searches").glob("*/config.json"))) == stored + 1
    judged = replace(CLOCKED, report=REPORT + 1)
    regrets(store, RANDOM, judged, SEEDS, 1, shared)
    assert len(list((store.root / "searches").glob("*/config.json"))) == stored + 1


def test_slow_methods_have_fewer_rows(store):
    forest = Search("forest", "greedy-forest", CANDIDATES, (("batch", 5),))
    assert regrets(store, forest, PLAIN, range(50), 1).shape == (5, BUDGET)
    assert len(regrets(store, RANDOM, FAIR, range(30), 1, [PLAIN, CLOCKED])) == 30


def test_all_searches_are_run_under_every_protocol_that_is_theirs(store):
    plainly = Search("plainly", "random", CANDIDATES, everywhere=False)
    found = searched(store, [RANDOM, plainly], [PLAIN, FAIR, CLOCKED], SEEDS, 1)
    assert {name: [*of.tables] for name, of in found.items()} == {
        NOISELESS: ["random", "plainly"],
        GUIDED: ["random"],
        TIMED: ["random"],
    }
    for protocol in (PLAIN, FAIR, CLOCKED):
        of = found[protocol.name]
        np.testing.assert_array_equal(of.tables["random"], regrets(store, RANDOM, protocol, SEEDS, 1))
    np.testing.assert_array_equal(
        found[GUIDED].expected, search.random_regret_expectation(FAIR.guide, FAIR.report, BUDGET)
    )
    assert found[GUIDED].points([5, 10]) == [5, 10]
    assert found[TIMED].points([5, 10]) == [0]
    assert set(found[GUIDED].at("random", 5)) == {found[GUIDED].expected[4]}
    np.testing.assert_array_equal(found[TIMED].at("random", 0), found[TIMED].tables["random"][:, -1])
