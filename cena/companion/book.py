"""The book: prose pages and executed notebooks, assembled in one folder and built by Jupyter Book.

A reader's own run is built from ``_build/<profile>/``, the published book from the notebooks and results that are
committed; a published page that is stale says so in a banner. Nothing is executed here. Sphinx's warnings are errors,
and the pages need no network: MathJax and plotly are copied out of installed packages.
"""

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from importlib.metadata import files as installed_files
from importlib.util import find_spec
from pathlib import Path

import cena
from cena.companion.check import check, flaws
from cena.companion.normalise import read, write
from cena.companion.project import Project
from cena.errors import InputError, WorkError, unknown
from cena.files import file_sha256, locked, sha256
from cena.study.profiles import PROFILES

PUBLISHED = "published"
_SAID = "This page shows an earlier run. What has changed since then, so that its numbers may no longer hold:"
_REASONS = 3  # that the banner of a stale page lists
_MARKUP = re.compile(r"([\\`*_{}\[\]<>$#|])")
_MATHJAX_PACKAGE = "sphinx-mathjax-offline"
_MATHJAX_PARTS = ("tex-mml-chtml.js", "output/chtml/fonts/woff-v2/*.woff", "input/tex/extensions/*.js")


class BookError(WorkError):
    """The book cannot be built from these sources. The message says what is wrong with which page."""


def build_book(project: Project, profile: str) -> Path:
    """Build the book of a profile, or the published one, unless nothing has changed since it was built last.

    Parameters
    ----------
    project : the checkout.
    profile : a profile's name, for the notebooks executed under it, or ``"published"``, for the committed ones.

    Returns
    -------
    The book's ``index.html``, in ``_build/<profile>/html/``. An earlier book is replaced only by a complete new one.

    Raises
    ------
    InputError
        For an unknown profile, or if a notebook has not been executed under it.
    BookError
        If a notebook holds an error or a cell that was not executed, if Sphinx warns, or if a page would load
        something from the network.
    """
    parts = sources(project, profile)
    stale = check(project) if profile == PUBLISHED else {}
    place = project.build(profile)
    index, mark = place / "html" / "index.html", place / "html" / ".fingerprint"
    current = _fingerprint(parts, stale)
    with locked(place / ".book.lock"):
        if mark.is_file() and mark.read_text(encoding="utf-8") == current:
            return index
        executed = [file for path, file in parts.items() if path.endswith(".ipynb")]
        faults = [f"{file}: {flaw}" for file in executed for flaw in flaws(read(file))]
        if faults:
            raise BookError("the book is not built:\n" + "\n".join(faults))
        _assemble(parts, place / "source")
        for stem in set(chapters(project)) & set(stale):
            _put_banner(place / "source" / "notebooks" / f"{stem}.ipynb", stale[stem])
        built = _run_jupyter_book(place)
        if external := external_references(built):
            raise BookError("pages must not load anything from the network:\n" + "\n".join(external))
        (built / mark.name).write_text(current, encoding="utf-8")
        replace_folder(built, place / "html")
        shutil.rmtree(place / "building")
    return index


def sources(project: Project, profile: str) -> dict[str, Path]:
    """What the book is made of: for each path in the assembled folder the file that is copied there."""
    if profile == PUBLISHED:
        executed, results, remedy = project.notebooks, project.published_results, "it is not published"
    elif profile in PROFILES:
        executed, results = project.executed(profile), project.results(profile)
        remedy = f"run `cena run --profile {profile}` first"
    else:
        raise unknown("profile", profile, (*PROFILES, PUBLISHED))
    pages = project.root / "book"
    parts = {name: project.root / name for name in ("_config.yml", "_toc.yml")}
    for pattern in ("*.md", "*.bib", "_static/**/*", "_ext/*.py"):
        parts |= {str(file.relative_to(pages)): file for file in sorted(pages.glob(pattern)) if file.is_file()}
    for stem in chapters(project):
        notebook = parts[f"notebooks/{stem}.ipynb"] = executed / f"{stem}.ipynb"
        if not notebook.is_file():
            raise InputError(
                f"the {profile} book needs {notebook.relative_to(project.root)}, which is not there: {remedy}"
            )
    parts |= {f"results/{file.name}": file for file in sorted(results.glob("*")) if file.suffix in (".json", ".csv")}
    return parts | _third_party()


def chapters(project: Project) -> list[str]:
    """The notebooks that the table of contents names, in its order."""
    return re.findall(r"file: notebooks/(\S+)", (project.root / "_toc.yml").read_text(encoding="utf-8"))


