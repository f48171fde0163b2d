"""How the package computes with torch, the same everywhere: seeds, threads, precision and the order of memory."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import torch
from torch import nn


@contextmanager
def drawn_from(seed: int) -> Iterator[None]:
    """Within this context torch draws weights and noise from `seed`; the global generator stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


@contextmanager
def own_settings() -> Iterator[None]:
    """Within this context torch and NumPy compute as they do out of the box, whatever the process has been told:
    gradients are on, numbers are float32 on the processor, and NumPy warns where it always does."""
    dtype = torch.get_default_dtype()
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"))
        if torch.get_default_device().type != "cpu":  # only then: such a context slows every call of torch
            stack.enter_context(torch.device("cpu"))
        torch.set_default_dtype(torch.float32)
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)


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
