"""Publishing: a profile's executions become the committed notebooks and results."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from cena.companion.check import Staleness, provenance, staleness
from cena.companion.project import Project, results_of
from cena.study import profiles


def publish(project: Project, stems: Sequence[str], profile: str) -> tuple[list[str], list[Staleness]]:
    """Copy the fresh executions of a profile to ``notebooks/*.ipynb``, and their results to ``book/results``.

    A notebook that is stale, or was executed with other parameters than its defaults, is left out. Every file is
    replaced in one step, results before their notebook: `check` notices when a kill comes between them.

    Returns
    -------
    The names of the published notebooks, and why the others were left out.

    Raises
    ------
    InputError
        For an unknown notebook or profile.
    """
    profiles.profile(profile)
    published, left_out = [], []
    for stem in project.select(stems):
        executed = project.executed(profile) / f"{stem}.ipynb"
        results = project.results(profile)
        now = provenance(project, stem, {"profile": profile}, results)
        del now["published"]  # this is what changes it
        reasons = staleness(stem, executed, now)
        if reasons:
            left_out += reasons
            continue
        wrote = results_of(stem, results)
        project.published_results.mkdir(parents=True, exist_ok=True)
        for path in wrote:
            _copy(path, project.published_results / path.name)
        for path in results_of(stem, project.published_results):
            if path.name not in {new.name for new in wrote}:
                path.unlink()
        _copy(executed, project.notebooks / executed.name)
        published.append(stem)
    return published, left_out


def _copy(source: Path, destination: Path) -> None:
    temporary = destination.with_name(f".{destination.name}.part")
    shutil.copyfile(source, temporary)
    temporary.replace(destination)
