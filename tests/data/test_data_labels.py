"""Labels: every accuracy beside its architecture, and the sentences for labels that do not exist."""

import hashlib
import json
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cena import spaces
from cena.data import labels, public_files, registry
from cena.data.label_tables import imported_path
from cena.data.labels import LabelKey
from cena.data.nas_bench_201_labels import SOURCES_201
from cena.data.public_files import DataFile
from cena.errors import InputError
from cena.spaces.nas_bench_201.cells import all_topology_cells, format_topology_cell


@pytest.fixture
def authors_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A download folder with the authors' files in miniature: the label of a cell is its number in our order."""
    monkeypatch.setenv("CENA_DATA", str(tmp_path))
    shuffled = np.random.default_rng(0).permutation(15625)
    folder = tmp_path / "lightonai/SearchSpaces/Bench201"
    folder.mkdir(parents=True)
    cells = all_topology_cells()
    (folder / "configs.txt").write_text("\n".join(format_topology_cell(cells[i]) for i in shuffled))
    for offset, name in enumerate(("cifar10", "cifar100", "ImageNet16-120")):
        np.save(folder / f"{name}_test_accs.npy", shuffled + offset / 4)
    for path in folder.iterdir():
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        entry = DataFile(digest, None, "a test's")
        monkeypatch.setitem(registry.REGISTRY, str(path.relative_to(tmp_path)), entry)
    return folder


@pytest.mark.usefixtures("authors_files")
@pytest.mark.parametrize(("dataset", "offset"), [("cifar10", 0), ("cifar100", 0.25), ("imagenet16", 0.5)])
def test_authors_labels_are_aligned_by_string(dataset: str, offset: float) -> None:
    values = labels.accuracy("nas-bench-201", LabelKey(dataset, "test", 200, "one"))
    assert values.dtype == np.float64
    assert np.array_equal(values, np.arange(15625) + offset)


def test_a_changed_array_is_refused(authors_files: Path) -> None:
    np.save(authors_files / "cifar10_test_accs.npy", np.zeros(15625))
    with pytest.raises(InputError, match="is damaged"):
        labels.accuracy("nas-bench-201", LabelKey("cifar10", "test", 200, "one"))


@pytest.fixture
def bundled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[pd.DataFrame], None]:
    """Makes a table the bundled one of digits-size."""

    def bundle(table: pd.DataFrame) -> None:
        monkeypatch.setattr(labels, "BUNDLED", tmp_path)
        table.to_csv(tmp_path / "digits_size.csv.gz", index=False)

    return bundle


def digits_table() -> pd.DataFrame:
    """All architectures and 3 seeds: validation is c1 + seed, test is 10 c5 + 3 seed, in an order of no meaning."""
    rows = [
        {
            "architecture": ":".join(map(str, widths)),
            "seed": seed,
            "epochs": 10,
            "validation_accuracy": widths[0] + seed,
            "test_accuracy": 10 * widths[4] + 3 * seed + 0.1,
            "seconds": 1.5,
            "parameters": sum(widths),
        }
        for widths in product(spaces.digits_size().widths, repeat=5)
        for seed in range(3)
    ]
    return pd.DataFrame(rows).sample(frac=1, random_state=0)


@pytest.mark.parametrize(
    ("split", "trials", "expected"),
    [
        ("validation", "seed0", lambda c1, _: c1),
        ("validation", "mean", lambda c1, _: c1 + 1),
        ("test", "seed2", lambda _, c5: 10 * c5 + 6.1),
        ("test", "mean", lambda _, c5: 10 * c5 + 3.1),
    ],
)
def test_digits_labels_are_aligned_by_string(
    bundled: Callable[[pd.DataFrame], None], split: str, trials: str, expected: Callable[[int, int], float]
) -> None:
    bundled(digits_table())
    values = labels.accuracy("digits-size", LabelKey("digits", split, 10, trials))
    space = spaces.load("digits-size")
    widths = [list(map(int, space.architecture(i).split(":"))) for i in range(len(space))]
    assert values.dtype == np.float64
    np.testing.assert_allclose(values, [expected(w[0], w[4]) for w in widths], rtol=1e-14)


def test_digits_table_is_read_exactly(bundled: Callable[[pd.DataFrame], None]) -> None:
    table = digits_table().assign(seconds=lambda rows: np.random.default_rng(0).random(len(rows)))
    bundled(table)
    pd.testing.assert_frame_equal(
        labels.digits_table("digits-size"), table.reset_index(drop=True), check_exact=True, check_dtype=False
    )


