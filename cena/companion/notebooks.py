"""The notebook runner: executes notebooks with papermill, so that only complete, comparable executions are left behind.

A notebook is executed in ``_build/<profile>/running`` and moved to ``_build/<profile>/notebooks`` when it has
succeeded. A notebook that is fresh (see `cena.companion.check`) is not executed again. While it runs, the environment's
``CENA_RESULTS`` names a folder of its own; what it has written there goes to ``_build/<profile>/results`` in the end.
A killed run is simply run again: what a notebook had computed until then is in the artifact store.
"""

import importlib
import logging
import os
import pkgutil
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
import papermill
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import DeadKernelError

import cena
from cena.companion.check import provenance, staleness
from cena.companion.declarations import declaration
from cena.companion.normalise import digest, normalise, read, write
from cena.companion.parameters import Value, from_text
from cena.companion.project import Project
from cena.companion.results import checksums, files_in, replace_results, results_written
from cena.errors import InputError, WorkError, import_failure
from cena.files import WAITING, locked, naming
from cena.stages import LOG_VARIABLE, OtherCodeError, stages_used
from cena.study import profiles
from cena.study.cluster import cluster
from cena.study.needs import need_files, needed_files

_log = logging.getLogger(__name__)
_KERNEL = (
    "import sys; from runpy import run_module; from cena.processes import end_with; end_with({parent}, sys.argv[2]); "
    "run_module('ipykernel_launcher', run_name='__main__')"
)
"""What a kernel runs: it ends with the runner, and takes the file of its connection with it."""

CellProgress = Callable[[str, int, int], None]
"""Called with a notebook's stem, the number of the code cell that starts, and the number of code cells."""


class NotebookError(WorkError):
    """A notebook that failed."""


@dataclass(frozen=True)
class Execution:
    """An executed notebook: its name, its file, and how long it took in seconds; None when it was fresh already."""

    stem: str
    path: Path
    seconds: float | None


def run(
    project: Project,
    stems: Sequence[str],
    profile: str,
    given: Iterable[tuple[str, str]] = (),
    force: bool = False,
    progress: CellProgress = lambda *_: None,
) -> Iterator[Execution]:
    """Execute notebooks one after the other, each as its `Execution` is asked for.

    Parameters
    ----------
    stems : which notebooks; empty for all. They are executed in reading order.
    given : (name, text) of further parameters, which every one of the notebooks must declare.
    force : execute also those that are fresh.
    progress : told of every code cell that starts.

    Raises
    ------
    InputError
        At once and before anything is executed: an unknown notebook, profile or parameter, a value not allowed, data
        that are missing and cannot be downloaded, or a scheduler that does not answer.
    NotebookError
        When a notebook fails, its kernel dies or computes with other code than this process; those after it are not
        executed.
    """
    chosen = profiles.profile(profile)
    pairs = [*given]
    if any(name == "profile" for name, _ in pairs):
        raise InputError("parameter 'profile' is given by --profile")
    values: dict[str, dict[str, Value]] = {}
    files: list[str] = []
    for stem in project.select(stems):
        declared = declaration(project, stem)
        try:
            values[stem] = from_text(declared.parameters, [("profile", profile), *pairs])
            files += needed_files(declared.needs, chosen)
        except InputError as error:
            raise InputError(f"notebook '{stem}': {error}") from None
    need_files(files, chosen)
    with cluster():
        pass  # it answers
    return (_executed(project, stem, values[stem], force, progress) for stem in values)


def _executed(project: Project, stem: str, values: dict[str, Value], force: bool, progress: CellProgress) -> Execution:
    profile = str(values["profile"])
    results = project.results(profile)
    place = project.executed(profile) / f"{stem}.ipynb"
    running = project.build(profile) / "running" / f"{stem}.ipynb"
    written = running.with_suffix(".results")  # a folder of its own: what is in it afterwards is what it wrote
    for folder in (results, place.parent, running.parent):
        folder.mkdir(parents=True, exist_ok=True)
    with locked(running.with_suffix(".lock")):
        made_from = provenance(project, stem, values, results)
        if not force and not staleness(project, place, made_from):
            return Execution(stem, place, None)
        shutil.rmtree(written, ignore_errors=True)
        written.mkdir()
        started = time.monotonic()
        notebook = jupytext.read(project.notebooks / f"{stem}.py")
        write(notebook, running)
        used = running.with_suffix(".stages")
        used.unlink(missing_ok=True)
        environment = _environment(written) | {LOG_VARIABLE: str(used.resolve())}
        failed = place.with_suffix(".failed.ipynb")
        try:
            _papermill(project, running, values, environment, _Told(progress, stem, notebook, used))
            stages = {name: made_from["stages"][name] for name in sorted(stages_used(used))}
        except (papermill.PapermillExecutionError, RuntimeError) as error:
            write(normalise(read(running), project.root), running)
            running.replace(failed)
            raise _failure(stem, error, failed.relative_to(project.root)) from None
        except OtherCodeError as error:
            raise NotebookError(f"notebook '{stem}': {error}") from None
        replace_results(files_in(written), results, results_written(place))
        notebook = read(running)
        notebook.metadata["cena"] = {**made_from, "stages": stages, "results": checksums(files_in(written))}
        notebook = normalise(notebook, project.root)
        notebook.metadata.cena.digest = digest(notebook)
        write(notebook, running)
        running.replace(place)
        failed.unlink(missing_ok=True)
        shutil.rmtree(written)
        return Execution(stem, place, time.monotonic() - started)


