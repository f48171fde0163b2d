"""Keys of artifacts are made of meaning: settings, checksums and versions, never of source text or the Python."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import cena
from cena.contrast import EncoderConfig, encoder
from cena.study.artifacts import artifact_key
from cena.study.encoders import encoder_key

PACKAGE = Path(cena.__file__).parent
KEYS = """
import json, sys
from cena.companion.check import provenance
from cena.companion.project import Project
from cena.search import CategoricalCandidates
from cena.stages import STAGES
from cena.contrast import EncoderConfig, encoder
from cena.study.artifacts import artifact_key
from cena.study.encoders import encoder_key
from cena.study.pipeline import Pipeline
from cena.study.profiles import profile
from pathlib import Path

pipeline = Pipeline(profile("quick"))
keys = {"views": artifact_key(pipeline.views_key), "encoder": artifact_key(pipeline._encoder_key)}
keys |= {name: stage.version for name, stage in STAGES.items()}
project = Project(Path(sys.argv[1]))
for stem in project.stems():
    now = provenance(project, stem, {"profile": "quick"}, project.published_results)
    keys[stem] = {name: value for name, value in now.items()}
print(json.dumps(keys, sort_keys=True))
"""


def keys_of(package: Path) -> str:
    """The keys of stages and the provenance of all pages, as a copy of the package sees them."""
    environment = os.environ | {"PYTHONPATH": str(package.parent), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", KEYS, str(PACKAGE.parent)]
    done = subprocess.run(command, env=environment, cwd=package.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def reworded(text: str) -> str:
    """Source text with other formatting, no comments, other docstrings and other error messages."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            node.value.value = "Something else is said here."
        if isinstance(node, ast.Raise):
            for part in ast.walk(node):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    part.value = f"In other words: {part.value}"
    return ast.unparse(tree)


@pytest.mark.slow
def test_moving_renaming_and_rewording_leave_every_key_and_every_page_as_they_are(tmp_path):
    pytest.importorskip("torch")  # the process below needs it
    copy = tmp_path / "cena"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "jacobians/edjm.py").rename(copy / "jacobians/gradients.py")
    for path in copy.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        text = text.replace("cena.jacobians.edjm", "cena.jacobians.gradients").replace(
            "class_views", "views_of_a_class"
        )
        path.write_text(reworded(text), encoding="utf-8")
    assert "views_of_a_class" in (copy / "jacobians/views.py").read_text()
    assert keys_of(copy) == keys_of(PACKAGE)


def test_a_key_is_the_same_on_every_python_and_machine():
    """Run by every supported Python (make test-pythons): the key is written here."""
    config = {"views": 4, "rescale": (7 / 8, 8 / 7), "name": "ä", "stages": {"views": 1}, "none": None, "deep": [{}]}
    assert artifact_key(config) == artifact_key(json.loads(json.dumps(config)))
    assert artifact_key(config) == "ae25403af1ac21be"


@pytest.mark.parametrize(("precision", "keys"), [("auto", 2), ("float32", 1)])
def test_a_key_holds_what_auto_came_to_on_this_processor(precision, keys, monkeypatch):
    config = EncoderConfig(points=4, components=4, precision=precision)
    found = set()
    for native in (True, False):
        monkeypatch.setattr(encoder, "native_bfloat16", lambda native=native: native)
        found.add(artifact_key(encoder_key(config, "views")))
    assert len(found) == keys
