"""`cena run` and `cena book` killed from outside: nothing that they started is left, and the next run completes."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from watched_processes import becomes, is_running

import cena
from cena.companion.book import build_book
from cena.companion.notebooks import run
from cena.companion.project import Project
from cena.files import locked

ROOT = Path(__file__).parents[2]
NOTEBOOK = """# ---
# jupyter:
#   cena:
#     needs: []
#     version: 1
# ---

# %% [markdown]
# # A chapter

# %% tags=["parameters"]
profile: str = "quick"  # [quick] settings of the run

# %%
import os
import time
from pathlib import Path
from joblib import delayed
from cena.files import locked
from cena.processes import parallel

def note(name):
    Path(f"{name}.part").write_text(str(os.getpid()))
    Path(f"{name}.part").rename(f"{name}.pid")
    time.sleep(60)

# %%
"""
WORK = {
    "a cell": "note('cell')",
    "two workers": "parallel(2)(delayed(note)(name) for name in ('first', 'second'))",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A checkout of this package with one notebook, its book, and a folder for temporary files."""
    root = tmp_path / "project"
    (root / "notebooks").mkdir(parents=True)
    (tmp_path / "temporary").mkdir()
    (root / "cena").symlink_to(Path(cena.__file__).parent)
    (root / "requirements.txt").write_text("")
    (root / "_toc.yml").write_text("format: jb-book\nroot: index\nchapters:\n  - file: notebooks/01_first\n")
    shutil.copy(ROOT / "_config.yml", root)
    for part in ("_ext", "_static"):
        shutil.copytree(ROOT / "book" / part, root / "book" / part, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "book/index.md").write_text("# A book\n")
    (root / "book/references.bib").write_text("")
    monkeypatch.chdir(root)
    monkeypatch.setenv("PYTHONPATH", str(root))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    return Project(root)


def pids(project: Project) -> list[int]:
    return [int(path.read_text()) for path in project.root.rglob("*.pid")]


def ended(process: subprocess.Popen[str], sent: signal.Signals) -> str:
    """Sends the signal; the errors that were printed."""
    process.send_signal(sent)
    _, errors = process.communicate(timeout=60)
    expected = {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 130}[sent]
    assert process.returncode == expected
    return errors


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("work", WORK)
def test_a_run_that_is_ended_leaves_no_process_and_no_file(
    project: Project, command: Callable[..., subprocess.Popen[str]], work: str, sent: signal.Signals
) -> None:
    source = project.notebooks / "01_first.py"
    source.write_text(NOTEBOOK + WORK[work])
    process = command("run")
    expected = 2 if work == "two workers" else 1
    assert becomes(lambda: len(pids(project)) == expected, 120), process.communicate()
    errors = ended(process, sent)
    if sent != signal.SIGKILL:
        assert errors.endswith("interrupted: run the same command again to go on\n")  # after what the kernel says
    assert becomes(lambda: not any(is_running(pid) for pid in pids(project)), 5)
    assert becomes(lambda: not [*Path(os.environ["TMPDIR"]).glob("*.json")], 5)  # of the kernel's connection
    assert not (project.executed("quick") / "01_first.ipynb").exists()
    source.write_text(NOTEBOOK)
    assert [done.stem for done in run(project, [], "quick")] == ["01_first"]


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM])
def test_a_book_that_is_ended_leaves_no_sphinx(
    project: Project, command: Callable[..., subprocess.Popen[str]], sent: signal.Signals
) -> None:
    (project.notebooks / "01_first.py").write_text(NOTEBOOK)
    list(run(project, [], "quick"))
    extension = project.root / "book/_ext/cena_book.py"
    plain = extension.read_text()
    extension.write_text(
        f"{plain}\nimport os, time\nPath('sphinx.part').write_text(str(os.getpid()))\n"
        "Path('sphinx.part').rename('sphinx.pid')\ntime.sleep(60)\n"
    )
    process = command("book")
    assert becomes(lambda: len(pids(project)) == 1, 120), process.communicate()
    [sphinx] = pids(project)
    ended(process, sent)
    assert becomes(lambda: not is_running(sphinx), 5)
    extension.write_text(plain)
    assert build_book(project, "quick").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("who", ["the runner", "its kernel"])
def test_a_lock_that_is_waited_for_is_announced_and_the_page_does_not_show_it(
    project: Project, command: Callable[..., subprocess.Popen[str]], who: str
) -> None:
    path = project.build("quick") / "running/01_first.lock" if who == "the runner" else project.root / "artifact.lock"
    (project.notebooks / "01_first.py").write_text(f"{NOTEBOOK}with locked(Path('artifact.lock')):\n    print('mine')")
    with locked(path):
        process = command("run")
        assert process.stderr is not None
        said = next(line for line in process.stderr if line.strip())
        assert f"waiting for the lock {path.name if who == 'its kernel' else path}, which another run holds" in said
    assert process.wait(60) == 0
    text = (project.executed("quick") / "01_first.ipynb").read_text()
    assert "mine" in text
    assert "waiting" not in text
