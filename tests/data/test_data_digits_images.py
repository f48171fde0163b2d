import numpy as np
from sklearn.datasets import load_digits

from cena.data.digits_images import COPIES, TRAINING_DIGITS, VALIDATION_DIGITS, digits_images


def test_the_splits_have_the_stated_sizes_and_shapes() -> None:
    data = digits_images()
    tested = len(load_digits().target) - TRAINING_DIGITS - VALIDATION_DIGITS
    for split, count in (
        (data.training, TRAINING_DIGITS),
        (data.validation, VALIDATION_DIGITS * COPIES),
        (data.test, tested * COPIES),
    ):
        assert split.images.shape == (count, 3, 8, 8)
        assert split.images.dtype == np.float32
        assert split.digits.shape == (count,)
        assert np.abs(split.images).max() < 1 + 6 * 0.2


def test_every_scan_is_in_exactly_one_split() -> None:
    data = digits_images()
    counts = sum(
        np.bincount(split.digits, minlength=10) // copies
        for split, copies in ((data.training, 1), (data.validation, COPIES), (data.test, COPIES))
    )
    np.testing.assert_array_equal(counts, np.bincount(load_digits().target))


def test_every_call_draws_the_same_images() -> None:
    first = digits_images()
    digits_images.cache_clear()
    np.testing.assert_array_equal(first.test.images, digits_images().test.images)


def test_copies_of_one_scan_differ() -> None:
    images = digits_images().test.images[:COPIES]
    assert not np.allclose(images[0], images[1], atol=0.5)
