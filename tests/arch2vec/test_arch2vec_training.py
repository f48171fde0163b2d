import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from arch2vec_nas_bench_101 import CHAIN, RESIDUAL, SEVEN_NODES, nas_bench_101_cells
from safetensors import safe_open

from cena.arch2vec import (
    Arch2vecConfig,
    arch2vec_embedding,
    arch2vec_loss,
    encode_graphs,
    held_out_split,
    nas_bench_201_graphs,
    pretrain,
    reconstruction,
)
from cena.arch2vec.model import Arch2vec
from cena.arch2vec.training import Pretraining, tensors_of
from cena.errors import InputError


def statistics(model):
    """A copy of the running statistics of every BatchNorm."""
    return {name: tensor.clone() for name, tensor in model.state_dict().items() if "running" in name}


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


class Stop(Exception):  # noqa: N818 (not an error)
    pass


def stop_after(epochs):
    def progress(epoch, _):
        if epoch == epochs:
            raise Stop

    return progress


def test_loss_falls(small_config, cells):
    training = Pretraining(small_config)
    losses = [training.epoch(cells, epoch) for epoch in range(30)]
    assert losses[-1] < 0.6 * losses[0]


def test_progress_is_told_and_the_model_is_ready_to_use(small_config, cells):
    told = []
    model = pretrain(cells, replace(small_config, epochs=3), progress=lambda *done: told.append(done))
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert not model.training


@pytest.mark.parametrize(("variant", "epochs"), [("faithful", 300), ("fixed", 600)])
def test_a_handful_of_graphs_is_learnt_to_the_letter(variant, epochs):
    graphs = nas_bench_101_cells(*SEVEN_NODES)
    config = Arch2vecConfig(
        kinds=5, hidden=64, layers=3, dropout=0.0, epochs=epochs, learning_rate=3e-3, variant=variant
    )
    trained = graphs[held_out_split(len(graphs), config)[0]]
    assert vars(reconstruction(pretrain(graphs, config), trained)) == {"operations": 1, "adjacency": 1, "graphs": 1}
    assert reconstruction(pretrain(graphs, replace(config, epochs=1)), trained).graphs == 0


def test_variants_are_one_until_epoch_0_is_over(small_config, cells):
    config = replace(small_config, epochs=1)
    faithful, fixed = pretrain(cells, config), pretrain(cells, replace(config, variant="fixed"))
    assert torch.equal(weights(faithful), weights(fixed))
    assert not torch.equal(*(weights(pretrain(cells, replace(small_config, variant=v))) for v in ("faithful", "fixed")))


def test_faithful_freezes_the_running_statistics_after_epoch_0(small_config, cells):
    for variant in ("faithful", "fixed"):
        training = Pretraining(replace(small_config, variant=variant))
        initial = statistics(training.model)
        training.epoch(cells, 0)
        first = statistics(training.model)
        assert not any(torch.equal(first[name], initial[name]) for name in first)
        training.epoch(cells, 1)
        training.epoch(cells, 2)
        frozen = [torch.equal(statistics(training.model)[name], first[name]) for name in first]
        assert frozen == [variant == "faithful"] * len(first)


def test_faithful_learns_without_noise_after_epoch_0(small_config, cells):
    """From epoch 1 on its losses are those of the evaluation mode, whatever is drawn; those of "fixed" are not."""
    for variant in ("faithful", "fixed"):
        training = Pretraining(replace(small_config, batch=len(cells), learning_rate=0.0, variant=variant))
        noisy = training.epoch(cells, 0)
        later = [training.epoch(cells, epoch) for epoch in (1, 2)]
        targets = tensors_of(cells)
        with torch.inference_mode():
            exact = float(arch2vec_loss(*training.model.eval()(*targets), targets))
        assert noisy != exact
        assert (later == [exact, exact]) == (variant == "faithful")
        assert (later[0] == later[1]) == (variant == "faithful")


def test_long_gradients_are_shortened(small_config, cells):
    steps = []
    for norm in (1e-6, 1e9):
        training = Pretraining(replace(small_config, gradient_norm=norm, batch=len(cells)))
        training.epoch(cells, 0)
        gradient = torch.cat([parameter.grad.flatten() for parameter in training.model.parameters()])
        steps.append(float(gradient.norm()))
    assert steps[0] == pytest.approx(1e-6, rel=1e-3)
    assert steps[1] > 1e-3


def test_same_seed_same_weights_whatever_the_global_state(small_config, cells):
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002 (the test is about this state)
    first = arch2vec_embedding(cells, small_config)
    torch.manual_seed(2)
    np.random.seed(2)  # noqa: NPY002
    state = torch.random.get_rng_state()
    second = arch2vec_embedding(cells, small_config)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert (first.shape, first.dtype) == ((50, 6), np.float32)
    assert np.array_equal(first, second)
    assert not np.allclose(first, arch2vec_embedding(cells, replace(small_config, seed=1)))


@pytest.mark.parametrize("variant", ["faithful", "fixed"])
@pytest.mark.parametrize("epochs", [1, 3])
def test_resumed_training_gives_the_same_bytes(small_config, cells, tmp_path, epochs, variant):
    config = replace(small_config, variant=variant)
    straight = arch2vec_embedding(cells, config, tmp_path / "straight")
    with pytest.raises(Stop):
        pretrain(cells, config, tmp_path / "resumed", stop_after(epochs))
    later = []
    resumed = arch2vec_embedding(cells, config, tmp_path / "resumed", lambda epoch, _: later.append(epoch))
    assert later == list(range(epochs + 1, 5))
    assert resumed.tobytes() == straight.tobytes()
    assert (tmp_path / "resumed").read_bytes() == (tmp_path / "straight").read_bytes()


