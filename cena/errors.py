"""What bad input gets, one sentence that names it, what was expected and what to do; and what failed work gets."""

import traceback
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

_PACKAGE = Path(__file__).parent


class InputError(ValueError):
    """Input that cannot be used. The message is complete in itself; the command line prints it and exits with 2."""


class DamagedError(InputError):
    """A file that is not as it was written; the message names it and says how to get it again."""


class WorkError(Exception):
    """Work that failed on good input. The message is complete; the command line prints it and exits with 1."""


def import_failure(error: BaseException) -> WorkError | None:
    """The sentence for what a module of this package raised while it was imported; None for every other error.

    It names the module's file and the line.
    """
    frames = [(frame.f_code, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    places = [(code.co_filename, line) for code, line in frames if code.co_name == "<module>"]
    said = str(error)
    if isinstance(error, SyntaxError):  # the module itself has no frame: it has not begun to run
        places.append((error.filename or "", error.lineno or 0))
        said = error.msg
    own = [(file, line) for file, line in places if _PACKAGE in Path(file).parents]
    if not own:
        return None
    file, line = own[-1]
    return WorkError(f"{file}, line {line}: the module cannot be imported: {type(error).__name__}: {said}")


def some(items: Sequence[object]) -> str:
    """The first three of some things, and how many more there are, for a sentence."""
    return ", ".join(map(str, items[:3])) + (f" and {len(items) - 3} more" if len(items) > 3 else "")


def unknown(kind: str, name: object, valid: Iterable[object]) -> InputError:
    """An :class:`InputError` that names an unknown `name` and lists the valid ones, the closest match first.

    Parameters
    ----------
    kind : what is being named, such as ``"profile"``.
    name : what was asked for.
    valid : what exists.
    """
    names = [str(item) for item in valid]
    closest = get_close_matches(str(name), names, n=len(names) or 1, cutoff=0.5)
    ordered = closest + [item for item in names if item not in closest]
    listed = ", ".join(ordered) if ordered else "none"
    return InputError(f"unknown {kind} '{name}'; valid: {listed}")
