"""Training sets: the digits as they are bundled, and a balanced part of CIFAR-10 from either of its files."""

import hashlib
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from cena.data import public_files, registry
from cena.data.digits_images import digits_images
from cena.data.public_files import DataFile
from cena.errors import InputError
from cena.trajectories import training_set, training_sets

PER_CLASS = 3


def levels(number: int, classes: np.ndarray) -> np.ndarray:
    """(n, 3, 32, 32) random grey levels; those of image i depend on `number` and i only."""
    return np.random.default_rng(number).integers(0, 256, (len(classes), 3, 32, 32)).astype(np.uint8)


TRAIN = np.tile(np.arange(10), 5 * PER_CLASS)[::-1].copy()
TEST = np.tile(np.arange(10), PER_CLASS)
IMAGES, TEST_IMAGES = levels(0, TRAIN), levels(1, TEST)


def subset_bytes() -> bytes:
    content = io.BytesIO()
    np.savez(
        content,
        train_images=IMAGES.transpose(0, 2, 3, 1),
        train_labels=TRAIN,
        test_images=TEST_IMAGES.transpose(0, 2, 3, 1),
        test_labels=TEST,
    )
    return content.getvalue()


def archive_bytes() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:

        def add(name: str, images: np.ndarray, classes: np.ndarray) -> None:
            records = np.concatenate([classes[:, None].astype(np.uint8), images.reshape(len(images), -1)], axis=1)
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = records.size
            archive.addfile(member, io.BytesIO(records.tobytes()))

        add("test_batch.bin", TEST_IMAGES, TEST)
        for number in (3, 1, 2, 5, 4):  # the order in the archive must not matter
            part = slice((number - 1) * 10 * PER_CLASS, number * 10 * PER_CLASS)
            add(f"data_batch_{number}.bin", IMAGES[part], TRAIN[part])
    return content.getvalue()


@pytest.fixture(params=[public_files.CIFAR10, public_files.CIFAR10_SUBSET])
def cifar(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A download folder that holds one of the two files, with the same few images."""
    content = archive_bytes() if request.param == public_files.CIFAR10 else subset_bytes()
    entry = DataFile(hashlib.sha256(content).hexdigest(), None, "a test's")
    monkeypatch.setitem(registry.REGISTRY, request.param, entry)
    monkeypatch.setenv("CENA_DATA", str(tmp_path))
    (tmp_path / request.param).write_bytes(content)


@pytest.mark.usefixtures("cifar")
def test_cifar10_is_balanced_and_the_same_from_both_files() -> None:
    data = training_set("cifar10", 16, 40)
    assert np.bincount(data.classes).tolist() == [4] * 10
    assert np.bincount(data.test_classes).tolist() == [PER_CLASS] * 10  # all, as there are no more
    chosen = np.sort(np.concatenate([np.flatnonzero(each == TRAIN)[:4] for each in range(10)]))
    np.testing.assert_array_equal(data.classes, TRAIN[chosen])
    blocks = IMAGES[chosen].reshape(40, 3, 16, 2, 16, 2).mean(axis=(3, 5)) / 127.5 - 1
    np.testing.assert_allclose(data.images, blocks, atol=1e-6)
    assert data.images.dtype == data.test_images.dtype == np.float32
    assert data.test_images.shape == (30, 3, 16, 16)
    assert data.note == "40 training and 30 test images of CIFAR-10"


def test_the_digits_are_the_benchmark_s() -> None:
    data, digits = training_set("digits", 8, 1000), digits_images()
    np.testing.assert_array_equal(data.images, digits.training.images)
    np.testing.assert_array_equal(training_set("digits", 8, 50).classes, digits.training.digits[:50])
    np.testing.assert_array_equal(data.test_classes, digits.test.digits)
    assert data.checksum == training_set("digits", 8, 1000).checksum
    other = training_sets.TrainingSet(
        "digits", data.images, data.classes[::-1], data.test_images, data.test_classes, "digits"
    )
    assert other.checksum != data.checksum


def test_other_sets_and_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="unknown training set 'cifar100'; valid: cifar10, digits"):
        training_set("cifar100", 16, 40)
    with pytest.raises(InputError, match="digits were asked at 16 pixels a side: they have 8"):
        training_set("digits", 16, 40)
    with pytest.raises(InputError, match="CIFAR-10 was asked at 33 pixels a side: give 1 to 32"):
        training_set("cifar10", 33, 40)
