"""The command line: what it prints and exits with. Running notebooks is tested in test_companion_notebooks.py."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from cena.cli import main as cli
from cena.companion import book, bundle, check, notebooks, publish, readme, reproduce, rewording
from cena.companion.book import BookError
from cena.companion.notebooks import Execution, NotebookError
from cena.errors import InputError
from cena.evaluate.records import Record, write_records
from cena.study import digits_benchmark
from cena.study.cluster import VARIABLE

Command = Callable[..., tuple[int, str, str]]
PACKAGE = Path(cli.__file__).parents[1]


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """An empty checkout, made the current directory."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "cena").symlink_to(PACKAGE)
    (tmp_path / "notebooks/04_layout.py").write_text(
        "# ---\n# jupyter:\n#   cena:\n#     needs: [topology]\n#     version: 1\n# ---\n\n"
        '# %% tags=["parameters"]\nprofile: str = "quick"  # [quick] settings\nruns: int = 2  # [0..10] runs\n'
    )
    (tmp_path / "requirements.txt").write_text("numpy==2\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def command(monkeypatch, capsys) -> Command:
    """Calls ``cena`` and returns exit code, output and errors."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["cena", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        printed = capsys.readouterr()
        return int(end.value.code or 0), printed.out, printed.err

    return call


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "04_layuot"], "unknown notebook '04_layuot'; valid: 04_layout"),
        (["run", "--profile", "quik"], "unknown profile 'quik'; valid: quick, "),
        (["run", "-p", "rums", "3"], "notebook '04_layout': unknown parameter 'rums'; valid: runs, "),
        (["run", "-p", "runs", "many"], "notebook '04_layout': parameter 'runs' is 'many': give an int from 0 to 10"),
        (["run", "-p", "runs"], "-p needs a name and a value, not 'runs': -p runs 20, or -p runs=20"),
        (["run", "-p"], "-p needs a name and a value, not ''"),
        (["run", "-p", "=20"], "-p needs a name and a value, not '=20'"),
        (["run", "--parameter=runs", "20", "04_layout"], "-p needs a name and a value, not 'runs'"),
        (["run", "-p", "runs", "04_layout"], "notebook '04_layout': parameter 'runs' is '04_layout': give an int"),
        (["run", "-p", "runs=2", "-p", "runs", "3"], "notebook '04_layout': parameter 'runs' is given twice"),
        (["diff", "paper"], "there are no results under profile 'paper'"),
        (["diff", "papper"], "unknown profile 'papper'; valid: paper"),
        (["publish", "--profile", "papper"], "unknown profile 'papper'; valid: paper"),
        (["publish", "nothing"], "unknown notebook 'nothing'"),
    ],
)
def test_bad_input_is_one_sentence_and_2_and_nothing_is_written(project, command, arguments, sentence):
    before = sorted(project.rglob("*"))
    code, out, err = command(*arguments)
    assert code == 2
    assert out == ""
    assert err.startswith(sentence)
    assert err.count("\n") == 1
    assert sorted(project.rglob("*")) == before


def test_outside_a_checkout_it_says_where_to_go(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    code, _, err = command("check")
    assert code == 2
    assert "run this in a checkout" in err


@pytest.mark.usefixtures("project")
def test_run_passes_on_what_was_asked_and_says_what_was_done(monkeypatch, command):
    asked = []

    def run(project, stems, profile, given, force, progress) -> Iterator[Execution]:
        asked.append((stems, profile, given, force))
        progress("04_layout", 1, 3)
        progress("04_layout", 2, 3)
        yield Execution("04_layout", project.root / "x", 12.3)
        yield Execution("05_analysis", project.root / "y", None)

    monkeypatch.setattr(notebooks, "run", run)
    monkeypatch.setenv(VARIABLE, "")
    arguments = [
        "--scheduler",
        "tcp://host:8786",
        "-p",
        "runs",
        "20",
        "--parameter",
        "title",
        "a = [b]",
        "--force",
        "04_layout",
        "--profile",
        "laptop",
    ]
    code, out, _ = command("run", *arguments)
    assert code == 0
    assert asked == [(["04_layout"], "laptop", [("runs", "20"), ("title", "a = [b]")], True)]
    assert os.environ[VARIABLE] == "tcp://host:8786"
    assert out.splitlines()[:3] == ["04_layout: 3 cells", "04_layout: done in 12 s", "05_analysis: fresh"]


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "stems", "given"),
    [
        ("-p runs=20 04_layout", ["04_layout"], [("runs", "20")]),
        ("-p runs 20 04_layout", ["04_layout"], [("runs", "20")]),
        ("04_layout -p runs=20", ["04_layout"], [("runs", "20")]),
        ("04_layout -p runs 20", ["04_layout"], [("runs", "20")]),
        ("03_x -p runs=20 04_layout --parameter title a=b", ["03_x", "04_layout"], [("runs", "20"), ("title", "a=b")]),
        ("--parameter title=a=b -p shift -3 04_layout", ["04_layout"], [("title", "a=b"), ("shift", "-3")]),
        ("--parameter=runs=20 04_layout -p title=", ["04_layout"], [("runs", "20"), ("title", "")]),
        ("-p runs 20 -p title b 03_x 04_layout", ["03_x", "04_layout"], [("runs", "20"), ("title", "b")]),
    ],
)
def test_a_parameter_is_name_and_value_or_name_equals_value(monkeypatch, command, arguments, stems, given):
    asked = []
    monkeypatch.setattr(
        notebooks, "run", lambda _project, stems, _profile, given, *_: asked.append((stems, given)) or iter([])
    )
    assert command("run", *arguments.split())[0] == 0
    assert asked == [(stems, given)]


@pytest.mark.usefixtures("project")
def test_a_failed_notebook_is_one_sentence_and_1(monkeypatch, command):
    def run(*_: object) -> Iterator[Execution]:
        raise NotebookError("notebook '04_layout' failed in cell [3] with ValueError: [x]")

    monkeypatch.setattr(notebooks, "run", run)
    assert command("run") == (1, "", "notebook '04_layout' failed in cell [3] with ValueError: [x]\n")


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(("sent", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_is_a_sentence_and_the_signal_s_code(monkeypatch, command, sent, expected):
    def run(*_: object) -> Iterator[Execution]:
        signal.raise_signal(sent)
        raise AssertionError("it went on")

    monkeypatch.setattr(notebooks, "run", run)
    code, _, err = command("run")
    assert (code, err) == (expected, "interrupted: run the same command again to go on\n")


@pytest.mark.usefixtures("project")
def test_check_names_what_is_stale(monkeypatch, command):
    reason = "a reason that is longer than a line of the terminal: " + 40 * "word "
    monkeypatch.setattr(check, "check", lambda _: {"04_layout": [reason]})
    assert command("check") == (1, f"04_layout: {reason}\n", "")
    monkeypatch.setattr(check, "check", lambda _: {})
    assert command("check")[:2] == (0, "all published notebooks are fresh\n")


@pytest.mark.usefixtures("project")
def test_publish_says_what_was_published_and_what_was_left_out(monkeypatch, command):
    left_out = {"05_analysis": ["never executed"]}
    monkeypatch.setattr(publish, "publish", lambda *_: (["04_layout"], left_out))
    updated = []
    monkeypatch.setattr(readme, "update_readme", updated.append)
    code, out, _ = command("publish", "--profile", "laptop")
    assert code == 1
    assert out == "04_layout: published from profile laptop\n05_analysis: left out, never executed\n"
    monkeypatch.setattr(publish, "publish", lambda *_: (["04_layout"], {}))
    assert command("publish")[0] == 0
    assert len(updated) == 2


def test_diff_shows_both_numbers_and_fails_when_they_differ(project, command):
    def written(folder: str, value: float) -> None:
        record = Record("table1.digits.tau", value, value - 0.01, value + 0.01, 5, value, "Table 1", None, "reproduced")
        write_records(project / folder / "05.json", [record])

    written("book/results", 0.7)
    written("_build/quick/results", 0.71)
    code, out, _ = command("diff")
    assert code == 0
    assert "table1.digits.tau" in out
    assert "agree" in out
    written("_build/quick/results", 0.73)
    code, out, _ = command("diff", "quick")
    assert code == 1
    assert "differ" in out


@pytest.mark.usefixtures("project")
def test_reproduce_has_a_line_for_each_difference_and_fails_when_there_is_one(monkeypatch, command):
    monkeypatch.setattr(reproduce, "reproduce", lambda _project, stem, _progress: [f"cell 3 of {stem}", "result [x]"])
    code, out, _ = command("reproduce", "04_layout")
    assert (code, out) == (1, "04_layout: cell 3 of 04_layout\n04_layout: result [x]\n")
    monkeypatch.setattr(reproduce, "reproduce", lambda *_: [])
    assert command("reproduce", "04_layout") == (0, "04_layout: the page and its results came out the same\n", "")


@pytest.mark.usefixtures("project")
def test_book_says_where_it_is_and_fails_with_what_sphinx_said(monkeypatch, command):
    monkeypatch.setattr(book, "build_book", lambda project, name: project.root / "_build" / name / "html/index.html")
    assert command("book", "--profile", "published")[:2] == (0, "the book: _build/published/html/index.html\n")

    def fail(*_: object) -> Path:
        raise BookError("1 warning [ref.doc]")

    monkeypatch.setattr(book, "build_book", fail)
    assert command("book") == (1, "", "1 warning [ref.doc]\n")


@pytest.mark.usefixtures("project")
def test_bundle_says_where_it_is_and_refuses_in_a_sentence_for_each_page(monkeypatch, command):
    monkeypatch.setattr(bundle, "bundle", lambda project: project.build("release"))
    assert command("bundle")[:2] == (0, "the release: _build/release\n")

    def refuse(_project: object) -> Path:
        raise InputError("page 04_layout is stale\npage 05_analysis is stale")

    monkeypatch.setattr(bundle, "bundle", refuse)
    assert command("bundle") == (2, "", "page 04_layout is stale\npage 05_analysis is stale\n")


@pytest.mark.usefixtures("project")
def test_digits_train_keeps_its_journal_with_the_artifacts(monkeypatch, command):
    asked = []

    def train_table(space: str, journal: Path, workers: int, progress: Callable[[int, int], None]) -> None:
        asked.append((space, journal, workers))
        progress(1, 2)

    monkeypatch.setattr(digits_benchmark, "train_table", train_table)
    code, out, _ = command("digits", "train", "digits-size", "--workers", "2")
    assert code == 0
    assert asked == [("digits-size", Path.cwd() / "artifacts/digits/digits-size.jsonl", 2)]
    assert "the table is digits_size.csv.gz" in out
    assert command("digits", "train", "digit-size")[0] == 2


@pytest.mark.usefixtures("project")
def test_digits_retrain_shows_both_accuracies(monkeypatch, command):
    rows = pd.DataFrame({"test_accuracy": [50.1234], "test_retrained": [50.5]}, index=[2])
    monkeypatch.setattr(digits_benchmark, "retrain", lambda *_: rows)
    code, out, _ = command("digits", "retrain", "digits-size", "2:2:2:2:2")
    assert code == 0
    assert "50.1234" in out
    assert "50.5000" in out


def test_profiles_and_spaces_are_listed(command):
    code, out, _ = command("profiles")
    assert code == 0
    assert all(name in out for name in ("quick", "laptop", "paper", "search: budget"))
    code, out, _ = command("spaces")
    assert code == 0
    assert "nas-bench-201" in out
    assert "15,625" in out


def test_help_is_quick_as_nothing_heavy_is_imported():
    code = (
        "import sys; from cena.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: print(sorted({'torch', 'papermill', 'pandas', 'numpy'} & set(sys.modules)))\n"
    )
    shown = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True)
    assert shown.stdout.endswith("[]\n")


@pytest.mark.usefixtures("project")
def test_reword_names_what_it_carried_over(monkeypatch, command):
    monkeypatch.setattr(rewording, "carry_text", lambda _project, stems: [*stems])
    assert command("reword", "04_layout") == (0, "reworded: 04_layout\n", "")
    assert command("reword") == (0, "the published text is that of the sources\n", "")
