"""CIFAR-10 as a source of images: from the archive, from the development subset, and when neither is there."""

import hashlib
import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest

from cena.data import public_files, registry
from cena.data.images import image_files, images
from cena.data.public_files import DataFile
from cena.errors import InputError


def archive_bytes(per_batch: int) -> bytes:
    """An archive like CIFAR-10's: training image i is red 5i, its green grows to the right and its blue downwards."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for number in (2, 1, 3, 5, 4):  # the order in the archive must not matter
            records = bytearray()
            for i in range((number - 1) * per_batch, number * per_batch):
                plane = np.indices((32, 32), dtype=np.uint8)
                records += bytes([i % 10, *[5 * i] * 1024]) + plane[1].tobytes() + plane[0].tobytes()
            add(archive, f"cifar-10-batches-bin/data_batch_{number}.bin", bytes(records))
        add(archive, "cifar-10-batches-bin/test_batch.bin", bytes([0, *[255] * 3072]))
        add(archive, "cifar-10-batches-bin/readme.html", b"not a batch")
    return content.getvalue()


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def subset_bytes() -> bytes:
    content = io.BytesIO()
    pixels = np.zeros((30, 32, 32, 3), np.uint8)
    pixels[..., 0] = np.arange(30)[:, None, None]
    pixels[..., 1] = np.arange(32)
    np.savez(content, train_images=pixels)
    return content.getvalue()


@pytest.fixture
def cifar_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty download folder whose registry expects the small archive and the small subset of this test."""
    for name, content in ((public_files.CIFAR10, archive_bytes(10)), (public_files.CIFAR10_SUBSET, subset_bytes())):
        digest = hashlib.sha256(content).hexdigest()
        monkeypatch.setitem(registry.REGISTRY, name, DataFile(digest, None, "a test's"))
        (tmp_path / "ready").mkdir(exist_ok=True)
        (tmp_path / "ready" / name).write_bytes(content)
    monkeypatch.setenv("CENA_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def provide(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder.parent / "ready" / name).read_bytes())


def test_cifar10_from_the_archive(cifar_folder: Path) -> None:
    provide(cifar_folder, public_files.CIFAR10)
    drawn = images("cifar10", 50, 32, 0)
    levels = np.rint((drawn.pixels + 1) * 127.5)
    assert sorted(levels[:, 0, 7, 3]) == [5 * i for i in range(50)]  # every training image once, none of the test batch
    assert np.all(levels[:, 0] == levels[:, 0, :1, :1])
    assert np.array_equal(levels[11, 1], np.indices((32, 32))[1])
    assert np.array_equal(levels[11, 2], np.indices((32, 32))[0])
    assert drawn.note == "CIFAR-10 training images"
    assert np.array_equal(images("cifar10", 8, 32, 0).pixels, drawn.pixels[:8])
    assert not np.array_equal(images("cifar10", 8, 32, 1).pixels, drawn.pixels[:8])


def test_cifar10_order_is_the_archive_s_batches(cifar_folder: Path) -> None:
    provide(cifar_folder, public_files.CIFAR10)
    order = np.random.default_rng(5).permutation(50)[:6]
    assert np.array_equal(np.rint((images("cifar10", 6, 32, 5).pixels[:, 0, 0, 0] + 1) * 127.5), 5 * order)


def test_cifar10_from_the_subset_says_so(cifar_folder: Path) -> None:
    provide(cifar_folder, public_files.CIFAR10_SUBSET)
    drawn = images("cifar10", 30, 32, 0)
    levels = np.rint((drawn.pixels + 1) * 127.5)
    assert sorted(levels[:, 0, 0, 0]) == list(range(30))
    assert np.array_equal(levels[3, 1, 5], np.arange(32))
    assert "development subset" in drawn.note
    assert image_files("cifar10") == [public_files.CIFAR10_SUBSET]


def test_the_archive_goes_before_the_subset(cifar_folder: Path) -> None:
    assert image_files("cifar10") == [public_files.CIFAR10]
    provide(cifar_folder, public_files.CIFAR10_SUBSET)
    provide(cifar_folder, public_files.CIFAR10)
    assert image_files("cifar10") == [public_files.CIFAR10]
    assert "development subset" not in images("cifar10", 2, 32, 0).note


def test_too_many_images(cifar_folder: Path) -> None:
    provide(cifar_folder, public_files.CIFAR10_SUBSET)
    with pytest.raises(
        InputError, match=r"^31 images were asked of 'cifar10': cifar10_12k\.npz holds 30 training images$"
    ):
        images("cifar10", 31, 32, 0)


@pytest.mark.usefixtures("cifar_folder")
def test_missing_cifar10_names_the_official_archive() -> None:
    with pytest.raises(InputError, match=r"cifar-10-binary\.tar\.gz"):
        images("cifar10", 1, 32, 0)


@pytest.mark.real_data
@pytest.mark.skipif("CENA_DATA" not in os.environ, reason="CENA_DATA is not set")
def test_real_cifar10_looks_like_photographs() -> None:
    pixels = images("cifar10", 256, 32, 0).pixels
    assert pixels.min() == -1
    assert pixels.max() == 1
    assert abs(pixels.mean()) < 0.15
    neighbours = np.corrcoef(pixels[..., :-1].ravel(), pixels[..., 1:].ravel())[0, 1]
    assert neighbours > 0.9
