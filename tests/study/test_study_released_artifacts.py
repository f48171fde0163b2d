"""What a run has computed travels in the package: packed, unpacked where it is asked for, and checked as any other."""

from pathlib import Path

import numpy as np
import pytest

from cena.study import released_artifacts
from cena.study.artifacts import ArtifactStore
from cena.study.released_artifacts import LARGEST_ARTIFACT, LARGEST_TOGETHER, RELEASED_FOLDER, pack


def never() -> dict[str, np.ndarray]:
    raise AssertionError("it was computed")


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The place of released artifacts, empty."""
    place = tmp_path / "released"
    monkeypatch.setattr(released_artifacts, "RELEASED_FOLDER", place)
    return place


@pytest.fixture
def store(tmp_path) -> ArtifactStore:
    """A run that has computed two small artifacts, a large one, a folder of folders, and one that is soon computed."""
    made = ArtifactStore(tmp_path / "made")
    made.arrays("searches", {"n": 1}, lambda: {"a": np.arange(5)})
    made.arrays("searches", {"n": 2}, lambda: {"a": np.arange(7), "b": np.eye(2)})
    made.arrays("layout", {"n": 1}, lambda: {"a": np.zeros(LARGEST_ARTIFACT // 8 + 1)})

    def nested(place: Path) -> None:
        (place / "deep").mkdir()
        (place / "deep" / "file").write_text("x")

    made.folder("embedding", {}, nested)
    made.arrays("neighbours", {"n": 1}, lambda: {"a": np.arange(5)})
    return made


def test_small_artifacts_are_packed_and_found_without_computing(store, folder, tmp_path):
    (store.root / "searches" / ".hidden.partial").mkdir()
    assert pack(store.root, folder / "one.zip") == 2
    elsewhere = ArtifactStore(tmp_path / "elsewhere")
    np.testing.assert_array_equal(elsewhere.arrays("searches", {"n": 2}, never)["b"], np.eye(2))
    found = elsewhere.stored("searches", {"n": 1})
    assert found is not None
    np.testing.assert_array_equal(found["a"], np.arange(5))
    assert elsewhere.stored("searches", {"n": 3}) is None
    assert elsewhere.stored("layout", {"n": 1}) is elsewhere.stored("neighbours", {"n": 1}) is None
    with pytest.raises(AssertionError, match="it was computed"):
        elsewhere.arrays("layout", {"n": 1}, never)


def test_who_wants_none_computes_all(store, folder, tmp_path, monkeypatch):
    pack(store.root, folder / "one.zip")
    monkeypatch.setenv("CENA_RELEASED", "no")
    elsewhere = ArtifactStore(tmp_path / "elsewhere")
    assert elsewhere.stored("searches", {"n": 1}) is None
    with pytest.raises(AssertionError, match="it was computed"):
        elsewhere.arrays("searches", {"n": 1}, never)


def test_equal_artifacts_are_packed_to_equal_bytes(store, folder):
    for name in ("one.zip", "two.zip"):
        pack(store.root, folder / name)
    assert (folder / "one.zip").read_bytes() == (folder / "two.zip").read_bytes()


def test_a_released_artifact_with_other_content_is_computed(store, folder, tmp_path):
    """Readable as it is: its checksum tells."""
    for file in (store.root / "searches").glob("[!.]*/arrays.npz"):
        np.savez(file, a=np.zeros(3))
    pack(store.root, folder / "one.zip")
    found = ArtifactStore(tmp_path / "elsewhere").arrays("searches", {"n": 1}, lambda: {"a": np.arange(5)})
    np.testing.assert_array_equal(found["a"], np.arange(5))


def test_what_is_released_is_small_enough():
    assert sum(path.stat().st_size for path in RELEASED_FOLDER.glob("*.zip")) <= LARGEST_TOGETHER
