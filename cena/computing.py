"""How the package computes with torch, the same everywhere: seeds, threads, precision and the order of memory."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def drawn_from(seed: int) -> Iterator[None]:
    """Within this context torch draws weights and noise from `seed`; the global generator stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


@contextmanager
def one_thread() -> Iterator[None]:
    """Within this context torch computes on one thread, as each of several workers should."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def native_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 matrices itself (AMX or AVX-512 BF16).

    Emulated they are slower than float32.
    """
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


def channels_last(network: nn.Module) -> nn.Module:
    """The network itself, with its weights in the order of memory in which convolutions are fastest."""
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]  # not in the stubs
