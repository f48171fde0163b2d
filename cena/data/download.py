"""Downloads that go on where they stopped, one process at a time.

What has arrived is kept beside the file's place as ``<name>.part``. The next attempt, in this process or a later one,
asks the server for the rest (HTTP ``Range``, RFC 9110 section 14) and starts anew where the server does not do that.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

if sys.platform != "win32":  # there two processes must not download the same file at once
    import fcntl

TIMEOUT = 30.0
"""Seconds without a connection or a byte after which an attempt fails."""
CHUNK = 1 << 16

Progress = Callable[[int, int], None]
"""Called with (bytes there, bytes in all, 0 if the server does not say)."""


class ResumingDownloader:
    """A downloader for pooch that keeps what has arrived and resumes it.

    Parameters
    ----------
    part : where unfinished content is kept.
    progress : told after every piece.
    """

    def __init__(self, part: Path, progress: Progress | None = None):
        self.part = part
        self.progress = progress

    def __call__(self, url: str, output_file: str | Path, _pooch: object) -> None:
        """Download `url` completely and move it to `output_file`; pooch then verifies its checksum.

        Raises
        ------
        requests.RequestException
            If the server refuses, stalls or breaks off; what has arrived is kept.
        OSError
            If it cannot be written.
        """
        there = self.part.stat().st_size if self.part.exists() else 0
        headers = {"Accept-Encoding": "identity"}  # lengths are those of the file, not of a compressed answer
        if there:
            headers["Range"] = f"bytes={there}-"
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
            if response.status_code != requests.codes.requested_range_not_satisfiable:
                response.raise_for_status()
                self._receive(response, there)
            # Else nothing is left to get: the checksum decides whether what is there is the file.
        self.part.replace(output_file)

    def _receive(self, response: requests.Response, there: int) -> None:
        if not response.headers.get("Content-Range", "").startswith(f"bytes {there}-"):
            there = 0  # the server sends the whole file
        announced = int(response.headers.get("Content-Length", 0))
        total = there + announced if announced else 0
        with self.part.open("ab" if there else "wb") as file:
            for piece in response.iter_content(CHUNK):
                file.write(piece)
                there += len(piece)
                if self.progress is not None:
                    self.progress(there, total)


def reason(error: OSError | ValueError) -> str:
    """Why a download failed, in a few words; the network library's own texts are long and name its internals."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answered {response.status_code}"
    if isinstance(error, requests.Timeout) or "timed out" in str(error):  # a stall comes as a ConnectionError
        return f"the server sent nothing for {TIMEOUT:g} s"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke off"
    if isinstance(error, requests.ConnectionError):
        return "there is no connection to the server"
    if isinstance(error, requests.RequestException):
        return type(error).__name__
    if isinstance(error, ValueError):
        return "what arrived does not have the published checksum"
    return error.strerror or type(error).__name__


@contextmanager
def one_at_a_time(lock: Path) -> Iterator[None]:
    """Wait until no other process is inside with the same lock file; a killed process is inside no more."""
    if sys.platform == "win32":
        yield
        return
    lock.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with lock.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not _is_still(file.fileno(), lock):
                continue  # whoever was inside has removed the file: nobody else can find this lock
            try:
                yield
            finally:
                lock.unlink(missing_ok=True)
            return


def _is_still(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
