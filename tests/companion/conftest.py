"""A tiny notebook project, executed for real, for the tests of the runner and of freshness."""

import shutil
from pathlib import Path

import pytest

import cena
from cena.companion.notebooks import run
from cena.companion.project import Project
from cena.companion.publish import publish

FIRST = """# ---
# jupyter:
#   cena:
#     needs: [topology]
#     version: 1
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # First

# %% tags=["parameters"]
profile: str = "quick"  # [quick | laptop] settings of the run
runs: int = 2  # [0..10] repeated runs

# %%
import sys
import numpy as np
from pathlib import Path
from cena.companion.project import results_folder
from cena.errors import InputError

from cena.layout import to_unit_square
to_unit_square(np.eye(2))

results = results_folder(profile)
print(profile, runs, object(), Path.cwd(), {"b", "a"})
print("warned", file=sys.stderr)
with Path("executions").open("a") as log:
    log.write("first\\n")

# %%
(results / "01_first.json").write_text("[]")
(results / "01_first.curve.csv").write_text(f"runs,profile\\n{runs},{profile}\\n")
runs
"""

SECOND = """# ---
# jupyter:
#   cena:
#     needs: []
#     reads: results
#     version: 1
# ---

# %% tags=["parameters"]
profile: str = "quick"  # [quick | laptop | paper] settings of the run

# %%
from cena.companion.project import of_notebook

[path.name for path in sorted(of_notebook().results(profile).glob("*.json"))]
"""


def make(root: Path) -> Project:
    """A project of two notebooks with a pinned package, and with a package `cena` whose files may be changed."""
    for folder in ("notebooks", "book/results", "cena/data/bundled"):
        (root / folder).mkdir(parents=True)
    (root / "notebooks/01_first.py").write_text(FIRST)
    (root / "notebooks/02_second.py").write_text(SECOND)
    (root / "requirements.txt").write_text("numpy==2\n")
    for name in ("__init__.py", "errors.py", "data/__init__.py"):
        shutil.copy(Path(cena.__file__).parent / name, root / "cena" / name)
    (root / "cena/data/bundled/labels.csv").write_text("1,2\n")
    return Project(root)


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Project:
    """The project after a first run and publication: executed once for this module, to be copied."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("published"))
        project = make(Path.cwd())
        patch.setenv("PYTHONPATH", str(Path(cena.__file__).parent.parent))
        done = list(run(project, [], "quick"))
        assert [(item.stem, item.seconds is None) for item in done] == [("01_first", False), ("02_second", False)]
        assert publish(project, [], "quick") == (["01_first", "02_second"], {})
        return project


@pytest.fixture
def project(published, tmp_path, monkeypatch) -> Project:
    """A copy of the published project, to be changed."""
    shutil.copytree(published.root, tmp_path / "project")
    monkeypatch.setenv("PYTHONPATH", str(Path(cena.__file__).parent.parent))
    monkeypatch.chdir(tmp_path / "project")
    return Project(tmp_path / "project")
