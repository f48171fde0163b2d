"""Trajectories of many architectures: any number of workers, kills and additions, and their embeddings."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cena import contrast
from cena.contrast import ClosedFormConfig, EncoderConfig, fit_closed_form, spectrum_scale, untrained_encoder
from cena.data.digits_images import digits_images
from cena.data.images import images
from cena.errors import InputError
from cena.spaces import TopologySpace
from cena.spaces.nas_bench_201.cells import all_topology_cells
from cena.study import trajectories as module
from cena.study.artifacts import ArtifactStore
from cena.study.trajectories import embedded, embedded_in_closed_form, load_trajectories, trajectory_files
from cena.trajectories import TrainingSet, TrajectoryConfig, TrajectoryExperiment

SPACE = TopologySpace("digits-topology", all_topology_cells()[3::700], 4, 1, 8)
DIGITS = digits_images()
FEW = TrainingSet(
    "digits",
    DIGITS.training.images[:60],
    DIGITS.training.digits[:60],
    DIGITS.test.images[:100],
    DIGITS.test.digits[:100],
    "a few digits",
)
POINTS = images("patches", 12, 8, seed=0).pixels
CONFIG = TrajectoryConfig(epochs=2, seeds=(0, 1), readings=("energy-map", "spectrum"))
CHOSEN = (1, 7, 12)


def files(store: ArtifactStore, architectures=CHOSEN, workers: int = 1, **more) -> list[Path]:
    return trajectory_files(store, TrajectoryExperiment(SPACE, FEW, POINTS, CONFIG), architectures, workers, **more)


def test_any_number_of_workers_makes_the_same_files(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    one = files(ArtifactStore(tmp_path / "one"), progress=lambda *step: told.append(step))
    two = files(ArtifactStore(tmp_path / "two"), workers=2)
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert [path.relative_to(tmp_path / "one") for path in one] == [path.relative_to(tmp_path / "two") for path in two]
    for first, second in zip(one, two, strict=True):
        assert first.read_bytes() == second.read_bytes()


def test_only_new_architectures_are_trained_and_a_killed_one_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = files(ArtifactStore(tmp_path / "whole"))
    store = ArtifactStore(tmp_path / "killed")
    epochs: list[tuple[int, int]] = []
    original = module.train_trajectory

    def watched(experiment, architecture, file):
        def note(epoch: int, _: int) -> None:
            epochs.append((architecture, epoch))
            if epochs == [(1, 1), (1, 2), (7, 1)]:
                raise KeyboardInterrupt

        return original(experiment, architecture, file, note)

    monkeypatch.setattr(module, "train_trajectory", watched)
    with pytest.raises(KeyboardInterrupt):
        files(store, CHOSEN[:2])
    resumed = files(store)
    assert epochs == [(1, 1), (1, 2), (7, 1), (7, 2), (12, 1), (12, 2)]
    for first, second in zip(whole, resumed, strict=True):
        assert first.read_bytes() == second.read_bytes()


def test_other_settings_are_other_files(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    other = [
        trajectory_files(store, TrajectoryExperiment(SPACE, FEW, points, config), [1], workers=1)
        for points, config in (
            (POINTS, CONFIG),
            (POINTS[::-1], CONFIG),
            (POINTS, TrajectoryConfig(epochs=1, seeds=(0, 1))),
            (POINTS, TrajectoryConfig(epochs=2, seeds=(1, 0))),
        )
    ]
    assert len({str(path) for [path] in other}) == 4


def test_an_embedding_is_the_mean_over_the_seeds(tmp_path: Path) -> None:
    paths = files(ArtifactStore(tmp_path))
    many = load_trajectories(paths)
    assert many.status.shape == (3, 3, 2)
    encoder = untrained_encoder(
        EncoderConfig(points=12, components=12, width=8, depth=1, embedding=10),
        spectrum_scale(many.singular_values[:, 0], many.usable[:, 0]),
    )
    places = embedded(encoder, many)
    assert places.shape == (3, 3, 10)
    views = contrast.encode_views(encoder, many.directions[1], many.singular_values[1], many.usable[1])
    np.testing.assert_allclose(places[1], views.mean(axis=1), rtol=1e-4, atol=1e-5)


def test_the_closed_form_embeds_the_readings_of_every_epoch(tmp_path: Path) -> None:
    many = load_trajectories(files(ArtifactStore(tmp_path)))
    assert {name: reading.shape for name, reading in many.readings.items()} == {
        "energy-map": (3, 3, 2, 64),
        "spectrum": (3, 3, 2, 12),
    }
    untrained = {name: reading[:, 0] for name, reading in many.readings.items()}
    encoder = fit_closed_form(untrained, many.usable[:, 0], ClosedFormConfig(2, 0.5, 3))
    places = embedded_in_closed_form(encoder, many)
    assert places.shape == (3, 3, 2)
    after = encoder.embed({name: reading[1, 2] for name, reading in many.readings.items()})
    np.testing.assert_allclose(places[1, 2], after.mean(axis=0))
    with pytest.raises(InputError, match="are not those that the closed form was fitted on"):
        embedded_in_closed_form(encoder, replace(many, readings={}))
