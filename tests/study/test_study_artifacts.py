import errno
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from cena.files import file_sha256
from cena.study import artifacts
from cena.study.artifacts import ArtifactStore, artifact_key, locked
from cena.study.checkout import checkout


@dataclass(frozen=True)
class Settings:
    width: int
    rates: tuple[float, ...]


@pytest.fixture
def store(tmp_path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def write_one(folder: Path) -> None:
    (folder / "one.txt").write_text("one")


def test_key_depends_on_content_only():
    config = {"settings": Settings(3, (0.1, 0.2)), "n": np.int64(4), "names": ("a", "b")}
    same = {"names": ["a", "b"], "n": 4, "settings": {"rates": [0.1, 0.2], "width": 3}}
    assert artifact_key(config) == artifact_key(same)
    assert len(artifact_key(config)) == 16
    assert artifact_key(config) != artifact_key({**same, "n": 5})


def test_key_refuses_what_json_cannot_hold():
    with pytest.raises(TypeError, match="ndarray"):
        artifact_key({"x": np.zeros(2)})
    with pytest.raises(ValueError, match="JSON"):
        artifact_key({"x": float("nan")})


def test_root_comes_from_the_environment_else_the_checkout(monkeypatch, tmp_path):
    monkeypatch.setenv("CENA_ARTIFACTS", str(tmp_path))
    assert ArtifactStore().root == tmp_path
    monkeypatch.delenv("CENA_ARTIFACTS")
    assert ArtifactStore().root == checkout() / "artifacts"


def test_a_folder_is_built_once_and_says_what_made_it(store):
    built = []

    def build(folder: Path) -> None:
        built.append(1)
        write_one(folder)

    first = store.folder("views", {"n": 1}, build)
    assert store.folder("views", {"n": 1}, build) == first == store.root / "views" / artifact_key({"n": 1})
    assert len(built) == 1
    assert (first / "one.txt").read_text() == "one"
    assert '"n": 1' in (first / "config.json").read_text()
    store.folder("views", {"n": 2}, build)
    assert len(built) == 2


def test_arrays_come_back_as_they_were_without_being_computed_again(store):
    arrays = {"x": np.arange(6, dtype=np.float32).reshape(2, 3), "y": np.array([True, False])}
    store.arrays("layout", {}, lambda: arrays)
    again = store.arrays("layout", {}, lambda: pytest.fail("computed again"))
    assert set(again) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(again[name], array)
        assert again[name].dtype == array.dtype


def test_objects_are_never_pickled(store):
    with pytest.raises(ValueError, match="allow_pickle"):
        store.arrays("layout", {}, lambda: {"x": np.array([{}], dtype=object)})
    assert store.stored("layout", {}) is None


def full(folder: Path) -> None:
    (folder / "half.part").write_text("half")
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_no_artifact(store):
    with pytest.raises(OSError, match="No space"):
        store.folder("views", {}, full)
    assert not (store.root / "views" / artifact_key({})).exists()
    assert (store.folder("views", {}, write_one) / "one.txt").exists()


def test_a_build_goes_on_from_what_it_had(store):
    def build(folder: Path) -> None:
        if not (folder / "one.txt").exists():
            write_one(folder)
            raise KeyboardInterrupt
        (folder / "two.txt").write_text("two")

    with pytest.raises(KeyboardInterrupt):
        store.folder("views", {}, build)
    done = store.folder("views", {}, build)
    assert {path.name for path in done.iterdir()} == {"config.json", "one.txt", "two.txt"}
    assert not list(store.root.rglob("*.partial"))


def cut(folder: Path) -> None:
    (folder / "arrays.npz").write_bytes((folder / "arrays.npz").read_bytes()[:-5])


def flip(folder: Path) -> None:
    content = bytearray((folder / "arrays.npz").read_bytes())
    content[200] ^= 255
    (folder / "arrays.npz").write_bytes(content)


def zero(folder: Path) -> None:
    """What a power cut leaves."""
    (folder / "arrays.npz").write_bytes(bytes((folder / "arrays.npz").stat().st_size))


def lose(folder: Path) -> None:
    (folder / "arrays.npz").unlink()


def obstruct(folder: Path) -> None:
    lose(folder)
    (folder / "arrays.npz").mkdir()


@pytest.mark.parametrize("damage", [cut, flip, zero, lose, obstruct])
def test_a_damaged_file_is_built_again_and_it_is_said(store, caplog, damage):
    store.arrays("layout", {"n": 1}, lambda: {"x": np.arange(100.0)})
    place = store.root / "layout" / artifact_key({"n": 1})
    damage(place)
    assert store.stored("layout", {"n": 1}) is None
    again = store.arrays("layout", {"n": 1}, lambda: {"x": np.arange(100.0)})
    np.testing.assert_array_equal(again["x"], np.arange(100.0))
    assert f"damaged or lost: {place / 'arrays.npz'}; built again" in caplog.text
    assert {path.name for path in place.glob("[!.]*")} == {"arrays.npz", "config.json"}


def one_bit(file: Path, rng: np.random.Generator) -> None:
    content = bytearray(file.read_bytes())
    content[rng.integers(len(content))] ^= 1 << rng.integers(8)
    file.write_bytes(content)


@pytest.mark.parametrize("seed", range(20))
def test_damage_to_a_description_costs_nothing_but_is_said(store, caplog, seed):
    arrays = store.arrays("layout", {"n": 1}, lambda: {"x": np.arange(100.0)})
    description = store.root / "layout" / artifact_key({"n": 1}) / "config.json"
    whole = description.read_text()
    one_bit(description, np.random.default_rng(seed))
    again = store.arrays("layout", {"n": 1}, lambda: pytest.fail("computed again"))
    np.testing.assert_array_equal(again["x"], arrays["x"])
    assert "config.json" in caplog.text
    assert description.read_text() == whole


def test_an_artifact_older_than_checksums_is_kept_and_gets_them(store, caplog):
    store.arrays("searches", {}, lambda: {"x": np.arange(9.0)})
    description = store.root / "searches" / artifact_key({}) / "config.json"
    whole = description.read_text()
    description.write_text(json.dumps({"kind": "searches", "config": {}, "files": 1, "bytes": 1}))
    found = store.stored("searches", {})
    assert found is not None
    assert found["x"].tolist() == [*range(9)]
    assert description.read_text() == whole
    assert not caplog.text


STRAYS = (".DS_Store", ".nfs0001", "config (1).json", "views (conflict)/one.txt")


@pytest.mark.parametrize("stray", STRAYS)
def test_a_stray_file_neither_damages_nor_destroys(store, caplog, stray):
    def build(folder: Path) -> None:
        (folder / "deep").mkdir()
        write_one(folder / "deep")

    place = store.folder("views", {}, build)
    for folder in (place, place / "deep", place.parent):
        (folder / stray).parent.mkdir(exist_ok=True)
        (folder / stray).write_bytes(b"Bud1")
    assert store.folder("views", {}, lambda _: pytest.fail("built again")) == place
    assert (place / stray).read_bytes() == b"Bud1"
    assert not caplog.text


def test_nothing_is_deleted_before_its_replacement_is_whole(store):
    def build(folder: Path) -> None:
        write_one(folder)
        (folder / "two.txt").write_text("two")

    place = store.folder("views", {}, build)
    (place / "one.txt").write_text("no")
    with pytest.raises(OSError, match="No space"):
        store.folder("views", {}, full)
    assert (place / "two.txt").read_text() == "two"
    assert [path.read_text() for path in place.glob(".one.txt*")] == ["no"]
    store.folder("views", {}, write_one)
    assert (place / "one.txt").read_text() == "one"
    assert not list(place.glob(".*"))


def test_files_are_checked_once_in_a_process(store, monkeypatch):
    store.folder("views", {}, write_one)
    checked = []
    monkeypatch.setattr(artifacts, "file_sha256", lambda path: checked.append(path.name) or file_sha256(path))
    for _ in range(3):
        ArtifactStore(store.root).folder("views", {}, write_one)
    assert checked == ["one.txt"]


def test_an_error_of_the_computation_is_not_taken_for_damage(store, caplog):
    def wrong() -> dict[str, np.ndarray]:
        raise ValueError("the computation is wrong")

    with pytest.raises(ValueError, match="the computation is wrong"):
        store.arrays("layout", {}, wrong)
    assert not caplog.text


def build_slowly(root: Path) -> None:
    def build(folder: Path) -> None:
        with (root / "builds").open("a") as file:
            file.write("x")
        time.sleep(0.3)
        write_one(folder)

    ArtifactStore(root).folder("views", {}, build)


def test_two_processes_build_it_once(tmp_path):
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    processes = [context.Process(target=build_slowly, args=(tmp_path,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(20)
    assert [process.exitcode for process in processes] == [0, 0]
    assert (tmp_path / "builds").read_text() == "x"


def test_a_killed_build_leaves_no_lock_and_no_artifact(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from cena.study.artifacts import ArtifactStore\n"
        "def build(folder):\n"
        "    (folder / 'half.txt').write_text('half'); print('half', flush=True); time.sleep(60)\n"
        "ArtifactStore(Path(sys.argv[1])).folder('views', {}, build)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"half\n"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "views" / artifact_key({})).exists()
    assert (ArtifactStore(tmp_path).folder("views", {}, write_one) / "one.txt").exists()


def test_a_lock_is_free_after_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "lock"):
        _ = 1 / 0
    with locked(tmp_path / "lock"):
        pass
