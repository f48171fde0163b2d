"""Where things are: the folders of a checkout, and the notebooks in it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cena.errors import InputError, unknown
from cena.study.checkout import checkout, own_checkout


@dataclass(frozen=True)
class Project:
    """A checkout of this repository.

    A reader's runs are under ``_build/<profile>``; the published run is in ``notebooks`` and ``book/results``.
    """

    root: Path

    @property
    def notebooks(self) -> Path:
        """Sources, ``<stem>.py``, and their published executions, ``<stem>.ipynb``."""
        return self.root / "notebooks"

    @property
    def published_results(self) -> Path:
        """The published run's records and figure data."""
        return self.root / "book" / "results"

    @property
    def requirements(self) -> Path:
        """The pinned packages."""
        return self.root / "requirements.txt"

    def build(self, profile: str) -> Path:
        """All that runs under a profile leave."""
        return self.root / "_build" / profile

    def executed(self, profile: str) -> Path:
        """The notebooks executed under a profile."""
        return self.build(profile) / "notebooks"

    def results(self, profile: str) -> Path:
        """The records and figure data of a profile's runs."""
        return self.build(profile) / "results"

    def stems(self) -> list[str]:
        """The names of the notebooks, in reading order."""
        return sorted(path.stem for path in self.notebooks.glob("*.py"))

    def select(self, stems: Sequence[str]) -> list[str]:
        """The named notebooks in reading order, all when none is named; raises `InputError` for an unknown one."""
        known = self.stems()
        for stem in stems:
            if stem not in known:
                raise unknown("notebook", stem, known)
        return [stem for stem in known if not stems or stem in stems]


def here() -> Project:
    """The checkout that the current directory lies in.

    Raises
    ------
    InputError
        If there is none, or `cena` is not installed from it.
    """
    root = own_checkout()
    if root is None:
        raise InputError(
            f"{Path.cwd()} has no cena/, notebooks/ and requirements.txt, nor has a folder above: "
            "run this in a checkout of the companion"
        )
    return Project(root)


def of_notebook() -> Project:
    """The checkout that a running notebook belongs to, see :func:`cena.study.checkout.checkout`."""
    return Project(checkout())


def results_folder(profile: str) -> Path:
    """The folder that a running notebook writes its results to, made if need be.

    It is what the environment's ``CENA_RESULTS`` names, or else the profile's results in :func:`of_notebook`: so a
    notebook that is executed by hand, from whatever folder, leaves its results where `cena run` would.
    """
    given = os.environ.get("CENA_RESULTS")
    folder = Path(given) if given else of_notebook().results(profile)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
