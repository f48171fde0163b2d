"""The NAS-Bench-101 importer, on files that the tests write in the official format."""

import base64
import gzip
import json
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cena.data import labels, tfrecord
from cena.data.importing import import_archive
from cena.data.label_tables import imported_path
from cena.data.labels import LabelKey
from cena.data.nas_bench_101_archive import read_nas_bench_101_archive
from cena.data.tfrecord import masked_crc32c, read_tfrecords
from cena.errors import InputError
from cena.study.profiles import of_nas_bench_101, profile

CONV = "conv3x3-bn-relu"
SMALL = ("b" * 32, "0110" + "0011" + "0001" + "0000", f"input,{CONV},maxpool3x3,output", 1234567)
SMALLEST = ("a" * 32, "0100", "input,output", 5)


def crc32c(content: bytes) -> int:
    """CRC-32C bit by bit, as RFC 3720 defines it."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(content: bytes) -> bytes:
    crc = crc32c(content)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def framed(content: bytes) -> bytes:
    length = struct.pack("<Q", len(content))
    return length + masked(length) + content + masked(content)


def varint(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)


def evaluation(*values: float) -> bytes:
    """EvaluationData: epoch, seconds, training, validation and test accuracy; and a checkpoint's path."""
    fields = b"".join(varint(number << 3 | 1) + struct.pack("<d", v) for number, v in enumerate(values, 1))
    return fields + varint(6 << 3 | 2) + varint(4) + b"path"


def metrics(parameters: int, *final: float, evaluations: int = 3) -> bytes:
    """ModelMetrics whose last evaluation has these seconds, validation and test accuracy."""
    seconds, validation, test = final
    states = [evaluation(0, 0, 0.1, 0.1, 0.1), evaluation(54, seconds / 2, 0.5, 0.5, 0.5)]
    states = [*states, evaluation(108, seconds, 1, validation, test)][3 - evaluations :]
    fields = b"".join(varint(1 << 3 | 2) + varint(len(state)) + state for state in states)
    return fields + varint(2 << 3) + varint(parameters) + varint(3 << 3 | 1) + struct.pack("<d", 99.0)


def row(cell: tuple[str, str, str, int], epochs: int, *final: float, **changed: Any) -> bytes:
    name, adjacency, operations, parameters = cell
    encoded = base64.b64encode(metrics(parameters, *final, **changed)).decode()
    return json.dumps([name, epochs, adjacency, operations, encoded]).encode()


