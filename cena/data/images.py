"""The images at which data Jacobians are taken.

Every source gives square images in whole grey levels, so that averaging them down is exact and the same on every
machine: 32x32, but for photographs and noise that are asked for larger, and for the user's own. The result is
normalised with mean 0.5 and standard deviation 0.5, as in the authors' code.
"""

import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images

from cena.data import registry
from cena.data.public_files import CIFAR10, CIFAR10_SUBSET
from cena.errors import InputError, unknown
from cena.files import sha256
from cena.outside import read_arrays
from cena.stages import Stage

IMAGES = Stage("images", version=1)
"""What networks see."""

SIZE = 32
"""Height and width in pixels of a source's images, but of what :data:`LARGEST_IMAGES` names."""

LARGEST_IMAGES = {"patches": 512, "noise": 512}
"""Height and width in pixels of the largest images of sources that have larger ones."""

Levels = NDArray[np.float64]  # (count, 3, height, width), height = width, whole numbers, 0 black and 255 white


@dataclass(frozen=True, eq=False)
class Images:
    """Images and what is known of them.

    Parameters
    ----------
    name : the source they were drawn from.
    pixels : (count, 3, resolution, resolution); photographs lie in [-1, 1].
    note : one phrase that says what exactly they are, for captions and records.
    """

    name: str
    pixels: NDArray[np.float32]
    note: str

    @property
    def checksum(self) -> str:
        """The sha256 of the pixels' bytes (little-endian, in C order), which goes into every artifact made of them."""
        return sha256(self.pixels.astype("<f4").tobytes())


@IMAGES
def images(name: str, count: int, resolution: int, seed: int) -> Images:
    """`count` images drawn from a source by `seed`: the same arguments, the same bytes.

    A longer draw by the same seed begins with the shorter one.

    Parameters
    ----------
    name : ``"patches"`` (cuts of scikit-learn's two bundled photographs at random places and scales), ``"cifar10"``
        (CIFAR-10 training images), ``"digits"`` (scikit-learn's bundled handwritten digits), ``"noise"`` (Gaussian
        noise) or the path of an ``.npz`` file of your own, which has an array ``images`` of square colour images, uint8
        (n, height, width, 3).
    count : number of images.
    resolution : height and width in pixels, at most 32, or 512 for patches and noise, or those of your own images;
        images smaller than 32 are averages over equal areas. Patches are cuts at least as large as they are asked for,
        but not larger than the photographs, 427 pixels high.
    seed : of the draw.

    Raises
    ------
    InputError
        If the source is unknown, a number is out of range, CIFAR-10 is neither in the download folder nor to be had, or
        your own file is missing or does not hold such an array.
    """
    _check_source(name)
    if count < 1:
        raise InputError(f"the number of images is {count}: give at least 1")
    largest = None if _is_own(name) else LARGEST_IMAGES.get(name, SIZE)
    if resolution < 1 or (largest is not None and resolution > largest):
        limit = "1" if largest is None else f"1 to {largest}, the largest of {name}"
        raise InputError(f"the resolution of images is {resolution}: give a height in pixels from {limit}")
    if largest is None:
        path = Path(name)
        name = path.name  # what is shown and recorded names no folder of the machine
        levels, note = _own(path, count, resolution, seed)
    else:
        levels, note = IMAGE_SOURCES[name](count, max(SIZE, resolution), seed)
    pixels = area_average(levels, resolution) / 127.5 - 1
    return Images(name, pixels.astype(np.float32), note)


def image_files(name: str) -> list[str]:
    """The files of the download registry that these images need: the development subset where only that is there."""
    _check_source(name)
    if name != "cifar10":
        return []
    only_subset = registry.missing([CIFAR10]) and not registry.missing([CIFAR10_SUBSET])
    return [CIFAR10_SUBSET if only_subset else CIFAR10]


def image_checksums(name: str) -> dict[str, str]:
    """The checksums of all files that these images may come from, whichever is there: the same on every machine."""
    _check_source(name)
    files = (CIFAR10, CIFAR10_SUBSET) if name == "cifar10" else ()
    return {file: registry.entry(file).checksum for file in files}


def area_average(levels: Levels, resolution: int) -> Levels:
    """Images of another resolution, (count, 3, resolution, resolution): each pixel the mean over the area it covers.

    With 16 of 32 pixels that is the mean of 2x2 blocks. Whole grey levels are summed without rounding.
    """
    size = levels.shape[-1]
    # In units of 1/resolution of an old pixel, old pixel j covers [j, j + 1) * resolution and new pixel i covers
    # [i, i + 1) * size; overlap[i, j] is what they share.
    old, new = np.arange(size) * resolution, np.arange(resolution)[:, None] * size
    overlap = (np.minimum(old + resolution, new + size) - np.maximum(old, new)).clip(min=0).astype(np.float64)
    averaged: Levels = overlap @ levels @ overlap.T / size**2
    return averaged


