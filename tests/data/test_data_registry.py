"""The download registry against a local server: what is fetched, what is refused, what is left alone."""

import gc
import hashlib
import io
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cena.data import public_files, registry
from cena.data.public_files import DataFile
from cena.errors import InputError

CONTENT = b"94.41 73.66 47.33\n" * 1000
NAME = "labels/accuracies.txt"

# requests leaves the socket of a failed download to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@dataclass
class Server:
    """A server of one file whose next answers can be set: (status, body, announced length)."""

    url: str
    answers: list[tuple[int, bytes, int]] = field(default_factory=list)
    requests: int = 0


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.requests += 1
            status, body, length = state.answers.pop(0) if state.answers else (200, CONTENT, len(CONTENT))
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        state = Server(f"http://127.0.0.1:{http.server_address[1]}/accuracies.txt")
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        yield state
        http.shutdown()
        thread.join()
        if state.requests > 1:  # one failed: collect its socket here, where that is no error, not in another module
            gc.collect()


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str | None], Path]:
    """Registers one file at an address, in an empty download folder; no retries and no waiting."""

    def registered(url: str | None) -> Path:
        entry = DataFile(hashlib.sha256(CONTENT).hexdigest(), url, "a test's table")
        monkeypatch.setattr(registry, "REGISTRY", {NAME: entry})
        monkeypatch.setenv("CENA_DATA", str(tmp_path / "data"))
        monkeypatch.setattr(registry, "RETRIES", 0)
        return tmp_path / "data"

    return registered


def put(folder: Path, content: bytes) -> Path:
    path = folder / NAME
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    os.utime(path, ns=(10**18, 10**18))
    return path


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_downloads_once_and_verifies(server: Server, register: Callable[[str | None], Path]) -> None:
    folder = register(server.url)
    assert registry.missing([NAME]) == [NAME]
    path = registry.fetch(NAME)
    assert path == folder / NAME
    assert path.read_bytes() == CONTENT
    assert files_in(folder) == [path]
    assert registry.missing([NAME]) == []
    assert registry.fetch(NAME) == path
    assert server.requests == 1


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_bar(
    server: Server, register: Callable[[str | None], Path], monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    """A bar in a file or a notebook would be pages of carriage returns."""
    register(server.url)
    shown = io.StringIO()
    monkeypatch.setattr(shown, "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr("sys.stderr", shown)
    registry.fetch(NAME)
    assert ("100%" in shown.getvalue()) is terminal


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((200, CONTENT[:-1] + b"!", len(CONTENT)), "does not have the published checksum"),
        ((200, CONTENT[:500], len(CONTENT)), "the connection broke off"),
        ((404, b"", 0), "the server answered 404"),
    ],
    ids=["corrupted", "truncated", "absent"],
)
def test_bad_answers_leave_no_half_written_file(
    server: Server, register: Callable[[str | None], Path], answer: tuple[int, bytes, int], reason: str
) -> None:
    folder, path = register(server.url), Path(NAME)
    server.answers.append(answer)
    with pytest.raises(InputError) as error:
        registry.fetch(NAME)
    assert reason in str(error.value)
    assert server.url in str(error.value)
    left = {path.name for path in files_in(folder)} - {f"{path.name}.lock"}
    assert left in (set(), {f"{path.name}.part"})  # kept to be continued
    assert registry.fetch(NAME).read_bytes() == CONTENT  # the next run can still get it
    assert files_in(folder) == [folder / NAME]


