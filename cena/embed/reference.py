"""A published space as the place to put other networks in: encoder, images, known embeddings, layout and labels."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from sklearn.neighbors import NearestNeighbors

from cena.contrast import ClosedForm, load_closed_form
from cena.data import labels, registry
from cena.data.images import images
from cena.embed.released import Release, read_release
from cena.errors import InputError
from cena.evaluate import ComponentForest
from cena.layout import Place, place
from cena.spaces import representatives
from cena.types import Floats, Integers

_LEVEL = 0.95
_FEWEST_LABELS = 10
"""With fewer no limits of a prediction can be told."""


@dataclass(frozen=True)
class Prediction:
    """A predicted accuracy in percent, and the limits within which 95 % of the known architectures' accuracies lie."""

    value: float
    low: float
    high: float


class Reference:
    """A release with everything that placing a network needs, loaded once.

    Parameters
    ----------
    release : see :func:`cena.read_release`.
    accuracy : (architectures,) labels in percent to predict from, in the order of the release's architectures, NaN
        where there is none; None where none are known.
    labelled : what the labels are, or why there are none, as a phrase.

    Raises
    ------
    InputError
        If the encoder's file is no encoder, or the release's images come out differently on this machine.
    """

    def __init__(self, release: Release, accuracy: Floats | None, labelled: str):
        known = 0 if accuracy is None else np.count_nonzero(np.isfinite(accuracy))
        self.release = release
        self.accuracy = accuracy if known >= _FEWEST_LABELS else None
        self.labelled = (
            labelled
            if known >= _FEWEST_LABELS or accuracy is None
            else (f"{known} labels are too few to predict from: give at least {_FEWEST_LABELS}")
        )
        self.encoder: ClosedForm = load_closed_form(release.encoder_file)
        made = release.provenance["images"]
        self.images = images(made["name"], made["count"], made["resolution"], made["seed"])
        if self.images.checksum != made["sha256"]:
            raise InputError(
                f"the images of the released embedding '{release.name}' ({made['note']}) come out differently here: "
                "install the pinned packages"
            )

    @property
    def views(self) -> int:
        """Initialisations of each network that the release took."""
        return int(self.release.provenance["views"])

    @property
    def precision(self) -> str:
        """What the release's Jacobians were computed in."""
        return str(self.release.provenance["precision"])

    @cached_property
    def representatives(self) -> Integers:
        """(classes,) the first architecture of each class, as a row of the release."""
        return representatives(self.release.classes.astype(np.int64))

    def distances(self, embedding: Floats) -> Floats:
        """(classes,) Euclidean distance of an embedding (components,) to each known class."""
        distances: Floats = np.linalg.norm(self.release.class_embedding - embedding, axis=1)
        return distances

    @cached_property
    def nearest_distances(self) -> Floats:
        """(classes,) sorted, the distance of each known class to the nearest other: leave one out."""
        nearest, _ = NearestNeighbors(n_neighbors=1).fit(self.release.class_embedding).kneighbors()
        return np.sort(nearest[:, 0].astype(np.float64))

    def outside(self, distance: float) -> float:
        """How far outside a distance to the nearest known class is: the share of known classes, themselves left out,
        that are nearer to their nearest. Near 0 is among known architectures, 1 is farther than any."""
        return float(np.mean(self.nearest_distances < distance))

    def place(self, embedding: Floats) -> Place:
        """Where an embedding (components,) comes to lie in the layout; its `cell` is a class."""
        release = self.release
        return place(embedding, release.class_embedding, release.plane, release.points, release.weights)

    def predict(self, embedding: Floats, parameters: int) -> Prediction | None:
        """The accuracy in percent that a random forest predicts, with its 95 % limits; None without labels.

        The forest sees at most 16 principal components of the embedding and log parameters, and one architecture of
        each class. The limits are those of its out-of-bag errors: they hold for architectures like the known ones, and
        say nothing of networks outside.
        """
        if self._forest is None:
            return None
        value = float(self._forest.predict(np.atleast_2d(embedding), [parameters])[0])
        low, high = np.quantile(self._forest.errors, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
        return Prediction(value, max(value + float(min(low, 0)), 0.0), min(value + float(max(high, 0)), 100.0))

    @cached_property
    def _forest(self) -> ComponentForest | None:
        """Fitted to the known classes that have a label."""
        if self.accuracy is None:
            return None
        truth = self.accuracy[self.representatives]
        known = np.isfinite(truth)
        parameters = self.release.parameters[self.representatives[known]]
        return ComponentForest(self.release.class_embedding[known], parameters, truth[known])


def load_reference(name: str, folder: Path | None = None) -> Reference:
    """The released space of this name, with the first labels of it that are there.

    Nothing is downloaded: labels that are neither bundled nor in the download folder are not there.

    Raises
    ------
    InputError
        As :func:`cena.read_release` and :class:`Reference` do.
    """
    release = read_release(name, folder)
    accuracy, labelled = _labels(name)
    return Reference(release, None if accuracy is None else accuracy[release.architectures], labelled)


def _labels(name: str) -> tuple[Floats | None, str]:
    """(architectures,) the labels of a whole space, or None; and what they are, or why there are none."""
    if name == "nas-bench-101":
        return None, "the labels of 'nas-bench-101' are of other cells than those released"
    key = labels.available(name)[0]
    absent = registry.missing(labels.label_files(name, key))
    if absent:
        return None, (
            f"the labels of '{name}' are not in the download folder ({', '.join(absent)}): `cena data fetch` gets them"
        )
    return labels.accuracy(name, key), f"{key.dataset} {key.split} accuracy after {key.epochs} epochs"
