"""Plain pickles: what is read, and that nothing of any other is run."""

import pickle
import struct
import tracemalloc
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cena.data.pickles import load_plain
from cena.errors import InputError

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


class Touch:
    """Creates a file when unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


class Runs:
    """Calls a named function when unpickled."""

    def __init__(self, function: object, *arguments: object):
        self.call = function, arguments

    def __reduce__(self) -> tuple[object, ...]:
        return self.call


@given(PLAIN, st.integers(3, pickle.HIGHEST_PROTOCOL))  # before 3, bytes were calls of a codec
def test_plain_data_come_back(value: object, protocol: int) -> None:
    assert load_plain(pickle.dumps([value], protocol), "a test") == [value]


def test_ordered_dictionaries_sets_and_numbers_of_numpy() -> None:
    value = OrderedDict(a=np.float64(1.5), b={1, 2}, c=[np.int64(-3), np.float32(0.5)], d=np.bool_(True))
    read = load_plain(pickle.dumps(value), "a test")
    assert read == {"a": 1.5, "b": {1, 2}, "c": [-3, 0.5], "d": True}
    assert isinstance(read, OrderedDict)
    assert type(read["a"]) is float


def test_numbers_of_either_byte_order() -> None:
    swapped = np.dtype(">f8")
    content = pickle.dumps(np.array([1.5], swapped)[0])
    assert load_plain(content, "a test") == 1.5
    forged = content.replace(b"\x8c\x01<", b"\x8c\x01>")
    assert load_plain(forged, "a test") == np.frombuffer(np.float64(1.5).tobytes(), ">f8")[0]
    assert np.dtype("f8").byteorder == "="  # the state in the pickle is not set on numpy's own type


def test_what_would_run_is_refused_by_name_and_not_run(tmp_path: Path) -> None:
    target = tmp_path / "touched"
    with pytest.raises(InputError, match=r"^record 7 is refused: it asks for 'pathlib\.Path\.touch'|pathlib") as error:
        load_plain(pickle.dumps([1, Touch(target)]), "record 7")
    assert "only plain data are read" in str(error.value)
    assert not target.exists()


@pytest.mark.parametrize(
    ("function", "arguments", "name"),
    [
        (eval, ("1",), "builtins.eval"),
        (getattr, ("a", "b"), "builtins.getattr"),
        (__import__, ("os",), "builtins.__import__"),
        (np.load, ("x",), "numpy"),
        (np.array, ([1],), "numpy"),
    ],
)
def test_other_functions_are_refused(function: object, arguments: tuple[object, ...], name: str) -> None:
    with pytest.raises(InputError, match=f"is refused: it asks for '{name}"):
        load_plain(pickle.dumps(Runs(function, *arguments)), "a test")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"cos\nsystem\n(S'true'\ntR.", "'os.system'"),  # protocol 0
        (b"(S'true'\nios\nsystem\n.", "'os.system'"),  # INST
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "'os.system'"),  # STACK_GLOBAL
        (b"\x80\x04\x8c\x08builtins\x8c\x0cset.__init__\x93.", "'builtins.set.__init__'"),  # dotted
        (b"Pabc\n.", "an object outside of itself"),
        (pickle.dumps(np.zeros(2)), "'numpy"),
        (b"cnumpy\ndtype\n(S'O8'\ntR.", "a number of type 'O8'"),
        (b"cnumpy\ndtype\n(S'f8,O'\ntR.", "a number of type"),
    ],
)
def test_forged_pickles_are_refused(content: bytes, sentence: str) -> None:
    with pytest.raises(InputError) as error:
        load_plain(content, "a test")
    assert str(error.value).startswith("a test is refused: ")
    assert sentence in str(error.value)


def of_length(opcode: bytes, length: int, form: str = "<Q") -> bytes:
    return b"\x80\x05" + opcode + struct.pack(form, length) + b"x."


NUMBERS = b"(" + b"".join(b"J" + struct.pack("<i", number) for number in range(1000)) + b"lq\x00"


@pytest.mark.parametrize(
    "content",
    [
        b"]r" + struct.pack("<I", 10**7) + b".",  # a place among what is remembered
        b"]p10000000\n.",
        of_length(pickle.BYTEARRAY8, 2**27),
        of_length(pickle.BINBYTES8, 2**27),
        of_length(pickle.BINUNICODE8, 2**27),
        of_length(pickle.BYTEARRAY8, 2**62),
        of_length(pickle.FRAME, 2**40),
        of_length(pickle.LONG4, 2**31 - 1, "<i"),
        NUMBERS + b"0cbuiltins\nset\nq\x01" + b"h\x01h\x00\x85R" * 1000 + b".",  # a thousand copies
        NUMBERS + b"0ccollections\nOrderedDict\nq\x01" + b"h\x01h\x00\x85R" * 1000 + b".",
    ],
)
def test_what_a_pickle_says_it_needs_is_not_given(content: bytes) -> None:
    tracemalloc.start()
    try:
        with suppress(InputError):
            load_plain(content, "a test")
        assert tracemalloc.get_traced_memory()[1] < 2**21
    finally:
        tracemalloc.stop()


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with suppress(InputError):  # any other error fails
        load_plain(content, "a test")


def test_a_truncated_pickle_is_damaged() -> None:
    with pytest.raises(InputError, match=r"^a test is damaged: it is no complete pickle"):
        load_plain(pickle.dumps({"a": [1, 2, 3]})[:-4], "a test")
