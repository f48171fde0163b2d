import contextlib
import keyword
import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cena.companion.parameters import Parameter, from_text, parse
from cena.errors import InputError

CELL = """
# How the run is set.
profile: str = "quick"  # [quick | laptop | paper] settings of the run
runs: int = 0  # [0 | 2..1000] repeated runs; 0: the profile's number
rate: float = 1e-3  # [0..0.5] step size
shift: int = -2  # any whole number
title: str = "CENA # 1"  # of the figure
width: int = 2  # [1 | 2 | 4] power of two
dark: bool = False  # white on black
"""


@pytest.fixture
def declared() -> list[Parameter]:
    return parse(CELL)


def test_a_cell_declares_names_types_defaults_and_what_is_allowed(declared):
    assert declared == [
        Parameter("profile", str, "quick", "settings of the run", ("quick", "laptop", "paper")),
        Parameter("runs", int, 0, "repeated runs; 0: the profile's number", (0,), (2, 1000)),
        Parameter("rate", float, 1e-3, "step size", (), (0, 0.5)),
        Parameter("shift", int, -2, "any whole number"),
        Parameter("title", str, "CENA # 1", "of the figure"),
        Parameter("width", int, 2, "power of two", (1, 2, 4)),
        Parameter("dark", bool, False, "white on black"),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("runs = 3  # repeated runs", "write `name: type"),
        ("runs: int = 3", "write `name: type"),
        ("runs: int  # repeated runs", "write `name: type"),
        ("runs: list = [3]  # repeated runs", "write `name: type"),
        ("import os  # no", "write `name: type"),
        ("runs: int = f(3)  # repeated runs", "literal"),
        ("runs: int = 'a'  # repeated runs", "'runs' is 'a': give an int"),
        ("runs: int = 5  # [0..4] repeated runs", "from 0 to 4"),
        ("runs: int = 5  # [0..] repeated runs", r"must be \[low..high\]"),
        ("runs: int = 5  # [0 | 2..4] repeated runs", "from 0 or 2 to 4"),
        ("runs: int = 5  # [0..1 | 5..6] repeated runs", "holds 2 ranges: give one"),
        ("kind: str = 'c'  # [a | b] kind", "unknown value of parameter 'kind' 'c'; valid: a, b"),
        ("runs: int = 1  # [1 | x] runs", "'x'"),
        ("runs: int = (", "not Python"),
    ],
)
def test_a_malformed_declaration_is_refused(line, reason):
    with pytest.raises(InputError, match=reason):
        parse(line)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("runs", 3.0, "parameter 'runs' is 3.0: give an int from 0 or 2 to 1000"),
        ("runs", 1, "'runs' is 1: give an int from 0 or 2 to 1000"),
        ("runs", True, "give an int"),
        ("runs", 1001, "from 0 or 2 to 1000"),
        ("rate", 0.6, "from 0 to 0.5"),
        ("rate", math.nan, "finite"),
        ("title", 3, "give a str"),
        ("dark", 1, "true or false"),
        ("profile", "papper", "unknown value of parameter 'profile' 'papper'; valid: paper, "),
        ("width", 3, "valid: 1, 2, 4"),
    ],
)
def test_a_wrong_value_is_refused(declared, name, value, reason):
    with pytest.raises(InputError, match=reason):
        {parameter.name: parameter for parameter in declared}[name].check(value)


def test_texts_are_read_by_the_declared_type(declared):
    texts = [("runs", "20"), ("rate", "1e-2"), ("title", "3"), ("dark", "True"), ("width", "4")]
    assert from_text(declared, texts) == {"runs": 20, "rate": 0.01, "title": "3", "dark": True, "width": 4}


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("runs", "many", "'runs' is 'many': give an int"),
        ("runs", "1.5", "give an int"),
        ("runs", "-1", "from 0 or 2 to 1000"),
        ("rate", "inf", "finite"),
        ("shift", "", "give an int"),
        ("dark", "maybe", "true or false"),
        ("width", "3", "valid: 1, 2, 4"),
        ("rums", "1", "unknown parameter 'rums'; valid: runs, "),
    ],
)
def test_a_wrong_text_is_refused(declared, name, text, reason):
    with pytest.raises(InputError, match=reason):
        from_text(declared, [(name, text)])


def test_a_parameter_that_is_given_twice_is_refused(declared):
    with pytest.raises(InputError, match="parameter 'runs' is given twice: give it once"):
        from_text(declared, [("runs", "20"), ("title", "a"), ("runs", "20")])


def test_an_int_is_taken_for_a_float(declared):
    [rate] = [parameter for parameter in declared if parameter.name == "rate"]
    assert type(rate.check(0)) is float


def test_a_refused_line_is_shown_as_it_was_written():
    with pytest.raises(InputError, match=re.escape("`runs : 'int'   = (2)`")):
        parse("runs : 'int'   = (2)  # of the search")


names = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True).filter(lambda name: not keyword.iskeyword(name))
words = st.from_regex(r"[A-Za-z][A-Za-z0-9 ,;:.()'-]{0,20}[a-z]", fullmatch=True)
values: st.SearchStrategy[Any] = st.one_of(
    st.integers(-(10**9), 10**9), st.floats(allow_nan=False, allow_infinity=False), st.text(), st.booleans()
)


@given(names, values, words)
def test_what_is_declared_is_what_is_parsed(name, value, description):
    kind = type(value).__name__
    [parameter] = parse(f"{name}: {kind} = {value!r}  # {description}")
    assert parameter == Parameter(name, type(value), value, description)
    assert parameter.check(value) == value


@given(st.integers(-1000, 1000), st.integers(0, 1000), st.integers(-3000, 3000))
def test_a_range_holds_exactly_its_numbers(low, span, value):
    [parameter] = parse(f"n: int = {low}  # [{low}..{low + span}] number")
    if low <= value <= low + span:
        assert parameter.read(str(value)) == value
    else:
        with pytest.raises(InputError, match="'n'"):
            parameter.read(str(value))


@given(st.text() | st.text("prun: int=3.[]|#\n\t'\"", max_size=40))
def test_any_text_is_parsed_or_refused_but_never_crashes(source):
    with contextlib.suppress(InputError):
        assert all(isinstance(parameter, Parameter) for parameter in parse(source))
