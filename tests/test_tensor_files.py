"""Tensor files: no damage is read as good. Checkpoints: a training that stops and goes on reaches the bytes of one that
does not, whatever the optimiser."""

import json

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from cena.errors import DamagedError, InputError
from cena.tensor_files import part_of, read_checkpoint, read_tensors, write_checkpoint, write_tensors

IDENTITY = {"seed": 1}


def training(kind, fused):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2))
    network.to(memory_format=torch.channels_last)
    return network, kind(network.parameters(), lr=0.1, fused=fused)


def step(network, optimizer, seed):
    images = torch.randn(5, 3, 4, 4, generator=torch.Generator().manual_seed(seed))
    optimizer.zero_grad()
    network(images.contiguous(memory_format=torch.channels_last)).square().sum().backward()
    optimizer.step()


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.AdamW])
@pytest.mark.parametrize("fused", [False, True])
def test_a_training_goes_on_to_the_same_bytes(tmp_path, kind, fused):
    network, optimizer = training(kind, fused)
    step(network, optimizer, 0)
    weights = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    write_checkpoint(tmp_path / "a", IDENTITY, weights, optimizer, {"epochs": 1})
    step(network, optimizer, 1)
    resumed, other = training(kind, fused)
    tensors, progress = read_checkpoint(tmp_path / "a", IDENTITY, other)
    assert progress == {"epochs": 1}
    assert tensors.keys() == weights.keys()
    resumed.load_state_dict(part_of(tensors, "network"))
    step(resumed, other, 1)
    for one, same in zip(network.parameters(), resumed.parameters(), strict=True):
        np.testing.assert_array_equal(one.detach().numpy(), same.detach().numpy())


def test_a_finished_training_keeps_no_moments(tmp_path):
    network, optimizer = training(torch.optim.Adam, False)
    step(network, optimizer, 0)
    write_checkpoint(tmp_path / "a", IDENTITY, network.state_dict())
    assert read_checkpoint(tmp_path / "a", IDENTITY, optimizer)[0].keys() == network.state_dict().keys()
    assert not optimizer.state_dict()["state"]


def test_another_training_is_refused_and_changes_nothing(tmp_path):
    network, optimizer = training(torch.optim.Adam, False)
    write_checkpoint(tmp_path / "a", IDENTITY, network.state_dict(), optimizer)
    step(network, optimizer, 0)
    before = optimizer.state_dict()["state"][0]["exp_avg"].clone()
    with pytest.raises(InputError, match="belongs to a training with other settings or data; delete it or give"):
        read_checkpoint(tmp_path / "a", {"seed": 2}, optimizer)
    assert torch.equal(optimizer.state_dict()["state"][0]["exp_avg"], before)


TENSORS = {"weights": torch.arange(6.0).reshape(2, 3), "count": torch.tensor(3), "mask": torch.tensor([True, False])}
DESCRIPTION = {"config": {"width": 3, "rates": [0.1, 2.0]}, "name": "ä"}


def equal(found, tensors) -> bool:
    return found.keys() == tensors.keys() and all(
        found[name].dtype == tensors[name].dtype and torch.equal(found[name], tensors[name]) for name in tensors
    )


def test_every_flipped_bit_is_noticed_or_changes_nothing(tmp_path):
    path = tmp_path / "file"
    write_tensors(path, "a thing", TENSORS, DESCRIPTION)
    whole = path.read_bytes()
    noticed = 0
    for position in range(len(whole)):
        content = bytearray(whole)
        content[position] ^= 1 << position % 8
        path.write_bytes(content)
        try:
            tensors, description = read_tensors(path, "a thing")
        except DamagedError as error:
            assert str(path) in str(error)  # noqa: PT017 (what is read without an error is looked at as well)
            noticed += 1
        else:
            assert equal(tensors, TENSORS)
            assert description.items() >= DESCRIPTION.items()  # perhaps also a digest under another name
    assert noticed > 0.9 * len(whole)


def test_a_file_from_before_the_digest_is_read(tmp_path):
    header = json.dumps({"kind": "a thing", **DESCRIPTION})
    (tmp_path / "file").write_bytes(safetensors.torch.save(TENSORS, {"cena": header}))
    tensors, description = read_tensors(tmp_path / "file", "a thing")
    assert equal(tensors, TENSORS)
    assert description == DESCRIPTION


NESTED = pytest.param("[" * 100_000, id="nested")


@pytest.mark.parametrize("header", ["[]", "3", '"text"', "{}", "{", '{"kind": "a thing", "sha256": 3}', NESTED])
def test_another_description_is_damage(tmp_path, header):
    (tmp_path / "file").write_bytes(safetensors.torch.save(TENSORS, {"cena": header}))
    with pytest.raises(DamagedError, match="is damaged or no file of cena"):
        read_tensors(tmp_path / "file", "a thing")


@pytest.mark.parametrize("damage", [lambda content: content[:-10], lambda content: bytes(len(content)), lambda _: b""])
def test_a_damaged_checkpoint_counts_as_none_and_it_is_said(tmp_path, caplog, damage):
    network, optimizer = training(torch.optim.Adam, False)
    path = tmp_path / "a"
    assert read_checkpoint(path, IDENTITY, optimizer) is None
    assert not caplog.text
    write_checkpoint(path, IDENTITY, network.state_dict(), optimizer)
    path.write_bytes(damage(path.read_bytes()))
    assert read_checkpoint(path, IDENTITY, optimizer) is None
    assert f"{path} is damaged: the training begins again" in caplog.text
