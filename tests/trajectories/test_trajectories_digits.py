from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from cena.data import labels
from cena.errors import InputError
from cena.spaces import TopologySpace, digits_size, digits_topology
from cena.spaces.nas_bench_201.cells import parse_topology_cell
from cena.study import digits_benchmark
from cena.trajectories import digits_training
from cena.trajectories.digits_training import GroupedLinear, side_by_side, train_digits

CELLS = [
    parse_topology_cell("|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|avg_pool_3x3~1|nor_conv_1x1~2|"),
    parse_topology_cell("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"),
    parse_topology_cell("|skip_connect~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|"),
]
SMALL = TopologySpace("digits-topology", CELLS, channels=4, cells_per_stage=1, resolution=8)


@pytest.mark.parametrize("space", [SMALL, digits_size()], ids=lambda space: space.name)
def test_side_by_side_computes_each_network_and_its_gradient(space: TopologySpace) -> None:
    networks = [space.build(0, seed).double() for seed in (3, 4)]
    joined = side_by_side(networks)
    images = [torch.randn(5, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(i)) for i in (0, 1)]
    outputs = joined(torch.cat(images, dim=1)).reshape(5, 2, 10)
    outputs.square().sum().backward()
    joined_stem = next(module for module in joined.modules() if isinstance(module, nn.Conv2d))
    for i, (network, batch) in enumerate(zip(networks, images, strict=True)):
        alone = network(batch)
        torch.testing.assert_close(outputs[:, i], alone)
        alone.square().sum().backward()
        stem = next(module for module in network.modules() if isinstance(module, nn.Conv2d))
        channels = len(stem.weight)
        torch.testing.assert_close(joined_stem.weight.grad[i * channels : (i + 1) * channels], stem.weight.grad)


def test_side_by_side_keeps_the_running_statistics_apart() -> None:
    networks = [SMALL.build(0, seed) for seed in (0, 1)]
    joined = side_by_side(networks).train()
    images = torch.randn(6, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    joined(images.repeat(1, 2, 1, 1))
    for network in networks:
        network.train()(images)
    [first, *_] = [module for module in joined.modules() if isinstance(module, nn.BatchNorm2d)]
    means = [next(m for m in network.modules() if isinstance(m, nn.BatchNorm2d)).running_mean for network in networks]
    torch.testing.assert_close(first.running_mean, torch.cat(means))


def test_grouped_linear_is_one_linear_layer_for_each_block() -> None:
    layers = [nn.Linear(4, 2), nn.Linear(4, 2)]
    x = torch.arange(24.0).reshape(3, 8)
    expected = torch.cat([layers[0](x[:, :4]), layers[1](x[:, 4:])], dim=1)
    torch.testing.assert_close(GroupedLinear(layers)(x), expected)


def test_training_repeats_itself_and_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digits_training, "DIGITS_EPOCHS", 2)
    accuracies, seconds = train_digits(digits_topology(), 300, seeds=(0, 1))
    again, _ = train_digits(digits_topology(), 300, seeds=(0, 1))
    np.testing.assert_array_equal(accuracies, again)
    assert accuracies.shape == (2, 2)
    assert (accuracies > 12).all()
    assert (accuracies[0] != accuracies[1]).any()
    assert seconds > 0


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The digits-topology space replaced by three cells, a fast training, and a folder of its own for the table."""

    def quick(_space: TopologySpace, index: int) -> tuple[np.ndarray, float]:
        return np.full((3, 2), 10.0 * index) + np.arange(3)[:, None], 0.5

    monkeypatch.setattr(digits_benchmark, "load", lambda _name: SMALL)
    monkeypatch.setattr(digits_benchmark, "train_digits", quick)
    monkeypatch.setattr(digits_benchmark, "BUNDLED", tmp_path)
    return tmp_path


def test_a_table_has_a_row_for_each_architecture_and_seed(small: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = digits_benchmark.train_table(
        "digits-topology", small / "journal", workers=1, progress=lambda *step: seen.append(step)
    )
    table = pd.read_csv(path)
    assert path.parent == small
    assert list(table.columns) == [
        "architecture",
        "seed",
        "epochs",
        "validation_accuracy",
        "test_accuracy",
        "seconds",
        "parameters",
    ]
    assert list(table["architecture"]) == [SMALL.architecture(i) for i in range(3) for _ in range(3)]
    assert list(table["test_accuracy"]) == [0, 1, 2, 10, 11, 12, 20, 21, 22]
    assert seen == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("left", [lambda line: line[:20], lambda line: line[:-5] + chr(ord(line[-5]) ^ 1) + line[-4:]])
def test_a_killed_training_goes_on_from_its_journal(
    left: Callable[[str], str], small: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whether the kill has cut the second line off, or one bit of it is flipped."""
    table = digits_benchmark.train_table("digits-topology", small / "journal", workers=1)
    whole = table.read_bytes()
    table.unlink()
    lines = [line for line in (small / "journal").read_text().splitlines() if line]
    (small / "journal").write_text(lines[0] + "\n" + left(lines[1]))
    trained: list[int] = []
    original = digits_benchmark.train_digits

    def counted(space: TopologySpace, index: int) -> tuple[np.ndarray, float]:
        trained.append(index)
        return original(space, index)

    monkeypatch.setattr(digits_benchmark, "train_digits", counted)
    path = digits_benchmark.train_table("digits-topology", small / "journal", workers=1)
    assert len(trained) == 2
    assert path.read_bytes() == whole
    assert "cut off or damaged" in caplog.text
    (small / "journal").unlink()
    digits_benchmark.train_table("digits-topology", small / "journal", workers=1)
    assert len(trained) == 2  # what a table has is not trained again
    assert path.read_bytes() == whole


def test_retrain_shows_the_table_beside_the_new_training(small: Path) -> None:
    digits_benchmark.train_table("digits-topology", small / "journal", workers=1)
    rows = digits_benchmark.retrain("digits-topology", SMALL.architecture(2))
    np.testing.assert_array_equal(rows["test_accuracy"], rows["test_retrained"])
    np.testing.assert_array_equal(rows["validation_accuracy"], rows["validation_retrained"])


def test_only_digits_spaces_have_a_table() -> None:
    with pytest.raises(InputError, match="unknown digits space 'digits-topolgy'; valid: digits-topology"):
        digits_benchmark.table_path("digits-topolgy")


@pytest.mark.slow
def test_a_row_of_the_bundled_table_is_trained_again_to_the_same_figure() -> None:
    space = digits_topology()
    rows = digits_benchmark.retrain("digits-topology", space.architecture(len(space) // 2))
    # Processors round differently, and training amplifies it: the same figure, to a few images on the same kind.
    assert np.abs(rows["test_accuracy"] - rows["test_retrained"]).max() < 8
    assert np.abs(rows["validation_accuracy"] - rows["validation_retrained"]).max() < 8


def test_the_bundled_benchmark_tells_architectures_apart() -> None:
    table = labels.digits_table("digits-topology").pivot(index="architecture", columns="seed", values="test_accuracy")
    low, high = table.mean(axis=1).quantile([0.1, 0.9])
    assert high - low >= 12
    taus = table.corr(method="kendall").to_numpy()[np.triu_indices(3, 1)]
    assert taus.mean() >= 0.5
