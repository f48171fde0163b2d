from pathlib import Path

import pytest

from cena.study import fingerprint
from cena.study.fingerprint import code_fingerprint, data_checksums, imported_modules, pins


@pytest.fixture
def package(tmp_path, monkeypatch) -> Path:
    """A small package in the place of `cena`."""
    files = {
        "__init__.py": "",
        "errors.py": "class InputError(ValueError):\n    '''Bad input.'''\n",
        "lonely.py": "x = 1\n",
        "lazy.py": "def f():\n    import cena.errors\n    return cena.errors\n",
        "cycle_a.py": "import cena.cycle_b\n",
        "cycle_b.py": "import cena.cycle_a\n",
        "layout/__init__.py": "from . import cells\n",
        "layout/cells.py": "from ..errors import InputError\n",
        "layout/transport.py": "import numpy as np\n",
        "data/__init__.py": "",
        "data/bundled/labels.csv": "1,2\n",
        "data/__pycache__/old.pyc": "junk",
    }
    for name, text in files.items():
        path = tmp_path / "cena" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(fingerprint, "PACKAGE", tmp_path / "cena")
    return tmp_path / "cena"


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize(
    ("source", "modules"),
    [
        ("import numpy\nfrom os import path", []),
        ("import cena", ["cena"]),
        ("import cena.lonely as l", ["cena", "cena.lonely"]),
        ("from cena import lonely", ["cena", "cena.lonely"]),
        ("from cena.errors import InputError, unknown", ["cena", "cena.errors"]),
        ("def f():\n    if True:\n        from cena import lonely", ["cena", "cena.lonely"]),
        ("import cena.lazy", ["cena", "cena.errors", "cena.lazy"]),
        ("import cena.cycle_a", ["cena", "cena.cycle_a", "cena.cycle_b"]),
        (
            "from cena.layout.transport import solve",
            ["cena", "cena.errors", "cena.layout", "cena.layout.cells", "cena.layout.transport"],
        ),
        ("import cenacle, cena.missing", ["cena"]),
    ],
)
def test_imports_are_followed_through_the_package(source, modules):
    assert imported_modules(source) == modules


def test_imports_of_a_file(package):
    assert imported_modules(package / "lazy.py") == ["cena", "cena.errors"]


def test_the_real_package_is_followed():
    assert "cena.errors" in imported_modules("from cena.companion import profiles")


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("def f(x):\n    return x + 1\n", True),
        ("'''Module.'''\n\n\ndef f( x ):\n    '''Doc.'''\n    # why\n    return (x+1)\n", True),
        ("def f(x):\n    return x + 2\n", False),
        ("def f(x):\n    'doc'\n    'a second string is code'\n    return x + 1\n", False),
    ],
)
def test_only_code_counts(package, text, same):
    (package / "lonely.py").write_text("def f(x):\n    return x + 1\n")
    before = code_fingerprint("cena.lonely")
    (package / "lonely.py").write_text(text)
    assert (code_fingerprint("cena.lonely") == before) is same


def test_the_order_of_modules_does_not_count_but_their_names_do(package):
    assert code_fingerprint("cena.lonely", "cena.lazy") == code_fingerprint("cena.lazy", "cena.lonely", "cena.lazy")
    (package / "twin.py").write_text((package / "lonely.py").read_text())
    assert code_fingerprint("cena.twin") != code_fingerprint("cena.lonely")


@pytest.mark.usefixtures("package")
def test_a_module_that_is_missing_has_no_fingerprint():
    with pytest.raises(ModuleNotFoundError, match=r"cena\.nothing"):
        code_fingerprint("cena.nothing")


def test_data_files_have_checksums_and_code_has_none(package):
    before = data_checksums(released=True)
    assert list(before) == ["data/bundled/labels.csv"]
    (package / "data/bundled/labels.csv").write_text("1,3\n")
    assert data_checksums(released=True) != before


def test_released_files_count_only_for_what_reads_them(package):
    (package / "data/bundled/released").mkdir()
    (package / "data/bundled/released/space.npz").write_text("1")
    assert list(data_checksums(released=False)) == ["data/bundled/labels.csv"]
    assert list(data_checksums(released=True)) == ["data/bundled/labels.csv", "data/bundled/released/space.npz"]


def test_pins_ignore_comments_and_order(tmp_path):
    first, second, third = (tmp_path / name for name in "abc")
    first.write_text("# ours\nnumpy==2.4.6\n\nscipy==1.17.1  # sparse\n")
    second.write_text("scipy==1.17.1\nnumpy==2.4.6\n")
    third.write_text("scipy==1.17.2\nnumpy==2.4.6\n")
    assert pins(first) == pins(second) != pins(third)


def test_what_the_package_offers_is_no_part_of_its_modules(package):
    """Else every artifact would be stale with every change of the lazy exports in the package's ``__init__``."""
    (package / "__init__.py").write_text("__version__ = '1'\n")
    before = code_fingerprint("cena", "cena.lonely")
    (package / "__init__.py").write_text("__version__ = '1'\n\n\ndef __getattr__(name):\n    return name\n")
    assert code_fingerprint("cena", "cena.lonely") == before
    (package / "__init__.py").write_text("__version__ = '2'\n")
    assert code_fingerprint("cena", "cena.lonely") != before
