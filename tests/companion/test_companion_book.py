"""The book is built from the right sources, completely or not at all, without a network, and only when needed."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbformat import v4

from cena.companion import book
from cena.companion.book import BookError, build_book
from cena.companion.check import flaws
from cena.companion.normalise import digest, read
from cena.companion.pages import dead_links, external_references
from cena.companion.project import Project
from cena.errors import InputError
from cena.evaluate.intervals import Interval
from cena.evaluate.records import write_records
from cena.evaluate.scoreboard import judge

ROOT = Path(__file__).parents[2]


def executed(text="# A chapter", outputs=(), count=1, profile="quick"):
    cell = v4.new_code_cell("print(1)", execution_count=count, outputs=list(outputs))
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell(text), cell])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.metadata["cena"] = {"parameters": {"profile": profile}}
    notebook.metadata["cena"]["digest"] = digest(notebook)
    return notebook


def write_notebook(notebook, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


@pytest.fixture
def project(tmp_path):
    """A checkout with a book of one page and one chapter, executed under profile quick."""
    made = Project(tmp_path)
    (tmp_path / "_config.yml").write_text((ROOT / "_config.yml").read_text())
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: index\nchapters:\n  - file: notebooks/01_chapter\n")
    for folder in ("_ext", "_static"):
        shutil.copytree(
            ROOT / "book" / folder, tmp_path / "book" / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    (tmp_path / "book" / "index.md").write_text("# A book\n\n```{records} table1.\n```\n\n```{executions}\n```\n")
    (tmp_path / "book" / "references.bib").write_text("")
    (tmp_path / "notebooks").mkdir()
    write_notebook(executed(), made.executed("quick") / "01_chapter.ipynb")
    records = [judge("table1.cifar10.tau", Interval(0.777, 0.77, 0.78, 10), reason="", baseline=0.737)]
    write_records(made.results("quick") / "01_chapter.json", records)
    return made


@pytest.fixture
def builds(monkeypatch):
    """Replaces Jupyter Book by something that counts its runs and leaves the text of the sources as the page."""
    runs = []

    def build(place):
        runs.append(place)
        pages = place / "building" / "_build" / "html"
        pages.mkdir(parents=True)
        (pages / "index.html").write_text((place / "source" / "index.md").read_text())
        return pages

    monkeypatch.setattr(book, "_run_jupyter_book", build)
    return runs


def test_a_reader_s_book_is_made_of_their_run_and_the_published_one_of_what_is_committed(project):
    write_notebook(executed(profile="paper"), project.notebooks / "01_chapter.ipynb")
    write_records(project.published_results / "05_other.json", [])
    own, published = book.sources(project, "quick"), book.sources(project, "published")
    assert own["notebooks/01_chapter.ipynb"] == project.root / "_build" / "quick" / "notebooks" / "01_chapter.ipynb"
    assert published["notebooks/01_chapter.ipynb"] == project.root / "notebooks" / "01_chapter.ipynb"
    assert "results/01_chapter.json" in own
    assert "results/05_other.json" not in own
    assert "results/05_other.json" in published
    assert {"index.md", "_config.yml", "_static/cena.css", "_ext/cena_book.py"} <= set(own)


def test_mathjax_with_its_fonts_and_plotly_come_from_installed_packages(project):
    parts = book.sources(project, "quick")
    third_party = {path: file for path, file in parts.items() if path.startswith("_third_party/")}
    assert all(file.is_file() for file in third_party.values())
    assert {"_third_party/mathjax/tex-mml-chtml.js", "_third_party/plotly.min.js"} <= set(third_party)
    assert "_third_party/mathjax/output/chtml/fonts/woff-v2/MathJax_Main-Regular.woff" in third_party
    assert not any(path.startswith("_static/mathjax") for path in parts)


def test_without_the_book_s_packages_it_says_how_to_install_them(project, monkeypatch):
    monkeypatch.setattr(book, "installed_files", lambda _: None)
    with pytest.raises(InputError, match=r"sphinx-mathjax-offline and plotly: pip install -r requirements\.txt"):
        book.sources(project, "quick")


@pytest.mark.parametrize("profile", ["quik", "publishd"])
def test_an_unknown_profile_is_refused_and_nothing_is_written(project, profile):
    with pytest.raises(InputError, match=f"unknown profile '{profile}'; valid: .*published"):
        build_book(project, profile)
    assert not project.build(profile).exists()


def test_a_notebook_that_was_not_run_is_named_with_the_command_that_runs_it(project):
    with pytest.raises(InputError, match=r"_build/laptop/notebooks/01_chapter\.ipynb.*cena run --profile laptop"):
        build_book(project, "laptop")
    with pytest.raises(InputError, match=r"notebooks/01_chapter\.ipynb, which is not there: it is not published"):
        build_book(project, "published")


def test_it_is_built_once_and_again_when_a_source_changes(project, builds):
    index = build_book(project, "quick")
    assert index == project.root / "_build" / "quick" / "html" / "index.html"
    assert build_book(project, "quick") == index
    assert len(builds) == 1
    (project.root / "book" / "index.md").write_text("# Another book")
    build_book(project, "quick")
    assert len(builds) == 2
    assert index.read_text() == "# Another book"
    write_notebook(executed("# Another chapter"), project.executed("quick") / "01_chapter.ipynb")
    build_book(project, "quick")
    assert len(builds) == 3
    assert sorted(path.name for path in project.build("quick").iterdir() if not path.name.startswith(".")) == [
        "html",
        "notebooks",
        "results",
        "source",
    ]


@pytest.fixture
def stale(project, monkeypatch):
    """Makes `check` find the chapter stale for the reasons that are put into this list."""
    reasons: list[str] = []
    monkeypatch.setattr(book, "check", lambda _project: {"00_gone": reasons, "01_chapter": reasons} if reasons else {})
    write_notebook(executed("# A chapter\n\nIts text."), project.notebooks / "01_chapter.ipynb")
    return reasons


def test_a_stale_published_page_says_below_its_title_what_has_changed(project, builds, stale):
    page = project.build("published") / "source/notebooks/01_chapter.ipynb"
    committed = (project.notebooks / "01_chapter.ipynb").read_bytes()
    build_book(project, "published")
    assert page.read_bytes() == committed
    stale += ["stage layout has version 2", "parameter `a_b` was {3}"]
    build_book(project, "published")
    text = read(page).cells[0].source
    assert text.startswith("# A chapter\n\n```{warning}\nThis page shows an earlier run.")
    assert "\n- stage layout has version 2\n- parameter &#96;a_b&#96; was &#123;3&#125;\n```\n\nIts text." in text
    build_book(project, "published")
    assert len(builds) == 2
    stale.clear()
    build_book(project, "published")
    assert page.read_bytes() == committed == (project.notebooks / "01_chapter.ipynb").read_bytes()
    assert len(builds) == 3


@pytest.mark.usefixtures("builds")
def test_a_banner_lists_three_reasons_and_counts_the_rest(project, stale):
    stale += [f"stage {number} moved on" for number in range(30)]
    build_book(project, "published")
    text = read(project.build("published") / "source/notebooks/01_chapter.ipynb").cells[0].source
    assert text.count("moved on") == 3
    assert "\n- and 27 more, which `cena check` lists\n```\n" in text


@pytest.mark.usefixtures("builds")
def test_a_reader_s_own_book_has_no_banner(project, stale):
    stale.append("stage layout has version 2")
    build_book(project, "quick")
    assert "warning" not in (project.build("quick") / "source/notebooks/01_chapter.ipynb").read_text()


@pytest.mark.usefixtures("builds")
def test_removed_sources_do_not_stay_behind(project):
    extra = project.root / "book" / "extra.md"
    extra.write_text("# Extra")
    build_book(project, "quick")
    extra.unlink()
    build_book(project, "quick")
    assert not (project.build("quick") / "source" / "extra.md").exists()


@pytest.mark.parametrize(
    ("notebook", "fault"),
    [
        (
            executed(outputs=[v4.new_output("error", ename="ValueError", evalue="no", traceback=[])]),
            "holds an error output",
        ),
        (executed(count=None), "was not executed"),
    ],
)
def test_a_notebook_with_an_error_or_an_unexecuted_cell_is_not_published(project, builds, notebook, fault):
    write_notebook(notebook, project.notebooks / "01_chapter.ipynb")
    with pytest.raises(BookError, match=rf"01_chapter\.ipynb: cell 2 {fault}"):
        build_book(project, "published")
    assert builds == []


def test_every_page_begins_with_the_title_that_a_banner_goes_below():
    project = Project(ROOT)
    for stem in project.stems():
        first = read(project.notebooks / f"{stem}.ipynb").cells[0]
        assert (first.cell_type, first.source[:2]) == ("markdown", "# ")


def test_empty_cells_need_no_execution():
    notebook = executed()
    notebook.cells.append(v4.new_code_cell("\n"))
    notebook.metadata["cena"]["digest"] = digest(notebook)
    assert list(flaws(Project(ROOT), "01_chapter", notebook, {})) == []


@pytest.mark.usefixtures("builds")
def test_a_book_that_needs_the_network_does_not_replace_one_that_does_not(project):
    index = build_book(project, "quick")
    (project.root / "book" / "index.md").write_text('<script src="https://cdn.example/x.js"></script>')
    with pytest.raises(BookError, match=r"index\.html: https://cdn\.example/x\.js"):
        build_book(project, "quick")
    assert index.read_text().startswith("# A book")


@pytest.mark.parametrize(
    "page",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<script src="//cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="http://cdn.example/x.css">',
        '<link rel="preconnect" href="https://fonts.example">',
        '<img src="https://cdn.example/x.png">',
        '<script>const URL = "https://unpkg.example/thebe/index.js"</script>',
    ],
)
def test_what_a_page_loads_from_the_network_is_found(tmp_path, page):
    (tmp_path / "page.html").write_text(f"<html>{page}</html>")
    assert len(external_references(tmp_path)) == 1


@pytest.mark.parametrize("rule", ['@import "https://a.example/x.css";', "a { src: url('https://a.example/x.woff2') }"])
def test_what_a_style_sheet_loads_from_the_network_is_found(tmp_path, rule):
    (tmp_path / "style.css").write_text(rule)
    assert len(external_references(tmp_path)) == 1


@pytest.mark.parametrize(
    "page",
    [
        '<a href="https://example.org/x.js">a link</a>',
        '<link rel="canonical" href="https://example.org">',
        '<script src="_static/x.js"></script><p>https://example.org/x.js</p>',
        '<style>a { src: url("x.woff2") }</style><img src="data:image/png;base64,AAAA">',
    ],
)
def test_links_and_local_files_are_not_external(tmp_path, page):
    (tmp_path / "page.html").write_text(f"<html>{page}</html>")
    (tmp_path / "style.css").write_text("a { src: url('fonts/x.woff2') }")
    assert external_references(tmp_path) == []


def page(text: str) -> str:
    return f'<html><h1 id="title">A</h1><a name="old"></a>{text}</html>'


@pytest.mark.parametrize(
    ("link", "dead"),
    [
        ("other.html", False),
        ("folder/page.html", False),
        ("folder/page.html#title", False),
        ("other.html#old", False),
        ("#title", False),
        ("#", False),
        ("data.csv#row=1", False),
        ("sp%20ace.csv", False),
        ("https://nowhere.example/x.html#y", False),
        ("mailto:nobody@nowhere.example", False),
        ("nowhere.html", True),
        ("folder", True),
        ("other.html#nowhere", True),
        ("#nowhere", True),
        ("../outside.html", True),
    ],
)
def test_dead_links_are_found(tmp_path, link, dead):
    (tmp_path / "html/folder").mkdir(parents=True)
    for name in ("html/other.html", "html/folder/page.html", "outside.html"):
        (tmp_path / name).write_text(page(""))
    for name in ("data.csv", "sp ace.csv"):
        (tmp_path / "html" / name).touch()
    (tmp_path / "html/index.html").write_text(page(f'<a href="{link}">x</a>'))
    assert dead_links(tmp_path / "html") == ([f"index.html: {link}"] if dead else [])


@pytest.mark.slow
def test_the_real_builder_makes_an_offline_book_with_the_numbers_of_the_run(project):
    shown = v4.new_output("display_data", {"text/html": "<script>Plotly.newPlot('x', [])</script>"})
    chapter = executed("# A chapter\n\n$$\na = b\n$$ (eq:one)\n\nSee {eq}`eq:one`.", [shown])
    write_notebook(chapter, project.executed("quick") / "01_chapter.ipynb")
    index = build_book(project, "quick")
    page, chapter = index.read_text(), (index.parent / "notebooks" / "01_chapter.html").read_text()
    assert "0.777 [0.770, 0.780]" in page
    assert "exceeded" in page
    assert 'executed under profile <code class="docutils literal notranslate"><span class="pre">quick' in page
    assert "_static/mathjax/tex-mml-chtml.js" in chapter
    assert (index.parent / "_static" / "mathjax" / "tex-mml-chtml.js").is_file()
    assert "plotly.min.js" in chapter
    assert "plotly.min.js" not in page
    assert (index.parent / "_static" / "plotly.min.js").is_file()
    assert "thebe" not in chapter


@pytest.mark.slow
def test_the_real_builder_shows_html_that_is_data_and_does_not_obey_it(project, stale):
    """Wherever it comes from, also where lines end otherwise; only what a notebook displays as HTML is HTML."""
    said = '<script>alert(1)</script> <img src=x onerror=alert(1)> & "quotes"'
    table = pd.DataFrame({said: [said]})
    mime = {"text/markdown": f"{said}\n\n{said}", "text/plain": said, "text/html": table.to_html()}
    outputs = [v4.new_output("display_data", {kind: content}) for kind, content in mime.items()]
    outputs += [v4.new_output("stream", text=said), v4.new_output("display_data", {"text/markdown": f"a {said}"})]
    write_notebook(executed(f"# A chapter\n\n{said}", outputs), project.notebooks / "01_chapter.ipynb")
    record = judge("table1.cifar10.tau", Interval(0.777, 0.77, 0.78, 10), reason=said, baseline=0.737)
    write_records(project.published_results / "01_chapter.json", [replace(record, source=said)])
    stale += [said]
    index = project.root / "book" / "index.md"
    index.write_text(f"{index.read_text()}\n\n{said}\n", newline="\r\n")
    built = build_book(project, "published")
    for page, times in ((built, 3), (built.parent / "notebooks" / "01_chapter.html", 9)):
        text = page.read_text()
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= times
    assert "0.777 [0.770, 0.780]" in built.read_text()


@pytest.mark.slow
def test_the_real_builder_shows_the_banner_on_the_stale_page_only(project, stale):
    stale.append("stage layout has version 2 and $x_1$ <b>was</b> {1: '2'}")
    (project.root / "_toc.yml").write_text(
        "format: jb-book\nroot: index\nchapters:\n  - file: notebooks/01_chapter\n  - file: notebooks/02_fresh\n"
    )
    write_notebook(executed("# Another chapter"), project.notebooks / "02_fresh.ipynb")
    pages = build_book(project, "published").parent / "notebooks"
    title, _, below = (pages / "01_chapter.html").read_text().partition("</h1>")
    assert "A chapter" in title
    banner = re.search(r'<div class="(admonition warning)">.*?</div>', below, re.DOTALL)
    assert banner is not None
    assert "stage layout has version 2 and $x_1$ &lt;b&gt;was&lt;/b&gt; {1: " in banner[0]
    assert below.index("Its text.") > banner.end()
    assert "admonition warning" not in (pages / "02_fresh.html").read_text()


FAULTS = {
    "{doc}`nowhere1`": "nowhere1",
    "[a page](nowhere2.md)": "nowhere2.md",
    "[a place](#nowhere3)": "nowhere3",
    "[a place on a page](notebooks/01_chapter.ipynb#nowhere4)": "nowhere4",
    "[a chapter](notebooks/99_nowhere5)": "99_nowhere5",
    "{eq}`nowhere6`": "nowhere6",
    "{ref}`nowhere7`": "nowhere7",
    "{cite:t}`nowhere8`": "nowhere8",
    "![a figure](nowhere9.png)": "nowhere9.png",
    "```{api} cena.cli\n```": "has no public names",
    "```{records} tablee9.\n```": "no record of this run or of the published one has an id that begins with 'tablee9.'",
    "```{records} table1. table1.cifar11.\n```": "begins with 'table1.cifar11.'",
    "```{records} table2.sizee_\n```": "begins with 'table2.sizee_'",
    "```{recordss} table1.\n```": "recordss",
}
"""What is wrong on a page, and what its builder says of it."""


@pytest.mark.slow
def test_the_real_builder_s_warnings_are_errors_and_keep_the_earlier_book(project):
    build_book(project, "quick")
    index = project.build("quick") / "html" / "index.html"
    before = index.read_text()
    (project.root / "book" / "index.md").write_text("# A book\n\n" + "\n\n".join(FAULTS))
    with pytest.raises(BookError) as refused:
        build_book(project, "quick")
    complaints = [line for line in str(refused.value).splitlines() if "index.md" in line]
    for fault, complaint in FAULTS.items():
        assert any(complaint in line for line in complaints), (fault, complaints)
    assert index.read_text() == before


@pytest.mark.slow
def test_links_that_the_real_builder_does_not_follow_are_followed(project):
    links = '<a href="nowhere.html">x</a> <a href="#a-chapter">x</a> <a href="../index.html#nowhere">x</a>'
    shown = v4.new_output("display_data", {"text/html": links})
    write_notebook(executed(outputs=[shown]), project.executed("quick") / "01_chapter.ipynb")
    page = r"notebooks/01_chapter\.html"
    with pytest.raises(BookError, match=rf"not there:\n{page}: nowhere\.html\n{page}: \.\./index\.html#nowhere$"):
        build_book(project, "quick")


@pytest.mark.slow
def test_the_pages_of_this_book_build(tmp_path):
    project = Project(tmp_path)
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "book", tmp_path / "book", ignore=shutil.ignore_patterns("__pycache__"))
    for stem in book.chapters(project):
        write_notebook(executed(f"# {stem}"), project.executed("quick") / f"{stem}.ipynb")
    index = build_book(project, "quick")
    assert external_references(index.parent) == []
    for page in ("method", "reproduce", "api", "bibliography"):
        assert (index.parent / f"{page}.html").is_file()
