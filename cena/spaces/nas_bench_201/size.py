"""The size space: one cell, five numbers of channels."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray
from torch import nn

from cena.computing import drawn_from
from cena.errors import InputError
from cena.spaces.base import Space, check_index, check_text
from cena.spaces.nas_bench_201.cells import CONVOLUTIONS, EDGES, parse_topology_cell
from cena.spaces.nas_bench_201.networks import cell_network

CELL = parse_topology_cell(
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
)
LAYERS = 5


class SizeSpace(Space):
    """Networks that differ in the width of five layers only, written ``c1:c2:c3:c4:c5``.

    The stem has c1 channels; then a cell c1 to c1, a reduction c1 to c2, a cell c2 to c3, a reduction c3 to c4 and a
    cell c4 to c5. Architectures are numbered in lexicographic order of their widths. No two compute the same
    functions, so every architecture is a class of its own.

    Parameters
    ----------
    name : the space's name.
    widths : the numbers of channels each layer can have, ascending.
    resolution : height and width of the input images in pixels.
    outputs : number of logits.

    Source: Dong et al., "NATS-Bench" (TPAMI 2021), section 3.2, which has widths 8, 16, ..., 64 and 32x32 images.
    """

    def __init__(self, name: str, widths: Sequence[int], resolution: int = 32, outputs: int = 10):
        self.name = name
        self.widths = tuple(widths)
        self.resolution = resolution
        self.outputs = outputs
        self._channels = list(product(self.widths, repeat=LAYERS))

    def __len__(self) -> int:
        return len(self._channels)

    def architecture(self, index: int) -> str:
        """The widths of an architecture as ``c1:c2:c3:c4:c5``."""
        check_index(self, index)
        return ":".join(map(str, self._channels[index]))

    def index(self, architecture: str) -> int:
        """The index of an architecture; raises `InputError` unless it is five widths of the space joined by colons."""
        check_text(self, architecture)
        positions = {str(width): position for position, width in enumerate(self.widths)}
        parts = architecture.split(":")
        if len(parts) != LAYERS or not all(part.isascii() and part.isdigit() for part in parts):
            raise InputError(
                f"malformed architecture '{architecture}': expected {LAYERS} numbers of channels c1:c2:c3:c4:c5"
            )
        index = 0
        for part in parts:
            if part not in positions:
                raise InputError(f"{part} channels in '{architecture}': space '{self.name}' has {self.widths}")
            index = index * len(self.widths) + positions[part]
        return index

    def build(self, index: int, seed: int) -> nn.Module:
        """The network of an architecture with PyTorch's default initialisation, drawn from `seed` alone."""
        check_index(self, index)
        c1, c2, c3, c4, c5 = self._channels[index]
        with drawn_from(seed):
            return cell_network(CELL, [[c1, c1], [c2, c3], [c4, c5]], self.outputs)

    def parameters(self, index: int) -> int:
        """Exact number of trainable parameters."""
        check_index(self, index)
        c1, c2, c3, c4, c5 = self._channels[index]
        stem = 27 * c1 + 2 * c1
        reductions = sum(10 * a * b + 9 * b * b + 4 * b for a, b in ((c1, c2), (c3, c4)))
        head = 2 * c5 + c5 * self.outputs + self.outputs
        return stem + sum(_cell_parameters(a, b) for a, b in ((c1, c1), (c2, c3), (c4, c5))) + reductions + head

    def choices(self) -> tuple[NDArray[np.int64], tuple[int, ...]]:
        """(n, 5) the position of each width in :attr:`widths`, and how many widths each layer can have."""
        return np.searchsorted(self.widths, np.array(self._channels)).astype(np.int64), (len(self.widths),) * LAYERS


def nats_bench_size() -> SizeSpace:
    """The size space of NATS-Bench: all 32,768 networks with 8, 16, ..., 64 channels in each of the five layers."""
    return SizeSpace("nats-bench-size", range(8, 72, 8))


def _cell_parameters(channels_in: int, channels_out: int) -> int:
    total = 0
    for name, (source, _) in zip(CELL, EDGES, strict=True):
        before = channels_in if source == 0 else channels_out
        if name in CONVOLUTIONS:
            total += 9 * before * channels_out + 2 * channels_out
        elif before != channels_out:  # a skip that changes the width is a 1x1 convolution and BatchNorm
            total += before * channels_out + 2 * channels_out
    return total
