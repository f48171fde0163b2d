"""A tiny notebook project, executed for real: the runner, freshness, publishing and the command line over it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

import cena
from cena.companion import fingerprint, profiles
from cena.companion.check import check, provenance, staleness
from cena.companion.normalise import read, write
from cena.companion.notebooks import Execution, NotebookError, run
from cena.companion.project import Project
from cena.companion.publish import publish
from cena.errors import InputError

FIRST = """# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # First

# %% tags=["parameters"]
profile: str = "quick"  # [quick | laptop] settings of the run
runs: int = 2  # [0..10] repeated runs

# %%
import json, os, sys
from pathlib import Path
from cena.errors import InputError

def unused():
    import cena.data

results = Path(os.environ["CENA_RESULTS"])
print(profile, runs, object(), Path.cwd(), {"b", "a"})
print("warned", file=sys.stderr)

# %%
(results / "01_first.json").write_text(json.dumps({"runs": runs, "profile": profile}))
(results / "01_first.curve.csv").write_text("x,y")
runs
"""

SECOND = """
# %% tags=["parameters"]
profile: str = "quick"  # [quick | laptop | paper] settings of the run

# %% tags=["reads-results"]
import os
from pathlib import Path

[path.name for path in sorted(Path(os.environ["CENA_RESULTS"]).glob("*.json"))]
"""

SLEEPER = """
# %% tags=["parameters"]
profile: str = "quick"  # [quick] settings of the run
fail: bool = False  # raise an error

# %%
import os, time
from pathlib import Path

# %%
if fail:
    raise ValueError("it was asked to")
if not Path("once").exists():
    Path("part").write_text(str(os.getpid()))
    Path("part").rename("once")
    time.sleep(60)
"""


def make(root: Path) -> Project:
    """A project of two notebooks with a pinned package, and with a package `cena` whose files may be changed."""
    for folder in ("notebooks", "book/results", "cena/data/bundled"):
        (root / folder).mkdir(parents=True)
    (root / "notebooks/01_first.py").write_text(FIRST)
    (root / "notebooks/02_second.py").write_text(SECOND)
    (root / "requirements.txt").write_text("numpy==2\n")
    for name in ("__init__.py", "errors.py", "data/__init__.py"):
        shutil.copy(Path(cena.__file__).parent / name, root / "cena" / name)
    (root / "cena/data/bundled/labels.csv").write_text("1,2\n")
    return Project(root)


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Project:
    """The project after a first run and publication: executed once for this module, to be copied."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("published"))
        project = make(Path.cwd())
        patch.setattr(fingerprint, "PACKAGE", project.root / "cena")
        patch.setenv("PYTHONPATH", str(Path(cena.__file__).parent.parent))
        done = list(run(project, [], "quick"))
        assert [(item.stem, item.seconds is None) for item in done] == [("01_first", False), ("02_second", False)]
        assert publish(project, [], "quick") == (["01_first", "02_second"], [])
        return project


@pytest.fixture
def project(published, tmp_path, monkeypatch) -> Project:
    """A copy of the published project, to be changed."""
    shutil.copytree(published.root, tmp_path / "project")
    monkeypatch.setattr(fingerprint, "PACKAGE", tmp_path / "project/cena")
    monkeypatch.setenv("PYTHONPATH", str(Path(cena.__file__).parent.parent))
    monkeypatch.chdir(tmp_path / "project")
    return Project(tmp_path / "project")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# A process in the background of a script inherits that interrupts are ignored: take that back, as a terminal would.
COMMAND = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from cena.cli import main; main()"


@pytest.fixture
def command(project) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts the command line in a process of its own."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", COMMAND, *arguments],
            cwd=project.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    for _ in range(300):
        if path.exists():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    raise AssertionError(f"{path} did not appear")


def is_running(process: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], stdout=subprocess.PIPE, text=True, check=False)
    return state.stdout.strip()[:1] not in ("", "Z")


# the runner


def test_an_execution_has_outputs_results_and_provenance(project):
    executed = read(project.executed("quick") / "01_first.ipynb")
    text = executed.cells[3].outputs[0].text
    assert text.startswith("quick 2 <object object> .")
    assert executed.cells[2].metadata.tags == ["injected-parameters"]
    assert [cell.execution_count for cell in executed.cells if cell.cell_type == "code"] == [1, 2, 3, 4]
    assert json.loads((project.results("quick") / "01_first.json").read_text()) == {"runs": 2, "profile": "quick"}
    recorded = executed.metadata.cena
    assert recorded.parameters == {"profile": "quick", "runs": 2}
    assert set(recorded.modules) == {"cena", "cena.errors", "cena.data"}
    assert set(recorded.data) == {"data/bundled/labels.csv"}
    assert set(recorded.results) == {"01_first.json", "01_first.curve.csv"}
    assert recorded.settings.points == profiles.profile("quick").points
    assert str(project.root.parent) not in json.dumps(executed)
    assert recorded.reads == {}
    second = read(project.executed("quick") / "02_second.ipynb")
    assert second.cells[-1].outputs[0].data["text/plain"] == "['01_first.json']"
    assert second.metadata.cena.reads == {"01_first.json": recorded.results["01_first.json"]}


def test_a_fresh_notebook_is_not_executed_and_a_forced_one_has_equal_bytes(project):
    before = files(project.executed("quick"))
    assert list(run(project, ["01_first"], "quick")) == [
        Execution("01_first", project.executed("quick") / "01_first.ipynb", None)
    ]
    (project.results("quick") / "01_first.old.csv").write_text("of an earlier version")
    told: list[tuple[str, int, int]] = []
    [done] = run(project, ["01_first"], "quick", force=True, progress=lambda *what: told.append(what))
    assert done.seconds is not None
    assert files(project.executed("quick")) == before
    assert told == [("01_first", cell, 4) for cell in (1, 2, 3, 4)]
    assert not (project.results("quick") / "01_first.old.csv").exists()


