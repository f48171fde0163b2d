"""Checkpoints: a training that stops and goes on reaches the bytes of one that does not, whatever the optimiser."""

import numpy as np
import pytest
import torch
from torch import nn

from cena.errors import InputError
from cena.tensor_files import part_of, read_checkpoint, write_checkpoint

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
