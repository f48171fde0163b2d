"""A public name means one thing in the whole package."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]


def public_names(file: Path) -> set[str]:
    """What a module defines at its top: functions, classes, constants and aliases; not what it imports."""
    names: set[str] = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {inner.id for target in node.targets for inner in ast.walk(target) if isinstance(inner, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return {name for name in names if not name.startswith("_")}


def test_no_two_public_things_share_a_name():
    places = defaultdict(list)
    for file in sorted((ROOT / "cena").rglob("*.py")):
        for name in public_names(file):
            places[name].append(str(file.relative_to(ROOT)))
    assert {name: files for name, files in sorted(places.items()) if len(files) > 1} == {}
