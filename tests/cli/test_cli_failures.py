"""What cannot be helped by the code is one sentence with what to do: a disk, a missing package, a module at fault."""

import errno
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cena.cli import failures
from cena.cli.main import main
from cena.errors import InputError, WorkError

PACKAGE = Path(__file__).parents[2] / "cena"
SOURCE = """# ---
# jupyter:
#   cena:
#     needs: []
#     version: 1
# ---

# %% tags=["parameters"]
profile: str = "quick"  # [quick] settings of the run

# %%
import cena.report.style
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with one notebook, whose package is this one."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks/01_first.py").write_text(SOURCE)
    (tmp_path / "requirements.txt").write_text("")
    (tmp_path / "cena").symlink_to(PACKAGE)
    return tmp_path


def run(root: Path, *arguments: str, prepare: Callable[[], None] | None = None) -> tuple[int, str]:
    """Exit code and errors of ``cena`` in a process of its own, whose package is the checkout's."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", "from cena.cli.main import main; main()", *arguments],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        preexec_fn=prepare,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def test_a_disk_that_cannot_be_used_is_named_with_what_to_do() -> None:
    for number, remedy in failures._REMEDIES.items():
        error = OSError(number, os.strerror(number), "some/folder")
        sentence = f"some/folder: {os.strerror(number)}; {remedy}, then run the same command again"
        reason = failures.explained(error)
        assert isinstance(reason, WorkError)
        assert str(reason).startswith(sentence)
    of_two = OSError(errno.ENOSPC, "full", "from", None, "to")
    assert str(failures.explained(of_two)).startswith("to: full; make room there")


@pytest.mark.parametrize("error", [ValueError("no"), OSError("no number"), TimeoutError(errno.ETIMEDOUT, "late")])
def test_every_other_error_is_a_fault_of_the_code(error: Exception) -> None:
    assert failures.explained(error) is None


def in_the_way(path: str) -> Callable[[Path], None]:
    def made(root: Path) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()

    return made


def a_folder(path: str) -> Callable[[Path], None]:
    return lambda root: (root / path).mkdir(parents=True)


def a_full_disk(root: Path) -> None:
    (root / "_build/quick/running").mkdir(parents=True)
    (root / "_build/quick/running/01_first.ipynb").symlink_to("/dev/full")


@pytest.mark.parametrize(
    ("fault", "place", "reason"),
    [
        (in_the_way("_build"), "_build/quick/results", "Not a directory; move away the file"),
        (in_the_way("_build/quick"), "_build/quick/results", "Not a directory; move away the file"),
        (in_the_way("_build/quick/running"), "_build/quick/running", "File exists; move away what"),
        (a_folder("_build/quick/running/01_first.lock"), "running/01_first.lock", "Is a directory; move away what"),
        (a_folder("_build/quick/running/01_first.ipynb"), "running/01_first.ipynb", "Is a directory; move away what"),
        (a_full_disk, "_build/quick/running/01_first.ipynb", "No space left on device; make room there"),
    ],
)
def test_a_build_folder_that_cannot_be_used_is_one_sentence(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: Callable[[Path], None],
    place: str,
    reason: str,
) -> None:
    fault(root)
    monkeypatch.chdir(root)
    monkeypatch.setattr(sys, "argv", ["cena", "run"])
    with pytest.raises(SystemExit) as end:
        main()
    errors = capsys.readouterr().err
    assert end.value.code == 1
    assert f"{place}: {reason}" in errors
    assert errors.count("\n") == 1


@pytest.mark.slow
def test_a_limit_on_the_size_of_files_is_one_sentence(root: Path) -> None:
    code, errors = run(root, "run", prepare=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200)))
    assert code == 1
    assert "running/01_first.ipynb: File too large; allow files of any size (ulimit -f)" in errors
    assert errors.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "text", "line", "reason"),
    [
        ("report/style.py", "import math\n\nx = = 1\n", 3, "SyntaxError: invalid syntax"),
        ("report/style.py", "def f():\nreturn 1\n", 2, "IndentationError: expected an indented block"),
        ("report/style.py", "\nno_such_name\n", 2, "NameError: name 'no_such_name' is not defined"),
        ("report/style.py", "from cena.errors import no_such\n", 1, "ImportError: cannot import name 'no_such'"),
        ("report/style.py", "import no_such_module\n", 1, "ModuleNotFoundError: No module named 'no_such_module'"),
        ("layout/transport.py", "x = (\n", 1, "SyntaxError: '(' was never closed"),
        ("study/needs.py", "1 / 0\n", 1, "ZeroDivisionError: division by zero"),
    ],
)
def test_a_fault_in_a_module_is_not_blamed_on_the_notebook(
    root: Path, module: str, text: str, line: int, reason: str
) -> None:
    """The first ones are met by the kernel only, the last two by the command itself."""
    (root / "cena").unlink()
    shutil.copytree(PACKAGE, root / "cena", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "cena" / module).write_text(text)
    code, errors = run(root, "run")
    assert code == 1
    assert f"cena/{module}, line {line}: the module cannot be imported: {reason}" in errors
    assert "failed in cell" not in errors
    assert errors.count("\n") == 1


@pytest.mark.slow
def test_a_fault_in_the_notebook_is_its_own(root: Path) -> None:
    source = root / "notebooks/01_first.py"
    source.write_text(source.read_text() + "raise ImportError('my own')\n")
    code, errors = run(root, "run")
    assert code == 1
    assert errors.startswith("notebook '01_first' failed in cell [3] with ImportError: my own; see _build")


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["numpy>=2", 'jupyter-book<2,>=1; extra == "book"', 'distributed>=2025.1; extra == "cluster"']
    monkeypatch.setattr(failures, "requires", lambda _name: lines)


@pytest.mark.usefixtures("declared")
@pytest.mark.parametrize(("module", "extra"), [("jupyter_book.cli", "book"), ("distributed", "cluster")])
def test_the_extra_that_has_a_missing_package_is_named(module: str, extra: str) -> None:
    reason = failures.explained(ModuleNotFoundError(name=module))
    assert isinstance(reason, InputError)
    assert str(reason).endswith(f"which is not installed: pip install 'cena[{extra}]'")


@pytest.mark.usefixtures("declared")
@pytest.mark.parametrize("module", ["numpy", "no_such_module", None])
def test_another_missing_module_is_a_fault_of_the_code(module: str | None) -> None:
    assert failures.explained(ModuleNotFoundError(name=module)) is None


def test_a_package_that_is_not_installed_has_no_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> None:
        raise failures.PackageNotFoundError(name)

    monkeypatch.setattr(failures, "requires", unknown)
    assert failures.explained(ModuleNotFoundError(name="distributed")) is None
