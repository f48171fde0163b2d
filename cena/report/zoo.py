"""Networks that belong to no space of the paper: eight families, each in several widths and depths.

They are the designs' ideas in a few lines, for images of any resolution from 8 pixels a side, not their reference
implementations: what matters here is that they are different kinds of network. The residual network of depth 3 and
width 16 is ResNet-20.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

CLASSES = 10
WIDTHS = (8, 16, 32)
DEPTHS = (1, 2, 3)

Maker = Callable[[int, int, int], nn.Module]
"""Called with (width, depth, resolution)."""


class Residual(nn.Module):
    """The input added to what `branch` makes of it; where shapes differ, `shortcut` adapts the input."""

    def __init__(self, branch: nn.Module, shortcut: nn.Module | None = None):
        super().__init__()
        self.branch = branch
        self.shortcut = shortcut or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map x to branch(x) + shortcut(x)."""
        total: Tensor = self.branch(x) + self.shortcut(x)
        return total


class Joined(nn.Module):
    """The input and what `branch` makes of it, side by side in their channels (dense connectivity)."""

    def __init__(self, branch: nn.Module):
        super().__init__()
        self.branch = branch

    def forward(self, x: Tensor) -> Tensor:
        """Map x to the concatenation of x and branch(x)."""
        return torch.cat([x, self.branch(x)], dim=1)


