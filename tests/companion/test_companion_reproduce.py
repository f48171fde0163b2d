"""A published page is executed again and compared: what a forger has computed again shows, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

from cena.companion.check import check
from cena.companion.normalise import digest, read, write
from cena.companion.project import Project
from cena.companion.reproduce import reproduce
from cena.errors import InputError
from cena.files import file_sha256
from cena.stages import STAGES


def forge(project: Project) -> None:
    """Other numbers on a page and in its results, with all checksums: nothing that is read contradicts them."""
    place, results = project.notebooks / "01_first.ipynb", project.published_results
    page = read(place)
    page.cells[4].outputs[0].data["text/plain"] = "3"
    page.cells[4].metadata.tags = ["hide-input"]
    page.cells[6].outputs[0].data["image/png"] = page.cells[7].outputs[0].data["image/png"]
    page.cells[7].outputs.clear()
    [record] = json.loads((results / "01_first.json").read_text())
    (results / "01_first.json").write_text(json.dumps([record | {"value": 0.988, "reason": "luck"}]))
    (results / "01_first.curve.csv").write_text("runs,profile\n3,quick\n")
    for name in ("01_first.json", "01_first.curve.csv"):
        page.metadata.cena.results[name] = file_sha256(results / name)
    page.metadata.cena.digest = digest(page)
    write(page, place)
    readme = project.root / "README.md"
    readme.write_text(readme.read_text().replace("0.987 [", "0.988 [").replace("exceeded**", "exceeded**: luck"))


def committed(project: Project) -> dict[Path, bytes]:
    folders = project.notebooks, project.published_results
    return {path: path.read_bytes() for folder in folders for path in folder.iterdir()}


def test_a_page_comes_out_the_same(project):
    before = committed(project)
    told: list[Any] = []
    assert reproduce(project, "01_first", lambda *what: told.append(what)) == []
    assert len(told) == 6
    assert committed(project) == before
    assert (project.root / "executions").read_text() == "first\nfirst\n"


def test_what_a_forger_has_changed_has_a_line_each(project):
    forge(project)
    assert check(project) == {"02_second": ["result 01_first.json, which it reads, changed"]}
    before = committed(project)
    assert reproduce(project, "01_first") == [
        "cell 5 has another text or other tags",
        "cell 5, output 1 (text/plain): published '3', now '2'",
        "cell 7, output 1 (image/png): published 'dGhlIHNlY29uZCBmaWd1cmU=', now 'dGhlIGZpcnN0IGZpZ3VyZQ=='",
        "cell 8, output 1 (image/png): published 'nothing', now 'dGhlIHNlY29uZCBmaWd1cmU='",
        "cell 8, output 1 (text/plain): published 'nothing', now '<IPython.core.display.Image object>'",
        "record table1.cifar10.tau has another reason, value: published 0.988 [0.985, 0.989], "
        "now 0.987 [0.985, 0.989], agree",
        "result 01_first.curve.csv is another",
    ]
    assert committed(project) == before


def test_a_page_is_executed_with_its_own_parameters(project):
    source = project.notebooks / "01_first.py"
    source.write_text(source.read_text().replace("runs: int = 2", "runs: int = 4"))
    [line] = [line for line in reproduce(project, "01_first") if "cell" not in line]
    assert line == "its source changed"
    assert (project.results("quick") / "01_first.curve.csv").read_text() == "runs,profile\n2,quick\n"


def test_what_this_checkout_does_not_compute_is_refused_before_anything_is_executed(project, monkeypatch):
    with pytest.raises(InputError, match="unknown notebook '03_third'"):
        reproduce(project, "03_third")
    monkeypatch.setattr(STAGES["layout"], "version", 9)
    with pytest.raises(InputError, match=r"not published from this code, data and packages \(stage 'layout' moved on"):
        reproduce(project, "01_first")
    (project.notebooks / "01_first.ipynb").unlink()
    with pytest.raises(InputError, match="notebook '01_first' is not published"):
        reproduce(project, "01_first")
    assert (project.root / "executions").read_text() == "first\n"