def external_references(folder: Path) -> list[str]:
    """What the pages and style sheets in a folder of HTML load from the network; links to follow do not count."""
    found = []
    for page in sorted(folder.rglob("*.html")):
        parser = _LoadedReferences()
        parser.feed(page.read_text(encoding="utf-8"))
        found += [f"{page.relative_to(folder)}: {reference}" for reference in parser.references]
    for sheet in sorted(folder.rglob("*.css")):
        urls = re.findall(r"(?:url\(|@import)\s*['\"]?((?:https?:)?//[^'\")\s]+)", sheet.read_text(encoding="utf-8"))
        found += [f"{sheet.relative_to(folder)}: {url}" for url in urls]
    return found


_LOADING_TAGS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
_LOADING_LINKS = {"stylesheet", "preload", "modulepreload", "icon", "preconnect", "dns-prefetch"}


class _LoadedReferences(HTMLParser):
    """Collects the addresses on the network that a page loads from by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.references: list[str] = []
        self.in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.in_script = tag == "script"
        values = {name: value or "" for name, value in attrs}
        if tag == "link" and not _LOADING_LINKS & set(values.get("rel", "").split()):
            return
        address = values.get(_LOADING_TAGS.get(tag, ""), "")
        if address.startswith(("http:", "https:", "//")):
            self.references.append(address)

    def handle_data(self, data: str) -> None:
        if self.in_script:
            self.references += re.findall(r"https?://[^\s\"'`]+\.(?:js|mjs|css|woff2?)\b", data)

    def handle_endtag(self, _tag: str) -> None:
        self.in_script = False


def _fingerprint(parts: dict[str, Path], stale: dict[str, list[str]]) -> str:
    """The sha256 of all sources, of what the banners say, and of the package, whose docstrings the book shows."""
    package = Path(cena.__file__).parent
    code = {f"package/{file.relative_to(package)}": file for file in package.rglob("*.py")}
    files = [f"{path} {file_sha256(file)}" for path, file in sorted((parts | code).items())]
    return sha256("\n".join([*files, repr(sorted(stale.items()))]))


def _third_party() -> dict[str, Path]:
    """MathJax with its fonts, and plotly, in the packages that carry them; kept apart from ``_static``, whose scripts
    Jupyter Book loads on every page."""
    parts = {}
    for file in installed_files(_MATHJAX_PACKAGE) or []:
        if any(file.match(f"static/mathjax/{part}") for part in _MATHJAX_PARTS):
            _, _, path = str(file).partition("static/mathjax/")
            parts[f"_third_party/mathjax/{path}"] = Path(str(file.locate()))
    plotly = find_spec("plotly")
    if not parts or plotly is None or plotly.origin is None:
        raise InputError(f"building the book needs {_MATHJAX_PACKAGE} and plotly: pip install -r requirements.txt")
    return parts | {"_third_party/plotly.min.js": Path(plotly.origin).parent / "package_data" / "plotly.min.js"}


def _assemble(parts: dict[str, Path], folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for path, file in parts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, folder / path)


def _put_banner(page: Path, reasons: list[str]) -> None:
    """Write a warning with a list of reasons, in plain words, below the title of a page: an executed notebook."""
    listed = "\n".join("- " + _MARKUP.sub(r"\\\1", reason) for reason in reasons[:_REASONS])
    if len(reasons) > _REASONS:
        listed += f"\n- and {len(reasons) - _REASONS} more, which `cena check` lists"
    notebook = read(page)
    title, _, text = notebook.cells[0].source.partition("\n")
    notebook.cells[0].source = f"{title}\n\n```{{warning}}\n{_SAID}\n\n{listed}\n```\n{text}"
    write(notebook, page)


def _run_jupyter_book(place: Path) -> Path:
    """Build ``place/source`` from nothing; the folder of the pages."""
    building = place / "building"
    shutil.rmtree(building, ignore_errors=True)
    start = "from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", start, "build", ".", "--path-output", str(building.resolve())]
    command += ["-W", "--keep-going", "-n"]
    search_path = [str(Path(cena.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(search_path)}
    done = subprocess.run(command, cwd=place / "source", env=environment, capture_output=True, text=True, check=False)
    log = place / "book.log"
    output, complaints = (re.sub(r"\x1b\[[0-9;]*m", "", text) for text in (done.stdout, done.stderr))  # colours
    log.write_text(output + complaints, encoding="utf-8")
    if done.returncode != 0:
        raise BookError(f"the book is not built (all of Sphinx's output: {log}):\n{_complaints(complaints)}")
    return building / "_build" / "html"


def _complaints(stderr: str) -> str:
    """Sphinx's warnings and errors, and the exception that ended it, if any."""
    complaint = re.compile(r"\b(WARNING|ERROR|CRITICAL|SEVERE)\b|^[\w.]*(Error|Exception)\b")
    return "\n".join(line for line in stderr.splitlines() if complaint.search(line))


def replace_folder(new: Path, place: Path) -> None:
    """Put a whole folder in the place of another, which is deleted only then."""
    old = place.with_name(f"{place.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        place.rename(old)
    new.rename(place)
    shutil.rmtree(old, ignore_errors=True)
