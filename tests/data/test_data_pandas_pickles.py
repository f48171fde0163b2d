"""Pickled tables of pandas: the columns come back, nothing of pandas is made, and nothing else is run."""

import pickle
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cena.data.pandas_pickles import read_pandas_pickle
from cena.errors import InputError


class Named:
    """Pickles as a call of a name of another module, as old versions of pandas and numpy have it."""

    def __init__(self, module: str, name: str, *arguments: object, state: object = None):
        self.call = module, name, arguments, state

    def __reduce__(self) -> Any:
        raise AssertionError("pickled by OldPickler")


class OldPickler(pickle._Pickler):  # type: ignore[misc, name-defined]  # the one in Python can be taught names
    """Writes :class:`Named` as the bytes that pandas 1 wrote."""

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        if not isinstance(obj, Named):
            super().save(obj, save_persistent_id)
            return
        module, name, arguments, state = obj.call
        self.write(b"c" + f"{module}\n{name}\n".encode())
        super().save(tuple(arguments))
        self.write(pickle.REDUCE)
        if state is not None:
            self.save(state)
            self.write(pickle.BUILD)


def pickled(content: object, path: Path) -> bytes:
    with path.open("wb") as file:
        OldPickler(file, 4).dump(content)
    return path.read_bytes()


def texts(*values: object, rows: int = 0) -> Named:
    shape = (1, len(values)) if rows else (len(values),)
    kind = Named("numpy", "dtype", "O8", state=(3, "|", None, None, None, -1, -1, 63))
    return Named("numpy.core.multiarray", "_reconstruct", None, (0,), b"b", state=(1, shape, kind, False, list(values)))


def index(*names: str) -> Named:
    return Named("pandas.core.indexes.base", "_new_Index", None, {"data": texts(*names), "name": None})


def table(*names: object) -> Named:
    kind = Named("numpy", "dtype", "f8", state=(3, "<", None, None, None, -1, -1, 0))
    content = np.array([[1.5, 2.5], [3, 4]]).tobytes()
    numbers = Named("numpy.core.numeric", "_frombuffer", content, kind, (2, 2), "C")
    blocks = [numbers, texts(*names, rows=1)]
    state = ([index("cell", "val", "test"), None], blocks, [index("val", "test"), index("cell")], {"0.14.1": {}})
    manager = Named("pandas.core.internals.managers", "BlockManager", state=state)
    return Named("pandas.core.frame", "DataFrame", state={"_data": manager, "_typ": "dataframe"})


def test_columns_come_back_without_any_table_being_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("an object of pandas was made")

    monkeypatch.setattr(pd.DataFrame, "__init__", refuse)
    monkeypatch.setattr(pd.Index, "__new__", refuse)
    columns = read_pandas_pickle(pickled(table("a", "b"), tmp_path / "t"), "a test")
    assert columns["cell"].tolist() == ["a", "b"]
    assert columns["val"].tolist() == [1.5, 2.5]
    assert columns["test"].tolist() == [3, 4]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (pickle.dumps({"a": 1}), "^a test holds no pickled table of pandas"),
        (pickle.dumps(pytest.raises), "^a test is refused: it asks for '_pytest"),
        (b"cos\nsystem\n(S'true'\ntR.", "^a test is refused: it asks for 'os.system'"),
        (b"cpandas\nread_pickle\n(S'x'\ntR.", "^a test is refused: it asks for 'pandas.read_pickle'"),
        (b"", "^a test is damaged"),
    ],
)
def test_anything_else_is_refused(content: bytes, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_pandas_pickle(content, "a test")


def test_texts_take_no_more_room_than_they_have(tmp_path: Path) -> None:
    """An array of numpy's texts would give each the room of the longest."""
    content = pickled(table("a" * 10_000, *[""] * 9_999), tmp_path / "t")
    tracemalloc.start()
    try:
        columns = read_pandas_pickle(content, "a test")
        assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    finally:
        tracemalloc.stop()
    assert [len(text) for text in columns["cell"][:2]] == [10_000, 0]


def test_objects_that_are_no_texts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^a test holds no pickled table of pandas \(ValueError\)"):
        read_pandas_pickle(pickled(table("a", 3), tmp_path / "t"), "a test")