def test_tries_again(server: Server, register: Callable[[str | None], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    register(server.url)
    monkeypatch.setattr(registry, "RETRIES", 2)
    server.answers += [(503, b"", 0), (200, b"half", 8)]
    assert registry.fetch(NAME).read_bytes() == CONTENT
    assert server.requests == 3


def test_without_network_the_sentence_says_what_to_do(register: Callable[[str | None], Path]) -> None:
    url = "http://127.0.0.1:9/accuracies.txt"  # port 9, discard: nobody listens
    folder = register(url)
    with pytest.raises(InputError) as error:
        registry.fetch(NAME)
    message = str(error.value)
    for part in (
        NAME,
        url,
        "there is no connection to the server",
        f"by hand to {folder / NAME}",
        "CENA_DATA",
        "a test's table",
    ):
        assert part in message
    assert "\n" not in message


def test_a_folder_that_cannot_be_written(server: Server, register: Callable[[str | None], Path]) -> None:
    register(server.url).write_text("a file where the folder should be")
    with pytest.raises(InputError, match=r"cannot download \(.+\) labels/accuracies.txt"):
        registry.fetch(NAME)


def test_uses_what_is_there_in_a_read_only_folder(server: Server, register: Callable[[str | None], Path]) -> None:
    folder = register(server.url)
    path = put(folder, CONTENT)
    path.chmod(0o444)
    path.parent.chmod(0o555)
    folder.chmod(0o555)
    try:
        assert registry.fetch(NAME) == path
        assert path.stat().st_mtime_ns == 10**18
        assert files_in(folder) == [path]
    finally:
        folder.chmod(0o755)
        path.parent.chmod(0o755)
    assert server.requests == 0


def test_a_damaged_file_is_refused_and_left_alone(server: Server, register: Callable[[str | None], Path]) -> None:
    path = put(register(server.url), CONTENT[:-1])
    with pytest.raises(InputError, match=r"is damaged.*remove it and run again") as error:
        registry.fetch(NAME)
    assert str(path) in str(error.value)
    assert path.read_bytes() == CONTENT[:-1]
    assert server.requests == 0


def test_verification_is_remembered_until_the_file_changes(
    register: Callable[[str | None], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(register(None), CONTENT)
    hashed: list[Path] = []

    def counted(file: Path) -> str:
        hashed.append(file)
        return hashlib.sha256(file.read_bytes()).hexdigest()

    monkeypatch.setattr(registry, "file_sha256", counted)
    registry.fetch(NAME)
    registry.fetch(NAME)
    assert hashed == [path]
    path.write_bytes(CONTENT[::-1])
    with pytest.raises(InputError, match="is damaged"):
        registry.fetch(NAME)
    assert len(hashed) == 2


def test_state(register: Callable[[str | None], Path]) -> None:
    folder = register(None)
    assert registry.state(NAME) == "missing"
    path = put(folder, CONTENT)
    assert registry.state(NAME) == "verified"
    path.write_bytes(CONTENT[:-1])
    assert registry.state(NAME) == "damaged"


def test_a_file_without_address(register: Callable[[str | None], Path]) -> None:
    folder = register(None)
    with pytest.raises(InputError, match="which has no public address: put it at") as error:
        registry.fetch(NAME)
    assert str(folder / NAME) in str(error.value)


@pytest.mark.parametrize("function", [registry.fetch, registry.how_to_get, lambda name: registry.missing([name])])
def test_unknown_files_are_named(function: Callable[[str], object]) -> None:
    with pytest.raises(InputError, match=r"^unknown data file 'cifar-10-binary\.tar'; valid: cifar-10-binary\.tar\.gz"):
        function("cifar-10-binary.tar")


def test_missing_keeps_the_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CENA_DATA", str(tmp_path))
    (tmp_path / public_files.CIFAR10).touch()
    names = list(registry.REGISTRY)
    assert registry.missing(reversed(names)) == [name for name in reversed(names) if name != public_files.CIFAR10]


def test_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CENA_DATA", "~/cena-data")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert registry.data_folder() == tmp_path / "cena-data"
    for unset in ("", None):
        monkeypatch.delenv("CENA_DATA") if unset is None else monkeypatch.setenv("CENA_DATA", unset)
        assert registry.data_folder().name == "cena"
        assert registry.data_folder().is_absolute()


def test_every_entry_is_well_formed() -> None:
    for name, entry in registry.REGISTRY.items():
        assert len(bytes.fromhex(entry.checksum)) == hashlib.sha256().digest_size
        assert not Path(name).is_absolute()
        assert entry.url is None or (entry.url.startswith("https://") and entry.url.endswith(Path(name).name))


@pytest.mark.real_data
@pytest.mark.skipif("CENA_DATA" not in os.environ, reason="CENA_DATA is not set")
def test_the_real_folder_has_the_registered_content() -> None:
    present = [name for name in registry.REGISTRY if not registry.missing([name])]
    assert present
    for name in present:
        assert registry.fetch(name) == Path(os.environ["CENA_DATA"]) / name
