"""Views of real networks: computed once, read from what is kept, counted operations."""

from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from torch import nn

from cena.cli.embed import imagenet_command
from cena.errors import InputError
from cena.jacobians import ViewRecipe, class_views
from cena.spaces import ModuleSpace, TopologySpace, imagenet
from cena.study import real_networks
from cena.study.artifacts import ArtifactStore
from cena.study.real_networks import (
    FREE_READINGS,
    ROUNDING,
    computed_views,
    count_operations,
    differences_now,
    imagenet_views,
    known_views,
    network_images,
)


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
    found = imagenet_views(store, ["again", "small"], 2, lambda done, total: told.append((done, total)))
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
    again = imagenet_views(store, ["small"])
    np.testing.assert_array_equal(again["small"]["spectrum"], found["small"]["spectrum"])


def test_operations_are_those_of_convolutions_and_linear_layers() -> None:
    operations, layers = count_operations(small(), torch.zeros(1, 3, 224, 224))
    assert (operations, layers) == (7 * 7 * 4 * 3 * 9 + 5 * 4 * 49, 2)
    grouped = nn.Sequential(nn.Conv2d(4, 8, 3, groups=2, padding=1), nn.Flatten())
    assert count_operations(grouped, torch.zeros(1, 4, 5, 5)) == (5 * 5 * 8 * 2 * 9, 1)


def test_the_images_are_the_same_on_every_machine() -> None:
    assert network_images().pixels.shape == (8, 3, 224, 224)
    assert network_images().checksum == "65260118267191216dff42e8c2bbff1126f0afd106fa41c5334e5b0b135f77dd"


@pytest.mark.usefixtures("two")
def test_what_is_kept_is_compared_with_what_comes_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        real_networks,
        "imagenet_networks",
        lambda: [imagenet.ImageNetNetwork(name, 1, 1.0) for name in ("small", "again")],
    )
    monkeypatch.setenv("CENA_ARTIFACTS", str(tmp_path))
    store = ArtifactStore()
    with pytest.raises(InputError, match=r"^nothing is kept of 'small' to compare with"):
        differences_now(store, "small")
    with pytest.raises(InputError, match=r"^unknown ImageNet network 'tiny'; valid: small, again$"):
        differences_now(store, "tiny")
    kept = imagenet_views(store, ["small", "again"])
    assert set(differences_now(store, "small").values()) == {0.0}
    imagenet_command(["small", "again"])
    assert "again: the same up to rounding, at most 0 (" in capsys.readouterr().out

    other = {part: values + np.asarray(part == "spectrum", values.dtype) for part, values in kept["small"].items()}
    monkeypatch.setattr(ArtifactStore, "stored", lambda *_: other)
    assert differences_now(store, "small") == pytest.approx({part: float(part == "spectrum") for part in other})
    with pytest.raises(typer.Exit):
        imagenet_command(["small"])
    assert "small: differs by more than rounding, at most 1 (spectrum)" in capsys.readouterr().out


@pytest.mark.slow
def test_known_classes_are_views_of_their_own_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(real_networks, "KNOWN_CLASSES", 3)
    found = known_views(ArtifactStore(tmp_path), workers=2)
    assert found["architectures"].shape == (3,)
    assert found["spectrum"].shape == (3, 2, 8)
    space = TopologySpace(cells_per_stage=1)
    recipe = ViewRecipe(network_images(32).pixels, 2, 0, "float32", FREE_READINGS)
    views = class_views(space, int(found["architectures"][2]), 2, recipe)
    np.testing.assert_array_equal(found["status"][2], views.status)
    np.testing.assert_allclose(found["spectrum"][2], views.readings["spectrum"], rtol=1e-4)


def test_all_networks_of_the_table_come_with_the_package(tmp_path: Path) -> None:
    """And none is dead, at either of its initialisations."""
    names = [one.name for one in imagenet.imagenet_networks()]
    kept = imagenet_views(ArtifactStore(tmp_path), names)
    assert list(kept) == names
    assert {int(status) for one in kept.values() for status in one["status"]} == {1}
    parameters = np.array([one.parameters for one in imagenet.imagenet_networks()])
    operations = np.array([int(one["operations"]) for one in kept.values()])
    assert (operations > 0.5 * parameters).all()


@pytest.mark.slow
def test_a_real_network_comes_out_the_same(tmp_path: Path) -> None:
    pytest.importorskip("pytorchcv", reason="needs pytorchcv: pip install 'cena[networks]'")
    found = differences_now(ArtifactStore(tmp_path), "squeezenet_v1_1")
    assert max(found[name] for name in FREE_READINGS) < ROUNDING
    assert (found["operations"], found["layers"], found["status"]) == (0, 0, 0)
