"""The space of ImageNet networks, on a pytorchcv of two networks, and on the real one where it is installed."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from cena.errors import InputError
from cena.spaces import imagenet
from cena.spaces.imagenet import imagenet_networks, imagenet_space, published_table

PROVIDER = "from .models.nets import (wide16, deep_w2,\n    large9)\nimport torchvision_that_is_not_there\n"
NETS = """
from torch import nn

def wide16():
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())

def deep_w2():
    return nn.Sequential(nn.Conv2d(3, 2, 1), nn.Conv2d(2, 4, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
"""
ERRORS = """"model_name","net_weights","error_value","test_dataset","img_size"
"wide16",16,1664,"in1k",224
"deep_w2",20,0630,"in1k",224
"large9",30000001,0500,"in1k",224
"wide16",16,NA,"in1k",224
"wide16",16,1000,"in1k",299
"wide16",16,1000,"cf10",224
"""


def write(folder: Path, version: str = imagenet.PYTORCHCV) -> None:
    files = {
        "pytorchcv/__init__.py": "",
        "pytorchcv/model_provider.py": PROVIDER,
        "pytorchcv/models/nets.py": NETS,
        "pytorchcv/models/common/model_metainfos.csv": ERRORS,
        f"pytorchcv-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: pytorchcv\nVersion: {version}\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of packages that comes first; nothing of a pytorchcv that was imported before, or from it, is left."""

    def forget() -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] == "pytorchcv"]:
            del sys.modules[name]
        imagenet._modules.cache_clear()
        imagenet_networks.cache_clear()
        importlib.invalidate_caches()

    monkeypatch.syspath_prepend(tmp_path)
    forget()
    yield tmp_path
    forget()


def test_networks_are_built_by_the_module_that_the_provider_imports_them_from(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(site)
    table = site / "table.csv"
    published_table().to_csv(table, index=False)
    monkeypatch.setattr(imagenet, "TABLE", table)
    assert [(one.name, one.parameters, one.error, one.family) for one in imagenet_networks()] == [
        ("wide16", 16, 16.64, "wide"),
        ("deep_w2", 20, 6.3, "deep"),
    ]
    space = imagenet_space()
    assert (space.name, space.resolution, len(space)) == ("imagenet", 224, 2)
    for index, one in enumerate(imagenet_networks()):
        assert space.architecture(index) == one.name
        assert space.parameters(index) == one.parameters
    assert "pytorchcv.model_provider" not in sys.modules


def test_another_version_is_refused(site: Path) -> None:
    write(site, "0.0.1")
    for function in (imagenet_space, published_table):
        with pytest.raises(InputError, match=r"^pytorchcv 0\.0\.1 is installed, .*: pip install pytorchcv==0\.0\.74$"):
            function()


def test_without_it_the_module_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ModuleNotFoundError, match="pytorchcv") as caught:
        imagenet_space()
    assert caught.value.name == "pytorchcv"


def test_the_bundled_table() -> None:
    networks = imagenet_networks()
    assert len({one.name for one in networks}) == len(networks) > 200
    assert all(1 < one.error < 50 and 1e5 < one.parameters <= imagenet.MOST_PARAMETERS for one in networks)
    assert [one.family for one in networks if one.name.startswith("mobilenetv2")] == ["mobilenetv"] * 8
    assert 40 < len({one.family for one in networks}) < 80


def test_the_bundled_table_is_that_of_pytorchcv() -> None:
    pytest.importorskip("pytorchcv", reason="needs pytorchcv: pip install 'cena[networks]'")
    pd.testing.assert_frame_equal(published_table(), pd.read_csv(imagenet.TABLE))
