"""The NATS-Bench importer: genuine records against the derived labels, forged and damaged ones refused."""

import bz2
import gzip
import os
import pickle
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cena import spaces
from cena.data import labels, nats_archive
from cena.data.derived import derived_table
from cena.data.importing import import_archive
from cena.data.label_tables import LabelKey, imported_path
from cena.data.nas_bench_201_labels import keys_201, seconds_201
from cena.data.nats_archive import read_nats_archive
from cena.data.public_files import DATASETS
from cena.errors import InputError
from cena.spaces import SizeSpace

NEEDS_DATA = pytest.mark.skipif("CENA_DATA" not in os.environ, reason="CENA_DATA is not set")
WIDTHS = (8, 16)


def training(epochs: int, seed: int, names: list[str], base: float) -> dict[str, Any]:
    """A result as the archive has it: accuracy `base` plus 100 for each name, plus the seed."""
    evaluations = {f"{name}@{epochs - 1}": np.float64(base + 100 * i + seed) for i, name in enumerate(names)}
    return {
        "epochs": epochs,
        "seed": seed,
        "eval_names": names,
        "eval_acc1es": {**evaluations, f"{names[0]}@0": 0.0},
        "eval_times": dict.fromkeys(evaluations, 2.5),
        "train_times": dict.fromkeys(range(epochs), 3.0),
    }


def record(number: int, architecture: str, seeds: tuple[int, ...] = (1, 2)) -> dict[str, Any]:
    results = {}
    for seed in seeds:
        results["cifar10-valid", seed] = training(2, seed, ["x-valid", "ori-test"], 10)
        results["cifar10", seed] = training(2, seed, ["ori-test"], 20)
        results["ImageNet16-120", seed] = training(2, seed, ["ori-test", "x-valid", "x-test"], 30)
    return {"02": {"arch_index": number, "arch_str": architecture, "all_results": results}}


