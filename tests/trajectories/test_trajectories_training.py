"""Trajectories: what they begin with, that they repeat and resume to the byte, and that looking disturbs nothing."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from cena import contrast
from cena.contrast import EncoderConfig, spectrum_scale, untrained_encoder
from cena.errors import InputError
from cena.jacobians import ViewRecipe, ViewStatus, class_views, data_jacobian, epdjm_factors, view_seeds
from cena.jacobians import views as views_module
from cena.spaces import TopologySpace
from cena.trajectories import (
    TrainingSet,
    Trajectory,
    TrajectoryConfig,
    TrajectoryExperiment,
    load_trajectory,
    network_views,
    train_trajectory,
    trained_network,
)
from cena.trajectories.digits_training import DIGITS_BATCH, DIGITS_LEARNING_RATE, DIGITS_WEIGHT_DECAY

CONFIG = TrajectoryConfig(epochs=3, seeds=(0, 5))


class KilledError(Exception):
    pass


def train(space, architecture: int, data, points, config: TrajectoryConfig, *rest, **more) -> Trajectory:
    return train_trajectory(TrajectoryExperiment(space, data, points, config), architecture, *rest, **more)


def kill_after(epochs: int):
    def progress(done: int, _: int) -> None:
        if done == epochs:
            raise KilledError

    return progress


def test_the_networks_learn_and_every_epoch_is_seen(space: TopologySpace, data: TrainingSet, points, tmp_path) -> None:
    seen: list[tuple[int, int]] = []
    config = TrajectoryConfig(epochs=8, seeds=(0, 5))
    trajectory = train_trajectory(
        TrajectoryExperiment(space, data, points, config), 1, tmp_path / "a", progress=lambda *step: seen.append(step)
    )
    assert seen == [(epoch, 8) for epoch in range(1, 9)]
    assert trajectory.directions.shape == (9, 2, 12, 12)
    assert trajectory.singular_values.shape == (9, 2, 12)
    assert trajectory.training_accuracy.shape == trajectory.test_accuracy.shape == trajectory.status.shape == (9, 2)
    assert trajectory.usable.all()
    assert (trajectory.training_accuracy[-1] > trajectory.training_accuracy[0] + 10).all()
    assert np.isnan(trajectory.test_accuracy[:-1]).all()
    assert np.isfinite(trajectory.test_accuracy[-1]).all()
    assert (np.diff(trajectory.singular_values[:, :, 0], axis=0) != 0).all()


def test_it_repeats_itself_to_the_byte(space: TopologySpace, data: TrainingSet, points, tmp_path: Path) -> None:
    for name in "ab":
        train(space, 0, data, points, CONFIG, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("epochs", [1, 2])
def test_a_killed_training_goes_on_to_the_same_bytes(
    epochs: int, space: TopologySpace, data: TrainingSet, points, tmp_path: Path
) -> None:
    whole = train(space, 0, data, points, CONFIG, tmp_path / "whole")
    with pytest.raises(KilledError):
        train_trajectory(
            TrajectoryExperiment(space, data, points, CONFIG), 0, tmp_path / "killed", progress=kill_after(epochs)
        )
    assert len(load_trajectory(tmp_path / "killed").status) == epochs + 1
    resumed: list[int] = []
    train_trajectory(
        TrajectoryExperiment(space, data, points, CONFIG),
        0,
        tmp_path / "killed",
        progress=lambda done, _: resumed.append(done),
    )
    assert resumed == [*range(epochs + 1, 4)]
    assert (tmp_path / "killed").read_bytes() == (tmp_path / "whole").read_bytes()
    np.testing.assert_array_equal(load_trajectory(tmp_path / "whole").directions, whole.directions)


@pytest.mark.parametrize("epochs", [0, 3])
def test_after_damage_to_the_checkpoint_training_begins_again(
    epochs: int, space: TopologySpace, data: TrainingSet, points, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config, path = TrajectoryConfig(epochs, (0,)), tmp_path / "checkpoint"
    train(space, 0, data, points, config, path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-100] + bytes([whole[-100] ^ 1]) + whole[-99:])
    train(space, 0, data, points, config, path)
    assert path.read_bytes() == whole
    assert f"{path} is damaged: the training begins again" in caplog.text


def test_each_seed_is_trained_as_it_would_be_alone(space: TopologySpace, data: TrainingSet, points, tmp_path) -> None:
    together = train(space, 1, data, points, CONFIG, tmp_path / "both")
    alone = train(space, 1, data, points, TrajectoryConfig(3, (5,)), tmp_path / "one")
    np.testing.assert_allclose(together.singular_values[:, 1:], alone.singular_values, rtol=0.02)
    np.testing.assert_allclose(together.training_accuracy[:, 1:], alone.training_accuracy, atol=4)
    np.testing.assert_allclose(together.test_accuracy[-1, 1:], alone.test_accuracy[-1], atol=2)


@pytest.mark.parametrize(("batch", "learning_rate"), [(DIGITS_BATCH, DIGITS_LEARNING_RATE), (40, 1e-3)])
def test_one_epoch_is_plain_training(
    batch: int, learning_rate: float, space: TopologySpace, data: TrainingSet, points, tmp_path: Path
) -> None:
    """Against a loop without grouping; AdamW's first steps are the sign of the gradient, so rounding shows."""
    config = TrajectoryConfig(epochs=1, seeds=(7,), batch=batch, learning_rate=learning_rate)
    train(space, 1, data, points, config, tmp_path / "a")
    network = space.build(1, 7)
    optimizer = torch.optim.AdamW(network.parameters(), learning_rate, weight_decay=DIGITS_WEIGHT_DECAY)
    steps = len(data.images) // batch
    order = np.random.default_rng([7, 0, len(data.images)]).permutation(len(data.images))
    for step in range(steps):
        chosen = order[step * batch : (step + 1) * batch]
        optimizer.param_groups[0]["lr"] = learning_rate * (1 + np.cos(np.pi * step / steps)) / 2
        logits = network(torch.from_numpy(data.images[chosen]))
        optimizer.zero_grad()
        functional.cross_entropy(logits, torch.from_numpy(data.classes[chosen])).backward()
        optimizer.step()
    trained = trained_network(space, 1, (7,), tmp_path / "a")
    images = torch.from_numpy(data.test_images)
    with torch.no_grad():
        torch.testing.assert_close(trained.eval()(images), network.eval()(images), rtol=1e-2, atol=1e-2)


