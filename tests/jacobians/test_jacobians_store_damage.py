"""Damage to a view store: none is read as good, only its chunk is computed again, nothing that is good is deleted."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zarr
from test_jacobians_store import ARRAYS, CLASSES, CONFIGURATION, IMAGES, LENGTHS, READ, SHAPE, SPACE

from cena.errors import InputError
from cena.jacobians import ViewStore, class_views
from cena.jacobians import store as module
from cena.jacobians.store import CLASSES_A_CHUNK as CHUNK


def create(path: Path) -> ViewStore:
    return ViewStore.create(path, SHAPE, CONFIGURATION, LENGTHS)


def contents(store: ViewStore) -> dict[str, bytes]:
    readings = {name: store.reading(name).tobytes() for name in READ}
    return {name: getattr(store, name).tobytes() for name in ARRAYS} | readings


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> ViewStore:
    store = create(tmp_path_factory.mktemp("whole") / "store")
    store.compute(SPACE, IMAGES, seed=3, precision="float32", workers=1)
    return store


@pytest.fixture
def path(whole: ViewStore, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(whole.path, tmp_path / "store"))


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The classes that are computed from now on."""
    numbers: list[int] = []

    def watched(*arguments):
        numbers.append(arguments[2])
        return class_views(*arguments)

    monkeypatch.setattr(module, "class_views", watched)
    return numbers


def mend(path: Path) -> ViewStore:
    store = create(path)
    store.compute(SPACE, IMAGES, seed=3, precision="float32", workers=1)
    return store


def flip(file: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    content = bytearray(file.read_bytes())
    content[rng.integers(len(content))] ^= 1 << rng.integers(8)
    file.write_bytes(content)


def cut(file: Path, _: int) -> None:
    file.write_bytes(file.read_bytes()[:-3])


def zero(file: Path, _: int) -> None:
    file.write_bytes(bytes(file.stat().st_size))


def lose(file: Path, _: int) -> None:
    file.unlink()


HARM = [flip, lose, flip, zero, cut]
LAST = (CLASSES - 1) // CHUNK


def chunk_file(path: Path, name: str, chunk: int) -> Path:
    [file] = [file for file in (path / name / "c" / str(chunk)).rglob("*") if file.is_file()]
    return file


@pytest.mark.parametrize("name", ["directions", "singular_values", "jacov", "status", *READ])
def test_a_damaged_chunk_is_noticed_and_only_its_classes_are_computed_again(
    name: str, path: Path, whole: ViewStore, computed: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    for seed, harm in enumerate(HARM):
        if name == "status" and harm == lose:  # without a status a chunk is not computed yet
            continue
        computed.clear()
        caplog.clear()
        chunk = LAST if seed else 0
        file = chunk_file(path, name, chunk)
        harm(file, seed)
        with pytest.raises(InputError, match=f"{file}' is damaged or lost: ViewStore.create and compute"):
            contents(ViewStore(path))
        assert contents(mend(path)) == contents(whole)
        assert computed == [*range(CHUNK * chunk, min(CHUNK * (chunk + 1), CLASSES))]
        assert f"damaged or lost: {file}; their classes are computed again" in caplog.text


@pytest.mark.parametrize("name", [".", "directions", "singular_values", "status", READ[0]])
def test_a_damaged_description_is_noticed_and_written_again_and_costs_no_views(
    name: str, path: Path, whole: ViewStore, computed: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    file = path / name / "zarr.json"
    description = file.read_bytes()
    for seed, harm in enumerate(HARM):
        file.write_bytes(description)
        harm(file, seed)
        with pytest.raises(InputError, match=r"zarr\.json.* is damaged.*ViewStore.create"):
            ViewStore(path)
        assert contents(mend(path)) == contents(whole)
        assert file.read_bytes() == description
    assert not computed
    assert "zarr.json" in caplog.text


@pytest.mark.parametrize("name", [".", "directions"])
@pytest.mark.parametrize("harm", [flip, lose])
def test_a_damaged_store_is_not_taken_for_that_of_another_configuration(
    name: str, harm: Callable[[Path, int], None], path: Path, whole: ViewStore
) -> None:
    harm(path / name / "zarr.json", 1)
    with pytest.raises(InputError, match="was made with another configuration"):
        ViewStore.create(path, SHAPE, {**CONFIGURATION, "seed": 4}, LENGTHS)
    assert contents(create(path)) == contents(whole)


def test_many_damaged_files_are_one_line(
    path: Path, whole: ViewStore, computed: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    shutil.rmtree(path / "jacov" / "c")
    with caplog.at_level(logging.WARNING):
        assert contents(mend(path)) == contents(whole)
    assert computed == [*range(CLASSES)]
    assert len(caplog.records) == 1


@pytest.mark.parametrize("stray", [".DS_Store", ".nfs0001", "zarr (1).json", "folder/zarr.json"])
def test_stray_files_do_not_matter(
    stray: str, path: Path, whole: ViewStore, computed: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    for folder in (path, path / "directions", chunk_file(path, "jacov", 0).parent):
        (folder / stray).parent.mkdir(exist_ok=True)
        (folder / stray).write_bytes(b"Bud1")
    assert contents(ViewStore(path)) == contents(mend(path)) == contents(whole)
    assert not computed
    assert not caplog.text
    (path / "zarr.json").unlink()
    assert contents(mend(path)) == contents(whole)
    assert (path / stray).read_bytes() == b"Bud1"


@pytest.mark.parametrize("stray", [".DS_Store", ".nfs0001"])
def test_a_store_is_made_beside_hidden_files(stray: str, tmp_path: Path) -> None:
    (tmp_path / stray).write_bytes(b"Bud1")
    assert len(create(tmp_path).missing()) == CLASSES
    assert (tmp_path / stray).exists()


def without_checksums(path: Path) -> None:
    """Make of a store what it was before there were checksums: zeros were no file."""
    group = zarr.open_group(path, mode="r+")
    del group.attrs["sha256"]
    for name in (*ARRAYS, *READ):
        array = group[name]
        values, chunks, dtype = array[:], array.chunks, array.dtype
        group.create_array(name, shape=values.shape, chunks=chunks, dtype=dtype, overwrite=True)[:] = values


def test_a_store_from_before_the_checksums_is_read_and_completed(
    path: Path, whole: ViewStore, computed: list[int]
) -> None:
    without_checksums(path)
    chunk_file(path, "jacov", 1).unlink()
    assert contents(mend(path)) == contents(whole)
    assert computed == [*range(CHUNK, min(2 * CHUNK, CLASSES))]
