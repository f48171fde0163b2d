"""The PyTorch networks of NAS-Bench-201 and of the NATS-Bench size space.

Both benchmarks share one skeleton: a 3x3 stem, stages of cells separated by residual blocks that halve the resolution,
and a head of BatchNorm, ReLU, global average pooling and one linear layer.

Source: Dong & Yang, "NAS-Bench-201" (ICLR 2020), Fig. 1; Dong et al., "NATS-Bench" (TPAMI 2021), section 3.
Departure: a cell computes only what reaches its output with a non-zero input. At initialisation, where the paper looks
at networks, this changes nothing; a trained original could add the bias of a BatchNorm whose input is zero.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from cena.spaces.nas_bench_201.cells import CONVOLUTIONS, EDGES, TopologyCell, live_convolutions


class ConvNorm(nn.Sequential):
    """Convolution without bias, BatchNorm."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int = 1):
        super().__init__(
            nn.Conv2d(channels_in, channels_out, kernel, stride, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(channels_out),
        )


class AveragePool(nn.Module):
    """3x3 average of the pixels inside the image, stride 1: average pooling with ``count_include_pad=False``.

    Written as a depthwise box filter divided by the number of pixels inside, whose gradient takes a third of the time
    of ``avg_pool2d``'s.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Pool images of shape (n, channels, height, width) to the same shape."""
        channels, height, width = x.shape[1:]
        box = torch.ones(channels, 1, 3, 3, dtype=x.dtype)
        rows, columns = _neighbours(height), _neighbours(width)
        total = functional.conv2d(x, box, padding=1, groups=channels)
        average: Tensor = total / torch.outer(rows, columns).to(total.dtype)
        return average


def _neighbours(length: int) -> Tensor:
    """(length,) how many of a pixel and its two neighbours in a row of this length exist."""
    place = torch.arange(length)
    return 1 + (place > 0).int() + (place < length - 1).int()


def edge_module(name: str, channels_in: int, channels_out: int) -> nn.Module:
    """The module of an edge that is not ``none``. Convolutions expect their input rectified (ReLU before them)."""
    if name == "skip_connect":
        return nn.Identity() if channels_in == channels_out else ConvNorm(channels_in, channels_out, kernel=1)
    if name == "avg_pool_3x3":
        return AveragePool()
    return ConvNorm(channels_in, channels_out, kernel=3 if name == "nor_conv_3x3" else 1)


class CellModule(nn.Module):
    """One cell: node j sums its operations on all earlier nodes; the last node is the output.

    ``nor_conv`` is ReLU, convolution, BatchNorm; the ReLU of a node is computed once for all convolutions that read it.
    """

    def __init__(self, cell: TopologyCell, channels_in: int, channels_out: int):
        super().__init__()
        self.channels = channels_in, channels_out
        self.edges = nn.ModuleDict(
            {
                str(edge): edge_module(name, channels_in if EDGES[edge][0] == 0 else channels_out, channels_out)
                for edge, name in enumerate(cell)
                if name != "none"
            }
        )
        self.rectified = {edge for edge, name in enumerate(cell) if name in CONVOLUTIONS}
        dead = self.rectified.difference(live_convolutions(cell))
        self.computed = [edge for edge, name in enumerate(cell) if name != "none" and edge not in dead]

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, channels_in, height, width) to (n, channels_out, height, width)."""
        nodes: list[Tensor | None] = [x, None, None, None]
        rectified: dict[int, Tensor] = {}
        for edge in self.computed:
            source, target = EDGES[edge]
            value = nodes[source]
            if value is None:
                continue
            if edge in self.rectified:
                if source not in rectified:
                    rectified[source] = functional.relu(value)
                value = rectified[source]
            term, total = self.edges[str(edge)](value), nodes[target]
            nodes[target] = term if total is None else total + term
        output = nodes[3]
        if output is not None:
            return output
        before, after = self.channels
        return x.new_zeros(len(x), x.shape[1] * after // before, *x.shape[2:])


class ReductionBlock(nn.Module):
    """Residual block of stride 2 between stages; its shortcut has neither BatchNorm nor bias."""

    def __init__(self, channels_in: int, channels_out: int):
        super().__init__()
        self.residual = nn.Sequential(
            nn.ReLU(),
            ConvNorm(channels_in, channels_out, kernel=3, stride=2),
            nn.ReLU(),
            ConvNorm(channels_out, channels_out, kernel=3),
        )
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(channels_in, channels_out, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, channels_in, height, width) to (n, channels_out, height / 2, width / 2)."""
        output: Tensor = self.shortcut(x) + self.residual(x)
        return output


def cell_network(cell: TopologyCell, stages: Sequence[Sequence[int]], classes: int) -> nn.Sequential:
    """A whole network: (n, 3, height, width) to (n, classes) logits.

    Parameters
    ----------
    cell : the cell, the same everywhere.
    stages : for each stage its widths: channels of its input, then of the output of each of its cells. Stages are
        joined by reduction blocks, so ``[[16] * 6, [32] * 6, [64] * 6]`` is the network of NAS-Bench-201.
    classes : number of logits.
    """
    stem = stages[0][0]
    layers: list[nn.Module] = [nn.Conv2d(3, stem, 3, padding=1, bias=False), nn.BatchNorm2d(stem)]
    for i, widths in enumerate(stages):
        if i > 0:
            layers.append(ReductionBlock(stages[i - 1][-1], widths[0]))
        layers.extend(CellModule(cell, before, after) for before, after in pairwise(widths))
    last = stages[-1][-1]
    layers += [nn.BatchNorm2d(last), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(last, classes)]
    return nn.Sequential(*layers)
