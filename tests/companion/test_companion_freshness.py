"""Freshness and publishing of a tiny notebook project (conftest.py)."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import nbformat
import pytest

from cena.companion.check import check, provenance, staleness
from cena.companion.normalise import read, write
from cena.companion.project import Project
from cena.companion.publish import publish


def edit(path: str, old: str, new: str) -> Callable[[Project], None]:
    def change(project: Project) -> None:
        text = (project.root / path).read_text()
        assert old in text
        (project.root / path).write_text(text.replace(old, new))

    return change


def of_executed(change: Callable[[Any], None]) -> Callable[[Project], None]:
    def changed(project: Project) -> None:
        path = project.notebooks / "01_first.ipynb"
        notebook = read(path)
        change(notebook)
        write(notebook, path)

    return changed


def break_cell(notebook: Any) -> None:
    error = nbformat.v4.new_output("error", ename="E", evalue="", traceback=[])
    notebook.cells[3].outputs.append(error)


def forget_cell(notebook: Any) -> None:
    notebook.cells[4].execution_count = None


def set_profile(notebook: Any) -> None:
    notebook.metadata.cena.parameters.profile = "huge"


def set_runs(notebook: Any) -> None:
    notebook.metadata.cena.parameters.runs = 7


def set_points(notebook: Any) -> None:
    notebook.metadata.cena.settings.views.points = 3


def remove(path: str) -> Callable[[Project], None]:
    return lambda project: (project.root / path).unlink()


def test_a_published_project_is_fresh(project):
    assert check(project) == []


@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        (remove("notebooks/01_first.ipynb"), ["never executed"]),
        (lambda project: (project.notebooks / "01_first.ipynb").write_text("{"), ["never executed"]),
        (of_executed(lambda notebook: notebook.metadata.pop("cena")), ["never executed"]),
        (edit("notebooks/01_first.py", "# # First", "# # One"), ["its source changed"]),
        (edit("cena/errors.py", "cutoff=0.5", "cutoff=0.4"), ["module cena.errors changed"]),
        (edit("cena/errors.py", '"""What bad input', '"""What any bad input'), []),
        (of_executed(set_runs), ["parameter runs was 7, is 2"]),
        (of_executed(set_points), ["the profile's setting points was 3, is 64"]),
        (of_executed(set_profile), ["executed under profile 'huge', which there is no more"]),
        (edit("cena/data/bundled/labels.csv", "1", "3"), ["data file data/bundled/labels.csv changed"]),
        (
            remove("book/results/01_first.curve.csv"),
            ["result 01_first.curve.csv is missing or not what the notebook wrote"],
        ),
        (of_executed(break_cell), ["cell 4 holds an error output"]),
        (of_executed(forget_cell), ["cell 5 was not executed"]),
    ],
)
def test_check_names_the_notebook_and_the_reason(project, change, reasons):
    change(project)
    assert [(found.notebook, found.reason) for found in check(project)] == [("01_first", reason) for reason in reasons]


def test_pins_count_for_every_notebook(project):
    edit("requirements.txt", "numpy==2", "numpy==3")(project)
    assert [(found.notebook, found.reason) for found in check(project)] == [
        ("01_first", "the pinned packages changed"),
        ("02_second", "the pinned packages changed"),
    ]


def test_a_notebook_that_reads_results_is_stale_when_these_change(project):
    edit("book/results/01_first.json", "[]", "[ ]")(project)
    assert {(found.notebook, found.reason) for found in check(project)} == {
        ("01_first", "result 01_first.json is missing or not what the notebook wrote"),
        ("02_second", "result 01_first.json, which it reads, changed"),
    }


def test_an_execution_without_its_source_is_named(project):
    (project.notebooks / "02_second.py").unlink()
    assert [(found.notebook, found.reason) for found in check(project)] == [
        ("02_second", "there is no source notebooks/02_second.py")
    ]


def test_published_results_count_for_a_readers_run_but_not_for_the_published_one(project):
    executed = project.executed("quick") / "02_second.ipynb"
    now = provenance(project, "02_second", {"profile": "quick"}, project.results("quick"))
    assert [found.reason for found in staleness("02_second", executed, now)] == [
        "published result 01_first.json, which it reads, changed"  # it was executed before the publication
    ]


def test_publishing_leaves_no_half_written_files(project):
    assert publish(project, ["01_first"], "quick") == (["01_first"], [])
    assert not [path for path in project.root.rglob("*.part") if path.is_file()]


def test_publishing_needs_no_matplotlib(project):
    (project.root / "README.md").write_text("<!-- results -->\n<!-- /results -->\n")
    code = (
        "import sys; sys.modules |= dict.fromkeys(('matplotlib', 'plotly', 'papermill'))\n"
        "from pathlib import Path; from cena.study import fingerprint; fingerprint.PACKAGE = Path('cena').resolve()\n"
        "from cena.cli.main import main; main()"
    )
    command = [sys.executable, "-P", "-c", code, "publish", "01_first", "--profile", "quick"]
    done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "01_first: published from profile quick\n"), done.stderr
