"""Files: written whole or not at all, one writer at a time, known by their checksums."""

import hashlib
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock
import numpy as np
from numpy.typing import NDArray

_log = logging.getLogger(__name__)

WAITING = "waiting for the lock "
"""How the line begins that announces a lock that another run holds."""
_SILENCE = 1.0  # seconds of waiting before it is announced


def sha256(content: bytes | str) -> str:
    """The sha256 of some bytes, or of a text in UTF-8, in hexadecimal."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def file_sha256(path: Path) -> str:
    """The sha256 of a file, whatever its size; raises `OSError` if it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def text_sha256(path: Path) -> str:
    """The sha256 of a text file, the same whatever its line ends, which a checkout may have changed."""
    return sha256(path.read_bytes().replace(b"\r\n", b"\n"))


def array_sha256(array: NDArray[Any]) -> str:
    """The sha256 of an array's type, shape and bytes: the same on machines of either byte order."""
    little = np.asarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
    return sha256(f"{array.dtype.name} {array.shape} ".encode() + little.tobytes())


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place when the context ends; after an error `path` is untouched.

    A kill or a full disk at any moment leaves the old file or the new one, never a part. The folder is made if need be.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        with naming(path):
            yield temporary
        temporary.chmod(0o666 & ~_umask())  # mkstemp lets only the owner read
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Within this context an `OSError` that names no file, as that of a full disk, names `path`."""
    try:
        yield
    except OSError as error:
        if error.errno and error.filename is None:
            error.filename = str(path)
        raise


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a whole file in one step, see :func:`replacing`; a text is written in UTF-8 with its own line ends."""
    with replacing(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Within this context no other process or thread holds the lock file `path`; waits until it is free.

    The system releases the lock of a killed process. Waiting longer than a moment is announced.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(path)
    try:
        lock.acquire(timeout=_SILENCE)
    except filelock.Timeout:
        # A line that begins so is drawn over, as a progress bar is: it stays out of an executed notebook.
        _log.warning("\r%s%s, which another run holds", WAITING, path)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    umask = os.umask(0)
    os.umask(umask)
    return umask