def written(path: Path, contents: list[bytes]) -> Path:
    path.write_bytes(b"".join(map(framed, contents)))
    return path


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Two cells, three trainings each of 4 and 108 epochs, but one of 4 for the second."""
    rows = [row(SMALL, epochs, epochs + i, 0.9 + i / 100, 0.8) for i in range(3) for epochs in (108, 4)]
    rows += [row(SMALLEST, 108, 7, 0.5, 0.25 + i / 4) for i in range(3)] + [row(SMALLEST, 4, 7, 0.5, 0.25)]
    return written(tmp_path / "nasbench_full.tfrecord", rows)


def test_the_checksum_is_crc32c() -> None:
    assert crc32c(b"123456789") == 0xE3069283  # the check value of the catalogues
    assert masked_crc32c([b"123456789"]).tobytes() == masked(b"123456789")


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=6))
def test_checksums_of_many_are_those_of_each(contents: list[bytes]) -> None:
    assert masked_crc32c(contents).astype("<u4").tobytes() == b"".join(map(masked, contents))


def test_records_come_back_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfrecord, "_BATCH", 3)
    contents = [bytes([i]) * i for i in range(8)]
    assert list(read_tfrecords(written(tmp_path / "r", contents))) == contents
    assert list(read_tfrecords(written(tmp_path / "r", []))) == []


@pytest.mark.parametrize("at", [0, 3, 9, 12, 15, 20])
def test_any_changed_byte_is_found(tmp_path: Path, at: int) -> None:
    path = written(tmp_path / "r", [b"first", b"second", b"third"])
    content = bytearray(path.read_bytes())
    content[21 + at] ^= 4  # the second record begins at byte 21
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"is damaged: the record at byte 21 "):
        list(read_tfrecords(path))


@pytest.mark.parametrize("length", [22, 32, 33, 40])
def test_a_truncated_file_is_refused(tmp_path: Path, length: int) -> None:
    path = written(tmp_path / "r", [b"first", b"second"])
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(InputError, match="is damaged: the record at byte 21 is incomplete"):
        list(read_tfrecords(path))


def test_no_record_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "r").write_bytes(b"architecture,accuracy\n" * 10)
    with pytest.raises(
        InputError, match=r"no such file: its first record says that it has .* expected a TFRecord file"
    ):
        list(read_tfrecords(tmp_path / "r"))
    (tmp_path / "r").write_bytes(gzip.compress(b"".join(map(framed, [b"first", b"second"]))))
    with pytest.raises(InputError, match=r"is compressed by gzip; expected a TFRecord file, .*: unpack it first$"):
        list(read_tfrecords(tmp_path / "r"))


def test_a_large_record_among_many_small_ones_takes_little_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checksums of a batch are computed side by side, all as long as the longest."""
    monkeypatch.setattr(tfrecord, "_AT_ONCE", 2**18)
    small, length = framed(b"small") * 4000, 20_000
    (tmp_path / "r").write_bytes(small + struct.pack("<Q", length) + bytes(length + 8))
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=f"is damaged: the record at byte {len(small):,} has a wrong checksum"):
            list(read_tfrecords(tmp_path / "r"))
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()


def test_cells_and_trainings(archive: Path) -> None:
    told: list[tuple[int, int]] = []
    arrays = read_nas_bench_101_archive(archive, lambda done, total: told.append((done, total)))
    assert told == [(0, 0)]
    assert list(arrays["architecture"]) == [SMALLEST[0], SMALL[0]]
    assert list(arrays["parameters"]) == [5, 1234567]
    assert list(arrays["vertices"]) == [2, 4]
    assert list(arrays["operations"][1]) == [-1, 0, 2, -2, -9, -9, -9]
    expected = np.zeros((7, 7))
    expected[[0, 0, 1, 1, 2], [1, 2, 2, 3, 3]] = 1
    assert np.array_equal(arrays["adjacency"][1], expected)
    for name, values in {
        "accuracy.cifar10.validation.108.repeat1": [50, 91],
        "accuracy.cifar10.validation.108.one": [50, 90],
        "accuracy.cifar10.validation.108.mean": [50, 91],
        "accuracy.cifar10.test.108.mean": [50, 80],
        "accuracy.cifar10.test.108.repeat2": [75, 80],
        "accuracy.cifar10.test.4.mean": [25, 80],
        "accuracy.cifar10.test.4.repeat2": [np.nan, 80],
        "train_seconds.cifar10.test.108": [7, 109],
    }.items():
        np.testing.assert_allclose(arrays[name], values, rtol=1e-6, err_msg=name)
    assert not any(".12." in name or ".36." in name for name in arrays)


def test_an_import_becomes_labels_and_cells(archive: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CENA_DATA", str(tmp_path / "data"))
    assert import_archive("nas-bench-101", archive) == imported_path("nas-bench-101")
    cells = labels.nas_bench_101_cells()
    assert list(cells.hash) == [SMALLEST[0], SMALL[0]]
    key = LabelKey("cifar10", "test", 108, "mean")
    values = labels.accuracy("nas-bench-101", key)
    assert values.dtype == np.float64
    np.testing.assert_allclose(values, [50, 80], rtol=1e-6)
    assert labels.available("nas-bench-101")[0] == key
    assert {known.epochs for known in labels.available("nas-bench-101")} == {4, 108}
    assert labels.label_files("nas-bench-101", key) == []
    assert "nasbench_full.tfrecord" in labels.origin("nas-bench-101", key)
    np.testing.assert_allclose(labels.train_seconds("nas-bench-101", key), [7, 109])
    with pytest.raises(InputError, match=r"unknown timing .*valid: .*train_seconds\.cifar10\.test\.4"):
        labels.evaluation_seconds("nas-bench-101", key)
    content = imported_path("nas-bench-101").read_bytes()
    imported_path("nas-bench-101").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"is no label table of cena: .*import it again"):
        labels.available("nas-bench-101")


