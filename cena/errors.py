"""What bad input gets, one sentence that names it, what was expected and what to do; and what failed work gets."""

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """Input that cannot be used. The message is complete in itself; the command line prints it and exits with 2."""


class WorkError(Exception):
    """Work that failed on good input. The message is complete; the command line prints it and exits with 1."""


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
