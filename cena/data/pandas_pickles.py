"""Reading the columns of a pickled pandas table without pandas, and without running anything that the pickle says.

The pickle names classes of pandas and numpy; for each of them something of this module stands in that only keeps what
it is given. Such a table is a manager of blocks: the names of all columns, and blocks that each hold the values of some
columns, either numbers as bytes or a list of texts.

Source: the layout that pandas 1 writes (`pandas.core.internals.managers.BlockManager.__reduce__`).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cena.data.pickles import Allowed, NumberType, load_plain
from cena.errors import InputError


class _Kept:
    """Stands in for a class of pandas or an array of texts: keeps the state that the pickle gives it."""

    def __init__(self, *_: object):
        self.state: Any = None

    def __setstate__(self, state: object) -> None:
        self.state = state


class _TextType:
    """Stands in for numpy's type of objects, of which only texts are accepted."""

    def __setstate__(self, state: object) -> None:
        pass


def _type(name: str, *_: object) -> NumberType | _TextType:
    return _TextType() if name == "O8" else NumberType(name)


def _numbers(content: bytes, kind: NumberType, shape: tuple[int, ...], order: str) -> NDArray[Any]:
    return np.frombuffer(content, kind.dtype).reshape(shape, order="F" if order == "F" else "C")


def _index(_kind: object, parts: dict[str, Any]) -> Any:
    """The names of an index; nothing of one that only counts rows."""
    return parts.get("data")


def _new(_kind: object, *_: object) -> _Kept:
    return _Kept()


_ALLOWED: Allowed = {
    ("pandas.core.frame", "DataFrame"): _Kept,
    ("pandas.core.internals.managers", "BlockManager"): _Kept,
    ("pandas.core.indexes.base", "_new_Index"): _index,
    ("pandas.core.indexes.base", "Index"): _Kept,
    ("pandas.core.indexes.range", "RangeIndex"): _Kept,
    ("numpy", "ndarray"): _Kept,
    ("numpy", "dtype"): _type,
    ("numpy.core.multiarray", "_reconstruct"): _new,
    ("numpy.core.numeric", "_frombuffer"): _numbers,
    ("builtins", "slice"): slice,
}


def read_pandas_pickle(content: bytes, source: str) -> dict[str, NDArray[Any]]:
    """The columns of a pickled table by name: (rows,) numbers or texts.

    Parameters
    ----------
    content : the pickle.
    source : its name, for messages.

    Raises
    ------
    InputError
        If it asks for anything else than such a table does, is damaged, or holds no such table.
    """
    table = load_plain(content, source, _ALLOWED)
    try:
        _, blocks, names, *_ = table.state["_data"].state
        columns: dict[str, NDArray[Any]] = {}
        for block, of_block in zip(blocks, names, strict=True):
            values = _values(block)
            columns.update(zip(_values(of_block).tolist(), values, strict=True))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{source} holds no pickled table of pandas ({type(error).__name__})") from error
    return columns


def _values(kept: Any) -> NDArray[Any]:
    """The values of a block or of an index."""
    if isinstance(kept, np.ndarray):
        return kept
    _, shape, _, _, texts = kept.state
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("objects that are no texts")
    return np.array(texts, object).reshape(shape)  # of type str all would be as long as the longest
