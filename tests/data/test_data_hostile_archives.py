"""Archives of NATS-Bench made by somebody who means harm: one sentence, and little memory until then."""

import bz2
import io
import os
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cena.data.nats_archive import read_nats_archive
from cena.errors import InputError


def tar_of(folder: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(folder / "x.tar", "w") as tar:
        for member, content in members:
            tar.addfile(member, io.BytesIO(content))
    return folder / "x.tar"


def named(name: str = "x/000003.pickle.pbz2", **said: Any) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    for what, value in said.items():
        setattr(member, what, value)
    return member


@pytest.mark.parametrize(
    "said",
    [
        {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"},
        {"type": tarfile.SYMTYPE, "linkname": "../../outside"},
        {"type": tarfile.SYMTYPE, "linkname": "000003.pickle.pbz2"},
        {"type": tarfile.LNKTYPE, "linkname": "nowhere"},
        {"type": tarfile.LNKTYPE, "linkname": "x/000003.pickle.pbz2"},
        {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 5},
        {"type": tarfile.FIFOTYPE},
    ],
)
def test_a_link_or_a_device_in_a_tar_leads_nowhere(tmp_path: Path, said: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"^000003\.pickle\.pbz2 in .*x\.tar is no file: unpack the archive"):
        read_nats_archive(tar_of(tmp_path, (named(**said), b"")))


def sparse(folder: Path) -> Path:
    """Two kilobytes that say that they are 40 GB: a sparse member with 512 bytes of content."""
    header = bytearray(named(type=tarfile.GNUTYPE_SPARSE, size=512).tobuf(tarfile.GNU_FORMAT))
    header[386:410] = b"%011o\0%011o\0" % (0, 512)
    header[483:495] = b"\x80" + (40 << 30).to_bytes(11, "big")
    return signed(folder, header, bytes(1536))


def long_name(folder: Path) -> Path:
    """A member whose name has a terabyte."""
    header = bytearray(named(type=tarfile.GNUTYPE_LONGNAME).tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\x80" + (1 << 40).to_bytes(11, "big")
    return signed(folder, header, bytes(1536))


def many_headers(folder: Path) -> Path:
    return signed(folder, bytearray(named(type=tarfile.XHDTYPE).tobuf(tarfile.GNU_FORMAT)) * 5000, bytes(1024))


def signed(folder: Path, header: bytearray, rest: bytes) -> Path:
    if len(header) == 512:
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
    (folder / "x.tar").write_bytes(header + rest)
    return folder / "x.tar"


def large_record(folder: Path) -> Path:
    (folder / "000003.pickle.pbz2").touch()
    os.truncate(folder / "000003.pickle.pbz2", 40 << 30)  # it takes no room
    return folder


def unpacks_to_much(folder: Path) -> Path:
    (folder / "000003.pickle.pbz2").write_bytes(bz2.compress(bytes(50 << 20)))
    return folder


def waits(folder: Path) -> Path:
    os.mkfifo(folder / "000003.pickle.pbz2")
    return folder


def never_ends(folder: Path) -> Path:
    (folder / "000003.pickle.pbz2").symlink_to("/dev/zero")
    return folder


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (sparse, "has more than 2,097,152 bytes: get NATS-Bench's 'simple' archive"),
        (large_record, "has more than 2,097,152 bytes: get NATS-Bench's 'simple' archive"),
        (unpacks_to_much, "has more than 2,097,152 bytes; get NATS-Bench's 'simple' archive"),
        (long_name, "is no complete .tar archive; expected NATS-Bench's 'simple' archive"),
        (many_headers, "is no complete .tar archive; expected NATS-Bench's 'simple' archive"),
        (waits, "holds no NATS-Bench record"),
        (never_ends, "holds no NATS-Bench record"),
    ],
)
def test_what_asks_for_much_is_refused_before_it_is_read(
    tmp_path: Path, make: Callable[[Path], Path], sentence: str
) -> None:
    path = make(tmp_path)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=sentence):
            read_nats_archive(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 16 * 2**20