def compressed(content: object) -> bytes:
    return bz2.compress(pickle.dumps(content))


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A complete archive of a size space with two widths; its records are not in the order of the space."""
    folder = tmp_path / "NATS-sss-v1_0-50262-simple"
    folder.mkdir()
    space = SizeSpace("nats-bench-size", WIDTHS)
    for number in range(len(space)):
        # The last record has one seed only.
        content = record(number, space.architecture(len(space) - 1 - number), (1,) if number == 31 else (1, 2))
        (folder / f"{number:06d}.pickle.pbz2").write_bytes(compressed(content))
    (folder / "meta.pickle.pbz2").write_bytes(b"not read")
    return folder


@pytest.fixture
def small_space(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SizeSpace:
    """Makes the size space that of :func:`archive`, and the download folder an empty one."""
    space = SizeSpace("nats-bench-size", WIDTHS)
    monkeypatch.setattr(spaces, "load", lambda _: space)
    monkeypatch.setenv("CENA_DATA", str(tmp_path / "data"))
    return space


def test_every_split_comes_from_its_own_training(archive: Path) -> None:
    told: list[tuple[int, int]] = []
    arrays = read_nats_archive(archive, lambda done, total: told.append((done, total)))
    assert told == [(count, 0) for count in range(1, 33)]
    assert arrays["architecture"][0] == "16:16:16:16:16"
    expected = {
        "accuracy.cifar10.validation.2.seed1": 11,
        "accuracy.cifar10.validation.2.mean": 11.5,
        "accuracy.cifar10.test.2.seed2": 22,  # of the training on all images, not of cifar10-valid's ori-test
        "accuracy.imagenet16.validation.2.seed2": 132,
        "accuracy.imagenet16.test.2.mean": 231.5,
        "train_seconds.cifar10.validation.2": 6,
        "evaluation_seconds.imagenet16.test": 2.5,
    }
    assert {name: arrays[name][0] for name in expected} == expected
    assert np.isnan(arrays["accuracy.cifar10.test.2.seed2"][31])
    assert arrays["accuracy.cifar10.test.2.mean"][31] == 21
    assert not any("ori-test" in name or "cifar100" in name for name in arrays)


def test_a_tar_is_read_like_its_folder(archive: Path, tmp_path: Path) -> None:
    path = tmp_path / "archive.tar"
    with tarfile.open(path, "w") as tar:
        tar.add(archive, "NATS-sss-v1_0-50262-simple")
    from_tar, from_folder = read_nats_archive(path), read_nats_archive(archive)
    assert from_tar.keys() == from_folder.keys()
    for name, values in from_folder.items():
        np.testing.assert_array_equal(from_tar[name], values)


def test_an_import_becomes_labels_in_the_order_of_the_space(archive: Path, small_space: SizeSpace) -> None:
    path = import_archive("nats-bench-size", archive)
    assert path == imported_path("nats-bench-size")
    assert list(path.parent.iterdir()) == [path]
    key = LabelKey("cifar10", "test", 2, "seed2")
    values = labels.accuracy("nats-bench-size", key)
    assert np.isnan(values[0])  # record 31 is the first architecture, 8:8:8:8:8
    assert np.all(values[1:] == 22)
    assert LabelKey("imagenet16", "validation", 2, "mean") in labels.available("nats-bench-size")
    assert labels.label_files("nats-bench-size", key) == []
    origin = labels.origin("nats-bench-size", key)
    assert origin.startswith("imported from NATS-sss-v1_0-50262-simple (sha256 ")
    assert np.all(labels.train_seconds("nats-bench-size", key) == 6)
    assert np.all(labels.evaluation_seconds("nats-bench-size", key) == 2.5)
    authors = LabelKey("cifar10", "validation", 90, "one")  # which the archive lacks
    assert len(labels.label_files("nats-bench-size", authors)) == 2
    assert len(small_space) == len(values)


def test_an_incomplete_archive_is_refused(archive: Path, small_space: SizeSpace) -> None:
    (archive / "000007.pickle.pbz2").unlink()
    with pytest.raises(InputError, match=r"holds 31 of the 32 architectures of nats-bench-size: get the whole archive"):
        import_archive(small_space.name, archive)
    assert not imported_path(small_space.name).exists()


@pytest.mark.usefixtures("small_space")
def test_an_archive_of_another_space_is_refused(archive: Path) -> None:
    number = 3
    content = record(number, "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")
    (archive / f"{number:06d}.pickle.pbz2").write_bytes(compressed(content))
    with pytest.raises(InputError, match="is not the archive of nats-bench-size: malformed architecture"):
        import_archive("nats-bench-size", archive)


class Malicious:
    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (self.path,)


def without(key: str) -> dict[str, Any]:
    content = record(3, "8:8:8:8:8")
    del content["02"]["all_results"]["cifar10", 1][key]
    return content


def with_accuracy(value: object) -> dict[str, Any]:
    content = record(3, "8:8:8:8:8")
    content["02"]["all_results"]["cifar10", 1]["eval_acc1es"]["ori-test@1"] = value
    return content


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (compressed(record(4, "8:8:8:8:8")), "is of architecture 4: its name must be its number"),
        (compressed(without("eval_acc1es")), "is no record of NATS-Bench"),
        (compressed([1, 2]), "is no record of NATS-Bench"),
        (compressed({"02": None}), "is no record of NATS-Bench"),
        (compressed(record(3, "8:8:8:8:8"))[:-9], "is truncated; get NATS-Bench's 'simple' archive"),
        (compressed(record(3, "8" * 1000)), "is no record of NATS-Bench"),
        (compressed({float("inf"): record(3, "8:8:8:8:8")["02"]}), "is no record of NATS-Bench"),
        (compressed({"02": {"arch_index": 10**5000}}), "is no record of NATS-Bench"),
        (compressed(with_accuracy(10**400)), "is no record of NATS-Bench"),
        (compressed(with_accuracy([50.0])), "is no record of NATS-Bench"),
        (compressed({"02": record(3, "8:8:8:8:8")["02"] | {"all_results": dict.fromkeys(range(200))}}), "is no record"),
        (b"plain", "is not compressed by bzip2"),
        (bz2.compress(b"no pickle"), "is damaged: it is no complete pickle"),
        (bz2.compress(bytes(2**20)), "has more than 65,536 bytes"),
    ],
)
def test_a_bad_record_is_named(archive: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, sentence: str) -> None:
    monkeypatch.setattr(nats_archive, "_LARGEST", 2**16)
    (archive / "000003.pickle.pbz2").write_bytes(content)
    with pytest.raises(InputError, match=r"^000003\.pickle\.pbz2 ") as error:
        read_nats_archive(archive)
    assert sentence in str(error.value)


def test_a_malicious_record_runs_nothing(archive: Path, tmp_path: Path) -> None:
    made = tmp_path / "made"
    (archive / "000003.pickle.pbz2").write_bytes(compressed({"02": Malicious(made)}))
    with pytest.raises(InputError, match=r"^000003\.pickle\.pbz2 is refused: it asks for '(posix|nt)\.mkdir'"):
        read_nats_archive(archive)
    assert not made.exists()


def test_records_with_ever_new_labels_are_refused(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each adds a column as long as the table."""
    monkeypatch.setattr(nats_archive, "_MOST_COLUMNS", 19)
    with pytest.raises(InputError, match="its records have more than 19 kinds of labels"):
        read_nats_archive(archive)