def test_an_imported_archive_is_studied_by_a_sample_and_its_mean_test(
    archive: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It offers one-trial validation too, by which the labelled sample is studied."""
    monkeypatch.setenv("CENA_DATA", str(tmp_path / "data"))
    sampled = of_nas_bench_101(profile("laptop")).space
    assert (sampled.architectures, sampled.label_key("cifar10")) == (0, LabelKey("cifar10", "validation", 108, "one"))
    import_archive("nas-bench-101", archive)
    assert LabelKey("cifar10", "validation", 108, "one") in labels.available("nas-bench-101")
    whole = of_nas_bench_101(profile("laptop")).space
    assert (whole.architectures, whole.label_key("cifar10")) == (30_001, LabelKey("cifar10", "test", 108, "mean"))


def test_a_failed_import_leaves_the_table_before(
    archive: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CENA_DATA", str(tmp_path / "data"))
    path = import_archive("nas-bench-101", archive)
    before = path.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(InputError, match=r"^cannot write .*No space left on device; set CENA_DATA"):
        import_archive("nas-bench-101", archive)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


GOOD = row(SMALL, 4, 1, 0.5, 0.5)


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (b"no JSON", "Expecting value"),
        (b"[1, 2]", "not enough values"),
        (b"[" * 50_000, "nested too deeply"),
        (
            row(("c" * 32, "0100", "input,output", 2**64 - 1), 4, 1, 0.5, 0.5),
            "it has 18,446,744,073,709,551,615 parameters",
        ),
        (row(("c" * 10_000, "0100", "input,output", 5), 4, 1, 0.5, 0.5), "is no hash of a cell"),
        (row(SMALL, 5, 1, 0.5, 0.5), "not in"),
        (row(SMALL, 4, 1, 0.5, 0.5, evaluations=2), "2 evaluations instead of 3"),
        (row(("c" * 32, "010", "input,output", 5), 4, 1, 0.5, 0.5), "is no cell of 2 to 7 vertices"),
        (row(("c" * 32, "0010", "input,output", 5), 4, 1, 0.5, 0.5), "is not upper triangular"),
        (row(("c" * 32, "0100", "input,conv5x5", 5), 4, 1, 0.5, 0.5), "conv5x5"),
        (json.dumps(["c", 4, "0100", "input,output", "!"]).encode(), "record 1"),
        (json.dumps(["c", 4, "0100", "input,output", base64.b64encode(b"\x0a\x7fx").decode()]).encode(), "truncated"),
        (json.dumps(["c", 4, "0100", "input,output", base64.b64encode(b"\xff" * 12).decode()]).encode(), "64 bits"),
        (json.dumps(["c", 4, "0100", "input,output", base64.b64encode(b"\x0b").decode()]).encode(), "wire type 3"),
    ],
)
def test_a_bad_record_is_named(tmp_path: Path, bad: bytes, sentence: str) -> None:
    with pytest.raises(InputError, match="record 1 is no training of NAS-Bench-101") as error:
        read_nas_bench_101_archive(written(tmp_path / "r", [GOOD, bad]))
    assert sentence in str(error.value)


def test_a_fourth_training_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has more than 3 trainings of 4 epochs"):
        read_nas_bench_101_archive(written(tmp_path / "r", [GOOD] * 4))


def test_no_file_and_no_record(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no file: give nasbench_full"):
        read_nas_bench_101_archive(tmp_path / "absent")
    with pytest.raises(InputError, match="holds no record"):
        read_nas_bench_101_archive(written(tmp_path / "r", []))
