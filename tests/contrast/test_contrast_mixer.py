import pytest
import torch

from cena.contrast import Encoder, EncoderConfig, MixerConfig
from cena.contrast.mixer import MixerBlock
from cena.errors import InputError, unknown


def test_shape_and_number_of_parameters():
    config = MixerConfig(points=5, components=3, width=4, depth=2, embedding=7)
    encoder = Encoder(config)
    assert encoder(torch.randn(6, 6, 3)).shape == (6, 7)
    norm = 2 * 4
    over_points = 6 * 12 + 12 + 12 * 6 + 6  # the spectrum is one more row
    over_features = 4 * 8 + 8 + 8 * 4 + 4
    expected = (3 * 4 + 4) + 2 * (2 * norm + over_points + over_features) + norm + (4 * 7 + 7)
    assert sum(parameter.numel() for parameter in encoder.parameters()) == expected


def test_the_papers_sizes_are_the_default():
    config = EncoderConfig(points=64, components=64)
    assert (config.embedding, config.batch, config.redundancy_weight) == (512, 512, 5e-3)


def test_views_of_a_batch_do_not_touch_each_other():
    encoder = Encoder(MixerConfig(points=5, components=3, width=4, embedding=7))
    views = torch.randn(4, 6, 3)
    torch.testing.assert_close(encoder(views)[2:3], encoder(views[2:3]))


def influence(layer, x):
    """Which points of the result each point of the input reaches, and the same for features: two boolean matrices."""
    jacobian = torch.autograd.functional.jacobian(layer, x)[0, :, :, 0].abs()  # (points, width, points, width)
    return jacobian.amax(dim=(1, 3)) > 0, jacobian.amax(dim=(0, 2)) > 0


def test_a_block_mixes_over_points_and_over_features():
    x = torch.randn(1, 5, 4)
    block = MixerBlock(points=5, width=4)
    for reached in influence(block, x):
        assert reached.all()
    for layer in block.mix_points[2], block.mix_features[2]:
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    torch.testing.assert_close(block(x), x)  # without the perceptrons only the residual path is left


@pytest.mark.parametrize(("silent", "mixed"), [("mix_points", "features"), ("mix_features", "points")])
def test_each_perceptron_mixes_its_own_dimension(silent, mixed):
    block = MixerBlock(points=5, width=4)
    torch.nn.init.zeros_(getattr(block, silent)[2].weight)
    points, features = influence(block, torch.randn(1, 5, 4))
    # With one perceptron silent, points meet only in mix_points; features also meet in its layer normalisation.
    assert torch.equal(points, torch.eye(5, dtype=torch.bool)) == (mixed == "features")
    assert features.all()


@pytest.mark.parametrize(
    ("name", "value"),
    [("points", 0), ("width", 1.5), ("depth", -1), ("epochs", 0), ("batch", 1), ("seed", -1), ("learning_rate", -1.0),
     ("weight_decay", float("nan"))],
)  # fmt: skip
def test_values_out_of_range_are_refused(name, value):
    with pytest.raises(InputError, match=f"^{name} of the encoder"):
        EncoderConfig(**{"points": 4, "components": 4, name: value})


def test_unknown_precision_is_refused():
    with pytest.raises(InputError) as raised:
        EncoderConfig(points=4, components=4, precision="float23")
    assert str(raised.value) == str(unknown("precision", "float23", ["auto", "float32"]))
