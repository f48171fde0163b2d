"""What is printed, on any terminal, of anything: no error, no character cut off, and no file that steers it."""

import io
import sys

import pytest
from rich.text import Text

from cena import spaces
from cena.cli import main as cli
from cena.cli.console import console, escape
from cena.companion import check


@pytest.fixture
def printed(monkeypatch, tmp_path):
    """Calls ``cena`` on a terminal of some encoding and gives the exit code and what that terminal shows."""

    def call(encoding: str, *arguments: str) -> tuple[int, str]:
        terminal = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
        monkeypatch.setattr(sys, "stdout", terminal)
        monkeypatch.setattr(sys, "argv", ["cena", *arguments])
        monkeypatch.setenv("CENA_DATA", str(tmp_path))
        with pytest.raises(SystemExit) as end:
            cli.main()
        terminal.flush()
        return int(end.value.code or 0), terminal.buffer.getvalue().decode(encoding)

    return call


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437"])
@pytest.mark.parametrize("arguments", ["--help", "profiles", "spaces", "data list", "data --help", "run --help"])
def test_a_terminal_of_few_characters_shows_every_command(printed, encoding, arguments):
    code, shown = printed(encoding, *arguments.split())
    assert code == 0
    assert len(shown) > 100
    assert "\\x" not in shown
    assert "\\u" not in shown


def test_what_a_terminal_does_not_know_is_a_question_mark(printed, monkeypatch):
    monkeypatch.setattr(cli, "here", lambda: None)
    monkeypatch.setattr(check, "check", lambda _: {"04_layout": ["τ was ≥ 0.5", "\udcff.json changed"]})
    expected = "04_layout: {} was {} 0.5\n04_layout: ?.json changed\n"
    assert printed("ascii", "check") == (1, expected.format("?", "?"))
    assert printed("utf-8", "check") == (1, expected.format("τ", "≥"))


@pytest.mark.parametrize("command", ["spaces", "data list"])
def test_a_narrow_terminal_cuts_nothing_off(printed, monkeypatch, command):
    monkeypatch.setattr(console, "width", 60)
    _, shown = printed("utf-8", *command.split())
    assert "…" not in shown
    cells = [line.split("│") for line in shown.splitlines() if line.startswith("│")]
    column = "".join(line[4 if command == "spaces" else 1].strip() for line in cells)
    whole = "lightonai/SearchSpaces/Bench201/configs.txt" if command == "data list" else None
    assert (whole or spaces.load("nas-bench-201").architecture(0)) in column


@pytest.mark.parametrize(
    "text", ["[bold]x[/bold]", "\x1b]0;title\x07\x1b[31mred", "a\rb", "\u202ereversed", "ä τ\nline"]
)
def test_text_from_outside_is_no_markup_and_controls_no_terminal(text):
    shown = Text.from_markup(escape(text)).plain
    assert shown == "".join(c if c.isprintable() or c == "\n" else "?" for c in text)