def test_before_training_the_views_are_those_of_the_pipeline(
    space: TopologySpace, data: TrainingSet, points, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views_module, "rescale_weights", lambda _network, _generator: None)
    ordinary = class_views(space, 0, 3, ViewRecipe(points, views=2, seed=9, precision="float32"))
    seeds = tuple(view_seeds(9, 3, view)[0] for view in range(2))
    start = train(space, 0, data, points, TrajectoryConfig(0, seeds), tmp_path / "a")
    np.testing.assert_allclose(start.singular_values[0], ordinary.singular_values, rtol=1e-4)
    usable = np.ones((1, 2), bool)
    scale = spectrum_scale(ordinary.singular_values[np.newaxis], usable)
    encoder = untrained_encoder(EncoderConfig(points=12, components=12, width=8, depth=1, embedding=10), scale)
    embeddings = [
        contrast.encode(encoder, directions, singular_values, usable)
        for directions, singular_values in (
            (start.directions, start.singular_values),
            (ordinary.directions[np.newaxis], ordinary.singular_values[np.newaxis]),
        )
    ]
    np.testing.assert_allclose(*embeddings, rtol=1e-2, atol=1e-2)


def test_the_views_of_a_trained_network_are_its_own_and_looking_changes_nothing(
    space: TopologySpace, data: TrainingSet, points, tmp_path: Path
) -> None:
    trajectory = train(space, 1, data, points, CONFIG, tmp_path / "a")
    network = trained_network(space, 1, CONFIG.seeds, tmp_path / "a")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    views = network_views(network, 2, points, "float32")
    np.testing.assert_array_equal(views.directions, trajectory.directions[-1])
    np.testing.assert_array_equal(views.singular_values, trajectory.singular_values[-1])
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)


def test_views_side_by_side_are_the_views_of_each(space: TopologySpace, points) -> None:
    network = trained_network(space, 1, (1, 2), None)
    views = network_views(network, 2, points, "float32")
    assert views.usable.all()
    for seed, values in zip((1, 2), views.singular_values, strict=True):
        jacobian = data_jacobian(space.build(1, seed), torch.from_numpy(points)).numpy()
        np.testing.assert_allclose(values, epdjm_factors(jacobian)[1], rtol=1e-3)


def test_dead_and_broken_networks_are_recorded(space: TopologySpace, data: TrainingSet, points, tmp_path) -> None:
    dead = train(space, 2, data, points, TrajectoryConfig(1), tmp_path / "dead")
    assert (dead.status == ViewStatus.DEAD).all()
    assert not dead.usable.any()
    assert not dead.singular_values.any()
    network = trained_network(space, 1, (0, 1), None)
    with torch.no_grad():
        next(network.parameters())[: space.channels] = torch.nan  # of the first network only
    assert network_views(network, 2, points, "float32").status.tolist() == [ViewStatus.NON_FINITE, ViewStatus.USABLE]


def test_what_cannot_be_trained_is_refused(space: TopologySpace, data: TrainingSet, points, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a trajectory of -1 epochs from 2 seeds: give at least 0 epochs and 1 seed"):
        TrajectoryConfig(-1)
    with pytest.raises(InputError, match="from 0 seeds"):
        TrajectoryConfig(1, ())
    with pytest.raises(InputError, match="a batch of 1 images: give at least 2, for BatchNorm"):
        TrajectoryConfig(1, batch=1)
    few = TrainingSet("few", data.images[:9], data.classes[:9], data.test_images, data.test_classes, "")
    with pytest.raises(InputError, match="'few' has 9 training images: give at least one batch, 30"):
        train(space, 0, few, points, CONFIG, tmp_path / "few")
    train(space, 0, data, points, TrajectoryConfig(0), tmp_path / "a")
    for other in (TrajectoryConfig(0, (3,)), TrajectoryConfig(1)):
        with pytest.raises(InputError, match="belongs to a training with other settings or data; delete it"):
            train(space, 0, data, points, other, tmp_path / "a")
    with pytest.raises(InputError, match="belongs to a training with other settings or data"):
        train(space, 1, data, points, TrajectoryConfig(0), tmp_path / "a")
