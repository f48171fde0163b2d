"""Encoders, embeddings and layouts as artifacts: computed once of the views of one space or of several."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cena import contrast, layout
from cena.contrast import EncoderConfig, TrainedEncoder
from cena.contrast.training import ENCODER
from cena.errors import InputError
from cena.layout.distance_map import DISTANCE_MAP
from cena.layout.laguerre import LAYOUT
from cena.stages import versions
from cena.study.artifacts import ArtifactStore, artifact_key

StageProgress = Callable[[str, int, int], None]
"""Called with (stage, steps done, steps in all)."""


@dataclass(frozen=True, eq=False)
class ViewArrays:
    """What an encoder sees of views: see :class:`cena.jacobians.ViewStore`."""

    directions: NDArray[np.float16]
    """(classes, views, points, components)."""
    singular_values: NDArray[np.float32]
    """(classes, views, components)."""
    usable: NDArray[np.bool_]
    """(classes, views)."""


def encoder_key(config: EncoderConfig, views: object) -> dict[str, Any]:
    """What determines an encoder: its settings, the precision that "auto" comes to on this processor, the key of the
    views it is trained on, and the version of its stage."""
    return {"config": config, "precision": config.computed_in, "views": views, "stages": versions(ENCODER)}


def stored_encoder(
    store: ArtifactStore,
    key: Mapping[str, Any],
    views: Callable[[], ViewArrays],
    progress: StageProgress,
) -> TrainedEncoder:
    """The encoder of a key, trained by contrast of the views (section 4.2) if it is not stored; resumable."""
    config: EncoderConfig = key["config"]

    def build(folder: Path) -> None:
        file = folder / "encoder.safetensors"
        with suppress(InputError):  # it is there and whole, and something beside it is not
            contrast.load_encoder(file)
            return
        seen = views()
        trained = contrast.train_encoder(
            seen.directions,
            seen.singular_values,
            seen.usable,
            config,
            checkpoint=folder / "checkpoint.safetensors",
            progress=lambda done, total: progress("encoder", done, total),
        )
        contrast.save_encoder(file, trained)

    folder = store.folder("encoder", key, build)
    return contrast.load_encoder(folder / "encoder.safetensors")


def stored_embedding(
    store: ArtifactStore,
    key: Mapping[str, Any],
    encoder: Callable[[], TrainedEncoder],
    views: Callable[[], ViewArrays],
) -> NDArray[np.float32]:
    """(classes, 512) the embedding of a key: the mean over views, computed if it is not stored."""

    def build() -> dict[str, NDArray[Any]]:
        seen = views()
        return {"embedding": contrast.encode(encoder(), seen.directions, seen.singular_values, seen.usable)}

    return store.arrays("embedding", key, build)["embedding"]


def stored_layout(
    store: ArtifactStore, key: Mapping[str, Any], embedding: Callable[[], NDArray[np.floating]], seed: int
) -> dict[str, NDArray[Any]]:
    """The two steps from an embedding of classes to the square (equations 4 and 5), computed if they are not stored.

    ``flat`` (classes, 2), the distance-preserving map; ``positions`` (classes, 2), the same in the unit square;
    ``weights``, ``areas`` and ``centroids`` of the Laguerre cells of equal area.

    Parameters
    ----------
    key : of the encoder that the embedding is by.
    """

    def build() -> dict[str, NDArray[Any]]:
        flat = layout.distance_map(embedding().astype(np.float64), seed)
        positions = layout.separate(layout.to_unit_square(flat), seed)
        cells = layout.transport(positions)
        return {
            "flat": flat,
            "positions": positions,
            "weights": cells.weights,
            "areas": cells.areas,
            "centroids": cells.centroids,
        }

    config = {"embedding": artifact_key(key), "seed": seed, "stages": versions(DISTANCE_MAP, LAYOUT)}
    return store.arrays("layout", config, build)
