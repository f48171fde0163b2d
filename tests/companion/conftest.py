"""A tiny notebook project, executed for real, for the tests of the runner and of freshness."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

import cena
from cena.companion.notebooks import run
from cena.companion.project import Project
from cena.companion.publish import publish
from cena.companion.readme import update_readme

RECORD = {
    "id": "table1.cifar10.tau",
    "value": 0.987,
    "low": 0.985,
    "high": 0.989,
    "runs": 10,
    "paper": 0.73,
    "source": "Table 1",
    "baseline": 0.7,
    "status": "exceeded",
    "reason": "",
}

FIRST = f"""# ---
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
print(profile, runs, object(), Path.cwd(), {{"b", "a"}})
print("warned", file=sys.stderr)
with Path("executions").open("a") as log:
    log.write("first\\n")

# %%
(results / "01_first.json").write_text({json.dumps([RECORD])!r})
(results / "01_first.curve.csv").write_text(f"runs,profile\\n{{runs}},{{profile}}\\n")
(results / "01_first.drawing.svg").write_text("<svg></svg>")
runs

# %% [markdown]
# Two figures.

# %%
from IPython.display import Image

Image(b"the first figure", format="png")

# %%
Image(b"the second figure", format="png")
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
    """A project of two notebooks with a pinned package, installed from there."""
    for folder in ("notebooks", "book/results"):
        (root / folder).mkdir(parents=True)
    (root / "cena").symlink_to(Path(cena.__file__).parent)
    (root / "notebooks/01_first.py").write_text(FIRST)
    (root / "notebooks/02_second.py").write_text(SECOND)
    (root / "requirements.txt").write_text(f"-c constraints.txt\nscipy=={version('scipy')}\n")
    (root / "constraints.txt").write_text(f"numpy=={version('numpy')}\n")
    (root / "README.md").write_text("# Tiny\n\n<!-- results -->\n<!-- /results -->\n")
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
        update_readme(project)
        return project


@pytest.fixture
def project(published, tmp_path, monkeypatch) -> Project:
    """A copy of the published project, to be changed."""
    shutil.copytree(published.root, tmp_path / "project", symlinks=True)
    monkeypatch.setenv("PYTHONPATH", str(Path(cena.__file__).parent.parent))
    monkeypatch.chdir(tmp_path / "project")
    return Project(tmp_path / "project")


# A process in the background of a script inherits that interrupts are ignored: take that back, as a terminal would.
COMMAND = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from cena.cli.main import main; main()"
)


@pytest.fixture
def command(project) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts the command line in a process of its own."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", COMMAND, *arguments],
            cwd=project.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