def _papermill(
    project: Project, path: Path, values: dict[str, Value], environment: dict[str, str], told: "_Told"
) -> None:
    """Execute the notebook in a file in place, in the repository root."""
    escaped = str(path.resolve()).replace("{", "{{").replace("}", "}}")  # papermill formats paths with parameters
    with naming(path):
        papermill.execute_notebook(
            escaped,
            escaped,
            parameters=values,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            cwd=project.root,
            kernel_manager_class=_kernel_with(environment),
            on_cell_execute=told,
            stderr_file=_Announcements(),
        )


def _environment(results: Path) -> dict[str, str]:
    """What a notebook's kernel has in its environment beside what this process has."""
    return {
        "CENA_RESULTS": str(results.resolve()),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONHASHSEED": "0",  # the order of a printed set
        # Else tqdm's and loky's warnings put paths into the page; a worker that is replaced loses nothing.
        "PYTHONWARNINGS": "ignore:IProgress not found,ignore:A worker stopped while some jobs were given",
    }


class _Told:
    """Turns nbclient's callback into `CellProgress`: which of the code cells, the one papermill injects among them.

    Stops, before the next cell, a notebook whose processes compute with other code than this one.
    """

    def __init__(self, progress: CellProgress, stem: str, notebook: Any, used: Path):
        self.progress, self.stem, self.cell, self.used = progress, stem, 0, used
        self.cells = 1 + sum(cell.cell_type == "code" and bool(cell.source.strip()) for cell in notebook.cells)

    def __call__(self, **_: object) -> None:
        stages_used(self.used)
        self.cell += 1
        self.progress(self.stem, self.cell, self.cells)


class _Announcements:
    """Passes on what a kernel says of locks it waits for; all else that it complains of is in the notebook."""

    def write(self, text: str) -> None:
        for line in text.splitlines():
            if line.startswith(WAITING):
                _log.warning(line)

    def flush(self) -> None:
        pass


def _kernel_with(environment: dict[str, str]) -> type[AsyncKernelManager]:
    """Kernels of the running Python, whatever kernels are registered for the user, with this added environment."""

    class Kernel(AsyncKernelManager):
        @property
        def kernel_spec(self) -> KernelSpec:
            arguments = ["--log-level=50"]  # what goes wrong is told by the runner
            if os.name == "posix":
                arguments.append("--IPKernelApp.parent_handle=0")  # its own watch for the parent would leave the file
            kernel = get_kernel_dict(extra_arguments=arguments)
            start = kernel["argv"].index("-m")
            kernel["argv"][start : start + 2] = ["-P", "-c", _KERNEL.format(parent=os.getpid())]
            return KernelSpec(
                **kernel,
                env={name: value.replace("$", "$$") for name, value in environment.items()},
            )

    return Kernel


def _failure(stem: str, error: Exception, kept: Path) -> NotebookError:
    if isinstance(error, papermill.PapermillExecutionError):
        if broken := _broken_module(error.ename, error.evalue):
            return NotebookError(f"notebook '{stem}' stopped at a fault of the package: {broken}")
        what = f"failed in cell [{error.exec_count}] with {error.ename}: {error.evalue}"
    elif isinstance(error, DeadKernelError):
        what = "lost its kernel, perhaps for want of memory"
    else:
        what = f"could not be executed: {error}"
    return NotebookError(f"notebook '{stem}' {what}; see {kept}")


def _broken_module(name: str, said: str) -> WorkError | None:
    """The sentence for a module of the package that raises this very error when it is imported; None without one."""
    for module in pkgutil.walk_packages(cena.__path__, "cena.", onerror=lambda _: None):
        try:
            if module.name != "cena.__main__":
                importlib.import_module(module.name)
        except Exception as error:
            if (type(error).__name__, str(error)) == (name, said):
                return import_failure(error)
    return None
