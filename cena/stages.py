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

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

LOG_VARIABLE = "CENA_STAGES_LOG"
"""The environment variable that names a file in which each process notes the stages it uses, a name a line."""

STAGES: dict[str, "Stage"] = {}
"""All stages whose modules are imported, by name."""

_noted: set[tuple[str, str]] = set()


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
        log = os.environ.get(LOG_VARIABLE, "")
        if log and (log, self.name) not in _noted:
            with Path(log).open("a", encoding="utf-8") as file:
                file.write(f"{self.name}\n")
            _noted.add((log, self.name))
        return self.version


def stages_used(log: Path) -> set[str]:
    """The names that processes noted in a file that :data:`LOG_VARIABLE` named to them; none if there is no file."""
    return set(log.read_text(encoding="utf-8").split("\n")) - {""} if log.exists() else set()


def versions(*stages: Stage) -> dict[str, int]:
    """The versions of some stages by name, for the key of an artifact that they make; counts as using them."""
    return {stage.name: stage.use() for stage in stages}
