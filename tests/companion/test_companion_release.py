"""Making a release: the same pipeline, the same bytes; and the settings of the one in the package."""

import json

import numpy as np

from cena.companion.fingerprint import sha256
from cena.companion.pipeline import Pipeline
from cena.companion.profiles import PROFILES, RELEASED
from cena.companion.release import size, write_release
from cena.contrast import load_encoder
from cena.data import registry


def test_a_release_is_the_same_bytes_again(tiny_pipeline, tiny_folder, tmp_path):
    description = write_release(tiny_pipeline, tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["digits-topology.json", "digits-topology.npz", "digits-topology.safetensors"]
    assert all((tmp_path / name).read_bytes() == (tiny_folder / name).read_bytes() for name in names)
    assert description == tmp_path / "digits-topology.json"
    assert size(tmp_path) == sum((tmp_path / name).stat().st_size for name in names)


def test_a_release_says_what_it_was_made_from(tiny_pipeline, tiny_folder):
    provenance = json.loads((tiny_folder / "digits-topology.json").read_text())
    assert provenance["images"]["sha256"] == tiny_pipeline.images.checksum
    assert provenance["networks"] == {"channels": 8, "cells a stage": 1}
    assert (provenance["views"], provenance["precision"]) == (2, "float32")
    for name, checksum in provenance["files"].items():
        assert sha256((tiny_folder / name).read_bytes()) == checksum
    assert len(provenance["files"]) == 2


def test_a_release_has_no_labels(tiny_folder):
    with np.load(tiny_folder / "digits-topology.npz") as file:
        assert not [name for name in file.files if "accuracy" in name or "label" in name]


def test_the_encoder_is_the_pipelines(tiny_pipeline, tiny_folder):
    encoder = load_encoder(tiny_folder / "digits-topology.safetensors")
    assert encoder.config == tiny_pipeline.encoder.config
    assert encoder.history == tiny_pipeline.encoder.history


def test_the_released_profile_needs_no_download_and_is_no_profile_of_a_run(tmp_path, monkeypatch):
    monkeypatch.setenv("CENA_DATA", str(tmp_path))
    monkeypatch.setattr(registry, "fetch", None)
    pipeline = Pipeline(RELEASED)
    assert len(pipeline.space) == 15_625
    assert pipeline.precision == "float32"
    assert (pipeline.view_space.resolution, pipeline.view_space.cells_per_stage) == (32, 1)
    assert RELEASED.name not in PROFILES
