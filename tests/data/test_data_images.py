"""Images: determinism, averaging, what each source draws, and the sentences for what cannot be drawn."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from cena.data import images as module
from cena.data.images import Images, area_average, image_files, images
from cena.errors import InputError

OFFLINE = ["patches", "digits", "noise"]


@pytest.mark.parametrize("name", OFFLINE)
@pytest.mark.parametrize("resolution", [32, 16, 12, 1])
def test_shape_and_type(name: str, resolution: int) -> None:
    drawn = images(name, 5, resolution, seed=0)
    assert drawn.pixels.shape == (5, 3, resolution, resolution)
    assert drawn.pixels.dtype == np.float32
    assert drawn.name == name
    assert np.isfinite(drawn.pixels).all()


@pytest.mark.parametrize("name", OFFLINE)
def test_the_seed_decides(name: str) -> None:
    first, again, other = (images(name, 6, 16, seed) for seed in (3, 3, 4))
    assert first.pixels.tobytes() == again.pixels.tobytes()
    assert first.checksum == again.checksum
    assert first.checksum != other.checksum


@pytest.mark.parametrize("name", OFFLINE)
def test_a_longer_draw_begins_with_the_shorter(name: str) -> None:
    assert np.array_equal(images(name, 9, 32, 0).pixels[:4], images(name, 4, 32, 0).pixels)


def test_the_bytes_are_the_same_on_every_machine() -> None:
    assert images("patches", 8, 32, 0).checksum == "74443e2f37a288f7fa532b396239f0345adf7a3763981832108503ca739fac32"
    assert images("patches", 8, 12, 0).checksum == "b37125ca37862a277054b358b8f4483f3c194deddfdaade8cdd993f575d4a01b"


def test_checksum_is_of_the_content() -> None:
    pixels = np.zeros((2, 3, 4, 4), np.float32)
    before = Images("noise", pixels, "zeros")
    assert before.checksum == hashlib.sha256(bytes(4 * 2 * 3 * 4 * 4)).hexdigest()
    changed = pixels.copy()
    changed[1, 2, 3, 3] = 1e-6
    assert Images("noise", changed, "zeros").checksum != before.checksum
    assert Images("noise", np.asfortranarray(pixels), "another note").checksum == before.checksum


def test_half_resolution_is_the_mean_of_blocks() -> None:
    full, half = (images("patches", 7, resolution, 1).pixels.astype(np.float64) for resolution in (32, 16))
    blocks = full.reshape(7, 3, 16, 2, 16, 2).mean(axis=(3, 5))
    assert np.abs(half - blocks).max() < 1e-6


@pytest.mark.parametrize("resolution", [5, 12, 16, 31, 32])
def test_area_average_against_a_finer_grid(resolution: int) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (2, 3, 32, 32)).astype(np.float64)
    fine = levels.repeat(resolution, axis=2).repeat(resolution, axis=3)  # each new pixel covers 32x32 of these exactly
    expected = fine.reshape(2, 3, resolution, 32, resolution, 32).mean(axis=(3, 5))
    averaged = area_average(levels, resolution)
    assert averaged.shape == expected.shape
    assert np.abs(averaged - expected).max() < 1e-10
    assert np.array_equal(averaged * 1024, np.rint(averaged * 1024))  # sums of whole levels, divided by 32 * 32


def photographs(monkeypatch: pytest.MonkeyPatch, *photos: NDArray[np.uint8]) -> None:
    monkeypatch.setattr(module, "load_sample_images", lambda: SimpleNamespace(images=list(photos)))


def test_patches_are_normalised_and_upright(monkeypatch: pytest.MonkeyPatch) -> None:
    black_to_white = np.zeros((100, 100, 3), np.uint8)
    black_to_white[..., 0] = 255  # red is full, green grows to the right, blue grows downwards
    black_to_white[..., 1] = 2 * np.arange(100)
    black_to_white[..., 2] = 2 * np.arange(100)[:, None]
    photographs(monkeypatch, black_to_white)
    red, green, blue = images("patches", 20, 32, 0).pixels.transpose(1, 0, 2, 3)
    assert np.all(red == 1)
    assert np.all(np.diff(green, axis=2) > 0)
    assert np.all(np.diff(green, axis=1) == 0)
    assert np.all(np.diff(blue, axis=1) > 0)
    sides = 1 + 31 * (green[:, 0, -1] - green[:, 0, 0]) * 127.5 / 62  # the gradient over a patch tells its scale
    assert sides.min() < 45
    assert sides.max() > 70


def test_patches_are_averaged_not_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    board = np.indices((427, 640)).sum(axis=0) % 2 * 255
    photographs(monkeypatch, np.repeat(board[..., None], 3, axis=2).astype(np.uint8))
    contrast = np.abs(images("patches", 40, 32, 0).pixels).max(axis=(1, 2, 3))
    assert contrast.min() < 0.05  # a patch of many pixels per pixel is grey
    assert contrast.max() > 0.3


def test_patches_use_both_photographs(monkeypatch: pytest.MonkeyPatch) -> None:
    photographs(monkeypatch, np.full((50, 60, 3), 0, np.uint8), np.full((40, 90, 3), 255, np.uint8))
    assert set(np.unique(images("patches", 12, 32, 0).pixels)) == {-1, 1}


def test_patches_lie_in_range() -> None:
    pixels = images("patches", 64, 32, 0).pixels
    assert pixels.min() >= -1
    assert pixels.max() <= 1
    assert pixels.std() > 0.4


def test_digits_are_grey_and_enlarged_without_loss() -> None:
    drawn = images("digits", 1797, 32, 0)
    levels = (drawn.pixels.astype(np.float64) + 1) * 127.5
    assert np.abs(levels - np.rint(levels)).max() < 1e-4
    assert (levels.min(), levels.max()) == (0, 255)
    assert np.array_equal(drawn.pixels[:, 0], drawn.pixels[:, 1])
    assert np.array_equal(drawn.pixels[:, 0], drawn.pixels[:, 2])
    blocks = levels[:, 0].reshape(1797, 8, 4, 8, 4)
    assert (np.ptp(blocks, axis=(2, 4)) == 0).all()
    shades = np.rint(blocks[:, :, 0, :, 0] * 16 / 255)
    expected = load_digits().images
    assert sorted(map(bytes, shades.astype(np.uint8))) == sorted(map(bytes, expected.astype(np.uint8)))  # each once
    small = (images("digits", 1797, 8, 0).pixels[:, 0].astype(np.float64) + 1) * 127.5
    assert np.abs(small - blocks[:, :, 0, :, 0]).max() < 1e-4


def test_there_are_only_so_many_digits() -> None:
    with pytest.raises(InputError, match=r"^1798 images were asked of 'digits': scikit-learn bundles 1797$"):
        images("digits", 1798, 32, 0)


def test_noise_has_its_moments() -> None:
    pixels = images("noise", 40, 32, 0).pixels
    assert abs(pixels.mean()) < 0.005
    assert abs(pixels.std() - 0.5) < 0.005
    assert pixels.min() < -1.5


@pytest.mark.parametrize("function", [lambda: images("patch", 1, 32, 0), lambda: image_files("patch")])
def test_unknown_source(function: Callable[[], object]) -> None:
    with pytest.raises(
        InputError, match=r"^unknown images 'patch'; valid: patches, cifar10, digits, noise, the path of an \.npz file$"
    ):
        function()


@pytest.mark.parametrize(
    ("count", "resolution", "sentence"),
    [(0, 32, "number of images is 0"), (1, 0, "resolution of images is 0"), (1, 513, "resolution of images is 513")],
)
def test_numbers_out_of_range(count: int, resolution: int, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        images("patches", count, resolution, 0)


@pytest.mark.parametrize("name", ["digits", "cifar10"])
def test_sources_of_small_images_have_no_larger_ones(name: str) -> None:
    with pytest.raises(
        InputError, match=f"^the resolution of images is 33: give .* from 1 to 32, the largest of {name}$"
    ):
        images(name, 1, 33, 0)


@pytest.mark.parametrize("resolution", [33, 224, 427, 512])
def test_patches_and_noise_are_cut_as_large_as_they_are_asked_for(resolution: int) -> None:
    for name in ("patches", "noise"):
        pixels = images(name, 3, resolution, 1).pixels
        assert pixels.shape == (3, 3, resolution, resolution)
        assert np.array_equal(images(name, 2, resolution, 1).pixels, pixels[:2])
    # Neighbouring pixels of a photograph are alike, also where it is enlarged; those of noise are not.
    steps = {name: np.abs(np.diff(images(name, 3, resolution, 1).pixels)).mean() for name in ("patches", "noise")}
    assert steps["patches"] < 0.2 < 0.4 < steps["noise"]


def own_images(folder: Path, array: NDArray[Any], name: str = "images") -> str:
    np.savez(folder / "own.npz", allow_pickle=True, **{name: array})
    return str(folder / "own.npz")


def test_own_images_have_any_size(tmp_path: Path) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (2, 600, 600, 3)).astype(np.uint8)
    drawn = images(own_images(tmp_path, levels), 2, 600, 0)
    assert sorted(drawn.pixels.sum(axis=(1, 2, 3))) == pytest.approx(
        sorted((levels / 127.5 - 1).sum(axis=(1, 2, 3))), rel=1e-3
    )


def test_own_images_are_drawn_and_averaged(tmp_path: Path) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (9, 48, 48, 3)).astype(np.uint8)
    path = own_images(tmp_path, levels)
    drawn = images(path, 9, 16, 3)
    assert drawn.name == "own.npz"
    assert drawn.note == "images of the file own.npz"
    assert image_files(path) == []
    blocks = levels.reshape(9, 16, 3, 16, 3, 3).mean(axis=(2, 4)).transpose(0, 3, 1, 2) / 127.5 - 1
    order = np.random.default_rng(3).permutation(9)
    np.testing.assert_allclose(drawn.pixels, blocks[order], atol=1e-6)
    assert np.array_equal(images(path, 4, 16, 3).pixels, drawn.pixels[:4])
    own_images(tmp_path, levels[::-1])
    assert images(path, 9, 16, 3).checksum != drawn.checksum


@pytest.mark.parametrize(
    ("array", "name", "sentence"),
    [
        (np.zeros((4, 32, 32, 3)), "images", "its array has type float64 and shape (4, 32, 32, 3)"),
        (np.zeros((4, 32, 32), np.uint8), "images", "its array has type uint8 and shape (4, 32, 32)"),
        (np.zeros((4, 3, 32, 32), np.uint8), "images", "shape (4, 3, 32, 32)"),
        (np.zeros((4, 32, 30, 3), np.uint8), "images", "shape (4, 32, 30, 3)"),
        (np.zeros((4, 32, 32, 3), np.uint8), "pictures", "its arrays are pictures"),
        (np.array([{}]), "images", "it cannot be read"),  # an object array is a pickle
        (np.zeros((4, 8, 8, 3), np.uint8), "images", "whose images have 8 pixels a side"),
        (np.zeros((1, 32, 32, 3), np.uint8), "images", "it holds 1"),
    ],
)
def test_own_images_that_cannot_be_used(tmp_path: Path, array: NDArray[Any], name: str, sentence: str) -> None:
    path = own_images(tmp_path, array, name)
    with pytest.raises(InputError) as error:
        images(path, 2, 16, 0)
    assert path in str(error.value)
    assert sentence in str(error.value)


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 no archive", b"neither"])
def test_own_files_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "own.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"must be an \.npz file.*(no such file|cannot be read)$"):
        images(str(path), 1, 16, 0)


def test_an_array_file_of_that_name_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "own.npz").open("wb") as file:
        np.save(file, np.zeros((2, 32, 32, 3), np.uint8))
    with pytest.raises(InputError, match="it cannot be read"):
        images(str(tmp_path / "own.npz"), 1, 16, 0)


def test_offline_sources_need_no_files() -> None:
    assert [image_files(name) for name in OFFLINE] == [[], [], []]
