"""Files from outside: what they ask for is refused before it is read, and what they are instead is said."""

import bz2
import gzip
import io
import lzma
import pickle
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
import pytest

from cena import outside
from cena.errors import InputError
from cena.outside import array_names, not_expected, parse_json, read_arrays, read_at_most

LARGE = 20 * 2**20


def refused(call: Callable[[], object], megabytes: int = 8) -> str:
    """The sentence that a call is refused with, which may take so much memory until then."""
    tracemalloc.start()
    try:
        with pytest.raises(InputError) as error:
            call()
        assert tracemalloc.get_traced_memory()[1] < megabytes * 2**20
    finally:
        tracemalloc.stop()
    assert "\n" not in str(error.value)
    return str(error.value)


def in_zip(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("member", content)
    return packed.getvalue()


UNPACKED: dict[str, tuple[Callable[[bytes], bytes], Callable[[io.BytesIO], IO[bytes]]]] = {
    "gzip": (gzip.compress, lambda file: gzip.GzipFile(fileobj=file)),
    "bzip2": (bz2.compress, bz2.BZ2File),
    "xz": (partial(lzma.compress, preset=0), lzma.LZMAFile),
    "zip": (in_zip, lambda file: zipfile.Path(file, "member").open("rb")),
    "nothing": (bytes, lambda file: file),
}


@pytest.mark.parametrize("way", UNPACKED)
def test_what_unpacks_to_more_than_a_limit_is_refused_within_it(way: str) -> None:
    pack, unpack = UNPACKED[way]
    with unpack(io.BytesIO(pack(bytes(LARGE)))) as large, unpack(io.BytesIO(pack(b"12345"))) as small:
        assert refused(lambda: read_at_most(large, 10_000, "a.csv")) == "a.csv has more than 10,000 bytes: get it again"
        assert read_at_most(small, 5, "a.csv") == b"12345"


def header(shape: object, kind: str = "|u1") -> bytes:
    """The beginning of an array's file."""
    text = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return np.lib.format.magic(1, 0) + struct.pack("<H", len(text)) + text


def written(path: Path, content: bytes, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("a.npy", content)
    return path


def test_arrays_come_back(tmp_path: Path) -> None:
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.array(["ä", "long"]), "c": np.asfortranarray(np.eye(3))[:2]}
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "x.npz", **arrays)
        assert array_names(tmp_path / "x.npz") == {*"abc"}
        found = read_arrays(tmp_path / "x.npz", ["c", "a", "b"])
        assert [*found] == ["c", "a", "b"]
        for name, array in found.items():
            np.testing.assert_array_equal(array, arrays[name])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (header((10**6, 10**3, 10**3, 3)), "its array 'a' asks for 3,000,000,000,000 bytes, and at most "),
        (header((10**5,), "<U250000000"), "its array 'a' asks for 100,000,000,000,000 bytes"),
        (header((2**30 + 1,)) + bytes(8), "its array 'a' asks for 1,073,741,825 bytes"),
        (header((10**8,)) + bytes(8), "it cannot be read"),
        (header((-1, -1, 3)) + bytes(3), "it cannot be read"),
        (header("(" * 4000 + ")" * 4000), "it cannot be read"),
        (header((1,), "|O") + pickle.dumps([1]), "it cannot be read"),
        (header((4,)) + bytes(3), "it cannot be read"),
        (b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1), "it cannot be read"),
        (b"\x93NUMPY\x09\x00", "it cannot be read"),
        (b"no array", "it cannot be read"),
        (b"", "it cannot be read"),
    ],
)
def test_an_array_that_asks_for_more_than_there_is_or_may_be_is_refused(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = written(tmp_path / "x.npz", content)
    assert array_names(path) == {"a"}
    assert refused(lambda: read_arrays(path, ["a"])).startswith(reason)


def test_an_array_that_unpacks_to_more_than_the_limit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "x.npz", header((LARGE,)) + bytes(LARGE))
    monkeypatch.setattr(outside, "LARGEST_ARRAY", LARGE - 1)
    assert refused(lambda: read_arrays(path, ["a"])).startswith("its array 'a' asks for ")
    monkeypatch.setattr(outside, "LARGEST_ARRAY", LARGE)
    assert read_arrays(path, ["a"])["a"].shape == (LARGE,)


@pytest.mark.parametrize("compression", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_other_ways_to_compress_are_refused(tmp_path: Path, compression: int) -> None:
    path = written(tmp_path / "x.npz", header((4,)) + bytes(4), compression)
    assert refused(lambda: read_arrays(path, ["a"])) == "it cannot be read"


def test_what_is_no_npz_file_or_lacks_an_array(tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(b"PK\x05\x06" + bytes(18))
    assert refused(lambda: read_arrays(tmp_path / "x.npz", ["a"])) == "it has no array 'a': its arrays are none"
    (tmp_path / "x.npz").write_bytes(b"no zip")
    for path in (tmp_path / "x.npz", tmp_path, tmp_path / "absent"):
        assert refused(lambda path=path: array_names(path)) == "it cannot be read"


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"a":' * 100_000, "{", b"\xff\xfe[", ""],
    ids=["lists", "objects", "cut off", "no text", "empty"],
)
def test_what_is_no_json_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)
    assert parse_json('{"a": [1]}') == {"a": [1]}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (gzip.compress(b"x", mtime=0), "is compressed by gzip; expected a table: unpack it first"),
        (bz2.compress(b"x"), "is compressed by bzip2; expected a table: unpack it first"),
        (lzma.compress(b"x"), "is compressed by xz; expected a table: unpack it first"),
        (b"PK\x03\x04", "is a zip archive, such as torch.save writes (.pth); expected a table: get that instead"),
        (pickle.dumps(1), "is a pickle, such as torch.save once wrote (.pth); expected a table: get that instead"),
        (b"\n<!DOCTYPE html>", "is a web page; expected a table: download it again, and look what the page says"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git LFS, not the file it stands for; "),
        (b"1,2", "cannot be read; expected a table: get it again"),
        (b"", "cannot be read; expected a table: get it again"),
    ],
)
def test_another_kind_of_file_is_named_with_what_to_do(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert str(not_expected(path, "a table", "cannot be read")).startswith(f"{path} {sentence}")
    assert str(not_expected(tmp_path, "a table", "cannot be read")) == f"{tmp_path} is a folder; expected a table"
