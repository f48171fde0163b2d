"""Making a release: the same pipeline, the same bytes; and the settings of the one in the package."""

import json

import numpy as np
import pytest
import torch

from cena import embed, spaces
from cena.contrast import load_closed_form
from cena.data import labels, registry
from cena.embed import reference
from cena.embed.reference import load_reference
from cena.embed.released import read_release
from cena.files import sha256
from cena.study.artifacts import ArtifactStore
from cena.study.closed_forms import ClosedFormEmbedding
from cena.study.pipeline import Pipeline
from cena.study.profiles import PROFILES, RELEASES
from cena.study.release import size, write_release


def test_a_release_is_the_same_bytes_again(tiny_pipeline, tiny_folder, tmp_path):
    description = write_release(tiny_pipeline, tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["digits-topology.json", "digits-topology.npz", "digits-topology.safetensors"]
    assert all((tmp_path / name).read_bytes() == (tiny_folder / name).read_bytes() for name in names)
    assert description == tmp_path / "digits-topology.json"
    assert size(tmp_path) == sum((tmp_path / name).stat().st_size for name in names)


def test_a_release_that_fails_while_it_is_computed_leaves_the_old_one(tiny_pipeline, tmp_path, monkeypatch):
    old = [tmp_path / f"digits-topology.{suffix}" for suffix in ("json", "npz", "safetensors")]
    for path in old:
        path.write_text("old")
    monkeypatch.setattr("cena.study.release.scale", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_release(tiny_pipeline, tmp_path)
    assert [path.read_text() for path in old] == ["old"] * 3
    assert len([*tmp_path.iterdir()]) == 3


def test_a_release_says_what_it_was_made_from(tiny_pipeline, tiny_folder):
    provenance = json.loads((tiny_folder / "digits-topology.json").read_text())
    assert provenance["images"]["sha256"] == tiny_pipeline.images.checksum
    assert provenance["networks"] == {"channels": 8, "cells": 1, "resolution": 8}
    assert provenance["sample"] is None
    assert sum(provenance["statuses"].values()) == 21 * 2
    assert (provenance["views"], provenance["precision"]) == (2, "float32")
    for name, checksum in provenance["files"].items():
        assert sha256((tiny_folder / name).read_bytes()) == checksum
    assert len(provenance["files"]) == 2


def test_a_release_has_no_labels(tiny_folder):
    with np.load(tiny_folder / "digits-topology.npz") as file:
        assert not [name for name in file.files if "accuracy" in name or "label" in name]


def test_the_encoder_is_the_pipelines(tiny_pipeline, tiny_folder):
    encoder = load_closed_form(tiny_folder / "digits-topology.safetensors")
    assert encoder.digest == ClosedFormEmbedding(tiny_pipeline).encoder.digest


@pytest.fixture(scope="module")
def sampled(tiny_pipeline, tmp_path_factory):
    """The pipeline and the release of 12 architectures of the digits space, drawn at random."""
    settings = tiny_pipeline.profile.vary(space={"architectures": 12, "datasets": ()}, closed_form={"components": 6})
    pipeline = Pipeline(settings, ArtifactStore(tmp_path_factory.mktemp("artifacts")), workers=1)
    folder = tmp_path_factory.mktemp("sampled")
    write_release(pipeline, folder)
    return pipeline, folder


def test_a_sample_names_its_architectures(sampled):
    pipeline, folder = sampled
    release = read_release("digits-topology", folder)
    space = spaces.load("digits-topology")
    np.testing.assert_array_equal(release.architectures, spaces.sample(space, 12, seed=0).indices)
    assert release.provenance["sample"] == {"of": len(space), "seed": 0}
    assert [space.parameters(i) for i in release.architectures] == release.parameters.tolist()
    expected = ClosedFormEmbedding(pipeline).embedding[pipeline.classes]
    np.testing.assert_allclose(release.embedding, expected, rtol=1e-6)


def test_a_network_of_a_sample_is_found_by_its_index_in_the_space(sampled):
    """The very view of the release again, with the label of its architecture."""
    known = load_reference("digits-topology", sampled[1])
    key = labels.available("digits-topology")[0]
    accuracy = labels.accuracy("digits-topology", key)
    np.testing.assert_array_equal(known.accuracy, accuracy[known.release.architectures])
    architecture = int(known.release.architectures[0])
    space = spaces.load("digits-topology")
    placed = embed(lambda: space.build(architecture, torch.initial_seed()), known)
    assert placed.nearest[0].architecture == architecture
    assert placed.nearest[0].text == space.architecture(architecture)
    assert placed.nearest[0].distance < 1e-3 * np.linalg.norm(placed.embedding)


@pytest.mark.parametrize(
    ("name", "architectures", "resolution"),
    [
        ("digits-topology", 1024, 8),
        ("nas-bench-101", 1280, 32),
        ("nas-bench-201", 15_625, 32),
        ("nats-bench-size", 1280, 16),
    ],
)
def test_a_release_needs_no_download_and_its_settings_are_no_profile_of_a_run(
    name, architectures, resolution, tmp_path, monkeypatch
):
    monkeypatch.setenv("CENA_DATA", str(tmp_path))
    monkeypatch.setattr(registry, "fetch", None)
    pipeline = Pipeline(RELEASES[name])
    assert len(pipeline.space) == architectures
    assert pipeline.precision == "float32"
    assert pipeline.view_space.resolution == resolution
    assert RELEASES[name].name not in PROFILES


def test_the_labels_of_nas_bench_101_are_of_other_cells():
    accuracy, why = reference._labels("nas-bench-101")
    assert accuracy is None
    assert why == "the labels of 'nas-bench-101' are of other cells than those released"
