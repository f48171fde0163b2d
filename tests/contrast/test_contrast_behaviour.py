"""What contrastive training is for: views of one class come close, on views that training has not seen."""

import numpy as np
import pytest
from contrast_views import synthetic_views

from cena.contrast import (
    EncoderConfig,
    encode_views,
    retrieval_accuracy,
    same_class_margin,
    train_encoder,
    untrained_encoder,
)

CHANCE = 3 / 239


@pytest.fixture(scope="module")
def embeddings():
    """Embeddings of four unseen views of 60 classes: trained on four other views, and untrained; and the mask."""
    directions, singular_values, usable = synthetic_views(classes=60, views=8, noise=0.2)
    config = EncoderConfig(
        points=16, components=12, width=32, embedding=64, projection=64, epochs=150, batch=20, learning_rate=5e-3
    )
    seen, unseen = np.s_[:, :4], np.s_[:, 4:]
    trained = train_encoder(directions[seen], singular_values[seen], usable[seen], config)
    control = untrained_encoder(config, trained.scale)
    views = directions[unseen], singular_values[unseen], usable[unseen]
    return encode_views(trained, *views), encode_views(control, *views), usable[unseen]


def test_views_of_one_class_are_closer_than_views_of_different_classes(embeddings):
    trained, _, usable = embeddings
    assert same_class_margin(trained, usable) > 0.02
    assert retrieval_accuracy(trained, usable) > 30 * CHANCE


def test_an_untrained_encoder_is_worse(embeddings):
    trained, untrained, usable = embeddings
    assert same_class_margin(trained, usable) > 3 * same_class_margin(untrained, usable)
    assert retrieval_accuracy(trained, usable) > 1.5 * retrieval_accuracy(untrained, usable)


def test_random_classes_are_at_chance(embeddings):
    trained, _, usable = embeddings
    shuffled = np.random.default_rng(0).permutation(trained.reshape(-1, 64)).reshape(trained.shape)
    assert retrieval_accuracy(shuffled, usable) < 4 * CHANCE
    assert abs(same_class_margin(shuffled, usable)) < 0.01
