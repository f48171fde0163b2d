"""A notebook is a stage too: its code changes with its version only, so that no published page shows what it no longer
computes. If nothing that is computed has changed, write it down again: ``CENA_WRITE_GOLDEN=1 pytest tests/golden``.
"""

import ast
import json
import os
from collections.abc import Iterator
from pathlib import Path

import jupytext
import pytest

from cena.files import sha256

ROOT = Path(__file__).parents[2]
WRITTEN = Path(__file__).parent / "notebooks.json"
STEMS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.py"))


def computed(code: str) -> str:
    """What some code computes, as text: without imports, comments, docstrings, formatting and prose.

    Texts with a space in them are prose. The same on every version of Python, unlike `ast.dump` and `ast.unparse`.
    """

    def parts(node: ast.AST) -> Iterator[str]:
        match node:
            case ast.Import() | ast.ImportFrom() | ast.Expr(ast.Constant(str())):
                return
            case ast.Constant(value):
                yield "prose" if isinstance(value, str) and " " in value else repr(value)
                return
            case ast.JoinedStr(values):
                for value in values:
                    if isinstance(value, ast.FormattedValue):
                        yield from parts(value.value)
                return
        yield type(node).__name__
        for name in ("id", "attr", "arg", "name"):
            if isinstance(value := getattr(node, name, None), str):
                yield value
        for child in ast.iter_child_nodes(node):
            yield from parts(child)

    return " ".join(parts(ast.parse(code)))


@pytest.mark.parametrize("stem", STEMS)
def test_a_notebook_changes_with_its_version_only(stem):
    notebook = jupytext.read(ROOT / "notebooks" / f"{stem}.py")
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    found = {"version": notebook.metadata.cena["version"], "computed": sha256(computed(code))}
    written = json.loads(WRITTEN.read_text()) if WRITTEN.exists() else {}
    if os.environ.get("CENA_WRITE_GOLDEN"):
        written[stem] = found
        WRITTEN.write_text(json.dumps(dict(sorted(written.items())), indent=1) + "\n")
    assert written.get(stem) == found, (
        f"the code of notebook '{stem}' changed: if it computes something else, raise the version in its header; "
        "then write it down, CENA_WRITE_GOLDEN=1 pytest tests/golden"
    )


def test_all_notebooks_are_written_down():
    assert list(json.loads(WRITTEN.read_text())) == STEMS


CODE = '''import numpy as np
labels = accuracy("cifar10", split="test")  # of all
def mean(values):
    """Their mean."""
    return np.mean(values[:10])
print(f"The mean is {mean(labels):.2f} percent.", "of all of them")
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# of all", "# another comment"),
        ("Their mean", "What they are in the mean"),
        ("The mean is", "In the mean:"),
        ("of all of them", "of all"),
        ("import numpy as np\n", "import scipy\nfrom numpy import foo\n"),
        ("values[:10]", "values[ : 10 ]"),
    ],
)
def test_wording_imports_and_formatting_are_free(old, new):
    assert old in CODE
    assert computed(CODE.replace(old, new)) == computed(CODE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[:10]", "[:11]"),
        ('"test"', '"validation"'),
        ("np.mean", "np.median"),
        ("{mean(labels)", "{max(labels)"),
        ("return np", "np"),
    ],
)
def test_what_is_computed_counts(old, new):
    assert old in CODE
    assert computed(CODE.replace(old, new)) != computed(CODE)
