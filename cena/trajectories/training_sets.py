"""What the networks of a trajectory are trained on: the bundled digits, or a class-balanced part of CIFAR-10."""

import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cena.data import registry
from cena.data.digits_images import DIGIT, digits_images
from cena.data.images import SIZE, area_average, image_files
from cena.data.public_files import CIFAR10
from cena.errors import InputError, unknown
from cena.files import array_sha256, sha256
from cena.types import Integers

_NAMES = ("cifar10", "digits")

_TEST_IMAGES = 1000
"""Test images taken of CIFAR-10, the same number of each of its ten classes."""

Labelled = tuple[NDArray[np.uint8], Integers]
"""Images (n, 3, 32, 32) and their classes (n,)."""


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Images to train on and to test with.

    Parameters
    ----------
    name : what it is called in labels and records.
    images, classes : of the training set, (n, 3, resolution, resolution) float32 about in [-1, 1], and (n,) int64.
    test_images, test_classes : the same of the test set.
    note : one phrase that says what exactly they are.
    """

    name: str
    images: NDArray[np.float32]
    classes: Integers
    test_images: NDArray[np.float32]
    test_classes: Integers
    note: str

    @property
    def checksum(self) -> str:
        """The sha256 of all four arrays, which goes into every artifact made of them."""
        arrays = (self.images, self.classes, self.test_images, self.test_classes)
        return sha256(" ".join(array_sha256(array) for array in arrays))


def training_set(name: str, resolution: int, images: int) -> TrainingSet:
    """A training set by name, the same at every call.

    Parameters
    ----------
    name : ``"digits"``, the first training images and all test images of the digits benchmark, or ``"cifar10"``, the
        first images of each class, and 1,000 of the test images.
    resolution : height and width in pixels; of the digits 8, of CIFAR-10 at most 32.
    images : to train on, or all where there are fewer; of CIFAR-10 a multiple of ten.

    Raises
    ------
    InputError
        If there is no such set or resolution, or CIFAR-10 is neither in the download folder nor to be had.
    """
    if name not in _NAMES:
        raise unknown("training set", name, _NAMES)
    if name == "digits":
        if resolution != DIGIT:
            raise InputError(f"digits were asked at {resolution} pixels a side: they have {DIGIT}")
        data = digits_images()
        return TrainingSet(
            name,
            data.training.images[:images],
            data.training.digits[:images],
            data.test.images,
            data.test.digits,
            "digits",
        )
    if not 1 <= resolution <= SIZE:
        raise InputError(f"CIFAR-10 was asked at {resolution} pixels a side: give 1 to {SIZE}")
    [file] = image_files(name)
    path = registry.fetch(file)
    training, test = _archive(path) if file == CIFAR10 else _subset(path)
    pixels, classes = _first_of_each_class(*training, images)
    test_pixels, test_classes = _first_of_each_class(*test, _TEST_IMAGES)
    note = f"{len(pixels):,} training and {len(test_pixels):,} test images of CIFAR-10"
    return TrainingSet(name, _scaled(pixels, resolution), classes, _scaled(test_pixels, resolution), test_classes, note)


def _scaled(levels: NDArray[np.uint8], resolution: int) -> NDArray[np.float32]:
    """Grey levels at another resolution, from -1 to 1 as :func:`cena.data.images.images` has them."""
    return (area_average(levels.astype(np.float64), resolution) / 127.5 - 1).astype(np.float32)


def _first_of_each_class(images: NDArray[np.uint8], classes: Integers, count: int) -> Labelled:
    """The first `count` / 10 images of each of the ten classes, or all where there are fewer, in their order."""
    chosen = np.sort(np.concatenate([np.flatnonzero(classes == each)[: count // 10] for each in range(10)]))
    return images[chosen], classes[chosen]


def _subset(path: Path) -> tuple[Labelled, Labelled]:
    with np.load(path) as file:
        training, test = (
            (file[f"{part}_images"].transpose(0, 3, 1, 2), file[f"{part}_labels"].astype(np.int64))
            for part in ("train", "test")
        )
    return training, test


def _archive(path: Path) -> tuple[Labelled, Labelled]:
    """The official archive: a record is one byte for the class, then 1,024 each of red, green and blue, row by row."""
    batches = {}
    with tarfile.open(path) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.name.endswith(".bin") else None
            if content is not None:
                batches[Path(member.name).stem] = np.frombuffer(content.read(), np.uint8).reshape(-1, 1 + 3 * SIZE**2)
    names = sorted(name for name in batches if name.startswith("data_batch_"))
    training, test = np.concatenate([batches[name] for name in names]), batches["test_batch"]
    return _labelled(training), _labelled(test)


def _labelled(records: NDArray[np.uint8]) -> Labelled:
    return records[:, 1:].reshape(-1, 3, SIZE, SIZE), records[:, 0].astype(np.int64)
