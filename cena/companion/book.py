"""The book: prose pages and executed notebooks, assembled in one folder and built by Jupyter Book.

A reader's own run is built from ``_build/<profile>/``, the published book from the notebooks and results that are
committed; a published page that is stale says so in a banner. Nothing is executed here. Sphinx's warnings are errors,
and the pages need no network: MathJax and plotly are copied out of installed packages.
"""

import errno
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import files as installed_files
from importlib.util import find_spec
from pathlib import Path

import cena
from cena.companion.check import check, flaws
from cena.companion.normalise import read, read_executed, write
from cena.companion.pages import dead_links, external_references
from cena.companion.project import Project
from cena.companion.results import checksums, files_in
from cena.errors import InputError, WorkError, unknown
from cena.files import file_sha256, locked, sha256, write_atomically
from cena.report.wording import literal
from cena.study.profiles import PROFILES

PUBLISHED = "published"
_SAID = "This page shows an earlier run. What has changed since then, so that its numbers may no longer hold:"
_REASONS = 3  # that the banner of a stale page lists
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
        If a notebook holds an error or a cell that was not executed, or was edited by hand, if Sphinx warns, or if a
        page would load something from the network or has a link to nothing.
    """
    parts = sources(project, profile)
    stale = check(project) if profile == PUBLISHED else {}
    place = project.build(profile)
    index, mark = place / "html" / "index.html", place / "html" / ".fingerprint"
    current = _fingerprint(parts, stale)
    with locked(place / ".book.lock"):
        if mark.is_file() and mark.read_bytes() == current.encode():
            return index
        results = checksums(file for path, file in parts.items() if path.startswith("results/"))
        executed = [file for path, file in parts.items() if path.endswith(".ipynb")]
        faults = [f"{file}: {flaw}" for file in executed for flaw in _flaws(project, file, results)]
        if faults:
            raise BookError("the book is not built:\n" + "\n".join(faults))
        _assemble(parts, place / "source")
        for stem in set(chapters(project)) & set(stale):
            _put_banner(place / "source" / "notebooks" / f"{stem}.ipynb", stale[stem])
        built = _run_jupyter_book(place)
        if external := external_references(built):
            raise BookError("pages must not load anything from the network:\n" + "\n".join(external))
        if dead := dead_links(built):
            raise BookError("pages have links to what is not there:\n" + "\n".join(dead))
        write_atomically(built / mark.name, current)
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
    for folder, place in (("results", results), ("published", project.published_results)):
        parts |= {f"{folder}/{file.name}": file for file in files_in(place) if file.suffix in (".json", ".csv", ".svg")}
    return parts | _third_party()


def chapters(project: Project) -> list[str]:
    """The notebooks that the table of contents names, in its order."""
    return re.findall(r"file: notebooks/(\S+)", (project.root / "_toc.yml").read_text(encoding="utf-8"))


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


def _flaws(project: Project, file: Path, results: dict[str, str]) -> Iterable[str]:
    notebook = read_executed(file)
    if notebook is None:
        return ["is not an executed notebook: execute it again"]
    return flaws(project, file.stem, notebook, results)


def _assemble(parts: dict[str, Path], folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for path, file in parts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, folder / path)


def _put_banner(page: Path, reasons: list[str]) -> None:
    """Write a warning with a list of reasons, in plain words, below the title of a page: an executed notebook."""
    listed = "\n".join(f"- {literal(reason)}" for reason in reasons[:_REASONS])
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
    start = f"from cena.processes import end_with; end_with({os.getpid()})\n"
    start += "from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", start, "build", ".", "--path-output", str(building.resolve())]
    command += ["-W", "--keep-going", "-n"]
    search_path = [str(Path(cena.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(search_path)}
    environment |= {"PYTHONUTF8": "1", "PYTHONIOENCODING": "utf-8"}  # whatever the terminal's encoding
    done = subprocess.run(
        command, cwd=place / "source", env=environment, capture_output=True, encoding="utf-8", check=False
    )
    log = place / "book.log"
    output, complaints = (re.sub(r"\x1b\[[0-9;]*m", "", text) for text in (done.stdout, done.stderr))  # colours
    write_atomically(log, output + complaints)
    if done.returncode != 0:
        for full in (errno.ENOSPC, errno.EDQUOT):
            if f"Errno {full}]" in complaints:  # Sphinx goes on, and says it of every page
                raise OSError(full, os.strerror(full), str(building))
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
