"""Stages of computation: what a result depends on is named and versioned, not read off the source text.

Beside the code of a stage stands its constant::

    LAYOUT = Stage("layout", version=1)

    @LAYOUT
    def distance_map(...): ...

The version is raised when the stage's output changes for the same input, and only then. Keys of artifacts hold the
versions of the stages that made them, and an executed notebook those of the stages it used, so that moving, renaming
and rewording cost nothing. What catches a change without a new version is the golden test of each stage
(tests/golden): its output on a tiny fixed input is compared with the committed one.
"""

import importlib
import os
import pkgutil
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

LOG_VARIABLE = "CENA_STAGES_LOG"
"""The environment variable that names a file in which each process notes with what code it computes: a line for this
package and for every stage that it uses, each with its version and the folder of the package."""

STAGES: dict[str, "Stage"] = {}
"""All stages whose modules are imported, by name."""

_PACKAGE = Path(__file__).resolve().parent
_VERSION = str(importlib.import_module("cena").__version__)  # no import of a floor above
_APART = ("__main__", "cli", "companion", "report")
"""Modules and rooms that declare no stage."""

_noted: set[tuple[str, str]] = set()


def _note(name: str, version: int | str) -> None:
    log = os.environ.get(LOG_VARIABLE, "")
    if log and (log, name) not in _noted:
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(f"{name}\t{version}\t{_PACKAGE}\n")
        _noted.add((log, name))


_note("cena", _VERSION)


class OtherCodeError(Exception):
    """Two processes that work together have other code. The message says which and where."""


class Stage:
    """A stage of computation.

    As a decorator it marks a function as part of the stage: calling the function counts as using it.

    Parameters
    ----------
    name : what keys, provenance and messages call it.
    version : raised whenever its output changes.

    Raises
    ------
    ValueError
        If there is another stage of this name.
    """

    def __init__(self, name: str, version: int):
        if name in STAGES:
            raise ValueError(f"there are two stages called '{name}'")
        self.name = name
        self.version = version
        STAGES[name] = self

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """`function`, which counts as using the stage when it is called."""

        @wraps(function)
        def noted(*args: P.args, **kwargs: P.kwargs) -> R:
            self.use()
            return function(*args, **kwargs)

        return noted

    def use(self) -> int:
        """The version, noted as used by this process."""
        _note(self.name, self.version)
        return self.version


def stages_used(log: Path) -> set[str]:
    """The stages that processes noted in a file that :data:`LOG_VARIABLE` named to them; none if there is no file.

    Raises
    ------
    OtherCodeError
        If one of them computed with other code than this process would: of another folder, or of another version.
    """
    own = {"cena": _VERSION} | {name: str(stage.version) for name, stage in STAGES.items()}
    used = set()
    for line in log.read_text(encoding="utf-8").splitlines() if log.exists() else ():
        name, version, package = (*line.split("\t"), "unknown", "unknown")[:3]
        if (version, package) != (own.get(name), str(_PACKAGE)):
            raise OtherCodeError(
                f"'{name}' has version {version} in {package}, which computed, and version {own.get(name, 'none')} in "
                f"{_PACKAGE}, which started that: let both be one copy of the code, which nothing changes meanwhile"
            )
        used.add(name)
    return used - {"cena"}


def stage_versions() -> dict[str, int]:
    """The version of every stage of the package by its name; loads all modules that may declare one."""
    for module in pkgutil.walk_packages([str(_PACKAGE)], f"{__package__}."):
        if module.name.split(".")[1] not in _APART:
            importlib.import_module(module.name)
    return {name: stage.version for name, stage in sorted(STAGES.items())}


def versions(*stages: Stage) -> dict[str, int]:
    """The versions of some stages by name, for the key of an artifact that they make; counts as using them."""
    return {stage.name: stage.use() for stage in stages}
