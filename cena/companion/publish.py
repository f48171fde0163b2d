"""Publishing: a profile's executions become the committed notebooks and results, and the README's table."""

import re
import shutil
from collections.abc import Sequence

from cena.companion.check import provenance, staleness
from cena.companion.project import Project
from cena.companion.results import replace_results, results_written
from cena.files import replacing, write_atomically
from cena.report.tables import records_table
from cena.study import profiles

_README_MARKERS = re.compile(r"(<!-- results -->\n).*?(<!-- /results -->)", re.DOTALL)
_MAIN_RESULTS = ("table1.", "table2.size_", "table2.topology_")  # of Table 2 what the paper has: ImageNet16-120


def publish(project: Project, stems: Sequence[str], profile: str) -> tuple[list[str], dict[str, list[str]]]:
    """Copy the fresh executions of a profile to ``notebooks/*.ipynb``, and their results to ``book/results``.

    A notebook that is stale, or was executed with other parameters than its defaults, is left out. Every file is
    replaced in one step, results before their notebook: `check` notices when a kill comes between them.

    Returns
    -------
    The names of the published notebooks, and the reasons why others were left out, by name.

    Raises
    ------
    InputError
        For an unknown notebook or profile.
    """
    profiles.profile(profile)
    published: list[str] = []
    left_out: dict[str, list[str]] = {}
    for stem in project.select(stems):
        executed = project.executed(profile) / f"{stem}.ipynb"
        results = project.results(profile)
        now = provenance(project, stem, {"profile": profile}, results)
        del now["published"]  # this is what changes it
        if reasons := staleness(executed, now):
            left_out[stem] = reasons
            continue
        place = project.notebooks / executed.name
        written = [results / name for name in results_written(executed)]
        replace_results(written, project.published_results, results_written(place))
        with replacing(place) as temporary:
            shutil.copyfile(executed, temporary)
        published.append(stem)
    return published, left_out


def readme_with_results(project: Project) -> str:
    """The README's text with the published run's main results between its markers."""
    table = records_table(project.published_results, _MAIN_RESULTS)
    text = (project.root / "README.md").read_text(encoding="utf-8")
    return _README_MARKERS.sub(lambda markers: f"{markers[1]}{table}\n{markers[2]}", text)


def update_readme(project: Project) -> None:
    """Write the published run's main results into the README."""
    write_atomically(project.root / "README.md", readme_with_results(project))
