"""A release so small that it is made in a second: 21 digits topologies, 16 images of 8x8 pixels."""

import importlib.util
import sys
from pathlib import Path

import pytest

TINY_CELLS = slice(None, None, -100)


class _Skipping:
    """Where torch is not installed (`make test-pythons`), a test that imports it is skipped."""

    @staticmethod
    def find_spec(name, *_):
        if name == "torch":
            pytest.skip("needs torch", allow_module_level=True)


if importlib.util.find_spec("torch") is None:
    sys.meta_path.insert(0, _Skipping)


@pytest.fixture(scope="session")
def tiny_pipeline(tmp_path_factory):
    """A pipeline of the small space, every stage of which is made in a temporary folder."""
    from cena import spaces
    from cena.study.artifacts import ArtifactStore
    from cena.study.pipeline import Pipeline
    from cena.study.profiles import profile

    settings = profile("quick").vary(
        views={"points": 16, "per_class": 2, "precision": "float32"}, encoder={"epochs": 2, "width": 16, "depth": 1}
    )
    pipeline = Pipeline(settings, ArtifactStore(tmp_path_factory.mktemp("artifacts")), workers=1)
    pipeline.space = spaces.TopologySpace(
        "digits-topology", spaces.digits_topology().cells[TINY_CELLS], channels=8, cells_per_stage=1, resolution=8
    )
    return pipeline


@pytest.fixture(scope="session")
def tiny_folder(tiny_pipeline, tmp_path_factory) -> Path:
    """A folder with the release of the small space."""
    from cena.study.release import write_release

    folder = tmp_path_factory.mktemp("released")
    write_release(tiny_pipeline, folder)
    return folder


@pytest.fixture
def tiny_release(tiny_folder, tiny_pipeline, monkeypatch) -> Path:
    """The small release in the place of the package's own."""
    from cena import spaces
    from cena.embed import released

    monkeypatch.setattr(released, "FOLDER", tiny_folder)
    monkeypatch.setattr(spaces, "load", lambda _name: tiny_pipeline.space)
    return tiny_folder


@pytest.fixture
def tiny_reference(tiny_release):
    """The small release, loaded with its labels."""
    from cena.embed.reference import load_reference

    return load_reference("digits-topology", tiny_release)