def _patches(count: int, size: int, seed: int) -> tuple[Levels, str]:
    """Squares of the photographs, their sides from `size` pixels to the photograph's height, uniform in the logarithm.

    Above the photographs' height all have that side, and are enlarged.
    """
    photographs = load_sample_images().images
    patches = []
    for which, scale, down, across in np.random.default_rng(seed).random((count, 4)):
        photograph = photographs[int(which * len(photographs))]
        height, width, _ = photograph.shape
        least = min(size, height)
        side = int(least * (height / least) ** scale)
        top, left = int(down * (height - side + 1)), int(across * (width - side + 1))
        cut = Image.fromarray(photograph[top : top + side, left : left + side])
        patches.append(np.asarray(cut.resize((size, size), Image.Resampling.BOX)))
    levels = np.stack(patches).transpose(0, 3, 1, 2).astype(np.float64)
    return levels, "patches of scikit-learn's photographs china.jpg and flower.jpg, at random places and scales"


def _digits(count: int, _size: int, seed: int) -> tuple[Levels, str]:
    """Their 17 shades as the nearest grey levels, each of the 8x8 pixels a block of 4x4."""
    shades = load_digits().images
    if count > len(shades):
        raise InputError(f"{count} images were asked of 'digits': scikit-learn bundles {len(shades)}")
    chosen = shades[np.random.default_rng(seed).permutation(len(shades))[:count]]
    block = SIZE // shades.shape[-1]
    grey = np.rint(chosen * (255 / 16)).repeat(block, axis=1).repeat(block, axis=2)
    return np.repeat(grey[:, np.newaxis], 3, axis=1), "scikit-learn's handwritten digits, 8x8 grey pixels"


def _noise(count: int, size: int, seed: int) -> tuple[Levels, str]:
    """Independent pixels about the middle grey, not clipped to the range of photographs."""
    levels = np.random.default_rng(seed).normal(127.5, 63.75, size=(count, 3, size, size))
    return np.rint(levels), f"Gaussian noise of standard deviation 0.5 ({size}x{size} pixels)"


def _cifar10(count: int, _size: int, seed: int) -> tuple[Levels, str]:
    [file] = image_files("cifar10")
    path = registry.fetch(file)
    if file == CIFAR10:
        training, note = _archive(path), "CIFAR-10 training images"
    else:
        training = np.load(path)["train_images"].transpose(0, 3, 1, 2)
        note = "CIFAR-10 training images of the development subset (10,000 of 50,000, JPEG transcodings)"
    if count > len(training):
        raise InputError(f"{count} images were asked of 'cifar10': {file} holds {len(training)} training images")
    chosen = np.random.default_rng(seed).permutation(len(training))[:count]
    return training[chosen].astype(np.float64), note


def _is_own(name: str) -> bool:
    return name.endswith(".npz")


def _check_source(name: str) -> None:
    if name not in IMAGE_SOURCES and not _is_own(name):
        raise unknown("images", name, [*IMAGE_SOURCES, "the path of an .npz file"])


def _own(path: Path, count: int, resolution: int, seed: int) -> tuple[Levels, str]:
    expected = f"{path} must be an .npz file with an array 'images' of type uint8 and shape (n, size, size, 3)"
    if not path.is_file():
        raise InputError(f"{expected}: there is no such file")
    try:
        own = read_arrays(path, ["images"])["images"]
    except InputError as error:
        raise InputError(f"{expected}: {error}") from error
    shape = own.shape
    if own.dtype != np.uint8 or own.ndim != 4 or shape[3] != 3 or shape[1] != shape[2]:
        raise InputError(f"{expected}: its array has type {own.dtype} and shape {shape}")
    if resolution > shape[1]:
        raise InputError(
            f"a resolution of {resolution} was asked of {path}, whose images have {shape[1]} pixels a side"
        )
    if count > len(own):
        raise InputError(f"{count} images were asked of {path}: it holds {len(own)}")
    chosen = np.random.default_rng(seed).permutation(len(own))[:count]
    return own[chosen].transpose(0, 3, 1, 2).astype(np.float64), f"images of the file {path.name}"


def _archive(path: Path) -> NDArray[np.uint8]:
    """(50000, 3, 32, 32) the training images of the official archive, in its order.

    A record is one byte for the class, then 1,024 each of red, green and blue, row by row.
    """
    batches = {}
    with tarfile.open(path) as archive:
        for member in archive:
            content = archive.extractfile(member) if "/data_batch_" in member.name else None
            if content is not None:
                records = np.frombuffer(content.read(), np.uint8).reshape(-1, 1 + 3 * SIZE**2)
                batches[member.name] = records[:, 1:].reshape(-1, 3, SIZE, SIZE)
    return np.concatenate([batches[batch] for batch in sorted(batches)])


IMAGE_SOURCES: dict[str, Callable[[int, int, int], tuple[Levels, str]]] = {
    "patches": _patches,
    "cifar10": _cifar10,
    "digits": _digits,
    "noise": _noise,
}
"""What :func:`images` draws from: (count, height and width, seed) to grey levels and a note."""