def test_an_incomplete_table_is_refused(bundled: Callable[[pd.DataFrame], None]) -> None:
    bundled(digits_table().query("not (architecture == '2:2:2:2:2' and seed == 1) and architecture != '4:4:4:4:4'"))
    with pytest.raises(InputError, match="'digits-size' lacks trainings of 2 architectures"):
        labels.accuracy("digits-size", LabelKey("digits", "test", 10, "seed0"))


def test_available(bundled: Callable[[pd.DataFrame], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CENA_DATA", str(tmp_path))  # nothing imported
    datasets = ("cifar10", "cifar100", "imagenet16")
    of_201 = labels.available("nas-bench-201")
    assert of_201[:3] == [LabelKey(dataset, "test", 200, "one") for dataset in datasets]  # the paper's labels first
    assert len(set(of_201)) == len(of_201) == 18
    assert LabelKey("cifar10", "validation", 12, "mean") in of_201
    assert LabelKey("cifar10", "validation", 12, "one") not in of_201
    assert labels.available("nats-bench-size") == [LabelKey(d, "validation", 90, "one") for d in datasets]
    assert set(labels.available("nas-bench-101")) == {
        LabelKey("cifar10", "validation", epochs, "one") for epochs in (4, 12, 36, 108)
    }
    bundled(digits_table())
    assert labels.available("digits-size") == [
        LabelKey("digits", split, 10, trials)
        for split in ("validation", "test")
        for trials in ("mean", "seed0", "seed1", "seed2")
    ]


@pytest.mark.parametrize(
    ("dataset", "split", "epochs", "trials"),
    [
        ("cifar10", "validation", 200, "one"),
        ("cifar10", "test", 12, "mean"),
        ("cifar10", "test", 90, "mean"),
        ("svhn", "test", 200, "one"),
    ],
)
def test_unavailable_labels_list_the_available(dataset: str, split: str, epochs: int, trials: str) -> None:
    with pytest.raises(InputError) as error:
        labels.accuracy("nas-bench-201", LabelKey(dataset, split, epochs, trials))
    message = str(error.value)
    assert message.startswith(
        f"unknown labels of nas-bench-201 'dataset={dataset} split={split} epochs={epochs} trials={trials}'; valid: "
    )
    for key in labels.available("nas-bench-201"):
        assert str(key) in message


def test_the_closest_labels_come_first() -> None:
    with pytest.raises(InputError, match="valid: dataset=cifar100 split=test"):
        labels.accuracy("nas-bench-201", LabelKey("cifar100", "tests", 200, "one"))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: labels.available("nas-bench-200"), "unknown space with labels 'nas-bench-200'; valid: nas-bench-201"),
        (
            lambda: labels.label_files("nas-bench-201", LabelKey("cifar10", "test", 200, "seed0")),
            "unknown labels of nas-bench-201 'dataset=cifar10 split=test epochs=200 trials=seed0'; valid: ",
        ),
        (
            lambda: labels.label_files("digits-size", LabelKey("mnist", "test", 6, "mean")),
            "unknown labels of digits-size 'dataset=mnist split=test epochs=6 trials=mean'; valid: dataset=digits",
        ),
        (
            lambda: labels.train_seconds("nats-bench-size", LabelKey("cifar10", "validation", 90, "one")),
            "unknown timing of nats-bench-size 'train_seconds.cifar10.validation.90'; valid: none",
        ),
        (
            lambda: labels.evaluation_seconds("nas-bench-101", LabelKey("cifar10", "validation", 108, "one")),
            "unknown timing of nas-bench-101 'evaluation_seconds.cifar10.validation'; valid: train_seconds.cifar10",
        ),
        (
            lambda: labels.train_seconds("nas-bench-101", LabelKey("cifar10", "test", 108, "mean")),
            "unknown labels of nas-bench-101 'dataset=cifar10 split=test epochs=108 trials=mean'; valid: ",
        ),
        (lambda: labels.digits_table("digits"), "unknown digits space 'digits'; valid: digits-size, digits-topology"),
    ],
)
def test_unknown_names(
    call: Callable[[], object], sentence: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CENA_DATA", str(tmp_path))  # nothing imported
    with pytest.raises(InputError, match=f"^{sentence}"):
        call()


def test_a_missing_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(labels, "BUNDLED", tmp_path)
    with pytest.raises(InputError, match=r"'digits-topology' are not in this copy of cena.*digits_topology\.csv\.gz"):
        labels.available("digits-topology")


def test_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CENA_DATA", str(tmp_path))
    needed = labels.label_files("nas-bench-201", LabelKey("imagenet16", "test", 200, "one"))
    assert [Path(name).name for name in needed] == ["configs.txt", "ImageNet16-120_test_accs.npy"]
    assert registry.missing(needed) == needed
    assert labels.label_files("digits-size", labels.available("digits-size")[0]) == []
    assert labels.label_files("nas-bench-201", LabelKey("cifar10", "test", 200, "mean")) == list(SOURCES_201)
    assert labels.label_files("nas-bench-101", LabelKey("cifar10", "validation", 4, "one")) == list(
        public_files.NASBENCH_VIS
    )


def test_a_merged_table_stands_in_for_public_files_where_it_lies(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CENA_DATA", str(tmp_path))
    key = LabelKey("cifar10", "test", 200, "mean")
    public = labels.label_checksum("nas-bench-201", key)
    (tmp_path / public_files.MERGED_201).touch()
    assert labels.label_files("nas-bench-201", key) == [public_files.MERGED_201]
    assert labels.label_checksum("nas-bench-201", key) != public
    for name in SOURCES_201:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert labels.label_files("nas-bench-201", key) == list(SOURCES_201)  # which know more
    (tmp_path / "derived").mkdir()
    (tmp_path / "derived/nas-bench-201.npz").touch()
    assert labels.label_files("nas-bench-201", key) == []
    assert labels.label_checksum("nas-bench-201", key) == public


CELL = format_topology_cell(all_topology_cells()[0])
ACCURACY = "accuracy.cifar10.test.12.seed7"
SAID = json.dumps({"source": "an archive", "sha256": "00"})


@pytest.mark.parametrize(
    ("provenance", "arrays", "reason"),
    [
        (SAID, {"accuracy.cifar10.test": [1.0]}, "an accuracy is not named by data set, split, epochs and trials"),
        (SAID, {"accuracy.cifar10.test.many.mean": [1.0]}, "an accuracy is not named by"),
        (SAID, {"architecture": ["x"], ACCURACY: [1.0]}, f"'{ACCURACY}' is not of nas-bench-201 (malformed"),
        (SAID, {"architecture": [1.5], ACCURACY: [1.0]}, f"'{ACCURACY}' is not of nas-bench-201 (an architecture"),
        (SAID, {"architecture": [CELL], ACCURACY: [1.0, 2.0]}, f"'{ACCURACY}' is not of nas-bench-201 (shape mismatch"),
        (
            SAID,
            {"architecture": [CELL], ACCURACY: ["high"]},
            f"'{ACCURACY}' is not of nas-bench-201 (could not convert",
        ),
        (SAID, {ACCURACY: [1.0]}, "it has no array 'architecture'"),
        ('{"source": "an archive"', {}, "its provenance does not say what it was made from"),
        ('{"source": "an archive"}', {}, "its provenance does not say"),
        ('{"source": 1, "sha256": 2}', {}, "its provenance does not say"),
        ("[]", {}, "its provenance does not say"),
        ("5", {}, "its provenance does not say"),
        pytest.param("[" * 100_000, {}, "its provenance does not say", id="nested"),
        ([1.0, 2.0], {}, "its provenance does not say"),
    ],
)
def test_an_odd_imported_table_is_named_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, provenance: object, arrays: dict[str, list[object]], reason: str
) -> None:
    monkeypatch.setenv("CENA_DATA", str(tmp_path))
    imported_path("nas-bench-201").parent.mkdir()
    np.savez(imported_path("nas-bench-201"), provenance=np.array(provenance), **arrays)
    with pytest.raises(InputError) as error:
        labels.accuracy("nas-bench-201", LabelKey("cifar10", "test", 12, "seed7"))
    assert str(error.value).startswith(f"{imported_path('nas-bench-201')} is no label table of cena: {reason}")
    assert str(error.value).endswith("; remove it and import it again")


def test_a_checksum_changes_with_the_labels(
    bundled: Callable[[pd.DataFrame], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CENA_DATA", str(tmp_path))  # nothing there: a checksum needs no download
    keys = labels.available("nas-bench-201")[:3]
    before = [labels.label_checksum("nas-bench-201", key) for key in keys]
    assert len(set(before)) == 3
    name = labels.label_files("nas-bench-201", keys[0])[1]
    monkeypatch.setitem(registry.REGISTRY, name, DataFile("00", None, "another"))
    after = [labels.label_checksum("nas-bench-201", key) for key in keys]
    assert [a != b for a, b in zip(after, before, strict=True)] == [True, False, False]

    bundled(digits_table())
    digits = labels.label_checksum("digits-size", labels.available("digits-size")[0])
    assert digits == hashlib.sha256((tmp_path / "digits_size.csv.gz").read_bytes()).hexdigest()
