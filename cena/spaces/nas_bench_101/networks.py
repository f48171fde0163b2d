"""The PyTorch networks of NAS-Bench-101.

A 3x3 stem, then three stacks of cells; before the second and the third stack 2x2 max pooling halves the resolution, and
their first cell doubles the channels; global average pooling and one linear layer. Every convolution has no bias and is
followed by BatchNorm and ReLU.

Source: Ying et al., "NAS-Bench-101" (ICML 2019), sections 2.1 and 2.3, Fig. 1; the released `model_builder.py`, which
decides where the paper is silent.
Departure: weights start from PyTorch's default, uniform, where the original draws them from a normal distribution of
the same mean. BatchNorm follows every convolution, so their scale does not matter.
"""

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise

import torch
from torch import Tensor, nn

from cena.spaces.nas_bench_101.cells import NasBench101Cell
from cena.spaces.nas_bench_201.networks import ConvNorm


def vertex_channels(cell: NasBench101Cell, channels_in: int, channels_out: int) -> list[int]:
    """Output channels of every vertex: `compute_vertex_channels` of the original.

    The inner vertices that feed the output share its channels, since it concatenates them; where the division leaves a
    remainder, the first of them have one channel more. Any other vertex has as many channels as the widest inner vertex
    that reads it; a narrower one reads its first channels.
    """
    output = cell.vertices - 1
    channels = [channels_in] + [0] * cell.vertices
    concatenated = [source for source in cell.inputs(output) if source > 0]
    for place, vertex in enumerate(concatenated):
        channels[vertex] = channels_out // len(concatenated) + (place < channels_out % len(concatenated))
    for vertex in reversed(range(1, output)):
        if vertex not in concatenated:
            channels[vertex] = max(channels[t] for t in range(vertex + 1, output) if vertex in cell.inputs(t))
    return [*channels[:output], channels_out]


class ConvNormReLU(nn.Sequential):
    """Convolution without bias, BatchNorm, ReLU."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int):
        super().__init__(*ConvNorm(channels_in, channels_out, kernel), nn.ReLU(inplace=True))


def vertex_module(operation: str, channels: int) -> nn.Module:
    """The operation of an inner vertex, which keeps the number of channels."""
    if operation == "maxpool3x3":
        return nn.MaxPool2d(3, stride=1, padding=1)
    return ConvNormReLU(channels, channels, kernel=3 if operation == "conv3x3" else 1)


class NasBench101CellModule(nn.Module):
    """One cell: an inner vertex applies its operation to the sum of what it reads.

    The cell's input is read through a 1x1 projection of the reader's own width, an inner vertex by its first channels.
    The output concatenates the inner vertices it reads and adds its projection of the input.
    """

    def __init__(self, cell: NasBench101Cell, channels_in: int, channels_out: int):
        super().__init__()
        self.channels = vertex_channels(cell, channels_in, channels_out)
        self.inputs = [cell.inputs(vertex) for vertex in range(cell.vertices)]
        self.projections = nn.ModuleDict(
            {
                str(vertex): ConvNormReLU(channels_in, self.channels[vertex], kernel=1)
                for vertex, sources in enumerate(self.inputs)
                if 0 in sources
            }
        )
        self.operations = nn.ModuleList(
            vertex_module(name, self.channels[vertex]) for vertex, name in enumerate(cell.operations, start=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, channels_in, height, width) to (n, channels_out, height, width)."""
        values = [x]
        for vertex, operation in enumerate(self.operations, start=1):
            read = [first_channels(values[s], self.channels[vertex]) for s in self.inputs[vertex] if s > 0]
            values.append(operation(self._with_projection(read, vertex, x)))
        output = len(values)
        read = [values[s] for s in self.inputs[output] if s > 0]
        return self._with_projection([torch.cat(read, dim=1)] if read else [], output, x)

    def _with_projection(self, terms: list[Tensor], vertex: int, x: Tensor) -> Tensor:
        """The sum of the terms and, where the vertex reads the cell's input, of its projection."""
        if 0 in self.inputs[vertex]:
            terms = [*terms, self.projections[str(vertex)](x)]
        return reduce(torch.add, terms)


def first_channels(x: Tensor, channels: int) -> Tensor:
    """The first channels of images; all of them without a copy of their gradient, which slicing would make."""
    return x if x.shape[1] == channels else x[:, :channels]


def nas_bench_101_network(cell: NasBench101Cell, stacks: Sequence[Sequence[int]], classes: int) -> nn.Sequential:
    """A whole network: (n, 3, height, width) to (n, classes) logits.

    Parameters
    ----------
    cell : the cell, the same everywhere.
    stacks : for each stack its widths: channels of its input, then of the output of each of its cells. The benchmark's
        are ``[[128] * 4, [128] + [256] * 3, [256] + [512] * 3]``. Each width is at least the number of inner vertices
        that feed the cell's output.
    classes : number of logits.
    """
    layers: list[nn.Module] = [ConvNormReLU(3, stacks[0][0], kernel=3)]
    for i, widths in enumerate(stacks):
        if i > 0:
            layers.append(nn.MaxPool2d(2, ceil_mode=True))
        layers.extend(NasBench101CellModule(cell, before, after) for before, after in pairwise(widths))
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(stacks[-1][-1], classes)]
    return nn.Sequential(*layers)
