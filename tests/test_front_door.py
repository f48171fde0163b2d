"""``import cena`` is quick, and whatever follows imports finds its two functions."""

import inspect
import subprocess
import sys

import pytest
from mypy import api as mypy

import cena
from cena.embed import embed, load_embedding

LIGHT = """
import sys
import cena
print(sorted({"torch", "numpy", "sklearn", "zarr"} & set(sys.modules)))
from cena.embed.network import embed_space
print(callable(cena.embed), "torch" in sys.modules)
"""

CALLS = """
import cena
reveal_type(cena.embed)
reveal_type(cena.load_embedding)
placed = cena.embed("package.module:factory", seed=1)
reveal_type(placed.outside)
"""


def test_importing_the_package_loads_neither_torch_nor_numpy():
    pytest.importorskip("torch")  # the process below needs it
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\nTrue True\n"


def test_both_functions_are_the_packages_own():
    assert cena.embed is embed
    assert cena.load_embedding is load_embedding
    assert list(inspect.signature(cena.embed).parameters) == ["factory", "reference", "seed", "name", "announce"]
    assert list(inspect.signature(cena.load_embedding).parameters) == ["name", "folder"]
    assert "Place a network in a released space" in inspect.getdoc(cena.embed)
    with pytest.raises(AttributeError, match="module 'cena' has no attribute 'embbed'"):
        cena.embbed  # noqa: B018


@pytest.mark.slow
def test_a_type_checker_finds_both(tmp_path):
    (tmp_path / "calls.py").write_text(CALLS)
    settings = tmp_path / "mypy.ini"
    settings.write_text("[mypy]\nignore_missing_imports = True\nfollow_imports = silent\n")
    said, errors, code = mypy.run(["--config-file", str(settings), str(tmp_path / "calls.py")])
    assert (code, errors) == (0, ""), said
    notes = [line.split("note: ")[1] for line in said.splitlines() if "note: " in line]
    assert len(notes) == 3
    assert notes[0].startswith('Revealed type is "def (factory: ')
    assert notes[0].endswith('-> cena.embed.network.NetworkEmbedding"')
    assert notes[1].endswith('-> cena.embed.released.Release"')
    assert "float" in notes[2]
