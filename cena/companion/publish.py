"""Publishing: a profile's executions become the committed notebooks and results."""

import shutil
from collections.abc import Sequence

from cena.companion.check import published_provenance, staleness
from cena.companion.project import Project
from cena.companion.results import replace_results, results_written
from cena.files import replacing
from cena.study import profiles


def publish(project: Project, stems: Sequence[str], profile: str) -> tuple[list[str], dict[str, list[str]]]:
    """Copy the fresh executions of a profile to ``notebooks/*.ipynb``, and their results to ``book/results``.

    A notebook that is stale, or was executed with other parameters than its defaults or other packages than the pinned
    ones, is left out. Every file is replaced in one step, results before their notebook: `check` notices when a kill
    comes between them.

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
        now = published_provenance(project, stem, profile, results)
        if reasons := staleness(project, executed, now):
            left_out[stem] = reasons
            continue
        place = project.notebooks / executed.name
        written = [results / name for name in results_written(executed)]
        replace_results(written, project.published_results, results_written(place))
        with replacing(place) as temporary:
            shutil.copyfile(executed, temporary)
        published.append(stem)
    return published, left_out
