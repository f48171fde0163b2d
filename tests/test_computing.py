"""What the package asks of torch: seeds and threads that leave no trace, and the precision the processor has."""

import pytest
import torch
from torch import nn

from cena.computing import channels_last, drawn_from, native_bfloat16, one_thread


def test_a_seed_decides_what_is_drawn_and_leaves_the_global_generator_alone():
    state = torch.get_rng_state()
    with drawn_from(3):
        first = torch.rand(4)
    with drawn_from(3):
        same = torch.rand(4)
    with drawn_from(4):
        other = torch.rand(4)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)


def fails_on_one_thread():
    with one_thread():
        assert torch.get_num_threads() == 1
        raise ValueError("on purpose")


def test_threads_are_given_back_even_after_an_error():
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with pytest.raises(ValueError, match="on purpose"):
            fails_on_one_thread()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize(
    ("capabilities", "native"),
    [
        ({}, False),
        ({"avx512_f": True}, False),
        ({"amx_bf16": False, "avx512_bf16": False}, False),
        ({"amx_bf16": True}, True),
        ({"amx_bf16": False, "avx512_bf16": True}, True),
    ],
)
def test_bfloat16_is_native_where_the_processor_multiplies_it(monkeypatch, capabilities, native):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert native_bfloat16() is native


def test_channels_come_last_in_memory_only():
    network = nn.Conv2d(3, 4, 3)
    before = network.weight.detach().clone()
    assert channels_last(network) is network
    assert network.weight.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(network.weight, before)