def one_record(folder: Path) -> Path:
    (folder / "000003.pickle.pbz2").write_bytes(compressed(record(3, "8:8:8:8:8")))
    return folder / "000003.pickle.pbz2"


def packed(folder: Path) -> Path:
    (folder / "x.tar.gz").write_bytes(gzip.compress(b"x"))
    return folder / "x.tar.gz"


def of_torch(folder: Path) -> Path:
    (folder / "NAS-Bench-201-v1_1.pth").write_bytes(b"PK\x03\x04")
    return folder / "NAS-Bench-201-v1_1.pth"


def empty(folder: Path) -> Path:
    return folder


def absent(folder: Path) -> Path:
    return folder / "absent.tar"


def garbage(folder: Path) -> Path:
    (folder / "garbage.tar").write_bytes(b"garbage" * 1000)
    return folder / "garbage.tar"


def cut(folder: Path) -> Path:
    with tarfile.open(folder / "cut.tar", "w") as tar:
        (folder / "000000.pickle.pbz2").write_bytes(compressed(record(0, "8:8:8:8:8")) + bytes(5000))
        tar.add(folder / "000000.pickle.pbz2")
    (folder / "cut.tar").write_bytes((folder / "cut.tar").read_bytes()[:2000])
    return folder / "cut.tar"


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (empty, "holds no NATS-Bench record"),
        (absent, "there is no archive"),
        (garbage, "is no complete .tar archive"),
        (cut, "is no complete .tar archive"),
        (one_record, "is one record: give the folder of all of them"),
        (packed, "is compressed by gzip; expected NATS-Bench's 'simple' archive, .*: unpack it first"),
        (
            of_torch,
            r"\.pth is a zip archive, such as torch.save writes \(.pth\); expected NATS-Bench's 'simple' archive",
        ),
    ],
)
def test_what_is_no_archive(tmp_path: Path, make: Callable[[Path], Path], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_nats_archive(make(tmp_path))


def test_unknown_space(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^unknown space with an importer 'nas-bench-200'; valid: nas-bench-201"):
        import_archive("nas-bench-200", tmp_path)


@pytest.mark.real_data
@NEEDS_DATA
def test_genuine_records_agree_with_the_derived_labels() -> None:
    folder = Path(os.environ["CENA_DATA"])
    arrays, derived = read_nats_archive(folder / "nats_bench_sample"), derived_table("nas-bench-201")
    names = derived["architecture"].tolist()
    rows = [names.index(name) for name in arrays["architecture"]]
    keys = {key for dataset in DATASETS for key in keys_201(dataset)}
    for key in keys:
        ours = derived[key.array_name()][rows]
        if key.trials == "another":  # it is one of these, and not said which
            seeds = [arrays[replace(key, trials=f"seed{seed}").array_name()] for seed in (777, 888, 999)]
            assert np.all(np.min(np.abs(np.array(seeds) - ours), axis=0) < 1e-6)
        else:  # after 12 epochs the one training is also the mean
            theirs = arrays[replace(key, trials="mean").array_name()]
            np.testing.assert_allclose(theirs, ours, atol=4e-5, err_msg=str(key))
    assert len(keys) == 15


@pytest.mark.real_data
@NEEDS_DATA
def test_genuine_seconds_agree_with_the_derived_ones() -> None:
    """All three are among the 1,000 that were timed."""
    arrays = read_nats_archive(Path(os.environ["CENA_DATA"]) / "nats_bench_sample")
    derived = derived_table("nas-bench-201")
    names = derived["architecture"].tolist()
    rows = [names.index(name) for name in arrays["architecture"]]
    for key in (LabelKey(dataset, split, 200, "mean") for dataset in DATASETS for split in ("validation", "test")):
        train, evaluation = seconds_201(derived, key)
        theirs = arrays[f"train_seconds.{key.dataset}.{key.split}.200"]
        np.testing.assert_allclose(theirs, train[rows], rtol=1e-9)
        theirs = arrays[f"evaluation_seconds.{key.dataset}.{key.split}"]
        np.testing.assert_allclose(theirs, evaluation[rows], rtol=1e-6)
