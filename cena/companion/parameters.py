"""The parameters of a notebook: declared in one cell, and checked before anything is executed.

papermill only warns about a parameter that a notebook does not know. Here every line of the cell tagged ``parameters``
declares a name, a type, a default, what is allowed, and what it means::

    profile: str = "quick"  # [quick | laptop | paper] settings of the run
    runs: int = 0  # [0 | 2..1000] repeated runs; 0: the profile's number
    title: str = "CENA"  # of the figure

and a value that does not fit its declaration is an `InputError`.
"""

import ast
import io
import math
import re
import tokenize
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from cena.errors import InputError, unknown

Value = int | float | str | bool

_TYPES: dict[str, type[Value]] = {"int": int, "float": float, "str": str, "bool": bool}
_ALLOWED = re.compile(r"\[(?P<allowed>[^\]]*)\]\s*(?P<rest>.*)", re.DOTALL)


@dataclass(frozen=True)
class Parameter:
    """A declared parameter.

    Attributes
    ----------
    name, type, default, description : as declared; `type` is one of int, float, str and bool.
    choices : the values that are allowed one by one.
    span : the smallest and largest number that are allowed with all between them; None when there is no range.
        With neither choices nor a range everything of the type is allowed.
    """

    name: str
    type: type[Value]
    default: Value
    description: str
    choices: tuple[Value, ...] = ()
    span: tuple[float, float] | None = None

    def check(self, value: object) -> Value:
        """`value`, with an int made a float where a float is declared.

        Raises
        ------
        InputError
            If it has another type, is not finite, or is not allowed.
        """
        if self.type is float and type(value) is int:
            value = float(value)
        if type(value) is not self.type:
            raise self._error(value)
        if isinstance(value, int | float) and not math.isfinite(value):
            raise self._error(value)
        if value in self.choices or (self.span is None and not self.choices):
            return value
        if self.span is None:
            raise unknown(f"value of parameter '{self.name}'", value, self.choices)
        if not (isinstance(value, int | float) and self.span[0] <= value <= self.span[1]):
            raise self._error(value)
        return value

    def read(self, text: str) -> Value:
        """The checked value that a text of the command line stands for; raises `InputError` like :meth:`check`."""
        try:
            return self.check(_readers[self.type](text))
        except InputError:
            raise
        except (ValueError, KeyError):
            raise self._error(text) from None

    def _error(self, value: object) -> InputError:
        expected = {int: "an int", float: "a finite float", str: "a str", bool: "a bool, true or false"}[self.type]
        allowed = [str(choice) for choice in self.choices]
        if self.span is not None:
            allowed.append("{:g} to {:g}".format(*self.span))
        span = f" from {' or '.join(allowed)}" if allowed else ""
        return InputError(f"parameter '{self.name}' is {value!r}: give {expected}{span} ({self.description})")


_readers: dict[type[Value], Callable[[str], Value]] = {
    int: int,
    float: float,
    str: str,
    bool: lambda text: {"true": True, "false": False}[text.lower()],
}


def parse(source: str) -> list[Parameter]:
    """The parameters that the source of a parameters cell declares, in order.

    Raises
    ------
    InputError
        If a line is no declaration, or declares a default that is not allowed.
    """
    try:
        body = ast.parse(source).body
    except SyntaxError as error:
        raise InputError(f"the parameters cell is not Python: {error.msg}, line {error.lineno}") from None
    comments = _comments(source)
    return [_declared(statement, source, comments.get(statement.end_lineno or 0, "")) for statement in body]


def from_text(declared: Sequence[Parameter], given: Iterable[tuple[str, str]]) -> dict[str, Value]:
    """The checked values of (name, text) pairs from a command line.

    Raises
    ------
    InputError
        If a name is not declared or is given twice, or a value has the wrong type or is not allowed.
    """
    values: dict[str, Value] = {}
    for name, text in given:
        if name in values:
            raise InputError(f"parameter '{name}' is given twice: give it once")
        values[name] = _named(declared, name).read(text)
    return values


def _named(declared: Sequence[Parameter], name: str) -> Parameter:
    for parameter in declared:
        if parameter.name == name:
            return parameter
    raise unknown("parameter", name, [parameter.name for parameter in declared])


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}


def _declared(statement: ast.stmt, source: str, comment: str) -> Parameter:
    line = ast.get_source_segment(source, statement)
    wanted = "write `name: type = default  # [allowed values] description`, type int, float, str or bool"
    match statement:
        case ast.AnnAssign(ast.Name(name), ast.Name(kind), ast.expr() as value) if kind in _TYPES and comment:
            try:
                default = ast.literal_eval(value)
            except ValueError:
                raise InputError(f"parameters cell, `{line}`: the default must be a literal; {wanted}") from None
        case _:
            raise InputError(f"parameters cell, `{line}`: {wanted}")
    allowed = _ALLOWED.fullmatch(comment)
    if allowed is None:
        parameter = Parameter(name, _TYPES[kind], default, comment)
    else:
        parameter = _restricted(Parameter(name, _TYPES[kind], default, allowed["rest"]), allowed["allowed"])
    parameter.check(default)
    return parameter


def _restricted(free: Parameter, allowed: str) -> Parameter:
    """`free` with what the brackets of its comment hold: choices and at most one range, as in ``0 | 2..1000``."""
    parts = [part.strip() for part in allowed.split("|")]
    ranges = [part for part in parts if ".." in part and free.type in (int, float)]
    choices = tuple(free.read(part) for part in parts if part not in ranges)
    try:
        spans = [(float(low), float(high)) for low, _, high in (part.partition("..") for part in ranges)]
    except ValueError:
        raise InputError(f"parameter '{free.name}': the range [{allowed}] must be [low..high]") from None
    if len(spans) > 1:
        raise InputError(f"parameter '{free.name}': [{allowed}] holds {len(spans)} ranges: give one")
    return Parameter(free.name, free.type, free.default, free.description, choices, *spans)
