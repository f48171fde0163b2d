"""The README's table: the published run's main results, between two markers."""

import re

from cena.companion.project import Project
from cena.errors import InputError
from cena.files import write_atomically
from cena.report.tables import records_table

_MARKERS = re.compile(r"(<!-- results -->\n).*?(<!-- /results -->)", re.DOTALL)
_MAIN_RESULTS = ("table1.", "table2.size_", "table2.topology_")  # of Table 2 what the paper has: ImageNet16-120


def readme_with_results(project: Project) -> str:
    """The README's text with the published run's main results between its markers.

    Raises
    ------
    InputError
        If it has no such markers, or a published results file is malformed.
    """
    table = records_table(project.published_results, _MAIN_RESULTS)
    text, tables = _MARKERS.subn(lambda markers: f"{markers[1]}{table}\n{markers[2]}", _text(project))
    if tables != 1:
        raise InputError("README.md needs the lines <!-- results --> and <!-- /results -->, once, around its table")
    return text


def readme_flaws(project: Project) -> list[str]:
    """Why the README's table cannot be trusted; nothing if it is that of the published results."""
    try:
        same = readme_with_results(project) == _text(project)
    except InputError as error:
        return [str(error)]
    return [] if same else ["its table is not that of the published results: restore it, or publish again"]


def update_readme(project: Project) -> None:
    """Write the published run's main results into the README."""
    write_atomically(project.root / "README.md", readme_with_results(project))


def _text(project: Project) -> str:
    readme = project.root / "README.md"
    return readme.read_text(encoding="utf-8") if readme.is_file() else ""
