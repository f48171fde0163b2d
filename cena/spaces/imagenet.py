"""ImageNet networks as they were published, a space of real networks: pytorchcv's, with its table of their errors.

They are those of at most 30 million parameters that were made for images of 224x224 pixels and have a published error.
Their names, families and errors are in the package; to build them, `pytorchcv` has to be installed.
"""

import ast
import importlib
import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path

import pandas as pd
from torch import nn

from cena.errors import InputError
from cena.spaces.modules import Factory, ModuleSpace

IMAGENET_RESOLUTION = 224
MOST_PARAMETERS = 30_000_000
"""Parameters of the largest networks."""
PYTORCHCV = "0.0.74"
"""The version of pytorchcv that the table is of, and that the networks are built by."""
TABLE = Path(__file__).parent / "bundled" / "imagenet_networks.csv"

_FAMILY = re.compile("[a-z]+")


@dataclass(frozen=True)
class ImageNetNetwork:
    """A published network.

    Attributes
    ----------
    name : as pytorchcv calls it.
    parameters : how many it has.
    error : top-5 error on ImageNet's validation images, in percent, as pytorchcv measured it after training.
    """

    name: str
    parameters: int
    error: float

    @property
    def family(self) -> str:
        """The letters that its name begins with: ``"resnet"`` of ``"resnet18_wd4"``."""
        return _FAMILY.match(self.name)[0]  # type: ignore[index]  # all names begin with a letter


@cache
def imagenet_networks() -> tuple[ImageNetNetwork, ...]:
    """All of them, in the order of pytorchcv's table."""
    return tuple(ImageNetNetwork(*row) for row in pd.read_csv(TABLE).itertuples(index=False))


def imagenet_space() -> ModuleSpace:
    """The networks as a space, in the order of :func:`imagenet_networks`; each is imported when it is built.

    Raises
    ------
    ModuleNotFoundError
        If pytorchcv is not installed.
    InputError
        If it is another version than the table's.
    """
    _pytorchcv()
    factories: dict[str, Factory] = {one.name: partial(_built, one.name) for one in imagenet_networks()}
    return ModuleSpace(factories, IMAGENET_RESOLUTION, "imagenet")


def published_table() -> pd.DataFrame:
    """Names, parameters and errors of the networks, taken from pytorchcv's own table; errors as `imagenet_space`.

    Its errors are top-5 errors in hundredths of a percent.
    """
    everything = pd.read_csv(_pytorchcv() / "models" / "common" / "model_metainfos.csv", na_values="NA")
    chosen = everything[
        (everything.test_dataset == "in1k")
        & (everything.net_weights <= MOST_PARAMETERS)
        & (everything.img_size == IMAGENET_RESOLUTION)
        & everything.error_value.notna()
    ]
    table = {"name": chosen.model_name, "parameters": chosen.net_weights, "error": (chosen.error_value / 100).round(2)}
    return pd.DataFrame(table).reset_index(drop=True)


def _pytorchcv() -> Path:
    """The folder of the installed package. It is not imported, which would need a torchvision that fits torch."""
    found = importlib.util.find_spec("pytorchcv")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("No module named 'pytorchcv'", name="pytorchcv")
    installed = version("pytorchcv")
    if installed != PYTORCHCV:
        raise InputError(
            f"pytorchcv {installed} is installed, whose networks may be others: pip install pytorchcv=={PYTORCHCV}"
        )
    return Path(found.origin).parent


@cache
def _modules() -> dict[str, str]:
    """The module of each network by its name, as pytorchcv's `model_provider` imports them."""
    provider = ast.parse((_pytorchcv() / "model_provider.py").read_text(encoding="utf-8"))
    imports = (node for node in ast.walk(provider) if isinstance(node, ast.ImportFrom))
    return {alias.name: f"pytorchcv.{node.module}" for node in imports for alias in node.names}


def _built(name: str) -> nn.Module:
    make: Callable[[], nn.Module] = getattr(importlib.import_module(_modules()[name]), name)
    return make()
