"""Downloads that go on where they stopped, one process at a time.

What has arrived is kept beside the file's place as ``<name>.part``. The next attempt, in this process or a later one,
asks the server for the rest (HTTP ``Range``, RFC 9110 section 14) and starts anew where the server does not do that.
There it is also verified: a kill at any moment costs nothing that had arrived, and there is never a second copy.
"""

import time
from concurrent.futures import Future
from pathlib import Path
from threading import Thread

import requests
import urllib3.exceptions

from cena.files import file_sha256
from cena.types import Progress, silent

TIMEOUT = 30.0
"""Seconds without a connection or a byte after which an attempt fails."""
CHUNK = 1 << 16
"""Bytes of a piece, at most."""
SLOWEST = 1000
"""Bytes a second without which an attempt fails: a download has no more than its size over this."""
WINDOW = 60.0
"""Seconds over which they are counted."""
PAUSE = 1.0
"""Seconds between two attempts."""


class TrickleError(requests.Timeout):
    """A server that sends, but too slowly to wait for the end."""


class ChecksumError(ValueError):
    """A download with another content than was published."""


def download(url: str, part: Path, checksum: str, attempts: int, progress: Progress = silent) -> None:
    """Complete `part` with the content of an address, and verify it there.

    Parameters
    ----------
    part : the unfinished file; what it holds is gone on from.
    checksum : the sha256 that the whole has, in hexadecimal.
    attempts : how often it is tried.
    progress : called after every piece of (bytes there, bytes in all), the latter 0 where the server does not say.

    Raises
    ------
    requests.RequestException
        If the server refuses, stalls, trickles or breaks off; what has arrived is kept.
    ChecksumError
        If something else arrives; it is deleted.
    OSError
        If it cannot be written.
    """
    for left in reversed(range(attempts)):
        try:
            _complete(url, part, progress)
            if file_sha256(part) == checksum:
                return
            part.unlink()
            raise ChecksumError(url)
        except (requests.RequestException, ChecksumError):
            if not left:
                raise
            time.sleep(PAUSE)


def _complete(url: str, part: Path, progress: Progress) -> None:
    there = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"}  # lengths are those of the file, not of a compressed answer
    if there:
        headers["Range"] = f"bytes={there}-"
    with _answer(url, headers) as response:
        if there and response.status_code == requests.codes.requested_range_not_satisfiable:
            return  # nothing is left to get: the checksum decides whether what is there is the file
        response.raise_for_status()
        try:
            _receive(response, part, there, progress)
        except urllib3.exceptions.ReadTimeoutError as error:
            raise requests.Timeout(error) from error
        except urllib3.exceptions.HTTPError as error:
            raise requests.exceptions.ChunkedEncodingError(error) from error


def _answer(url: str, headers: dict[str, str]) -> requests.Response:
    """The response once its head is there, which has `WINDOW` to arrive: the library limits the wait for a byte only.

    It is waited for in a thread, which is left behind with a server that does not come to the end.
    """
    answer: Future[requests.Response] = Future()

    def ask() -> None:
        try:
            answer.set_result(requests.get(url, headers=headers, stream=True, timeout=TIMEOUT))
        except Exception as error:
            answer.set_exception(error)

    Thread(target=ask, daemon=True).start()
    try:
        return answer.result(WINDOW)
    except TimeoutError:
        raise TrickleError from None


def _receive(response: requests.Response, part: Path, there: int, progress: Progress) -> None:
    if not response.headers.get("Content-Range", "").startswith(f"bytes {there}-"):
        there = 0  # the server sends the whole file
    announced = response.headers.get("Content-Length", "")
    total = there + int(announced) if announced.isdecimal() else 0
    began, had = time.monotonic(), there
    with part.open("ab" if there else "wb") as file:
        # `read1` gives what there is; `iter_content` would wait for a whole piece.
        while piece := response.raw.read1(CHUNK, decode_content=True):
            file.write(piece)
            there += len(piece)
            progress(there, total)
            waited = time.monotonic() - began
            if waited > WINDOW:
                if there - had < SLOWEST * waited:
                    raise TrickleError
                began, had = time.monotonic(), there


def reason(error: OSError | ValueError) -> str:
    """Why a download failed, in a few words; the network library's own texts are long and name its internals."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answered {response.status_code}"
    if isinstance(error, TrickleError):
        return f"the server sent less than {SLOWEST:,} bytes a second for {WINDOW:g} s"
    if isinstance(error, requests.Timeout):
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
