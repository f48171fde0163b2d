"""Downloads that go on where they stopped, one process at a time.

What has arrived is kept beside the file's place as ``<name>.part``. The next attempt, in this process or a later one,
asks the server for the rest (HTTP ``Range``, RFC 9110 section 14) and starts anew where the server does not do that.
"""

from pathlib import Path

import requests

from cena.types import Progress, silent

TIMEOUT = 30.0
"""Seconds without a connection or a byte after which an attempt fails."""
CHUNK = 1 << 16
"""Bytes of a piece."""


class ResumingDownloader:
    """A downloader for pooch that keeps what has arrived and resumes it.

    Parameters
    ----------
    part : where unfinished content is kept.
    progress : called after every piece of (bytes there, bytes in all), the latter 0 where the server does not say.
    """

    def __init__(self, part: Path, progress: Progress = silent):
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
