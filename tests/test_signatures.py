"""A function that takes more than a reader can hold in mind groups what belongs together."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "cena"
MOST_PARAMETERS, MOST_POSITIONALS = 6, 9

every_module = pytest.mark.parametrize(
    "file", sorted(PACKAGE.rglob("*.py")), ids=lambda file: str(file.relative_to(PACKAGE))
)


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """The names of what a function takes by position or by keyword, but `self` and `cls`."""
    taken = function.args
    names = [argument.arg for argument in (*taken.posonlyargs, *taken.args, *taken.kwonlyargs)]
    return [name for name in names if name not in ("self", "cls")]


@every_module
def test_no_function_takes_more_than_six_parameters(file):
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    taken = {
        f"{node.name}, line {node.lineno}": parameters(node)
        for node in nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: names for name, names in taken.items() if len(names) > MOST_PARAMETERS} == {}


@every_module
def test_no_call_has_more_than_nine_positionals(file):
    """Also of constructors of records: their tenth field is given by name."""
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    calls = [node for node in nodes if isinstance(node, ast.Call) and len(node.args) > MOST_POSITIONALS]
    assert [f"line {call.lineno}: {ast.unparse(call.func)}" for call in calls] == []
