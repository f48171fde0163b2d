"""Freshness and publishing of a tiny notebook project (conftest.py)."""

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import nbformat
import pytest

from cena.companion.check import check, provenance, staleness
from cena.companion.normalise import digest, read, write
from cena.companion.notebooks import run
from cena.companion.project import Project
from cena.companion.publish import publish
from cena.companion.results import files_in
from cena.companion.rewording import carry_text
from cena.errors import InputError
from cena.stages import STAGES


def edit(path: str, old: str, new: str) -> Callable[[Project], None]:
    def change(project: Project) -> None:
        text = (project.root / path).read_text()
        assert old in text
        (project.root / path).write_text(text.replace(old, new))

    return change


def of_executed(change: Callable[[Any], None]) -> Callable[[Project], None]:
    """A change of what was executed, so that its digest is the changed page's."""

    def changed(project: Project) -> None:
        path = project.notebooks / "01_first.ipynb"
        notebook = read(path)
        change(notebook)
        if "cena" in notebook.metadata:
            notebook.metadata.cena.digest = digest(notebook)
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
    notebook.metadata.cena.settings["views.points"] = 3


def forget_stage(notebook: Any) -> None:
    notebook.metadata.cena.stages["gone"] = 3


LABELS = "labels of digits-topology: dataset=digits split=test epochs=6 trials=mean"


def other_labels(notebook: Any) -> None:
    assert list(notebook.metadata.cena.data) == [LABELS]
    notebook.metadata.cena.data[LABELS] = "another checksum"


def other_numpy(notebook: Any) -> None:
    notebook.metadata.cena.packages["numpy"] = "1.0"


def other_notebook(notebook: Any) -> None:
    notebook.metadata.cena.notebook = "02_second"


def remove(path: str) -> Callable[[Project], None]:
    return lambda project: (project.root / path).unlink()


def test_a_published_project_is_fresh(project):
    assert check(project) == {}


@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        (remove("notebooks/01_first.ipynb"), ["never executed"]),
        (lambda project: (project.notebooks / "01_first.ipynb").write_text("{"), ["never executed"]),
        (of_executed(lambda notebook: notebook.metadata.pop("cena")), ["never executed"]),
        (edit("notebooks/01_first.py", "# # First", "# # One"), []),
        (
            edit("notebooks/01_first.py", "version: 1", "version: 2"),
            ["it computes something else: its version was 1, is 2"],
        ),
        (of_executed(set_runs), ["parameter runs was 7, is 2"]),
        (of_executed(set_points), ["the profile's setting views.points was 3, is 64"]),
        (of_executed(set_profile), ["executed under profile 'huge', which there is no more"]),
        (of_executed(other_labels), [f"data, {LABELS}, changed"]),
        (of_executed(other_numpy), [f"package numpy was 1.0, is {version('numpy')}"]),
        (of_executed(other_notebook), ["it is an execution of '02_second'"]),
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
    assert check(project) == ({"01_first": reasons} if reasons else {})


def test_another_version_of_a_stage_makes_exactly_the_pages_stale_that_use_it(project, monkeypatch):
    assert read(project.notebooks / "01_first.ipynb").metadata.cena.stages == {"layout": 1}
    assert read(project.notebooks / "02_second.ipynb").metadata.cena.stages == {}
    monkeypatch.setattr(STAGES["views"], "version", 2)
    assert check(project) == {}
    monkeypatch.setattr(STAGES["layout"], "version", 2)
    assert check(project) == {"01_first": ["stage 'layout' moved on from version 1 to 2"]}


def test_a_readers_own_run_is_executed_again_when_its_source_has_another_text(project):
    edit("notebooks/01_first.py", "# # First", "# # One")(project)
    now = provenance(project, "01_first", {"profile": "quick"}, project.results("quick"))
    executed = project.executed("quick") / "01_first.ipynb"
    assert staleness(project, executed, now) == ["its source changed"]


def test_rewording_is_carried_over_to_the_published_page_without_executing_it(project):
    before = read(project.notebooks / "01_first.ipynb")
    edit("notebooks/01_first.py", "# # First", "# # One")(project)
    edit("notebooks/01_first.py", "import sys", "import sys  # a comment")(project)
    assert carry_text(project, []) == ["01_first"]
    after = read(project.notebooks / "01_first.ipynb")
    assert after.cells[0].source == "# One"
    assert "# a comment" in after.cells[3].source
    assert [cell.get("outputs") for cell in after.cells] == [cell.get("outputs") for cell in before.cells]
    assert check(project) == {}
    assert carry_text(project, []) == []