def test_finished_training_is_not_repeated(small_config, cells, tmp_path):
    first = pretrain(cells, small_config, tmp_path / "checkpoint")
    again = pretrain(cells, small_config, tmp_path / "checkpoint", stop_after(4))
    assert torch.equal(weights(first), weights(again))
    assert not again.training


def test_failed_write_keeps_the_checkpoint(small_config, cells, tmp_path, monkeypatch):
    path = tmp_path / "checkpoint"
    with pytest.raises(Stop):
        pretrain(cells, small_config, path, stop_after(2))
    before = path.read_bytes()

    def disk_is_full(*_):
        raise OSError("no space left")

    with monkeypatch.context() as broken:
        broken.setattr("pathlib.Path.replace", disk_is_full)
        with pytest.raises(OSError, match="no space"):
            pretrain(cells, small_config, path)
    assert path.read_bytes() == before
    with safe_open(path, framework="pt") as file:
        assert len(json.loads(file.metadata()["cena"])["history"]) == 2


@pytest.mark.parametrize("change", ["config", "operations", "order"])
def test_checkpoint_of_another_training_is_refused(small_config, cells, tmp_path, change):
    pretrain(cells, small_config, tmp_path / "checkpoint")
    config = replace(small_config, epochs=5) if change == "config" else small_config
    graphs = cells[np.arange(len(cells))]
    if change == "operations":
        graphs.operations[0, 1] = 1 + graphs.operations[0, 1] % 5
    if change == "order":
        graphs = graphs[::-1]
    with pytest.raises(InputError, match="other settings or data"):
        pretrain(graphs, config, tmp_path / "checkpoint")


def test_after_damage_to_the_checkpoint_training_begins_again(small_config, cells, tmp_path, caplog):
    path = tmp_path / "checkpoint"
    first = pretrain(cells, small_config, path)
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    epochs = []
    again = pretrain(cells, small_config, path, lambda epoch, _: epochs.append(epoch))
    assert epochs == [1, 2, 3, 4]
    assert torch.equal(weights(first), weights(again))
    assert f"{path} is damaged: the training begins again" in caplog.text


def test_a_tenth_is_held_out_and_never_seen(small_config, cells):
    training, held_out = held_out_split(len(cells), small_config)
    assert (len(training), len(held_out)) == (45, 5)
    assert sorted([*training, *held_out]) == list(range(50))
    other = cells[np.arange(len(cells))]
    other.operations[held_out, 1:7] = 1 + other.operations[held_out, 1:7] % 5
    assert torch.equal(weights(pretrain(cells, small_config)), weights(pretrain(other, small_config)))
    other.operations[training[0], 1] = 1 + other.operations[training[0], 1] % 5
    assert not torch.equal(weights(pretrain(cells, small_config)), weights(pretrain(other, small_config)))


def test_a_sample_is_part_of_the_training_graphs(small_config):
    training, held_out = held_out_split(50, small_config)
    some, same = held_out_split(50, replace(small_config, sample=20))
    assert np.array_equal(some, training[:20])
    assert np.array_equal(same, held_out)
    assert not np.array_equal(held_out_split(50, replace(small_config, seed=1))[1], held_out)
    with pytest.raises(InputError, match="sample of arch2vec is 46: 45 of 50 graphs"):
        held_out_split(50, replace(small_config, sample=46))
    with pytest.raises(InputError, match="was given 1 graphs"):
        held_out_split(1, small_config)


def test_embedding_does_not_depend_on_what_else_is_embedded(small_config, cells):
    model = pretrain(cells, small_config)
    together = encode_graphs(model, cells)
    np.testing.assert_allclose(encode_graphs(model, cells[7:9]), together[7:9], rtol=1e-4, atol=1e-6)
    assert len(np.unique(together.round(5), axis=0)) == len(cells)


def test_large_spaces_are_embedded_in_parts(small_config, cells, monkeypatch):
    model = pretrain(cells, small_config)
    whole = encode_graphs(model, cells)
    monkeypatch.setattr("cena.arch2vec.training._EMBEDDED_AT_ONCE", 7)
    np.testing.assert_allclose(encode_graphs(model, cells), whole, rtol=1e-4, atol=1e-6)


def test_graphs_of_another_space_are_refused(small_config):
    graphs = nas_bench_101_cells(CHAIN, RESIDUAL)
    with pytest.raises(InputError, match="5 kinds of operations and the autoencoder 7"):
        encode_graphs(Arch2vec(small_config), graphs)
    with pytest.raises(InputError, match="5 kinds of operations and the autoencoder 7"):
        pretrain(graphs, small_config)


def test_a_loss_that_is_not_finite_stops_the_training(small_config, cells, tmp_path):
    with pytest.raises(InputError, match=r"the loss of epoch \d is not finite"):
        pretrain(cells, replace(small_config, learning_rate=1e30), tmp_path / "checkpoint")


def test_read_only_arrays_are_fine(small_config):
    graphs = nas_bench_201_graphs([("none",) * 6, ("skip_connect",) * 6, ("nor_conv_1x1",) * 6])
    graphs.adjacency.setflags(write=False)
    graphs.operations.setflags(write=False)
    assert arch2vec_embedding(graphs, small_config).shape == (3, 6)
