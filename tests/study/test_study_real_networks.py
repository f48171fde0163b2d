"""Views of real networks: computed once, read from what is kept, counted operations."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from cena.spaces import ModuleSpace, imagenet
from cena.study import real_networks
from cena.study.artifacts import ArtifactStore
from cena.study.real_networks import FREE_READINGS, computed_views, count_operations, network_images, network_views


def small() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=32, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 49, 5)
    )


SPACE = ModuleSpace({"small": small, "again": small}, 224, "two")


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(real_networks, "imagenet_space", lambda: SPACE)


@pytest.mark.usefixtures("two")
def test_what_is_kept_is_what_is_computed_whatever_the_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []
    store = ArtifactStore(tmp_path)
    found = network_views(store, ["again", "small"], 2, lambda done, total: told.append((done, total)))
    assert list(found) == ["again", "small"]
    assert told == [(1, 2), (2, 2)]
    for name, arrays in found.items():
        for part, expected in computed_views(SPACE, name).items():
            np.testing.assert_array_equal(arrays[part], expected)
    assert {*found["small"]} == {*FREE_READINGS, "jacov", "status", "operations", "layers"}
    assert found["small"]["spectrum"].shape == (2, 8)
    assert (found["small"]["spectrum"][0] != found["small"]["spectrum"][1]).any()

    def nobody() -> None:
        raise AssertionError("nothing is to be computed")

    monkeypatch.setattr(real_networks, "imagenet_space", nobody)
    again = network_views(store, ["small"])
    np.testing.assert_array_equal(again["small"]["spectrum"], found["small"]["spectrum"])


def test_operations_are_those_of_convolutions_and_linear_layers() -> None:
    operations, layers = count_operations(small(), torch.zeros(1, 3, 224, 224))
    assert (operations, layers) == (7 * 7 * 4 * 3 * 9 + 5 * 4 * 49, 2)
    grouped = nn.Sequential(nn.Conv2d(4, 8, 3, groups=2, padding=1), nn.Flatten())
    assert count_operations(grouped, torch.zeros(1, 4, 5, 5)) == (5 * 5 * 8 * 2 * 9, 1)


def test_the_images_are_the_same_on_every_machine() -> None:
    assert network_images().pixels.shape == (8, 3, 224, 224)
    assert network_images().checksum == "65260118267191216dff42e8c2bbff1126f0afd106fa41c5334e5b0b135f77dd"


@pytest.mark.slow
def test_released_views_come_out_the_same() -> None:
    pytest.importorskip("pytorchcv", reason="needs pytorchcv: pip install 'cena[networks]'")
    name = "squeezenet_v1_1"
    kept = network_views(ArtifactStore(Path("nowhere")), [name])[name]
    again = computed_views(imagenet.imagenet_space(), name)
    for part, values in kept.items():
        np.testing.assert_allclose(again[part], values, rtol=1e-2, atol=2e-2)
