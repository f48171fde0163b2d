"""Making a release: what `cena.load_embedding` and `cena.embed` need of a space, written as three small files.

The files of :mod:`cena.embed.released` are made from a `Pipeline`; equal pipelines give equal bytes. On another
processor they are the same up to rounding: views are in float32, and nothing is trained.
"""

import json
from dataclasses import asdict
from io import BytesIO
from pathlib import Path

import numpy as np

import cena
from cena.contrast.closed_form import CLOSED_FORM
from cena.embed.released import VERSION
from cena.files import file_sha256, write_atomically
from cena.jacobians.readings import READING
from cena.layout.distance_map import DISTANCE_MAP
from cena.layout.laguerre import LAYOUT
from cena.spaces import SampledSpace
from cena.stages import versions
from cena.study.closed_forms import ClosedFormEmbedding
from cena.study.pipeline import Pipeline
from cena.study.scale import scale, view_stages

LARGEST_RELEASES = 5_000_000
"""Bytes that all releases in the package may have together."""


def write_release(pipeline: Pipeline, folder: Path) -> Path:
    """Write the release of a pipeline's space into `folder`, and return the file that describes it.

    That file is written last and holds the others' checksums: after a kill at any moment a reader finds the old
    release, the new one, or a sentence that it is damaged.
    """
    space, name = pipeline.space, pipeline.space.name
    sample = space if isinstance(space, SampledSpace) else None
    embedded = ClosedFormEmbedding(pipeline)
    layout = embedded.layout
    arrays = BytesIO()
    np.savez(
        arrays,
        allow_pickle=False,
        architectures=(np.arange(len(space)) if sample is None else sample.indices).astype(np.int32),
        class_embedding=embedded.embedding.astype(np.float32),
        classes=pipeline.classes.astype(np.int16),
        coordinates=embedded.coordinates,
        parameters=pipeline.parameters,
        plane=layout["flat"],
        points=layout["positions"],
        weights=layout["weights"],
    )
    chosen = pipeline.profile
    provenance = {
        "version": VERSION,
        "space": name,
        "architectures": len(space),
        "sample": None if sample is None else {"of": len(sample.whole), "seed": pipeline.profile.seed},
        "cena": cena.__version__,
        "images": {
            "name": chosen.views.images,
            "count": chosen.views.points,
            "resolution": chosen.views.resolution,
            "seed": chosen.seed,
            "sha256": pipeline.images.checksum,
            "note": pipeline.images.note,
        },
        "networks": scale(space, chosen),
        "views": chosen.views.per_class,
        "statuses": pipeline.views.counts(),
        "precision": pipeline.precision,
        "readings": embedded.readings,
        "closed form": asdict(embedded.config),
        "stages": versions(*view_stages(space), READING, CLOSED_FORM, DISTANCE_MAP, LAYOUT),
        "command": f"cena release {name}",
    }
    # Only now that all is computed an older release is replaced.
    description, encoder, rest = (folder / f"{name}.{suffix}" for suffix in ("json", "safetensors", "npz"))
    embedded.encoder.save(encoder)
    write_atomically(rest, arrays.getvalue())
    files = {path.name: file_sha256(path) for path in (rest, encoder)}
    write_atomically(description, json.dumps({**provenance, "files": files}, indent=1, sort_keys=True) + "\n")
    return description


def size(folder: Path) -> int:
    """Bytes of all releases in a folder."""
    return sum(path.stat().st_size for path in folder.iterdir())
