"""Embed your own: any torch network is placed, untrained, among the architectures of a released space.

    placed = cena.embed(lambda: torchvision.models.resnet18(num_classes=10))
    placed.nearest, placed.accuracy, placed.outside

The network is initialised several times, its data Jacobians are taken at the release's images, and the released encoder
embeds what is read of them (paper, section 4.1, and :mod:`cena.contrast.closed_form`), as it did the known
architectures. Nothing is trained.
"""

import importlib
import operator
import os
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import joblib
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cena import spaces
from cena.computing import own_settings
from cena.embed.reference import Prediction, Reference, load_reference
from cena.errors import InputError
from cena.jacobians import ViewRecipe, Views, class_views, probe
from cena.layout import Place
from cena.processes import parallel
from cena.spaces import ModuleSpace, Space
from cena.spaces.modules import Factory
from cena.stages import Stage
from cena.types import Booleans, Floats
from cena.view_arrays import mean_over_views

PLACING = Stage("placing", version=2)
"""Placing networks in a released space."""

NEAREST = 5
OUTSIDE = 0.99
"""A network farther from its nearest known class than this share of the known ones from theirs gets a warning."""


@dataclass(frozen=True)
class Neighbour:
    """A known architecture: its index, its string, and its Euclidean distance in the embedding."""

    architecture: int
    text: str
    distance: float


@dataclass(frozen=True, eq=False)
class NetworkEmbedding:
    """A network placed in a released space.

    Attributes
    ----------
    network : its name.
    parameters : how many it has.
    views : (usable views, components) the embedding of each initialisation.
    embedding : (components,) their mean.
    place : where it comes to lie in the layout (:class:`cena.layout.Place`); ``place.cell`` is a class of the space.
        The layout keeps cosine distances, so it need not be the nearest's.
    nearest : the nearest known architectures, one of each class, nearest first.
    accuracy : what a forest predicts from embedding and log parameters, with its 95 % limits; None without labels.
    labelled : what accuracy that is, or why there is none.
    outside : the share of known classes that are nearer to their nearest neighbour than this network is to its own.
    warning : a sentence where that says the encoder has seen nothing like it, or views were unusable; else empty.
    """

    network: str
    parameters: int
    views: Floats
    embedding: Floats
    place: Place
    nearest: tuple[Neighbour, ...]
    accuracy: Prediction | None
    labelled: str
    outside: float
    warning: str


@PLACING
@own_settings()
def embed_network(
    factory: Factory | str,
    reference: Reference | str,
    seed: int,
    name: str | None,
    announce: Callable[[str], object] | None,
) -> NetworkEmbedding:
    """What :func:`cena.embed` does."""
    seed = _checked_seed(seed)
    known = load_reference(reference) if isinstance(reference, str) else reference
    space = _space(factory, known, name)
    called, pixels = space.architecture(0), known.images.pixels
    trial = space.build(0, seed)
    started = time.perf_counter()
    other = space.build(0, seed + 1)
    building = time.perf_counter() - started
    same = _same_weights(trial, other)
    parameters = sum(parameter.numel() for parameter in trial.parameters())
    cost = probe(called, trial, pixels, known.precision)
    del trial, other  # large networks need their memory for the next
    if announce is not None:
        announce(
            f"{called}: {known.views} views at {len(pixels)} images will take about "
            f"{known.views * (building + cost.seconds):.1f} s and {cost.memory / 2**20:.0f} MiB"
        )
    views = class_views(space, 0, 0, _settings(known, seed))
    if not views.usable.any():
        raise InputError(
            f"no initialisation of network '{called}' gives a finite Jacobian that is not zero: "
            "check how its weights are initialised"
        )
    concerns = []
    if same:
        concerns.append(
            f"'{called}' starts from the same weights whatever the seed ({same[0]}, {len(same)} in all): if they are "
            "set by a seed of its own, copied or trained, its views differ less than those of the known architectures."
        )
    if cost.drawn:
        named = " and ".join(name.removeprefix("module.") for name in cost.drawn)
        concerns.append(f"The output of '{called}' is zero because of what starts at zero ({named}): drawn instead.")
    return _placed(called, parameters, _embedded([views], known), known, concerns)


@dataclass(frozen=True, eq=False)
class EmbeddedSpace:
    """The views of every network of a space.

    Attributes
    ----------
    views : (networks, views, components) their embeddings.
    singular_values : (networks, views, components) of their EDJMs, zero where a view cannot be used.
    usable : (networks, views) which can.
    """

    views: Floats
    singular_values: NDArray[np.float32]
    usable: Booleans

    @property
    def embedding(self) -> Floats:
        """(networks, components) the mean over the usable views; not a number where there is none."""
        return mean_over_views(self.views, self.usable)


