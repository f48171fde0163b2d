"""The PyTorch networks of DARTS, as they are trained after the search.

A 3x3 stem, three stages of normal cells with a reduction cell between them that halves the resolution and doubles the
channels, global average pooling and one linear layer. A cell reads the outputs of the two cells before it, each
brought to the cell's own channels, and concatenates its four nodes.

Source: Liu, Simonyan and Yang, "DARTS" (ICLR 2019), section 3.1; the released `model.py` and `operations.py`.
Departures: no auxiliary head and no dropped paths, which only training uses. Images of odd height or width are reduced
too: the second half of a factorised reduction is padded by zeros. At even ones this is the original.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from cena.spaces.darts.genotypes import CELL_INPUTS, CELL_NODES, DartsCell

STEM_MULTIPLIER = 3
"""The stem has three times the channels of the first cell's nodes."""


class PointwiseConv(nn.Sequential):
    """ReLU, 1x1 convolution without bias, BatchNorm: what a cell reads, at the cell's own channels."""

    def __init__(self, channels_in: int, channels_out: int):
        super().__init__(nn.ReLU(), nn.Conv2d(channels_in, channels_out, 1, bias=False), nn.BatchNorm2d(channels_out))


class FactorizedReduction(nn.Module):
    """ReLU, two 1x1 convolutions of stride 2 that start at the first and at the second pixel, BatchNorm."""

    def __init__(self, channels_in: int, channels_out: int):
        super().__init__()
        half = channels_out // 2
        self.even = nn.Conv2d(channels_in, half, 1, stride=2, bias=False)
        self.odd = nn.Conv2d(channels_in, channels_out - half, 1, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, channels_in, height, width) to (n, channels_out, height / 2, width / 2), rounded up."""
        x = functional.relu(x)
        shifted = functional.pad(x, (-1, 1, -1, 1))
        output: Tensor = self.norm(torch.cat([self.even(x), self.odd(shifted)], dim=1))
        return output


class DepthwiseConv(nn.Sequential):
    """ReLU, a convolution of each channel by itself, a 1x1 convolution, BatchNorm; both without bias."""

    def __init__(self, channels: int, kernel: int, stride: int, dilation: int = 1):
        padding = dilation * (kernel // 2)
        super().__init__(
            nn.ReLU(),
            nn.Conv2d(channels, channels, kernel, stride, padding, dilation, groups=channels, bias=False),
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        )


class Zero(nn.Module):
    """Zeros where the input is, on every `stride`-th pixel."""

    def __init__(self, stride: int):
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, channels, height, width) to zeros of (n, channels, height / stride, width / stride), rounded up."""
        return torch.zeros_like(x[:, :, :: self.stride, :: self.stride])


def darts_operation(name: str, channels: int, stride: int) -> nn.Module:
    """The module of an edge, which keeps the number of channels."""
    if name == "none":
        return Zero(stride)
    if name == "max_pool_3x3":
        return nn.MaxPool2d(3, stride, padding=1)
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride, padding=1, count_include_pad=False)
    if name == "skip_connect":
        return nn.Identity() if stride == 1 else FactorizedReduction(channels, channels)
    kernel = 3 if name.endswith("3x3") else 5
    if name.startswith("dil_conv"):
        return DepthwiseConv(channels, kernel, stride, dilation=2)
    return nn.Sequential(DepthwiseConv(channels, kernel, stride), DepthwiseConv(channels, kernel, 1))


class DartsCellModule(nn.Module):
    """One cell.

    Parameters
    ----------
    cell : its edges.
    channels_in : of the outputs of the cell before the last and of the last one.
    channels : of each node; the output has four times as many.
    reduction : whether it halves the resolution.
    after_reduction : whether the last cell did, so that the one before it has twice its resolution.
    """

    def __init__(
        self, cell: DartsCell, channels_in: tuple[int, int], channels: int, reduction: bool, after_reduction: bool
    ):
        super().__init__()
        before, last = channels_in
        self.before = (FactorizedReduction if after_reduction else PointwiseConv)(before, channels)
        self.last = PointwiseConv(last, channels)
        edges = [edge for node in cell for edge in node]
        self.sources = [source for _, source in edges]
        self.operations = nn.ModuleList(
            darts_operation(name, channels, 2 if reduction and source < CELL_INPUTS else 1) for name, source in edges
        )

    def forward(self, before: Tensor, last: Tensor) -> Tensor:
        """Map the outputs of the cell before the last and of the last one to (n, 4 channels, height, width)."""
        values = [self.before(before), self.last(last)]
        for place in range(0, len(self.sources), 2):
            one, other = (self.operations[i](values[self.sources[i]]) for i in (place, place + 1))
            values.append(one + other)
        return torch.cat(values[CELL_INPUTS:], dim=1)


class DartsNetwork(nn.Module):
    """A whole network: (n, 3, height, width) to (n, classes) logits.

    Parameters
    ----------
    cells : each cell in turn, and whether it is a reduction.
    channels : of a node of the first cell, doubled at each reduction.
    classes : number of logits.
    """

    def __init__(self, cells: Sequence[tuple[DartsCell, bool]], channels: int, classes: int):
        super().__init__()
        stem = STEM_MULTIPLIER * channels
        self.stem = nn.Sequential(nn.Conv2d(3, stem, 3, padding=1, bias=False), nn.BatchNorm2d(stem))
        self.cells = nn.ModuleList()
        before, last, after_reduction = stem, stem, False
        for cell, reduction in cells:
            channels *= 2 if reduction else 1
            self.cells.append(DartsCellModule(cell, (before, last), channels, reduction, after_reduction))
            before, last, after_reduction = last, CELL_NODES * channels, reduction
        self.classifier = nn.Linear(last, classes)

    def forward(self, images: Tensor) -> Tensor:
        """The logits of some images."""
        before = last = self.stem(images)
        for cell in self.cells:
            before, last = last, cell(before, last)
        logits: Tensor = self.classifier(last.mean(dim=(2, 3)))
        return logits
