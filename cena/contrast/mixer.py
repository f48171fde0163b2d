"""The contrastive network: an MLP-Mixer on the (points x components) matrix of a view (the paper's section 4.2).

"Since the input [...] contains structure both in the Jacobian dimension and the data-point dimension", the network
alternates between mixing over the data points and mixing over the components. There is neither attention nor
convolution: every layer is a small _perceptron that is shared along the other dimension.

Source: Tolstikhin et al., MLP-Mixer: An all-MLP Architecture for Vision, 2021, equation 1. The paper publishes neither
depth nor width; the values here are this project's.
"""

from dataclasses import dataclass, fields

from torch import Tensor, nn

from cena.errors import InputError

_EXPANSION = 2  # hidden units of a _perceptron, in multiples of its inputs


@dataclass(frozen=True, kw_only=True)
class MixerConfig:
    """Sizes of the network.

    Parameters
    ----------
    points, components : shape of a view: its data points (rows) and Jacobian components (columns).
    width : features of a point between the layers.
    depth : number of mixer blocks.
    embedding : length of the embedding.
    """

    points: int
    components: int
    width: int = 128
    depth: int = 2
    embedding: int = 512

    def __post_init__(self) -> None:
        for field in fields(MixerConfig):
            value = getattr(self, field.name)
            if not isinstance(value, int) or value < 1:
                raise InputError(f"{field.name} of the encoder is {value!r}; expected a whole number of at least 1")


class Encoder(nn.Module):
    """Views of shape (batch, points + 1, components) to embeddings of shape (batch, embedding).

    The row after the points is the spectrum (see :func:`cena.contrast.encoder_input`), one more token to the mixer.
    """

    def __init__(self, config: MixerConfig) -> None:
        super().__init__()
        self.embed_point = nn.Linear(config.components, config.width)
        self.blocks = nn.Sequential(*(MixerBlock(config.points + 1, config.width) for _ in range(config.depth)))
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, config.embedding)

    def forward(self, views: Tensor) -> Tensor:
        """Embed a batch of views, as prepared by :func:`cena.contrast.encoder_input`."""
        x = self.embed_point(views)  # (batch, points + 1, width)
        x = self.norm(self.blocks(x))  # (batch, points + 1, width)
        embeddings: Tensor = self.head(x.mean(dim=1))  # (batch, embedding)
        return embeddings


class MixerBlock(nn.Module):
    """One round of mixing, (batch, points, width) to the same shape: first over the points, then over the features."""

    def __init__(self, points: int, width: int) -> None:
        super().__init__()
        self.norm_points = nn.LayerNorm(width)
        self.mix_points = _perceptron(points)
        self.norm_features = nn.LayerNorm(width)
        self.mix_features = _perceptron(width)

    def forward(self, x: Tensor) -> Tensor:
        """Add to `x` what the two perceptrons make of it."""
        columns = self.norm_points(x).transpose(1, 2)  # (batch, width, points)
        x = x + self.mix_points(columns).transpose(1, 2)
        mixed: Tensor = x + self.mix_features(self.norm_features(x))
        return mixed


def _perceptron(size: int) -> nn.Sequential:
    """Two layers with a GELU between them, on the last dimension, which keeps its `size`."""
    return nn.Sequential(nn.Linear(size, _EXPANSION * size), nn.GELU(), nn.Linear(_EXPANSION * size, size))
