"""The committed pages: their text is that of the sources, and none holds an error or an unexecuted cell."""

from pathlib import Path

import jupytext
import pytest

from cena.companion.check import flaws
from cena.companion.normalise import read
from cena.files import file_sha256

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
STEMS = sorted(path.stem for path in NOTEBOOKS.glob("*.py"))


@pytest.mark.parametrize("stem", STEMS)
def test_a_published_page_is_whole_and_says_what_its_source_says(stem):
    executed = read(NOTEBOOKS / f"{stem}.ipynb")
    assert list(flaws(executed)) == []
    recorded, source = executed.metadata.cena, NOTEBOOKS / f"{stem}.py"
    if recorded.version == jupytext.read(source).metadata.cena["version"]:
        assert recorded.source == file_sha256(source), f"the text of '{stem}' was reworded: run `cena reword`"
