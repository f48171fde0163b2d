"""Edits by hand of what is published, one at a time: each is noticed. Those that the book's builder notices are in
test_companion_book.py."""

import base64
import json
import shutil
from collections.abc import Callable
from typing import Any

import nbformat
import pytest

from cena.companion.book import BookError, build_book
from cena.companion.check import check
from cena.companion.normalise import digest, read, write
from cena.companion.project import Project
from cena.companion.publish import publish
from cena.files import file_sha256
from cena.stages import STAGES

Change = Callable[[Project], None]
PAGE = "notebooks/01_first.ipynb"
EDITED = "it was edited by hand after it was executed"
RESULT = "result {} is missing or not what the notebook wrote"


def page(change: Callable[[Any], object], forged: bool = False) -> Change:
    """A change of an executed page; a forger computes its digest again."""

    def changed(project: Project) -> None:
        notebook = read(project.root / PAGE)
        change(notebook)
        if forged:
            notebook.metadata.cena.digest = digest(notebook)
        write(notebook, project.root / PAGE)

    return changed


def text(path: str, old: str, new: str) -> Change:
    def changed(project: Project) -> None:
        before = (project.root / path).read_text()
        assert old in before
        (project.root / path).write_text(before.replace(old, new, 1))

    return changed


def record(forged: bool = False, **values: object) -> Change:
    """A change of a record; a forger puts the checksum of the results into the page."""

    def changed(project: Project) -> None:
        results = project.published_results / "01_first.json"
        [before] = json.loads(results.read_text())
        results.write_text(json.dumps([before | values]))
        if forged:
            page(lambda notebook: notebook.metadata.cena.results.update({results.name: file_sha256(results)}))(project)

    return changed


def number(notebook: Any) -> None:
    [output] = notebook.cells[4].outputs
    assert output.data["text/plain"] == "2"
    output.data["text/plain"] = "3"


def more(notebook: Any) -> None:
    notebook.cells.append(nbformat.v4.new_markdown_cell("It wins."))


def all_outputs(notebook: Any) -> None:
    for cell in notebook.cells:
        cell.pop("outputs", None)
        if cell.cell_type == "code":
            cell.outputs = []


def figure(notebook: Any) -> None:
    first, second = (cell.outputs[0].data for cell in notebook.cells[-2:])
    assert base64.b64decode(first["image/png"]) == b"the first figure"
    first["image/png"] = second["image/png"]


def error(notebook: Any) -> None:
    notebook.cells[4].outputs.append(nbformat.v4.new_output("error", ename="E", evalue="", traceback=[]))


def own(notebook: Any, **values: object) -> None:
    notebook.metadata.cena.update(values)


def swapped(project: Project) -> None:
    other = project.root / "notebooks/02_second.ipynb"
    before = other.read_bytes()
    shutil.copy(project.root / PAGE, other)
    (project.root / PAGE).write_bytes(before)


def elsewhere(project: Project) -> None:
    shutil.copy(project.published_results / "01_first.json", project.published_results / "02_second.json")


def twice(project: Project) -> None:
    results = project.published_results / "01_first.json"
    results.write_text(json.dumps(2 * json.loads(results.read_text())))


