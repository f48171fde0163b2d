import numpy as np
import pytest

from cena.contrast import retrieval_accuracy, same_class_margin, similarity
from cena.errors import InputError


def clusters(classes=5, views=3, embedding=8, noise=0.01, seed=0):
    generator = np.random.default_rng(seed)
    centres = generator.standard_normal((classes, 1, embedding))
    return centres + noise * generator.standard_normal((classes, views, embedding))


def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


def test_separated_classes_are_always_retrieved():
    assert retrieval_accuracy(clusters(), np.ones((5, 3), dtype=bool)) == 1.0


def test_length_does_not_matter():
    lengths = np.random.default_rng(1).uniform(0.1, 10, size=(5, 3, 1))
    usable = np.ones((5, 3), dtype=bool)
    assert retrieval_accuracy(clusters() * lengths, usable) == 1.0
    assert same_class_margin(clusters() * lengths, usable) == pytest.approx(same_class_margin(clusters(), usable))


def test_random_embeddings_are_at_chance(monkeypatch):
    monkeypatch.setattr(similarity, "_BLOCK", 100)  # several blocks, the last one not full
    embeddings = np.random.default_rng(0).standard_normal((30, 20, 4))
    usable = np.ones((30, 20), dtype=bool)
    assert retrieval_accuracy(embeddings, usable) == pytest.approx(19 / 599, abs=0.02)
    assert same_class_margin(embeddings, usable) == pytest.approx(0, abs=0.02)


def test_retrieval_agrees_with_plain_loops():
    embeddings = clusters(noise=1.0)
    views = [(c, embeddings[c, v]) for c in range(5) for v in range(3)]
    hits = 0
    for i, (own, view) in enumerate(views):
        others = [(cosine(view, other), c) for j, (c, other) in enumerate(views) if j != i]
        hits += max(others)[1] == own
    assert 0 < hits < 15
    assert retrieval_accuracy(embeddings, np.ones((5, 3), dtype=bool)) == hits / 15


def test_margin_agrees_with_plain_loops():
    embeddings = clusters(noise=1.0)
    usable = np.ones((5, 3), dtype=bool)
    usable[0, 1] = False
    views = [(c, embeddings[c, v]) for c in range(5) for v in range(3) if usable[c, v]]
    pairs = {True: [], False: []}
    for i, (a, first) in enumerate(views):
        for b, second in views[:i]:
            pairs[a == b].append(cosine(first, second))
    assert same_class_margin(embeddings, usable) == pytest.approx(np.mean(pairs[True]) - np.mean(pairs[False]))


def test_only_usable_views_with_a_partner_count():
    embeddings = clusters()
    embeddings[0, 0] = embeddings[1, 0] = 0  # two dead views of different classes would retrieve each other
    usable = np.ones((5, 3), dtype=bool)
    usable[[0, 1], 0] = False
    usable[4, 1:] = False  # a single view has no partner
    assert retrieval_accuracy(embeddings, usable) == 1.0


def test_too_little_to_compare_and_wrong_shapes_are_refused():
    with pytest.raises(InputError, match="nothing to compare"):
        retrieval_accuracy(clusters(views=1), np.ones((5, 1), dtype=bool))
    with pytest.raises(InputError, match="expected"):
        same_class_margin(clusters(), np.ones((3, 5), dtype=bool))
