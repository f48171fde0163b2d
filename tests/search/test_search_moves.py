"""Methods that move by edits: what they evaluate, in which order, follows from the neighbourhoods."""

from importlib import import_module
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from cena.errors import InputError
from cena.search import (
    CategoricalCandidates,
    Neighbours,
    hamming_neighbours,
    local_search,
    regularised_evolution,
    reinforce,
)
from cena.search.reinforce import CategoricalPolicy

CODES = np.array(list(product(range(4), repeat=4)))
SPACE = CategoricalCandidates(CODES, [4] * 4)
SEPARABLE = 90.0 - np.array([0, 1, 2, 4])[CODES] @ [1, 10, 0.1, 3]


@given(npst.arrays(np.int64, st.tuples(st.integers(1, 15), st.integers(1, 4)), elements=st.integers(0, 2)))
def test_hamming_neighbours_against_comparing_all_with_all(codes):
    found = hamming_neighbours(codes)
    near = (codes[:, None] != codes).sum(axis=2) <= 1
    np.fill_diagonal(near, False)
    assert [found[i].tolist() for i in range(len(codes))] == [np.flatnonzero(row).tolist() for row in near]


def test_given_neighbours_are_kept_and_checked():
    given_ = Neighbours.of([[2, 1], [], [0]])
    assert [given_[i].tolist() for i in range(3)] == [[2, 1], [], [0]]
    assert CategoricalCandidates([[0], [1], [2]], [3], given_).neighbours is given_
    with pytest.raises(InputError, match="neighbours of 3 architectures and codes of 2"):
        CategoricalCandidates([[0], [1]], [2], given_)
    with pytest.raises(InputError, match="architecture 2 of 3 has neighbour 3"):
        Neighbours.of([[1], [], [0, 3]])
    with pytest.raises(InputError, match="architecture 1 of 2 has neighbour 1"):
        Neighbours.of([[], [1]])


def test_local_search_climbs_a_separable_landscape_without_a_restart():
    history = local_search(SPACE, SEPARABLE, 60, 1)
    top = int(history.guide.argmax())
    assert history.guide[top] == 90
    for step in range(1, top + 1):  # up to the top, each is one edit from one before it
        assert any((CODES[history.architectures[step]] != CODES[i]).sum() == 1 for i in history.architectures[:step])


def test_evolution_mutates_by_one_edit_after_its_population():
    history = regularised_evolution(SPACE, SEPARABLE, 40, 3)
    for step in range(10, 40):
        alive = history.architectures[step - 10 : step]
        assert ((CODES[alive] != CODES[history.architectures[step]]).sum(axis=1) == 1).any()


def test_unlabelled_neighbours_do_not_exist():
    """Only every other level is labelled, so that no labelled architecture has a labelled neighbour by one column."""
    guide = np.where(CODES.sum(axis=1) % 4 == 0, SEPARABLE, np.nan)
    for method in (local_search, regularised_evolution):
        assert np.isfinite(method(SPACE, guide, 40, 0).guide).all()


def test_policy_gradient_is_that_of_the_log_probability():
    generator = np.random.default_rng(0)
    policy = CategoricalPolicy((3, 1, 2), generator)
    policy.logits += generator.standard_normal(policy.logits.shape)
    codes, step = np.array([2, 0, 1]), 1e-6

    def loss():
        return -1.7 * np.log(policy.probabilities()[np.arange(3), codes]).sum()

    gradient = policy.gradient(codes, 1.7)
    for place in np.argwhere(np.isfinite(policy.logits)):
        kept = policy.logits[tuple(place)]
        policy.logits[tuple(place)] = kept + step
        above = loss()
        policy.logits[tuple(place)] = kept - step
        below = loss()
        policy.logits[tuple(place)] = kept
        assert gradient[tuple(place)] == pytest.approx((above - below) / (2 * step), abs=1e-8)


def test_policy_samples_its_probabilities():
    generator = np.random.default_rng(0)
    policy = CategoricalPolicy((4, 2), generator)
    policy.logits[:] = np.log([[0.1, 0.2, 0.3, 0.4], [0.7, 0.3, 0.0001, 0.0001]])
    policy.logits[1, 2:] = -np.inf
    drawn = np.array([policy.sample(policy.limits(), generator) for _ in range(4000)])
    assert np.bincount(drawn[:, 0]) / 4000 == pytest.approx([0.1, 0.2, 0.3, 0.4], abs=0.035)
    assert np.bincount(drawn[:, 1]) / 4000 == pytest.approx([0.7, 0.3], abs=0.035)


def test_reinforce_learns_and_asks_the_lookup(monkeypatch):
    # Faster than its source, so that a quarter of the space is enough to see it.
    monkeypatch.setattr(import_module("cena.search.reinforce"), "_LEARNING_RATE", 0.1)
    asked = []

    def lookup(codes):
        asked.append(tuple(codes))
        return None if codes[0] == 1 else int(codes @ [64, 16, 4, 1])

    space = CategoricalCandidates(CODES, [4] * 4, lookup=lookup)
    runs = np.array([reinforce(space, SEPARABLE, 60, seed).guide for seed in range(8)])
    assert len(asked) > runs.size
    assert runs[:, 45:].mean() > runs[:, :15].mean() + 5


def test_a_lookup_that_finds_nothing_ends_in_the_nearest():
    space = CategoricalCandidates(CODES, [4] * 4, lookup=lambda _codes: None)
    assert len(set(reinforce(space, SEPARABLE, 10, 0).architectures.tolist())) == 10
