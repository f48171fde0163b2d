"""The images of the digits benchmark: scikit-learn's digits, made hard enough to tell architectures apart.

Digits as they are saturate: the 10-90 % range of test accuracy over architectures is 5-7 points. Here a digit lies at
a random place, partly out of the image, in a random colour, with a fragment of another digit and noise.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

CANVAS = 10
"""Height and width in pixels of the canvas a digit is placed on."""
CROP = 1
"""Pixels cut off each side of the canvas, so that a digit may be cut too."""
DIGIT = 8
"""Height and width of a scanned digit in pixels."""
FRAGMENT = 5
"""Height and width of the fragment of another digit."""
NOISE = 0.2
"""Standard deviation; the darkest and brightest ink are -1 and 1."""
TRAINING_DIGITS = 900
VALIDATION_DIGITS = 448
COPIES = 3
"""Images made of each validation and test digit: more images, less label noise."""

Pixels = NDArray[np.float32]


@dataclass(frozen=True)
class Split:
    """Images (n, 3, 8, 8), about in [-1, 1], and their digits (n,)."""

    images: Pixels
    digits: NDArray[np.int64]


@dataclass(frozen=True)
class DigitsImages:
    """The three fixed splits; no digit of scikit-learn's set is in two of them."""

    training: Split
    validation: Split
    test: Split


@cache
def digits_images() -> DigitsImages:
    """The benchmark's images: 900 for training, 1,344 for validation and 1,347 for test, the same at every call."""
    scans, digits = load_digits(return_X_y=True)
    scans = scans.reshape(-1, DIGIT, DIGIT).astype(np.float32) / 16
    generator = np.random.default_rng(1797)
    order = generator.permutation(len(scans))
    bounds = [TRAINING_DIGITS, TRAINING_DIGITS + VALIDATION_DIGITS]
    training, validation, test = (
        _draw(scans[part], digits[part].astype(np.int64), copies, generator)
        for part, copies in zip(np.split(order, bounds), (1, COPIES, COPIES), strict=True)
    )
    return DigitsImages(training, validation, test)


def _draw(scans: Pixels, digits: NDArray[np.int64], copies: int, generator: np.random.Generator) -> Split:
    """Each scan, `copies` times, on a canvas of its own."""
    images = []
    for scan in np.repeat(scans, copies, axis=0):
        canvas = np.zeros((3, CANVAS, CANVAS), np.float32)
        fragment = scans[generator.integers(len(scans))]
        row, column = generator.integers(DIGIT - FRAGMENT + 1, size=2)
        _paint(canvas, fragment[row : row + FRAGMENT, column : column + FRAGMENT], generator)
        _paint(canvas, scan, generator)
        image = canvas[:, CROP:-CROP, CROP:-CROP]
        images.append(2 * image - 1 + NOISE * generator.standard_normal(image.shape, dtype=np.float32))
    return Split(np.stack(images), np.repeat(digits, copies))


def _paint(canvas: Pixels, ink: Pixels, generator: np.random.Generator) -> None:
    """Add `ink` in a random colour at a random place; where it meets other ink the brighter wins."""
    row, column = generator.integers(CANVAS - len(ink) + 1, size=2)
    colour = generator.uniform(0.3, 1, size=3).astype(np.float32)
    place = canvas[:, row : row + len(ink), column : column + len(ink)]
    np.maximum(place, colour[:, None, None] * ink, out=place)
