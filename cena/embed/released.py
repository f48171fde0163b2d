"""Released embeddings: a published space as small files inside the package, read without torch and without a download.

A release is three files: ``NAME.npz`` with arrays, ``NAME.safetensors`` with the encoder in closed form, and
``NAME.json``, which says what both were made from, by which readings of the Jacobian and in which version, and holds
their sha256. `cena release` makes them (:mod:`cena.study.release`). There are no labels among them: accuracies belong
to the benchmarks and come from :mod:`cena.data.labels`.

NAS-Bench-201 is released whole, the other spaces as random samples, whose architectures `Release.architectures` names:

    release = cena.load_embedding("nats-bench-size")
    accuracy = labels.accuracy("nats-bench-size", key)[release.architectures]  # row by row that of release.embedding
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cena.errors import InputError, unknown
from cena.files import file_sha256
from cena.outside import parse_json, read_arrays
from cena.types import Floats, Integers

FOLDER = Path(__file__).parent / "bundled"
VERSION = 2
"""Of a release: 1 had the embedding of the paper's Mixer, in 512 dimensions."""
ARRAYS = ("architectures", "class_embedding", "classes", "coordinates", "parameters", "plane", "points", "weights")


@dataclass(frozen=True, eq=False)
class Release:
    """A published space, or a random sample of it, embedded.

    Arrays over architectures are in the order of `architectures`: all of the space in its own order, or the sample's.

    Attributes
    ----------
    name : the space's name.
    provenance : what it was made from: ``images``, ``networks``, ``closed form``, ``files`` with their sha256, and
        so on.
    encoder_file : the encoder, which :func:`cena.contrast.load_closed_form` reads.
    architectures : (architectures,) their indices in :func:`cena.spaces.load` of the name, ascending. Those of
        ``"nas-bench-101"`` are in the paper's subset of 16,945 cells, which are not the cells that are labelled.
    class_embedding : (classes, components) the embedding of each function family, in about the units of what one
        initialisation changes: Euclidean distances between its rows count.
    classes : (architectures,) the class of each architecture, numbered within the release.
    coordinates : (architectures, 3) in the unit cube: centroid of the Laguerre cell, scaled log parameters.
    parameters : (architectures,) number of parameters of the benchmark's network.
    plane, points, weights : (classes, 2), (classes, 2) and (classes,): the distance-preserving map, and points and
        weights of the Laguerre cells.
    """

    name: str
    provenance: dict[str, Any]
    encoder_file: Path
    architectures: NDArray[np.int32]
    class_embedding: NDArray[np.float32]
    classes: NDArray[np.integer]
    coordinates: Floats
    parameters: Integers
    plane: Floats
    points: Floats
    weights: Floats

    @property
    def embedding(self) -> NDArray[np.float32]:
        """(architectures, components) the embedding of each architecture, in the order of :attr:`architectures`."""
        embedding: NDArray[np.float32] = self.class_embedding[self.classes]
        return embedding

    @property
    def version(self) -> int:
        """Of the release: embeddings of different versions do not compare."""
        return int(self.provenance["version"])

    @property
    def readings(self) -> tuple[str, ...]:
        """What the encoder reads of a Jacobian, by the names in :data:`cena.jacobians.READINGS`."""
        return tuple(self.provenance["readings"])


def read_release(name: str, folder: Path | None = None) -> Release:
    """What :func:`cena.load_embedding` does."""
    folder = folder or FOLDER
    description = folder / f"{name}.json"
    if not description.is_file():
        raise unknown("released embedding", name, sorted(path.stem for path in folder.glob("*.json")))
    try:
        provenance = parse_json(description.read_text(encoding="utf-8"))
        made = provenance.get("version", 1)
        if made != VERSION:
            raise InputError(
                f"the released embedding '{name}' is of version {made}, which this cena does not read: it expects "
                f"{VERSION}; install cena again, or make the release with `cena release {name}`"
            )
        for file in (f"{name}.npz", f"{name}.safetensors"):
            if file_sha256(folder / file) != provenance["files"][file]:
                raise InputError(f"{file} of the released embedding '{name}' is damaged: install cena again")
    except InputError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable(name, error) from error
    try:
        arrays = read_arrays(folder / f"{name}.npz", ARRAYS)
    except InputError as error:
        raise _unreadable(name, error) from error
    return Release(name, provenance, folder / f"{name}.safetensors", **arrays)


def _unreadable(name: str, reason: Exception) -> InputError:
    return InputError(f"the released embedding '{name}' cannot be read ({reason}): install cena again")
