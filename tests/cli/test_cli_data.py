"""The command line's ``cena data``: what it prints and exits with."""

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cena.cli import data as data_cli
from cena.cli import main as cli
from cena.data import derived, importing, public_files, registry
from cena.data.label_tables import imported_path, save_table
from cena.data.nas_bench_201_labels import LABELS_201
from cena.data.public_files import DataFile

Command = Callable[..., tuple[int, str, str]]
ABSENT = "http://127.0.0.1:9/absent.txt"  # port 9, discard: nobody listens


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A download folder with a good file; another file is missing, and a third is so large that it must be named."""
    good = hashlib.sha256(b"good").hexdigest()
    entries = {
        "good.txt": DataFile(good, "https://example.org/good.txt", "a good file", "MIT", 1.5, "1, 7"),
        "absent.txt": DataFile(good, ABSENT, "a missing file", megabytes=2.25),
        "large.txt": DataFile(good, ABSENT, "a large file", only_by_name=True),
    }
    monkeypatch.setattr(registry, "REGISTRY", entries)
    monkeypatch.setattr(registry, "RETRIES", 0)
    monkeypatch.setattr(derived, "RECIPES", {})
    monkeypatch.setenv("CENA_DATA", str(tmp_path))
    (tmp_path / "good.txt").write_bytes(b"good")
    return tmp_path


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Calls ``cena data`` and returns exit code, output and errors."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(data_cli.console, "width", 300)
        monkeypatch.setattr(sys, "argv", ["cena", "data", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        printed = capsys.readouterr()
        return int(end.value.code or 0), printed.out, printed.err

    return call


@pytest.mark.usefixtures("folder")
def test_list_says_what_is_there(command: Command) -> None:
    code, out, _ = command("list")
    assert code == 0
    lines = {line.split()[1]: " ".join(line.split()[3:-1]) for line in out.splitlines() if ".txt" in line}
    assert lines["good.txt"] == "1.50 │ MIT │ https://example.org/good.txt │ yes │ 1, 7"
    assert lines["absent.txt"] == f"2.25 │ none stated │ {ABSENT} │ no │"
    save_table(imported_path("nas-bench-101"), {}, {"source": "nasbench_full.tfrecord", "sha256": "ab12"})
    assert "nas-bench-101: imported from nasbench_full.tfrecord (sha256 ab12)" in command("list")[1]


def test_verify(folder: Path, command: Command) -> None:
    assert command("verify") == (0, "good.txt: verified\nabsent.txt: missing\nlarge.txt: missing\n", "")
    assert command("verify", "absent.txt")[0] == 1
    (folder / "good.txt").write_bytes(b"bad")
    code, out, _ = command("verify", "good.txt")
    assert (code, out) == (1, "good.txt: damaged\n")
    assert (folder / "good.txt").read_bytes() == b"bad"


@pytest.mark.usefixtures("folder")
def test_fetch_uses_what_is_there_and_says_what_it_cannot_get(command: Command) -> None:
    none = "to be downloaded: 0 of 1 files, 0.0 MB\n"
    assert command("fetch", "good.txt") == (0, f"{none}good.txt: there and verified\n", "")
    code, out, err = command("fetch")
    assert code == 2
    assert out == "to be downloaded: 1 of 2 files, 2.2 MB\ngood.txt: there and verified\n"
    assert err.startswith("cannot download (there is no connection to the server) absent.txt")
    assert err.count("\n") == 1
    code, _, err = command("fetch", "god.txt")
    assert code == 2
    assert err.startswith("unknown data file 'god.txt'; valid: good.txt, ")


def test_fetch_downloads(folder: Path, monkeypatch: pytest.MonkeyPatch, command: Command) -> None:
    asked: list[str] = []

    def fetch(name: str, progress: Callable[[int, int], None]) -> Path:
        progress(1, 2)
        progress(2, 0)
        asked.append(name)
        return folder / name

    monkeypatch.setattr(registry, "fetch", fetch)
    code, out, _ = command("fetch")
    assert code == 0
    assert {"good.txt: there and verified", "absent.txt: downloaded and verified"} < set(out.splitlines())
    assert sorted(asked) == ["absent.txt", "good.txt"]  # the large file only by name
    assert command("fetch", "large.txt")[1].endswith("large.txt: downloaded and verified\n")


def test_fetch_derives_what_it_can_and_a_failure_keeps_nothing_else_waiting(
    folder: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    good, changed, absent = (
        derived.Recipe(LABELS_201, name, (source,), lambda _: {}, derived.content_sha256({}) if name == "good" else "")
        for name, source in (("good", "good.txt"), ("changed", "good.txt"), ("absent", "absent.txt"))
    )
    monkeypatch.setattr(derived, "RECIPES", {"changed": (changed,), "absent": (absent,), "good": (good,)})
    assert "good: to be derived from good.txt" in command("list")[1]
    code, out, err = command("fetch")
    assert code == 2
    assert f"good: labels at {folder / 'derived/good.npz'}" in out
    assert [line.split(":")[0] for line in err.splitlines()] == [
        "cannot download (there is no connection to the server) absent.txt (a missing file), from http",
        "the table changed does not have its published content",
    ]
    assert "good: derived from good.txt" in command("list")[1]


@pytest.mark.usefixtures("folder")
def test_import_passes_on_what_was_asked(monkeypatch: pytest.MonkeyPatch, command: Command, tmp_path: Path) -> None:
    asked: list[tuple[str, Path]] = []

    def import_archive(space: str, source: Path, progress: Callable[[int, int], None]) -> Path:
        progress(3, 0)
        asked.append((space, source))
        return tmp_path / "table.npz"

    monkeypatch.setattr(importing, "import_archive", import_archive)
    monkeypatch.setattr(registry, "fetch", lambda name: tmp_path / name)
    code, out, _ = command("import", "nats-bench-size", "a.tar")
    assert (code, out) == (0, f"nats-bench-size: imported into {tmp_path / 'table.npz'}\n")
    assert command("import", "nas-bench-101")[0] == 0
    assert asked == [("nats-bench-size", Path("a.tar")), ("nas-bench-101", tmp_path / public_files.ARCHIVE_101)]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nas-bench-201"], "which archive of 'nas-bench-201'? give its path"),
        (["nas-bench-201", "absent.tar"], "there is no archive absent.tar"),
        (["nas-bench-301", "absent.tar"], "unknown space with an importer 'nas-bench-301'; valid: nas-bench-"),
    ],
)
def test_bad_imports_are_one_sentence_and_2(command: Command, arguments: list[str], sentence: str) -> None:
    code, _, err = command("import", *arguments)
    assert code == 2
    assert err.startswith(sentence)
    assert err.count("\n") == 1