class Shuffle(nn.Module):
    """Channels of two groups dealt out alternately, so that the next grouped convolution sees both."""

    def forward(self, x: Tensor) -> Tensor:
        """Permute the channels of (n, channels, height, width)."""
        number, channels, height, width = x.shape
        return x.reshape(number, 2, channels // 2, height, width).transpose(1, 2).reshape(x.shape)


class Patches(nn.Module):
    """Images cut into 4x4 patches, each mapped to a token by one linear layer, with learnt positions."""

    def __init__(self, width: int, resolution: int):
        super().__init__()
        self.embed = nn.Conv2d(3, width, resolution // 4, stride=resolution // 4)
        self.positions = nn.Parameter(0.02 * torch.randn(16, width))

    def forward(self, x: Tensor) -> Tensor:
        """Map images (n, 3, resolution, resolution) to tokens (n, 16, width)."""
        tokens: Tensor = self.embed(x).flatten(2).transpose(1, 2) + self.positions
        return tokens


class Attention(nn.Module):
    """Self-attention among tokens, with as many heads as there are eights in the width."""

    def __init__(self, width: int):
        super().__init__()
        self.attention = nn.MultiheadAttention(width, max(1, width // 8), batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (n, tokens, width) to the same shape."""
        mixed: Tensor = self.attention(x, x, x, need_weights=False)[0]
        return mixed


class AcrossTokens(nn.Module):
    """A module applied along the tokens instead of along the features."""

    def __init__(self, module: nn.Module):
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (n, tokens, width) to the same shape."""
        mixed: Tensor = self.module(x.transpose(1, 2)).transpose(1, 2)
        return mixed


class MeanToken(nn.Module):
    """The mean over tokens."""

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (n, tokens, width) to (n, width)."""
        return x.mean(dim=1)


def convolution(before: int, after: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution and BatchNorm."""
    layer = nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(after))


def head(channels: int) -> nn.Sequential:
    """Global average pooling and the classifier."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, CLASSES))


def stages(width: int, depth: int) -> list[tuple[int, int, int]]:
    """(channels before, channels after, stride) of the blocks of three stages of doubled width."""
    blocks, before = [], width
    for stage in range(3):
        for block in range(depth):
            blocks.append((before, width * 2**stage, 2 if stage and not block else 1))
            before = width * 2**stage
    return blocks


def resnet(width: int, depth: int, _resolution: int) -> nn.Module:
    """A residual network of three stages of `depth` blocks; He et al. (2016)."""
    layers: list[nn.Module] = [convolution(3, width), nn.ReLU()]
    for before, after, stride in stages(width, depth):
        branch = nn.Sequential(convolution(before, after, 3, stride), nn.ReLU(), convolution(after, after))
        layers += [Residual(branch, None if before == after else convolution(before, after, 1, stride)), nn.ReLU()]
    return nn.Sequential(*layers, head(4 * width))


def vgg(width: int, depth: int, _resolution: int) -> nn.Module:
    """Plain convolutions with BatchNorm and max pooling; Simonyan and Zisserman (2015)."""
    layers: list[nn.Module] = [convolution(3, width), nn.ReLU()]
    for before, after, stride in stages(width, depth):
        layers += [nn.MaxPool2d(2)] if stride == 2 else []
        layers += [convolution(before, after), nn.ReLU()]
    return nn.Sequential(*layers, head(4 * width))


def mobilenet(width: int, depth: int, _resolution: int) -> nn.Module:
    """Inverted residuals with depthwise convolutions and linear bottlenecks; Sandler et al. (2018)."""
    layers: list[nn.Module] = [convolution(3, width), nn.ReLU6()]
    for before, after, stride in stages(width, depth):
        inner = 4 * before
        branch = nn.Sequential(
            convolution(before, inner, 1),
            nn.ReLU6(),
            convolution(inner, inner, 3, stride, groups=inner),
            nn.ReLU6(),
            convolution(inner, after, 1),
        )
        layers.append(Residual(branch) if (before, stride) == (after, 1) else branch)
    return nn.Sequential(*layers, head(4 * width))


def shufflenet(width: int, depth: int, _resolution: int) -> nn.Module:
    """Grouped pointwise convolutions, channel shuffle, depthwise convolutions; Zhang et al. (2018)."""
    layers: list[nn.Module] = [convolution(3, width), nn.ReLU()]
    for before, after, stride in stages(width, depth):
        branch = nn.Sequential(
            convolution(before, after, 1, groups=2),
            nn.ReLU(),
            Shuffle(),
            convolution(after, after, 3, stride, groups=after),
            convolution(after, after, 1, groups=2),
        )
        same = (before, stride) == (after, 1)
        layers += [Residual(branch, None if same else convolution(before, after, 1, stride)), nn.ReLU()]
    return nn.Sequential(*layers, head(4 * width))


def densenet(width: int, depth: int, _resolution: int) -> nn.Module:
    """Three blocks of `depth` layers that each add half the width, halved in between; Huang et al. (2017)."""
    channels, layers = width, [convolution(3, width)]
    for stage in range(3):
        if stage:
            layers.append(nn.Sequential(nn.Conv2d(channels, channels // 2, 1, bias=False), nn.AvgPool2d(2)))
            channels //= 2
        for _ in range(depth):
            branch = nn.Sequential(
                nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, width // 2, 3, padding=1, bias=False)
            )
            layers.append(nn.Sequential(Joined(branch)))
            channels += width // 2
    return nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU(), head(channels))


def perceptron(width: int, hidden: int) -> nn.Sequential:
    """LayerNorm and two layers with a GELU between them."""
    return nn.Sequential(nn.LayerNorm(width), nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))


def mixer(width: int, depth: int, resolution: int) -> nn.Module:
    """Perceptrons in turn across tokens and across features; Tolstikhin et al. (2021)."""
    blocks: list[nn.Module] = []
    for _ in range(2 * depth):
        blocks += [Residual(AcrossTokens(perceptron(16, 32))), Residual(perceptron(2 * width, 4 * width))]
    last = nn.Sequential(nn.LayerNorm(2 * width), MeanToken(), nn.Linear(2 * width, CLASSES))
    return nn.Sequential(Patches(2 * width, resolution), *blocks, last)


def vit(width: int, depth: int, resolution: int) -> nn.Module:
    """A vision transformer, without BatchNorm and ReLU; Dosovitskiy et al. (2021)."""
    blocks: list[nn.Module] = []
    for _ in range(2 * depth):
        attention = nn.Sequential(nn.LayerNorm(2 * width), Attention(2 * width))
        blocks += [Residual(attention), Residual(perceptron(2 * width, 4 * width))]
    last = nn.Sequential(nn.LayerNorm(2 * width), MeanToken(), nn.Linear(2 * width, CLASSES))
    return nn.Sequential(Patches(2 * width, resolution), *blocks, last)


def mlp(width: int, depth: int, resolution: int) -> nn.Module:
    """A plain perceptron on the pixels, `depth` hidden layers of eight times the width."""
    layers: list[nn.Module] = [nn.Flatten()]
    before = 3 * resolution**2
    for _ in range(depth):
        layers += [nn.Linear(before, 8 * width), nn.ReLU()]
        before = 8 * width
    return nn.Sequential(*layers, nn.Linear(before, CLASSES))


FAMILIES: dict[str, Maker] = {
    "ResNet": resnet,
    "VGG": vgg,
    "MobileNet": mobilenet,
    "ShuffleNet": shufflenet,
    "DenseNet": densenet,
    "MLP-Mixer": mixer,
    "ViT": vit,
    "MLP": mlp,
}
