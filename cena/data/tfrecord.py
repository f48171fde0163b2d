"""TensorFlow's record file, read without TensorFlow.

A file is a sequence of records: the length as 8 bytes, its checksum as 4, the content, its checksum as 4, all
little-endian. A checksum is the CRC-32C of the bytes, rotated right by 15 bits, plus 0xa282ead8 ("masked").

Source: TensorFlow's description of its TFRecord format; CRC-32C as in RFC 3720, appendix B.4.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from cena.errors import InputError
from cena.outside import not_expected

_BATCH = 4096
"""Records whose checksums are computed at once."""
_LARGEST = 2**16
"""Bytes of the largest record that is read; genuine ones have a few thousand."""
_AT_ONCE = 2**26
"""Bytes of a batch, each record counted as the longest: its checksums are computed side by side."""

_POLYNOMIAL = 0x82F63B78  # Castagnoli's, bits reversed
_MASK = 0xA282EAD8


def read_tfrecords(path: Path) -> Iterator[bytes]:
    """The contents of a file's records, in their order, their checksums verified.

    Raises
    ------
    InputError
        If the file is truncated, another kind of file, or a checksum is wrong; the message says at which byte. Records
        before are yielded.
    """
    with path.open("rb") as file:
        start = 0
        while batch := _batch(file, path, start):
            headers = [header for header, _ in batch]
            contents = [content for _, content in batch]
            wrong = masked_crc32c([header[:8] for header in headers]) != _stored([header[8:] for header in headers])
            wrong |= masked_crc32c([content[:-4] for content in contents]) != _stored([c[-4:] for c in contents])
            good = int(np.argmax(wrong)) if wrong.any() else len(batch)
            yield from (content[:-4] for content in contents[:good])
            start += sum(12 + len(content) for content in contents[:good])
            if good < len(batch):
                raise _damaged(path, start, "has a wrong checksum")


def masked_crc32c(contents: Sequence[bytes]) -> NDArray[np.uint32]:
    """(n,) the masked CRC-32C of each of n byte strings, computed byte by byte for all of them at once."""
    lengths = np.array([len(content) for content in contents])
    order = np.argsort(-lengths, kind="stable")  # the longest first: those that have a byte i are a prefix
    padded = np.zeros((len(contents), lengths.max()), np.uint8)
    for row, index in enumerate(order):
        padded[row, : lengths[index]] = np.frombuffer(contents[index], np.uint8)
    columns = np.ascontiguousarray(padded.T)
    having = np.searchsorted(-lengths[order], -np.arange(1, len(columns) + 1), side="right")
    crc = np.full(len(contents), 0xFFFFFFFF, np.uint32)
    table = _table()
    for column, count in zip(columns, having, strict=True):
        active = crc[:count]
        active[:] = table[(active ^ column[:count]) & 0xFF] ^ (active >> 8)
    crc = ~crc
    masked = np.empty_like(crc)
    masked[order] = ((crc >> 15) | (crc << 17)) + np.uint32(_MASK)  # wraps around 2**32
    return masked


@cache
def _table() -> NDArray[np.uint32]:
    """(256,) what each value of a byte does to the checksum."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(_POLYNOMIAL), table >> 1)
    return table


def _stored(checksums: Sequence[bytes]) -> NDArray[np.uint32]:
    return np.frombuffer(b"".join(checksums), "<u4")


def _batch(file: BinaryIO, path: Path, start: int) -> list[tuple[bytes, bytes]]:
    """Up to :data:`_BATCH` records from byte `start` on, as (length and its checksum, content and its checksum).

    An impossible record ends a batch and is told only as the first of one: by then the checksums of those before it,
    whose lengths led here, have been found right.
    """
    file.seek(start)
    batch: list[tuple[bytes, bytes]] = []
    longest = 0
    while len(batch) < _BATCH:
        header = file.read(12)
        if not header:
            break
        length = int.from_bytes(header[:8], "little")
        longest = max(longest, length)
        if batch and longest * (len(batch) + 1) > _AT_ONCE:
            break
        content = file.read(length + 4) if length <= _LARGEST else b""
        if len(header) == 12 and len(content) == length + 4:
            batch.append((header, content))
            continue
        if batch:
            break
        whole = len(header) == 12 and length > _LARGEST
        raise _damaged(path, start, f"says that it has {length:,} bytes" if whole else "is incomplete")
    return batch


def _damaged(path: Path, start: int, what: str) -> InputError:
    if start == 0:
        expected = "a TFRecord file, such as nasbench_full.tfrecord"
        return not_expected(path, expected, f"is damaged or no such file: its first record {what}")
    return InputError(f"{path} is damaged: the record at byte {start:,} {what}; get the file again")
