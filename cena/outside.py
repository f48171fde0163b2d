"""Files from outside: how much is read of one is decided before it is read, and what it is instead is said.

A file of a kilobyte can ask for terabytes: in the header of an array, by a sparse member of an archive, by what it
unpacks to. And people give the file that they have: the compressed one, that of torch, the page they had to agree to.
"""

import json
import math
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from cena.errors import InputError, some
from cena.types import Arrays

LARGEST_ARRAY = 2**30
"""Bytes of the largest array that is read of an ``.npz`` file."""

_UNPACK = "unpack it first"
_INSTEAD = "get that instead"
_KINDS = {
    b"\x1f\x8b": ("compressed by gzip", _UNPACK),
    b"BZh": ("compressed by bzip2", _UNPACK),
    b"\xfd7zXZ": ("compressed by xz", _UNPACK),
    b"PK": ("a zip archive, such as torch.save writes (.pth)", _INSTEAD),
    b"\x80": ("a pickle, such as torch.save once wrote (.pth)", _INSTEAD),
    b"<": ("a web page", "download it again, and look what the page says"),
    b"version https://git-lfs": ("a pointer of Git LFS, not the file it stands for", "run git lfs pull"),
}
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_at_most(file: IO[bytes] | BufferedIOBase, limit: int, name: str, remedy: str = "get it again") -> bytes:
    """All that is left of an opened file, whatever it unpacks to; an `InputError` if it has more than `limit` bytes."""
    content = file.read(limit + 1)
    if len(content) > limit:
        raise InputError(f"{name} has more than {limit:,} bytes: {remedy}")
    return content


def parse_json(text: str | bytes) -> Any:
    """What a JSON text says; raises `ValueError` where it is none, or is nested more deeply than Python can follow."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def not_expected(path: Path, expected: str, reason: str) -> InputError:
    """The error for a file that cannot be read: what it is and what to do, or `reason` where that is not known."""
    if path.is_dir():
        return InputError(f"{path} is a folder; expected {expected}")
    with path.open("rb") as file:
        begins = file.read(64).lstrip()
    for magic, (kind, advice) in _KINDS.items():
        if begins.startswith(magic):
            return InputError(f"{path} is {kind}; expected {expected}: {advice}")
    return InputError(f"{path} {reason}; expected {expected}: get it again")


def array_names(path: Path) -> frozenset[str]:
    """The names of the arrays in an ``.npz`` file, of which none is read.

    Raises
    ------
    InputError
        As :func:`read_arrays`.
    """
    with _opened(path) as archive:
        return frozenset(_names(archive))


def read_arrays(path: Path, names: Iterable[str]) -> Arrays:
    """Arrays of an ``.npz`` file by their names, each of at most :data:`LARGEST_ARRAY` bytes.

    Raises
    ------
    InputError
        If it is no such file, or an array is absent, damaged, pickled or larger. The message is a reason, such as "it
        has no array 'images'", to which the caller adds the file, what was expected, and what to do.
    """
    with _opened(path) as archive:
        return {name: _read_array(archive, name) for name in names}


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except InputError:
        raise
    except Exception as error:  # a damaged file raises anything at all
        raise InputError("it cannot be read") from error


def _names(archive: zipfile.ZipFile) -> list[str]:
    return [name.removesuffix(".npy") for name in archive.namelist()]


def _read_array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    if name not in _names(archive):
        raise InputError(f"it has no array '{name}': its arrays are {some(_names(archive)) or 'none'}")
    member = archive.getinfo(f"{name}.npy")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("numpy compresses otherwise")  # and other ways may ask for gigabytes to unpack
    with archive.open(member) as file:
        shape, _, kind = _HEADERS[np.lib.format.read_magic(file)](file)
        declared = math.prod(shape) * kind.itemsize
        if declared > LARGEST_ARRAY:
            raise InputError(f"its array '{name}' asks for {declared:,} bytes, and at most {LARGEST_ARRAY:,} are read")
        if declared != member.file_size - file.tell():
            raise ValueError("the header asks for another number of bytes")
        file.seek(0)
        array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    return array
