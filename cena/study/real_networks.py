"""Views of ImageNet networks before they are trained, kept as artifacts: those of the table come with the package.

Of a view all readings are kept whose number does not depend on the resolution. So the chapter that ranks the networks
needs neither them nor hours, and whoever has pytorchcv can compute any of them again and compare.
"""

from collections.abc import Iterator, Sequence
from functools import partial

import joblib
import numpy as np
import torch
from torch import nn

from cena.computing import drawn_from
from cena.data.images import Images, images
from cena.errors import InputError, unknown
from cena.jacobians import READINGS, ViewRecipe, Views, class_views
from cena.jacobians.readings import READING
from cena.jacobians.views import VIEWS
from cena.processes import parallel
from cena.spaces import Space, TopologySpace, representatives
from cena.spaces.imagenet import IMAGENET_RESOLUTION, PYTORCHCV, imagenet_networks, imagenet_space
from cena.stages import versions
from cena.study.artifacts import ArtifactStore
from cena.study.scale import view_stages
from cena.types import Arrays, Progress, silent

KIND = "imagenet"
"""The kind of these artifacts."""

POINTS = 8
VIEWS_EACH = 2
KNOWN_CLASSES = 600
"""Classes of NAS-Bench-201 that an encoder which has seen no ImageNet network is fitted to."""

ROUNDING = 0.05
"""How much the readings of one network may differ on two kinds of processor: far less than between initialisations."""

FREE_READINGS = tuple(name for name, reading in READINGS.items() if "resolution" in reading.invariances)
"""Readings whose number does not depend on the resolution."""


def network_images(resolution: int = IMAGENET_RESOLUTION) -> Images:
    """The photographs that the networks see, at their own resolution."""
    return images("patches", POINTS, resolution, seed=0)


def imagenet_views(
    store: ArtifactStore, names: Sequence[str], workers: int = 1, progress: Progress = silent
) -> dict[str, Arrays]:
    """What is kept of each network, by name: taken from the store or the package, else computed.

    Returns
    -------
    By name: each of :data:`FREE_READINGS` (views, length), ``jacov`` and ``status`` (views,), and ``operations`` and
    ``layers``: multiplications and additions for one image, and how many convolutions and linear layers there are.

    Raises
    ------
    ModuleNotFoundError
        If one has to be computed, and pytorchcv is not installed.
    InputError
        If it is installed in another version than the networks' table is of.
    """
    configs = {name: _config(name) for name in names}
    found = {name: store.stored(KIND, configs[name]) for name in names}
    missing = [name for name in names if found[name] is None]
    if missing:
        space = imagenet_space()
        in_parallel = parallel(workers, return_as="generator", batch_size=1)
        computed: Iterator[Arrays] = in_parallel(joblib.delayed(computed_views)(space, name) for name in missing)
        for done, (name, arrays) in enumerate(zip(missing, computed, strict=True), start=1):
            found[name] = store.arrays(KIND, configs[name], partial(dict, arrays))
            progress(done, len(missing))
    return {name: arrays for name, arrays in found.items() if arrays is not None}


def known_views(store: ArtifactStore, workers: int = 1) -> Arrays:
    """The same of reduced NAS-Bench-201 networks, at as many photographs of 32x32 pixels.

    Returns
    -------
    Each of :data:`FREE_READINGS` (classes, views, length), ``status`` (classes, views), and ``architectures``
    (classes,), a random member of the space's classes each.
    """
    space = TopologySpace(cells_per_stage=1)
    seen = network_images(space.resolution)

    def build() -> Arrays:
        recipe = ViewRecipe(seen.pixels, VIEWS_EACH, seed=0, precision="float32", readings=FREE_READINGS)
        firsts = representatives(space.classes())
        chosen = np.sort(np.random.default_rng(0).permutation(firsts)[:KNOWN_CLASSES])
        work = (joblib.delayed(class_views)(space, int(index), number, recipe) for number, index in enumerate(chosen))
        computed: list[Views] = parallel(workers)(work)
        readings = {name: np.stack([one.readings[name] for one in computed]) for name in FREE_READINGS}
        return {**readings, "status": np.stack([one.status for one in computed]), "architectures": chosen}

    stages = versions(READING, *view_stages(space))
    changed = {"images": seen.checksum, "classes": KNOWN_CLASSES, "stages": stages}
    return store.arrays(KIND, _config(space.name) | changed, build)


def differences_now(store: ArtifactStore, name: str) -> dict[str, float]:
    """The largest difference between what is kept of a network and what comes out when it is computed now, by part.

    On one kind of processor there is none; others round differently.

    Raises
    ------
    InputError
        If there is no such network, or nothing is kept of it; else as :func:`imagenet_views`.
    """
    known = [one.name for one in imagenet_networks()]
    if name not in known:
        raise unknown("ImageNet network", name, known)
    kept = store.stored(KIND, _config(name))
    if kept is None:
        raise InputError(f"nothing is kept of '{name}' to compare with: CENA_RELEASED=no says that nothing shall be")
    again = computed_views(imagenet_space(), name)
    return {part: float(np.abs(again[part].astype(float) - values).max()) for part, values in kept.items()}


def computed_views(space: Space, name: str) -> Arrays:
    """What :func:`imagenet_views` keeps of a network, computed."""
    index = space.index(name)
    pixels = network_images().pixels
    recipe = ViewRecipe(pixels, VIEWS_EACH, seed=0, precision="float32", readings=FREE_READINGS)
    views = class_views(space, index, index, recipe)
    operations, layers = count_operations(space.build(index, seed=0), torch.from_numpy(pixels[:1]))
    return {
        **views.readings,
        "jacov": views.jacov,
        "status": views.status,
        "operations": np.array(operations),
        "layers": np.array(layers),
    }


def count_operations(network: nn.Module, image: torch.Tensor) -> tuple[int, int]:
    """Multiply-additions of a network's convolutions and linear layers for one image, and the number of these layers.

    Parameters
    ----------
    image : (1, 3, r, r).
    """
    counted: list[int] = []

    def count(layer: nn.Conv2d | nn.Linear, _inputs: object, output: torch.Tensor) -> None:
        counted.append(output.numel() * layer.weight[0].numel())

    layers = (layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear))
    hooks = [layer.register_forward_hook(count) for layer in layers]
    with torch.no_grad(), drawn_from(0):
        network.eval()(image)
    for hook in hooks:
        hook.remove()
    return sum(counted), len(counted)


def _config(name: str) -> dict[str, object]:
    return {
        "network": name,
        "pytorchcv": PYTORCHCV,
        "images": network_images().checksum,
        "views": VIEWS_EACH,
        "readings": FREE_READINGS,
        "stages": versions(VIEWS, READING),
    }
