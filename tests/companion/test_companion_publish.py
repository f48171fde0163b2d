"""The README shows the published numbers, and a release is whole, verifiable and never of stale pages."""

import hashlib
from pathlib import Path

import nbformat
import pytest

from cena.companion import bundle as module
from cena.companion.bundle import bundle
from cena.companion.project import Project
from cena.companion.readme import readme_with_results, update_readme
from cena.errors import InputError
from cena.evaluate.intervals import Interval
from cena.evaluate.records import write_records
from cena.evaluate.scoreboard import judge

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path) -> Project:
    """A checkout with one published notebook."""
    made = Project(tmp_path)
    made.notebooks.mkdir()
    made.published_results.mkdir(parents=True)
    for name in (
        "notebooks/01_first.py",
        "notebooks/01_notes.ipynb",
        "book/results/curve.csv",
        "book/results/01_x.csv",
    ):
        (tmp_path / name).write_text(name)
    executed = nbformat.v4.new_notebook(metadata={"cena": {"results": {"curve.csv": ""}}})
    nbformat.write(executed, made.notebooks / "01_first.ipynb")
    return made


@pytest.fixture
def built(project, monkeypatch) -> Path:
    """The pages of a book that needs no building."""
    pages = project.build("published") / "html"
    (pages / "notebooks").mkdir(parents=True)
    for name in ("index.html", "notebooks/01_first.html", ".fingerprint"):
        (pages / name).write_text(name)
    monkeypatch.setattr(module, "build_book", lambda _project, _profile: pages / "index.html")
    monkeypatch.setattr(module, "check", lambda _project: {})
    return pages


def test_the_readme_shows_the_published_results():
    assert (ROOT / "README.md").read_text(encoding="utf-8") == readme_with_results(Project(ROOT))


def test_the_readme_is_updated_between_its_markers_only(project):
    readme = project.root / "README.md"
    readme.write_text("before\n<!-- results -->\nold\n<!-- /results -->\nafter\n")
    records = [judge("table1.cifar100.r", Interval(0.971, 0.97, 0.98, 10), reason="", baseline=0.9)]
    write_records(project.published_results / "05_analysis.json", records)
    update_readme(project)
    text = readme.read_text()
    assert text.startswith("before\n<!-- results -->\n| result |")
    assert text.endswith("|\n<!-- /results -->\nafter\n")
    assert "0.971 [0.970, 0.980]" in text
    assert "old" not in text
    assert readme_with_results(project) == text


def test_a_bundle_has_all_that_is_published_with_its_checksums(project, built):
    folder = bundle(project)
    assert folder == project.root / "_build/release"
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    content = {
        "html/index.html",
        "html/notebooks/01_first.html",
        "notebooks/01_first.py",
        "notebooks/01_first.ipynb",
        "results/curve.csv",
    }
    assert files == content | {"SHA256SUMS"}
    listed = dict(reversed(line.split("  ")) for line in (folder / "SHA256SUMS").read_text().splitlines())
    assert listed == {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in content}
    (built / "notebooks/01_first.html").unlink()
    (project.published_results / "curve.csv").write_text("other numbers")
    assert bundle(project) == folder
    assert not (folder / "html/notebooks/01_first.html").exists()
    assert (folder / "results/curve.csv").read_text() == "other numbers"


def test_a_stale_page_is_no_release_and_each_is_named(project, built, monkeypatch):
    bundle(project)
    (built / "index.html").write_text("newer")
    found = {"01_first": ["its source changed", "the pinned packages changed"], "02_second": ["never executed"]}
    monkeypatch.setattr(module, "check", lambda _project: found)
    with pytest.raises(InputError) as refused:
        bundle(project)
    assert str(refused.value) == (
        "no release while pages are stale (01_first, 02_second): `cena check` says why; run and publish them again"
    )
    assert (project.root / "_build/release/html/index.html").read_text() == "index.html"