def test_text_of_another_version_or_other_cells_is_not_carried_over(project):
    edit("notebooks/01_first.py", "version: 1", "version: 2")(project)
    before = (project.notebooks / "01_first.ipynb").read_bytes()
    assert carry_text(project, []) == []
    assert (project.notebooks / "01_first.ipynb").read_bytes() == before
    edit("notebooks/01_first.py", "version: 2", "version: 1")(project)
    edit("notebooks/01_first.py", "# %% [markdown]", "# %%\n1\n\n# %% [markdown]")(project)
    with pytest.raises(InputError, match="notebook '01_first': it has other cells than its execution"):
        carry_text(project, [])


@pytest.mark.parametrize(("file", "name"), [("requirements.txt", "scipy"), ("constraints.txt", "numpy")])
def test_pins_count_for_every_notebook(project, file, name):
    edit(file, f"{name}==", f"{name}==9")(project)
    reasons = [f"package {name} was {version(name)}, is 9{version(name)}"]
    assert check(project) == {"01_first": reasons, "02_second": reasons}


def test_pins_of_what_the_pages_do_not_need_are_free(project):
    with (project.root / "constraints.txt").open("a") as constraints:
        constraints.write("pytest==1.0  # only the tests need it\n")
    assert check(project) == {}


def test_what_was_executed_with_other_packages_than_the_pinned_is_not_published(project):
    edit("constraints.txt", "numpy==", "numpy==9")(project)
    reason = f"package numpy was {version('numpy')}, is 9{version('numpy')}"
    assert publish(project, ["01_first"], "quick") == ([], {"01_first": [reason]})
    now = provenance(project, "01_first", {"profile": "quick"}, project.results("quick"))
    assert (
        staleness(project, project.executed("quick") / "01_first.ipynb", now) == []
    )  # a reader's own run may have any


def test_a_notebook_that_reads_results_is_stale_when_these_change(project):
    edit("book/results/01_first.json", "[{", "[ {")(project)
    assert check(project) == {
        "01_first": ["result 01_first.json is missing or not what the notebook wrote"],
        "02_second": ["result 01_first.json, which it reads, changed"],
    }


def test_the_text_of_a_page_that_was_edited_is_not_carried_over(project):
    edit("notebooks/01_first.py", "# # First", "# # One")(project)
    edit("notebooks/01_first.ipynb", "warned", "praised")(project)
    with pytest.raises(InputError, match=r"notebooks/01_first\.ipynb was edited by hand"):
        carry_text(project, [])


def test_line_ends_do_not_count(project):
    folders = (project.root, project.notebooks, project.published_results, project.results("quick"))
    for path in (path for folder in folders for path in files_in(folder)):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert check(project) == {}
    assert carry_text(project, []) == []
    now = provenance(project, "01_first", {"profile": "quick"}, project.results("quick"))
    assert staleness(project, project.executed("quick") / "01_first.ipynb", now) == []


def test_an_execution_without_its_source_is_named(project):
    (project.notebooks / "02_second.py").unlink()
    assert check(project) == {"02_second": ["there is no source notebooks/02_second.py"]}


def test_a_result_of_no_notebook_is_named(project):
    (project.published_results / "03_third.csv").write_text("1\n")
    assert check(project) == {"book/results": ["03_third.csv is of no published notebook: delete it"]}


def test_published_results_count_for_a_readers_run_but_not_for_the_published_one(project):
    executed = project.executed("quick") / "02_second.ipynb"
    now = provenance(project, "02_second", {"profile": "quick"}, project.results("quick"))
    assert staleness(project, executed, now) == [
        "published result 01_first.json, which it reads, changed"  # it was executed before the publication
    ]


def test_publishing_leaves_no_half_written_files(project):
    assert publish(project, ["01_first"], "quick") == (["01_first"], {})
    assert not [path for path in project.root.rglob("*.part") if path.is_file()]


def test_publishing_needs_no_matplotlib(project):
    code = (
        "import sys; sys.modules |= dict.fromkeys(('matplotlib', 'plotly', 'papermill'))\n"
        "from cena.cli.main import main; main()"
    )
    command = [sys.executable, "-P", "-c", code, "publish", "01_first", "--profile", "quick"]
    done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "01_first: published from profile quick\n"), done.stderr


def test_a_page_of_results_borrows_what_its_profile_has_not_run(project):
    """And is fresh until what it has borrowed changes."""
    list(run(project, ["02_second"], "laptop"))
    assert publish(project, ["02_second"], "laptop") == (["02_second"], {})
    assert check(project) == {}
    (project.published_results / "01_first.json").write_text("[1]")
    assert "result 01_first.json, which it reads, changed" in check(project)["02_second"]
