"""The code blocks of the book's API page and of the README are run as they stand, one after the other."""

import re
from pathlib import Path

import numpy as np
from torch import nn

from cena.report.tables import api_table

PAGE, README = (Path(__file__).parents[1] / name for name in ("book/api.md", "README.md"))


def blocks_of(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


BLOCKS = blocks_of(PAGE)


def test_the_recipes_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for block in BLOCKS:
        exec(compile(block, str(PAGE), "exec"), names)
    assert names["embedding"].shape == (10, 4)
    assert names["embedding_of_the_paper"].shape == (10, 512)
    assert np.isfinite(names["embedding"]).all()
    best = names["nearest"](names["found"].x)
    errors = np.abs(np.log(names["parameters"] / 5000))
    assert names["found"].fun == errors[best]
    assert errors[best] == errors.min()
    assert len(names["predicted"]) == 10
    assert all(0 <= share <= 1 for share in names["outside"])


def test_the_readme_loads_and_places(monkeypatch, tmp_path):
    monkeypatch.setenv("CENA_DATA", str(tmp_path))  # no labels are needed
    names: dict = {
        "my_network": lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(7200, 10))
    }
    [block] = blocks_of(README)
    exec(compile(block, str(README), "exec"), names)
    assert names["known"].embedding.shape == (15_625, 16)
    assert len(names["placed"].nearest) == 5


def test_a_recipe_has_five_lines_beside_its_imports():
    assert len(BLOCKS) == 6
    for block in BLOCKS[1:]:
        lines = [line for line in block.splitlines() if line and not line.startswith(("from ", "import "))]
        assert len(lines) <= 5


def test_every_module_of_the_page_has_a_table():
    modules = re.findall(r"^```\{api\} (.*)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert all(api_table(module) for line in modules for module in line.split())
