import numpy as np
import pytest
from contrast_views import synthetic_views

from cena.contrast import SpectrumScale, encoder_input, spectrum_scale
from cena.contrast.pairs import TrainingViews, draw_two
from cena.errors import InputError


def marked_views(classes, views, usable=None, batch=4):
    """Views whose single singular value is 1 + class + view/10: the input's last row tells which view it is."""
    values = 1 + np.arange(classes)[:, None, None] + np.arange(views)[None, :, None] / 10
    directions = np.ones((classes, views, 3, 1), dtype=np.float16)
    if usable is None:
        usable = np.ones((classes, views), dtype=bool)
    return TrainingViews(directions, values.astype(np.float32), usable, SpectrumScale((0.0,), (1.0,)), batch)


def read_marks(inputs):
    values = np.exp(inputs.numpy()[:, -1, 0]) - 1
    classes = np.floor(values + 1e-3).astype(int)
    return classes, np.rint(10 * (values - classes)).astype(int)


def test_an_epoch_pairs_two_different_views_of_every_class_once():
    views = marked_views(classes=12, views=4)
    batches = [(read_marks(first), read_marks(second)) for first, second in views.batches(np.random.default_rng(0))]
    assert len(batches) == views.batches_per_epoch() == 3
    seen = np.concatenate([first[0] for first, _ in batches])
    assert sorted(seen) == list(range(12))
    assert list(seen) != list(range(12))
    for (first_class, first_view), (second_class, second_view) in batches:
        assert (first_class == second_class).all()
        assert (first_view != second_view).all()


def test_unusable_views_are_never_drawn_and_lone_ones_left_out():
    usable = np.ones((9, 4), dtype=bool)
    usable[:, 2] = False
    usable[0, :3] = False
    views = marked_views(9, 4, usable)
    for seed in range(20):
        for pair in views.batches(np.random.default_rng(seed)):
            for classes, drawn in map(read_marks, pair):
                assert 0 not in classes
                assert 2 not in drawn


def test_incomplete_batch_is_dropped_unless_it_is_the_only_one():
    sizes = [len(first) for first, _ in marked_views(11, 2, batch=4).batches(np.random.default_rng(0))]
    assert sizes == [4, 4]
    sizes = [len(first) for first, _ in marked_views(3, 2, batch=4).batches(np.random.default_rng(0))]
    assert sizes == [3]


def test_columns_get_random_signs_of_their_own_in_each_view():
    directions, singular_values, usable = synthetic_views(classes=40, views=2)
    scale = spectrum_scale(singular_values, usable)
    views = TrainingViews(directions, singular_values, usable, scale, 40)
    plain = encoder_input(directions, singular_values, scale)
    ((first, second),) = views.batches(np.random.default_rng(0))
    flips = []
    for inputs in (first.numpy(), second.numpy()):
        for one in inputs:
            view = plain[np.isclose(np.abs(plain), np.abs(one), atol=1e-6).all(axis=(2, 3))]
            np.testing.assert_array_equal(one[-1], view[0, -1])  # the spectrum has no sign to flip
            ratio = np.sum((one * view[0])[:-1], axis=0) / np.sum(view[0, :-1] ** 2, axis=0)
            np.testing.assert_allclose(np.abs(ratio), 1, rtol=1e-4)
            flips.append(ratio)
    flips = np.array(flips).reshape(2, 40, -1)
    assert abs(flips.mean()) < 0.15
    assert abs((flips[0] * flips[1]).mean()) < 0.15


def test_all_ordered_pairs_are_equally_likely():
    usable = np.tile([True, False, True, True], (6000, 1))
    first, second = draw_two(usable, np.random.default_rng(0))
    pairs, counts = np.unique(np.stack([first, second], axis=1), axis=0, return_counts=True)
    assert [tuple(pair) for pair in pairs] == [(0, 2), (0, 3), (2, 0), (2, 3), (3, 0), (3, 2)]
    np.testing.assert_allclose(counts, 1000, atol=120)


def test_pairs_of_two_classes_are_needed():
    usable = np.array([[True, True], [True, False]])
    with pytest.raises(InputError, match="at least two classes"):
        marked_views(2, 2, usable)
