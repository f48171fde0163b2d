"""Agreement of geometries: one for the same up to what keeps order, none for unrelated ones, honest intervals."""

import numpy as np
import pytest

from cena.errors import InputError
from cena.evaluate import distance_agreement

GENERATOR = np.random.default_rng(0)
EMBEDDING = GENERATOR.normal(size=(40, 5))


def test_rotation_and_scale_leave_the_geometry():
    rotation, _ = np.linalg.qr(GENERATOR.normal(size=(5, 5)))
    agreement = distance_agreement(EMBEDDING, 3 * EMBEDDING @ rotation, seed=0, resamples=20)
    assert agreement.value == pytest.approx(1)
    assert agreement.low == pytest.approx(1)
    assert agreement.runs == 40


def test_unrelated_embeddings_do_not_agree_and_noise_lowers_agreement():
    unrelated = distance_agreement(EMBEDDING, GENERATOR.normal(size=(40, 7)), seed=0, resamples=200)
    assert unrelated.low < 0.1
    assert abs(unrelated.value) < 0.15
    noisy = distance_agreement(EMBEDDING, EMBEDDING + 0.5 * GENERATOR.normal(size=(40, 5)), seed=0, resamples=200)
    assert 0.3 < noisy.low < noisy.value < noisy.high < 0.98
    assert unrelated.high < noisy.low


def test_the_interval_covers_the_agreement_of_a_large_population():
    many = GENERATOR.normal(size=(1500, 4))
    other = many + 0.7 * GENERATOR.normal(size=many.shape)
    whole = distance_agreement(many, other, seed=0, resamples=1).value
    covered = 0
    for trial in range(40):
        rows = np.random.default_rng(trial).permutation(1500)[:40]
        part = distance_agreement(many[rows], other[rows], seed=trial, resamples=100)
        covered += part.low <= whole <= part.high
    assert covered >= 33


def test_the_same_seed_gives_the_same_interval():
    other = EMBEDDING + GENERATOR.normal(size=EMBEDDING.shape)
    first, again, another = (distance_agreement(EMBEDDING, other, seed=s, resamples=30) for s in (1, 1, 2))
    assert first == again
    assert first.value == another.value
    assert first != another


def test_a_common_shift_leaves_euclidean_distances_and_changes_cosines():
    shifted = EMBEDDING + 2
    assert distance_agreement(EMBEDDING, shifted, seed=0, resamples=5, distance="euclidean").value == pytest.approx(1)
    assert distance_agreement(EMBEDDING, shifted, seed=0, resamples=5).value < 0.9
    distance_agreement(EMBEDDING, EMBEDDING - EMBEDDING[0], seed=0, resamples=5, distance="euclidean")  # a zero row


@pytest.mark.parametrize("bad", [np.ones((3, 5)), np.zeros((40, 5)), np.full((40, 5), np.nan), np.ones(40)])
def test_embeddings_without_cosines_are_refused(bad):
    with pytest.raises(InputError, match="the second embedding has shape"):
        distance_agreement(EMBEDDING, bad, seed=0)


def test_other_architectures_are_refused():
    with pytest.raises(InputError, match="have 40 and 39 rows"):
        distance_agreement(EMBEDDING, EMBEDDING[1:], seed=0)
