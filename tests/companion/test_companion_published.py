"""The committed pages: their text is that of the sources, they and their results are as they were executed, and the
claims among these follow from their numbers."""

import re
from pathlib import Path

import jupytext
import pandas as pd
import pytest

from cena.companion.check import check, flaws
from cena.companion.normalise import read
from cena.companion.project import Project
from cena.companion.results import checksums, files_in
from cena.evaluate import Interval
from cena.files import text_sha256
from cena.report.wording import told

PROJECT = Project(Path(__file__).parents[2])
NOTEBOOKS = PROJECT.notebooks
CLAIMS = [file for file in files_in(PROJECT.published_results) if re.match("claim,.*,verdict\n", file.read_text())]
STEMS = sorted(path.stem for path in NOTEBOOKS.glob("*.py"))


@pytest.mark.parametrize("stem", STEMS)
def test_a_published_page_is_whole_and_says_what_its_source_says(stem):
    executed = read(NOTEBOOKS / f"{stem}.ipynb")
    assert list(flaws(PROJECT, stem, executed, checksums(files_in(PROJECT.published_results)))) == []
    recorded, source = executed.metadata.cena, NOTEBOOKS / f"{stem}.py"
    if recorded.version == jupytext.read(source).metadata.cena["version"]:
        assert recorded.source == text_sha256(source), f"the text of '{stem}' was reworded: run `cena reword`"


def test_nothing_else_that_is_published_was_edited():
    assert not {"README.md", "book/results"} & {*check(PROJECT)}


def test_every_figure_has_a_label_of_its_own():
    """The book refuses two of one name, but only after all chapters were executed."""
    cells = [cell for stem in STEMS for cell in jupytext.read(NOTEBOOKS / f"{stem}.py").cells]
    labels = [
        cell.metadata["mystnb"]["figure"]["name"] for cell in cells if "figure" in cell.metadata.get("mystnb", {})
    ]
    assert len(labels) > len(STEMS)
    assert sorted(labels) == sorted({*labels})


@pytest.mark.parametrize("file", CLAIMS, ids=lambda file: file.stem)
def test_published_claims_follow_from_their_numbers(file):
    claims = pd.read_csv(file)
    intervals = (Interval(row.difference, row.low, row.high, 2) for row in claims.itertuples())
    assert claims.verdict.tolist() == [told(interval, lower_is_better=True) for interval in intervals]
