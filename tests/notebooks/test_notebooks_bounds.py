"""Every notebook runs at both ends of what its parameters allow, on a profile of a few hundred architectures."""

import shutil
from pathlib import Path

import pytest

from cena.companion.declarations import declaration
from cena.companion.notebooks import run
from cena.companion.project import Project

CHECKOUT = Project(Path(__file__).parents[2])

TINY = """
from cena.study import profiles

profiles.PROFILES["quick"] = profiles.PROFILES["quick"].vary(
    space={"architectures": %d},
    size_space={"architectures": 300},
    views={"points": 16},
    encoder={"epochs": 1},
    closed_form={"components": 4, "principal": 25},
    judging={"labels": 60, "transfer_labels": 60, "runs": 2, "trees": 5},
    search={"runs": 2, "budget": 12},
    trajectories={"epochs": 1, "sample_epochs": 1, "images": 90},
    ablations={"architectures": 40, "points": 8, "encoder_epochs": 1, "cells": 12, "cell_points": 8,
               "cell_encoder_epochs": 1, "full_channels": 8, "full_cells": 1, "full_resolution": 8},
)
"""
"""What every kernel of IPython executes before the notebook."""

REPEATED = {"runs", "budget", "tuning_trials", "epochs", "sample", "sample_epochs", "training_images"}
"""Numbers of repetitions: many of them take long, and break nothing that few do not."""


@pytest.fixture
def tiny(request, tmp_path, tmp_path_factory, monkeypatch) -> Project:
    """A copy of the checkout's notebooks and results whose profile `quick` is tiny."""
    ipython = tmp_path / "ipython"
    startup = ipython / "profile_default" / "startup"
    startup.mkdir(parents=True)
    whole = request.node.callspec.params["stem"].startswith("07")  # whose searches need every label
    (startup / "00-tiny.py").write_text(TINY % (0 if whole else 300))
    monkeypatch.setenv("IPYTHONDIR", str(ipython))
    monkeypatch.setenv("CENA_ARTIFACTS", str(tmp_path_factory.getbasetemp() / "tiny-artifacts"))  # of all these tests
    root = tmp_path / "checkout"
    for folder in ("notebooks", "book/results"):
        shutil.copytree(CHECKOUT.root / folder, root / folder, ignore=shutil.ignore_patterns("*.ipynb"))
    (root / "cena").symlink_to(CHECKOUT.root / "cena")
    shutil.copy(CHECKOUT.requirements, root)
    return Project(root)


@pytest.mark.slow
@pytest.mark.bounds
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("end", ["low", "high"])
@pytest.mark.parametrize("stem", CHECKOUT.stems())
def test_a_notebook_runs_at_both_ends_of_its_parameters(stem, end, tiny):
    spans = {
        parameter.name: f"{parameter.span[end == 'high']:g}"
        for parameter in declaration(CHECKOUT, stem).parameters
        if parameter.span is not None and not (end == "high" and parameter.name in REPEATED)
    }
    [executed] = run(tiny, [stem], "quick", spans.items())
    assert executed.path.exists()
