"""Reading a pickle of plain data from outside without running anything it says.

A pickle is a program that may call any importable function. Only the names below are given to it; every other name
is refused before it is imported.
"""

import io
import pickle
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from cena.errors import InputError


class NumberType:
    """Stands in for `numpy.dtype`, whose own `__setstate__` is not given bytes from outside."""

    def __init__(self, name: str, _align: bool = False, _copy: bool = True):
        self.dtype = np.dtype(name)
        if self.dtype.kind not in "biuf":
            raise InputError(f"it holds a number of type '{name}': expected booleans, integers or floats only")

    def __setstate__(self, state: tuple[object, str]) -> None:
        self.dtype = self.dtype.newbyteorder(state[1])  # type: ignore[arg-type]  # numpy checks it


def _number(kind: NumberType, content: bytes) -> float | int | bool:
    """A numpy scalar as a Python number."""
    number: float | int | bool = np.frombuffer(content, kind.dtype, count=1)[0].item()
    return number


def _ordered() -> OrderedDict[Any, Any]:
    """An empty dictionary: one made of what is already there would copy it, as often as a few bytes say so."""
    return OrderedDict()


Allowed = Mapping[tuple[str, str], Callable[..., Any]]
"""What a pickle may call by (module, name), and what is called in its place."""

_ALLOWED: Allowed = {
    ("collections", "OrderedDict"): _ordered,
    ("numpy", "dtype"): NumberType,
    ("numpy.core.multiarray", "scalar"): _number,
    ("numpy._core.multiarray", "scalar"): _number,
}


class _Unpickler(pickle._Unpickler):
    """Python's unpickler that is written in Python: the one in C makes as much room as a pickle says it needs."""

    def load_bytearray8(self) -> None:
        """As it is inherited, but with room for what is there, whatever length is said."""
        self.append(bytearray(self.read(int.from_bytes(self.read(8), "little"))))  # type: ignore[attr-defined]

    dispatch: ClassVar[dict[int, Any]] = {**pickle._Unpickler.dispatch, pickle.BYTEARRAY8[0]: load_bytearray8}

    def __init__(self, file: io.BytesIO, allowed: Allowed):
        super().__init__(file)
        self.allowed = allowed

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.allowed:
            listed = ", ".join(".".join(allowed) for allowed in self.allowed)
            asked = f"{module}.{name}"[:80]
            raise InputError(f"it asks for '{asked}': only plain data are read ({listed})")
        return self.allowed[module, name]

    def persistent_load(self, pid: Any) -> Any:
        raise InputError(f"it refers to an object outside of itself ({pid!r:.60})")


def load_plain(content: bytes, source: str, allowed: Allowed = _ALLOWED) -> Any:
    """The plain data in a pickle: dictionaries, lists, texts, numbers and numpy numbers (as Python's).

    Parameters
    ----------
    content : the pickle.
    source : its name, for messages.
    allowed : other names that it may ask for, and what stands in for them.

    Raises
    ------
    InputError
        If it asks for any name that is not allowed, or is damaged. Nothing of it has been run then.
    """
    try:
        return _Unpickler(io.BytesIO(content), allowed).load()
    except InputError as error:
        raise InputError(f"{source} is refused: {error}") from None
    except Exception as error:  # a damaged pickle raises anything at all
        raise InputError(f"{source} is damaged: it is no complete pickle ({type(error).__name__})") from error
