"""Downloads from a local server that truncates, stalls, redirects, resumes or refuses to; and two at once."""

import errno
import gc
import hashlib
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cena.data import download, registry
from cena.data.public_files import DataFile
from cena.errors import InputError

CONTENT = bytes(range(256)) * 1000
NAME = "tables/accuracies.bin"
RESUMED = f"bytes={len(CONTENT) // 2}-"  # after the half that arrives of a truncated answer

# A failed download leaves its socket to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@dataclass
class Server:
    """What the next answers are, and what was asked: the `Range` of each request."""

    url: str
    ranges: bool = True
    faults: list[str] = field(default_factory=list)
    asked: list[str | None] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.headers.get("Range"))
            fault = state.faults.pop(0) if state.faults else ""
            if fault == "redirect":
                self.send_response(302)
                self.send_header("Location", state.url + "?moved")
                self.end_headers()
                return
            if fault.isdigit():
                self.send_error(int(fault))
                return
            start = 0
            wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "") if state.ranges else None
            if wanted:
                start = int(wanted[1])
            if start >= len(CONTENT):
                self.send_error(416)
                return
            if fault == "trickling head":
                with suppress(ConnectionError):
                    for byte in b"HTTP/1.1 200 OK\r\n" + b"X: 0\r\n" * 50:
                        self.wfile.write(bytes([byte]))
                        if state.released.wait(0.02):
                            return
            self.send_response(206 if wanted else 200)
            self.send_header("Content-Length", str(len(CONTENT) - start))
            if wanted:
                self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
            self.end_headers()
            body = CONTENT[start:]
            half = body[: len(body) // 2]
            if fault == "corrupt":
                body = body[:-1] + b"?"
            with suppress(ConnectionError):  # whose disk is full hangs up
                for byte in body[:200] if fault == "trickle" else b"":
                    self.wfile.write(bytes([byte]))
                    if state.released.wait(0.02):
                        return
                self.wfile.write(half if fault in ("truncate", "stall") else body)
            if fault == "stall":
                self.wfile.flush()
                state.released.wait(10)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        state = Server(f"http://127.0.0.1:{http.server_address[1]}/accuracies.bin")
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        yield state
        state.released.set()
        http.shutdown()
        thread.join()
        gc.collect()


@pytest.fixture
def folder(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty download folder, with one file registered; two retries without waiting."""
    entry = DataFile(hashlib.sha256(CONTENT).hexdigest(), server.url, "a test's table")
    monkeypatch.setattr(registry, "REGISTRY", {NAME: entry})
    monkeypatch.setenv("CENA_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(download, "PAUSE", 0)
    return tmp_path / "data"


def everything(folder: Path) -> list[str]:
    """But for the lock, which a failed download leaves for whoever waits for it."""
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return [file for file in files if file != f"{NAME}.lock"]


def fetched(folder: Path) -> None:
    assert registry.fetch(NAME).read_bytes() == CONTENT
    assert everything(folder) == [NAME]
    assert not (folder / f"{NAME}.lock").exists()


def test_a_truncated_download_is_continued(server: Server, folder: Path) -> None:
    server.faults = ["truncate"]
    fetched(folder)
    assert server.asked == [None, RESUMED]


def test_a_server_without_ranges_is_asked_for_all_again(server: Server, folder: Path) -> None:
    server.ranges = False
    server.faults = ["truncate"]
    fetched(folder)
    assert len(server.asked) == 2


def test_what_arrived_is_kept_for_the_next_call(server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "RETRIES", 0)
    server.faults = ["truncate"]
    with pytest.raises(InputError, match=r"^cannot download \(the connection broke off\) tables/accuracies\.bin"):
        registry.fetch(NAME)
    assert everything(folder) == [f"{NAME}.part"]
    told: list[tuple[int, int]] = []
    registry.fetch(NAME, told_to(told))
    assert server.asked[1] == RESUMED
    assert told[0][0] > len(CONTENT) // 2
    assert told[-1] == (len(CONTENT), len(CONTENT))


def told_to(told: list[tuple[int, int]]) -> Callable[[int, int], None]:
    return lambda there, total: told.append((there, total))


def test_a_stall_is_a_timeout_and_continued(server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "TIMEOUT", 0.5)
    server.faults = ["stall"]
    fetched(folder)
    assert server.asked == [None, RESUMED]
    (folder / NAME).unlink()
    server.faults = ["stall", "stall", "stall"]
    with pytest.raises(InputError, match=r"cannot download \(the server sent nothing for 0\.5 s\)"):
        registry.fetch(NAME)


@pytest.mark.parametrize("fault", ["trickle", "trickling head"])
def test_a_trickle_is_given_up_and_what_arrived_is_kept(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(download, "WINDOW", 0.3)
    monkeypatch.setattr(registry, "RETRIES", 1)
    server.faults = [fault, fault]
    started = time.monotonic()
    with pytest.raises(
        InputError, match=r"^cannot download \(the server sent less than 1,000 bytes a second for 0\.3 s"
    ):
        registry.fetch(NAME)
    assert time.monotonic() - started < 3
    part = folder / f"{NAME}.part"
    kept = part.read_bytes() if fault == "trickle" else b""
    assert part.exists() == (fault == "trickle")
    assert kept == CONTENT[: len(kept)]
    assert (10 < len(kept) < 200) == (fault == "trickle")
    fetched(folder)
    assert server.asked[2] == (f"bytes={len(kept)}-" if kept else None)


@pytest.mark.parametrize("moment", ["file_sha256", "_receive"])
def test_a_kill_loses_nothing_that_had_arrived(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Not even while the whole is verified; and it leaves no second copy."""
    real = getattr(download, moment)

    def killed(*arguments: object) -> None:
        if moment == "_receive":
            real(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(download, moment, killed)
        with pytest.raises(KeyboardInterrupt):
            registry.fetch(NAME)
    assert everything(folder) == [f"{NAME}.part"]
    fetched(folder)
    assert server.asked == [None, f"bytes={len(CONTENT)}-"]


@pytest.mark.parametrize("garbage", [b"what was there before", CONTENT[:-1] + b"?", CONTENT + b"more"])
def test_a_wrong_beginning_is_thrown_away(server: Server, folder: Path, garbage: bytes) -> None:
    part = folder / f"{NAME}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(garbage)
    fetched(folder)
    assert server.asked[-1] is None


def test_a_complete_part_needs_nothing_more(server: Server, folder: Path) -> None:
    part = folder / f"{NAME}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT)
    fetched(folder)
    assert server.asked == [f"bytes={len(CONTENT)}-"]


def test_corruption_and_redirection(server: Server, folder: Path) -> None:
    server.faults = ["corrupt", "redirect"]
    fetched(folder)
    assert server.asked == [None, None, None]  # the corrupt file was not continued


@pytest.mark.parametrize("status", ["403", "404", "500"])
def test_a_refusal_is_tried_three_times_and_said(server: Server, folder: Path, status: str) -> None:
    server.faults = [status] * 3
    with pytest.raises(InputError, match=rf"cannot download \(the server answered {status}\)"):
        registry.fetch(NAME)
    assert len(server.asked) == 3
    assert everything(folder) == []
    server.faults = [status] * 2
    fetched(folder)


def test_a_full_disk_loses_nothing(server: Server, folder: Path) -> None:
    class Full:
        """A disk with room for half of the file."""

        def __init__(self, there: int):
            self.there = there

        def __call__(self, there: int, _total: int) -> None:
            if there > self.there:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(InputError, match=r"^cannot download \(No space left on device\) [^\n]+$"):
        registry.fetch(NAME, Full(len(CONTENT) // 2))
    assert everything(folder) == [f"{NAME}.part"]
    fetched(folder)
    assert server.asked[1] is not None


def test_a_read_only_folder_is_said(server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(InputError, match=r"^cannot download \(Read-only file system\).*set CENA_DATA to a folder"):
        registry.fetch(NAME)
    assert server.asked == []
    assert not folder.exists()


def test_two_threads_download_once(server: Server, folder: Path) -> None:
    ready = threading.Barrier(2)

    def run() -> None:
        ready.wait()
        registry.fetch(NAME)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.asked) == 1
    fetched(folder)


@pytest.mark.slow
def test_two_processes_download_once(server: Server, folder: Path) -> None:
    script = (
        "import sys; from cena.data import registry; "
        "registry.REGISTRY = {sys.argv[1]: registry.DataFile(sys.argv[2], sys.argv[3], 'a test')}; "
        "registry.fetch(sys.argv[1])"
    )
    [entry] = registry.REGISTRY.values()
    command = [sys.executable, "-c", script, NAME, entry.checksum, server.url]
    processes = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(120) for process in processes] == [0, 0]
    assert len(server.asked) == 1
    fetched(folder)
