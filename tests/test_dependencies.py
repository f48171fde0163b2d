"""Every package that the code imports is declared in pyproject.toml."""

import ast
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
DISTRIBUTIONS = {"IPython": "ipython", "PIL": "pillow", "sklearn": "scikit-learn"}
"""What is imported under another name than it is installed under."""


def imported(file: Path) -> set[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.append(node.module or "")
    return {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) - {"cena"}


def test_every_import_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    declared = {re.split(r"[^\w-]", line, maxsplit=1)[0].lower() for line in lines}
    used = {
        name for folder in ("cena", "notebooks") for file in (ROOT / folder).rglob("*.py") for name in imported(file)
    }
    assert {DISTRIBUTIONS.get(name, name).replace("_", "-") for name in used} - declared == set()
