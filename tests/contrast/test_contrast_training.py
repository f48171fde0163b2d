import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from contrast_views import synthetic_views

from cena.computing import native_bfloat16
from cena.contrast import save_encoder, train_encoder
from cena.contrast.training import one_cycle
from cena.errors import InputError

VIEWS = synthetic_views(classes=20)


def weights(encoder):
    return torch.cat([parameter.detach().flatten() for parameter in encoder.network.parameters()])


class Stop(Exception):  # noqa: N818 (not an error)
    pass


def stop_after(epochs):
    def progress(epoch, _):
        if epoch == epochs:
            raise Stop

    return progress


def test_loss_falls_and_is_reported(small_config):
    reports = []
    config = replace(small_config, epochs=60, learning_rate=1e-2)
    encoder = train_encoder(*VIEWS, config, progress=lambda *step: reports.append(step))
    assert reports == [(epoch, 60) for epoch in range(1, 61)]
    assert len(encoder.history) == 60
    assert encoder.history[-1] < 0.7 * encoder.history[0]
    assert not encoder.network.training


def test_same_seed_same_weights_whatever_the_global_state(small_config):
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002 (the test is about this state)
    first = train_encoder(*VIEWS, small_config)
    torch.manual_seed(2)
    np.random.seed(2)  # noqa: NPY002
    state = torch.random.get_rng_state()
    second = train_encoder(*VIEWS, small_config)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(weights(first), weights(second))
    assert first.history == second.history
    assert not torch.equal(weights(first), weights(train_encoder(*VIEWS, replace(small_config, seed=1))))


@pytest.mark.parametrize("epochs", [1, 3])
def test_resumed_training_gives_the_same_bytes(small_config, tmp_path, epochs):
    save_encoder(tmp_path / "straight", train_encoder(*VIEWS, small_config))
    with pytest.raises(Stop):
        train_encoder(*VIEWS, small_config, tmp_path / "checkpoint", stop_after(epochs))
    later = []
    resumed = train_encoder(*VIEWS, small_config, tmp_path / "checkpoint", lambda epoch, _: later.append(epoch))
    assert later == list(range(epochs + 1, 5))
    save_encoder(tmp_path / "resumed", resumed)
    assert (tmp_path / "resumed").read_bytes() == (tmp_path / "straight").read_bytes()


def test_finished_training_is_not_repeated(small_config, tmp_path):
    first = train_encoder(*VIEWS, small_config, tmp_path / "checkpoint")
    again = train_encoder(*VIEWS, small_config, tmp_path / "checkpoint", stop_after(4))
    assert torch.equal(weights(first), weights(again))
    assert first.history == again.history


@pytest.mark.parametrize("change", ["config", "views", "usable"])
def test_checkpoint_of_another_training_is_refused(small_config, tmp_path, change):
    train_encoder(*VIEWS, replace(small_config, epochs=1), tmp_path / "checkpoint")
    directions, singular_values, usable = (array.copy() for array in VIEWS)
    config = replace(small_config, epochs=2 if change == "config" else 1)
    if change == "views":
        singular_values[0] *= 2
    if change == "usable":
        usable[0, 0] = False
    with pytest.raises(InputError, match="other settings or data"):
        train_encoder(directions, singular_values, usable, config, tmp_path / "checkpoint")


def test_after_damage_to_the_checkpoint_training_begins_again(small_config, tmp_path, caplog):
    path = tmp_path / "checkpoint"
    first = train_encoder(*VIEWS, small_config, path)
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    epochs = []
    again = train_encoder(*VIEWS, small_config, path, lambda epoch, _: epochs.append(epoch))
    assert epochs == [1, 2, 3, 4]
    assert torch.equal(weights(first), weights(again))
    assert f"{path} is damaged: the training begins again" in caplog.text


ENDLESS = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from contrast_views import synthetic_views
from cena.computing import native_bfloat16
from cena.contrast import EncoderConfig, train_encoder
config = EncoderConfig(points=16, components=12, width=8, depth=1, embedding=10, projection=6, epochs=100_000, batch=8)
train_encoder(*synthetic_views(classes=20), config, Path({checkpoint!r}))
"""


@pytest.mark.slow
def test_a_killed_training_leaves_a_whole_checkpoint(small_config, tmp_path):
    path = tmp_path / "checkpoint"
    code = ENDLESS.format(tests=str(Path(__file__).parent), checkpoint=str(path))
    config = replace(small_config, epochs=100_000)
    finished = 0
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2])
        before = path.stat().st_mtime_ns if path.exists() else 0
        deadline = time.monotonic() + 60
        while not (path.exists() and path.stat().st_mtime_ns > before):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        reached = []

        def progress(epoch, _, reached=reached):
            reached.append(epoch)
            raise Stop

        with pytest.raises(Stop):
            train_encoder(*VIEWS, config, path, progress)
        assert reached[0] > finished + 1
        finished = reached[0]


def test_a_loss_that_is_not_finite_stops_the_training(small_config, tmp_path):
    with pytest.raises(InputError, match=r"the loss of epoch \d is not finite"):
        train_encoder(*VIEWS, replace(small_config, learning_rate=1e30), tmp_path / "checkpoint")


def test_wrong_shapes_are_refused_before_training(small_config):
    directions, singular_values, usable = VIEWS
    with pytest.raises(InputError, match="16 points, 12 components"):
        train_encoder(directions[..., :-1], singular_values, usable, small_config)
    with pytest.raises(InputError, match="boolean mask"):
        train_encoder(directions, singular_values, usable.astype(int), small_config)
    with pytest.raises(InputError, match="singular values of shape"):
        train_encoder(directions, singular_values[:, :-1], usable, small_config)


def test_float32_and_native_precision_agree_roughly(small_config):
    native = train_encoder(*VIEWS, small_config)
    exact = train_encoder(*VIEWS, replace(small_config, precision="float32"))
    np.testing.assert_allclose(native.history, exact.history, rtol=0.05)
    assert torch.equal(weights(native), weights(exact)) != native_bfloat16()


@pytest.mark.parametrize("steps", [2, 7, 10, 100])
def test_schedule_is_that_of_torch(steps):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=steps, cycle_momentum=False)
    for step in range(steps):
        assert one_cycle(step, steps) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-12)
        optimizer.step()
        if step < steps - 1:
            schedule.step()