BREAKAGES: dict[str, tuple[Change, str]] = {
    "a number in an output": (page(number), EDITED),
    "the output of a cell removed": (page(lambda notebook: notebook.cells[4].outputs.clear()), EDITED),
    "all outputs removed": (page(all_outputs), EDITED),
    "an error output added": (page(error), "cell 5 holds an error output"),
    "a figure replaced": (page(figure), EDITED),
    "code": (page(lambda notebook: notebook.cells[4].update(source="# nothing")), EDITED),
    "code, forged": (page(lambda notebook: notebook.cells[4].update(source="#"), forged=True), "cell 5 does not have"),
    "prose": (page(lambda notebook: notebook.cells[5].update(source="It wins.")), EDITED),
    "prose, forged": (page(lambda notebook: notebook.cells[5].update(source="-"), forged=True), "cell 6 does not have"),
    "the last cells removed": (page(lambda notebook: notebook.cells.pop()), EDITED),
    "the last cells removed, forged": (page(lambda notebook: notebook.cells.pop(), forged=True), "it has other cells"),
    "a cell added, forged": (page(more, forged=True), "it has other cells"),
    "tags": (page(lambda notebook: notebook.cells[4].metadata.update(tags=["remove-cell"])), EDITED),
    "a parameter": (page(lambda notebook: own(notebook, parameters={"profile": "quick", "runs": 9})), EDITED),
    "the versions of stages": (page(lambda notebook: own(notebook, stages={})), EDITED),
    "the digest": (page(lambda notebook: own(notebook, digest="")), EDITED),
    "two pages swapped": (swapped, "it is an execution of '02_second'"),
    "a value": (record(value=0.988, high=0.99), RESULT.format("01_first.json")),
    "a value, and its checksum": (record(value=0.988, high=0.99, forged=True), EDITED),
    "a status": (record(status="short", reason="because"), "is 'short', but its numbers say 'exceeded'"),
    "a status, and its checksum": (record(status="short", reason="because", forged=True), "but its numbers say"),
    "a script as a reason, and its checksum": (record(reason="<script>alert()</script>", forged=True), EDITED),
    "a record twice": (twice, "occurs twice"),
    "a record twice, in another file": (elsewhere, "02_second.json is of no published notebook"),
    "the numbers of a figure": (text("book/results/01_first.curve.csv", "2", "3"), RESULT.format("01_first.curve.csv")),
    "a drawing": (
        text("book/results/01_first.drawing.svg", "<svg>", "<g>"),
        RESULT.format("01_first.drawing.svg"),
    ),
    "a number of the README": (text("README.md", "0.987 [0.985", "0.997 [0.995"), "its table is not that of"),
    "the README's markers": (text("README.md", "<!-- results -->", ""), "README.md needs the lines"),
    "a pinned version": (text("requirements.txt", "==", "==9"), "package scipy was"),
    "a version that the pins need": (text("constraints.txt", "==", "==9"), "package numpy was"),
}


@pytest.mark.parametrize("name", BREAKAGES)
def test_what_was_edited_by_hand_is_noticed(project, name):
    change, reason = BREAKAGES[name]
    assert check(project) == {}
    change(project)
    assert any(reason in said for reasons in check(project).values() for said in reasons), check(project)


@pytest.mark.parametrize("junk", [None, 1, "text", [], [1], {}, {"a": {}}], ids=repr)
def test_a_provenance_of_other_kinds_is_noticed(project, junk):
    """The whole, each of its parts, and each part's first entry."""
    plain = read(project.root / PAGE).metadata.cena
    places = [(name,) for name in plain]
    places += [(name, next(iter(part))) for name, part in plain.items() if isinstance(part, dict) and part]
    for place in [(), *places]:

        def damage(notebook: Any, place: tuple[str, ...] = place) -> None:
            parent = notebook.metadata
            keys = ("cena", *place)
            for key in keys[:-1]:
                parent = parent[key]
            parent[keys[-1]] = junk

        before = (project.root / PAGE).read_bytes()
        page(damage)(project)
        unchanged = read(project.root / PAGE).metadata.cena == plain
        assert unchanged or "01_first" in check(project), place
        (project.root / PAGE).write_bytes(before)


def test_a_module_that_computes_something_else_is_noticed(project, monkeypatch):
    monkeypatch.setattr(STAGES["layout"], "version", 9)
    assert check(project) == {"01_first": ["stage 'layout' moved on from version 1 to 9"]}


@pytest.mark.parametrize("name", ["a number in an output", "prose, forged", "a value, and its checksum", "a value"])
@pytest.mark.parametrize("whose", ["published", "quick"])
def test_the_book_is_not_built_of_what_was_edited(project, whose, name):
    (project.root / "_toc.yml").write_text("chapters:\n  - file: notebooks/01_first\n")
    (project.root / "_config.yml").touch()
    BREAKAGES[name][0](project)
    if whose == "quick":
        shutil.copy(project.root / PAGE, project.executed("quick"))
        shutil.copy(project.published_results / "01_first.json", project.results("quick"))
    with pytest.raises(BookError, match=r"the book is not built:\n.*01_first\.ipynb: .*(edited|text|not what)"):
        build_book(project, whose)


def test_what_was_edited_before_it_is_published_is_not_published(project):
    shutil.copy(project.root / PAGE, project.root / "before.ipynb")
    page(number)(project)
    shutil.move(project.root / PAGE, project.executed("quick") / "01_first.ipynb")
    shutil.move(project.root / "before.ipynb", project.root / PAGE)
    assert publish(project, ["01_first"], "quick") == ([], {"01_first": [EDITED]})