@PLACING
@own_settings()
def embed_space(space: Space, reference: Reference, seed: int = 0, workers: int = 1) -> EmbeddedSpace:
    """Embed every network of a space, each a class of its own, by the encoder of a reference.

    Parameters
    ----------
    space : of networks for the reference's resolution, such as a :class:`cena.spaces.ModuleSpace`.
    workers : joblib's `n_jobs`: the result does not depend on it.

    Raises
    ------
    InputError
        If a network cannot be embedded; the sentence says which and why.
    """
    settings = _settings(reference, seed)

    def views_of(index: int) -> Views:
        probe(space.architecture(index), space.build(index, seed), settings.images, settings.precision)
        return class_views(space, index, index, settings)

    with warnings.catch_warnings():
        # Networks differ in size: a worker that meets a large one seems to leak memory and is replaced, at no loss.
        warnings.filterwarnings("ignore", "A worker stopped while some jobs were given", UserWarning)
        computed: Sequence[Views] = parallel(workers)(joblib.delayed(views_of)(i) for i in range(len(space)))
    return _embedded(computed, reference)


def factory_named(where: str) -> Factory:
    """The function that ``"package.module:factory"`` names; the current directory counts as a place of modules.

    Raises
    ------
    InputError
        If the text is not of this form, the module cannot be imported, or has no such name.
    """
    module, colon, attribute = where.partition(":")
    if not (module and colon and attribute):
        advice = "give package.module:factory, with dots for folders and a colon before the name of the function"
        raise InputError(f"'{where}' names no factory: {advice}")
    if os.getcwd() not in sys.path:  # noqa: PTH109 (sys.path holds text)
        sys.path.insert(0, os.getcwd())  # noqa: PTH109
    try:
        found = importlib.import_module(module)
    except SystemExit as error:
        raise InputError(
            f"module '{module}' ends the program when it is imported: keep what reads the command line behind "
            'if __name__ == "__main__"'
        ) from error
    except Exception as error:
        raise InputError(f"module '{module}' cannot be imported ({type(error).__name__}: {error})") from error
    if not hasattr(found, attribute):
        raise InputError(f"module '{module}' has no '{attribute}': give the name of a function in it")
    factory: Factory = getattr(found, attribute)
    return factory


def _checked_seed(seed: object) -> int:
    """A whole number of any kind, which torch takes, as Python's own."""
    try:
        number = operator.index(seed)  # type: ignore[arg-type]  # what it raises is caught
    except TypeError:
        number = -1
    if not 0 <= number < 2**63:
        raise InputError(f"the seed is {seed!r}: give a whole number from 0 to 2^63 - 1")
    return number


def _space(factory: Factory | str, reference: Reference, name: str | None) -> ModuleSpace:
    if isinstance(factory, str):
        made, called = factory_named(factory), factory
    else:
        made, called = factory, str(getattr(factory, "__name__", type(factory).__name__))
    return ModuleSpace({name or called: made}, reference.images.pixels.shape[-1])


def _settings(reference: Reference, seed: int) -> ViewRecipe:
    return ViewRecipe(reference.images.pixels, reference.views, seed, reference.precision, reference.release.readings)


def _embedded(views: Sequence[Views], reference: Reference) -> EmbeddedSpace:
    blocks = {name: np.stack([one.readings[name] for one in views]) for name in reference.release.readings}
    singular_values, usable = (
        np.stack([getattr(one, name) for one in views]) for name in ("singular_values", "usable")
    )
    return EmbeddedSpace(reference.encoder.embed(blocks), singular_values, usable)


def _same_weights(one: nn.Module, other: nn.Module) -> list[str]:
    """The matrices that two networks have in common, by name, but for those of one value throughout.

    A factory may draw the shape of its network too: what only one of them has is not in common.
    """
    others = dict(other.named_parameters())
    return [
        name.removeprefix("module.")
        for name, first in one.named_parameters()
        if name in others
        and first.ndim >= 2
        and torch.equal(first, others[name])
        and (first != first.flatten()[:1]).any()
    ]


def _placed(
    name: str, parameters: int, embedded: EmbeddedSpace, reference: Reference, concerns: list[str]
) -> NetworkEmbedding:
    views, usable = embedded.views[0], embedded.usable[0]
    embedding = mean_over_views(embedded.views, embedded.usable)[0]
    distances = reference.distances(embedding)
    order = np.argsort(distances, kind="stable")[:NEAREST]
    known = spaces.load(reference.release.name)
    firsts = reference.release.architectures[reference.representatives[order]]
    nearest = tuple(
        Neighbour(architecture, known.architecture(architecture), float(distances[number]))
        for architecture, number in zip(firsts.tolist(), order, strict=True)
    )
    outside = reference.outside(nearest[0].distance)
    if outside > OUTSIDE:
        concerns.append(
            f"'{name}' lies outside what the encoder has seen: its nearest known architecture is at distance "
            f"{nearest[0].distance:.3f}, farther than {100 * outside:.1f} % of the known ones from theirs (median "
            f"{np.median(reference.nearest_distances):.3f}); take its place and predicted accuracy for no more than a "
            "guess."
        )
    if not usable.all():
        concerns.append(f"{np.count_nonzero(~usable)} of {len(usable)} initialisations could not be used.")
    return NetworkEmbedding(
        network=name,
        parameters=parameters,
        views=views[usable],
        embedding=embedding,
        place=reference.place(embedding),
        nearest=nearest,
        accuracy=reference.predict(embedding, parameters),
        labelled=reference.labelled,
        outside=outside,
        warning=" ".join(concerns),
    )