def test_parameters_reach_the_notebook_and_make_it_another_execution(project):
    [done] = run(project, ["01_first"], "quick", [("runs", "3")])
    assert done.seconds is not None
    assert json.loads((project.results("quick") / "01_first.json").read_text())["runs"] == 3
    names, left_out = publish(project, ["01_first"], "quick")
    assert names == []
    assert [item.reason for item in left_out] == ["parameter runs was 3, is 2"]


@pytest.mark.parametrize(
    ("stems", "profile", "given", "reason"),
    [
        (["01_frist"], "quick", [], "unknown notebook '01_frist'; valid: 01_first, "),
        ([], "quik", [], "unknown profile 'quik'; valid: quick, "),
        (["01_first"], "quick", [("rums", "3")], "notebook '01_first': unknown parameter 'rums'; valid: runs, "),
        (["01_first"], "quick", [("runs", "many")], "parameter 'runs' is 'many': give an int from 0 to 10"),
        (["01_first"], "quick", [("runs", "11")], "from 0 to 10"),
        (["01_first"], "paper", [], "unknown value of parameter 'profile' 'paper'"),
        (["01_first"], "quick", [("profile", "paper")], "is given by --profile"),
        ([], "quick", [("runs", "3")], "notebook '02_second': unknown parameter 'runs'"),
    ],
)
def test_bad_input_is_refused_before_anything_is_executed(project, stems, profile, given, reason):
    before = files(project.root)
    with pytest.raises(InputError, match=reason):
        run(project, stems, profile, given)
    assert files(project.root) == before


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("# %%\n1", "has 0 cells tagged parameters"),
        ('# %% tags=["parameters"]\nruns: int = 2  # runs', "declares no parameter 'profile: str'"),
        ('# %% tags=["parameters"]\nruns = 2', "notebook '03_bad': parameters cell"),
        ('# %% tags=["parameters"]\nprofile: str = "quick"  # settings\n\n# %%\n1 +', "'03_bad' is not Python"),
    ],
)
def test_a_malformed_notebook_is_refused(project, source, reason):
    (project.notebooks / "03_bad.py").write_text(source)
    with pytest.raises(InputError, match=reason):
        list(run(project, ["03_bad"], "quick"))


def test_a_failed_notebook_is_kept_apart_and_runs_again(project):
    (project.notebooks / "03_sleeper.py").write_text(SLEEPER)
    (project.root / "once").touch()
    with pytest.raises(
        NotebookError, match=r"'03_sleeper' failed in cell \[4\] with ValueError: it was asked to; see _b"
    ):
        list(run(project, ["03_sleeper"], "quick", [("fail", "true")]))
    failed = project.executed("quick") / "03_sleeper.failed.ipynb"
    assert "it was asked to" in failed.read_text()
    assert str(project.root) not in failed.read_text()
    assert not (project.executed("quick") / "03_sleeper.ipynb").exists()
    assert [done.stem for done in run(project, ["03_sleeper"], "quick")] == ["03_sleeper"]
    assert not failed.exists()


@pytest.mark.slow
def test_a_lost_kernel_is_an_error_of_its_notebook(project):
    (project.notebooks / "03_sleeper.py").write_text(SLEEPER.replace("time.sleep(60)", "os._exit(1)"))
    with pytest.raises(NotebookError, match="'03_sleeper' lost its kernel"):
        list(run(project, ["03_sleeper"], "quick"))


@pytest.mark.slow
def test_a_killed_run_leaves_no_notebook_and_the_next_one_completes(project, command):
    (project.notebooks / "03_sleeper.py").write_text(SLEEPER)
    before = files(project.executed("quick"))
    process = command("run", "03_sleeper")
    wait_for(project.root / "once", process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert files(project.executed("quick")) == before
    kernel = int((project.root / "once").read_text())
    for _ in range(100):
        if not is_running(kernel):
            break
        time.sleep(0.1)
    assert not is_running(kernel)
    assert [done.stem for done in run(project, ["03_sleeper"], "quick")] == ["03_sleeper"]


@pytest.mark.slow
def test_an_interrupt_is_a_sentence_and_130(project, command):
    (project.notebooks / "03_sleeper.py").write_text(SLEEPER)
    before = files(project.executed("quick"))
    process = command("run", "03_sleeper")
    wait_for(project.root / "once", process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors == "interrupted: run the same command again to go on\n"
    assert files(project.executed("quick")) == before


# freshness


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
    notebook.metadata.cena.settings.points = 3


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
    edit("book/results/01_first.json", "2", "5")(project)
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


def test_publishing_replaces_what_the_notebook_no_longer_writes(project):
    (project.published_results / "01_first.old.csv").write_text("old")
    assert publish(project, ["01_first"], "quick") == (["01_first"], [])
    assert {path.name for path in project.published_results.iterdir()} == {"01_first.json", "01_first.curve.csv"}
    assert not [path for path in project.root.rglob("*.part") if path.is_file()]


# the command line over it


def test_the_command_runs_with_parameters_and_fails_with_1(project, command):
    (project.notebooks / "03_sleeper.py").write_text(SLEEPER)
    process = command("run", "03_sleeper", "-p", "fail", "true")
    printed, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "03_sleeper: 4 cells" in printed
    assert errors.startswith(
        "notebook '03_sleeper' failed in cell [4] with ValueError: it was asked to; see _build/quick"
    )
    assert errors.count("\n") == 1
