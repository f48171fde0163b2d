"""Making a release: what `cena.load_embedding` and `cena.embed` need of a space, written as three small files.

The files of :mod:`cena.embed.released` are made from a `Pipeline`; equal pipelines give equal bytes. (Views in float32
are the same on any processor up to rounding. The training of an encoder amplifies rounding: made again on another
processor it is another encoder of the same kind.)
"""

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from io import BytesIO
from pathlib import Path

import numpy as np

import cena
from cena import contrast
from cena.spaces import SampledSpace
from cena.study.fingerprint import code_fingerprint, imported_modules, sha256
from cena.study.pipeline import Pipeline
from cena.study.scale import scale, view_code

LARGEST = 15_000_000
"""Bytes that all releases in the package may have together."""


def write_release(pipeline: Pipeline, folder: Path) -> Path:
    """Write the release of a pipeline's space into `folder`, and return the file that describes it.

    That file is written last and holds the others' checksums: after a kill at any moment a reader finds the old
    release, the new one, or a sentence that it is damaged.
    """
    space, name = pipeline.space, pipeline.space.name
    sample = space if isinstance(space, SampledSpace) else None
    layout = pipeline.layout
    arrays = BytesIO()
    np.savez(
        arrays,
        allow_pickle=False,
        architectures=(np.arange(len(space)) if sample is None else sample.indices).astype(np.int32),
        class_embedding=pipeline.embedding.astype(np.float16),
        classes=pipeline.classes.astype(np.int16),
        coordinates=pipeline.coordinates,
        parameters=pipeline.parameters,
        plane=layout["flat"],
        points=layout["positions"],
        weights=layout["weights"],
    )
    folder.mkdir(parents=True, exist_ok=True)
    encoder = folder / f"{name}.safetensors"
    contrast.save_encoder(encoder, pipeline.encoder)
    _write(folder / f"{name}.npz", lambda path: path.write_bytes(arrays.getvalue()))
    chosen = pipeline.profile
    provenance = {
        "space": name,
        "architectures": len(space),
        "sample": None if sample is None else {"of": len(sample.whole), "seed": pipeline.profile.seed},
        "cena": cena.__version__,
        "images": {
            "name": chosen.images,
            "count": chosen.points,
            "resolution": chosen.resolution,
            "seed": chosen.seed,
            "sha256": pipeline.images.checksum,
            "note": pipeline.images.note,
        },
        "networks": scale(space, chosen),
        "views": chosen.views,
        "statuses": pipeline.views.counts(),
        "precision": pipeline.precision,
        "encoder": asdict(pipeline.encoder.config),
        "code": code_fingerprint(*view_code(space), *imported_modules("import cena.contrast")),
        "command": f"cena release {name}",
        "files": {path.name: sha256(path.read_bytes()) for path in (folder / f"{name}.npz", encoder)},
    }
    description = folder / f"{name}.json"
    text = json.dumps(provenance, indent=1, sort_keys=True) + "\n"
    _write(description, lambda path: path.write_text(text, encoding="utf-8"))
    return description


def size(folder: Path) -> int:
    """Bytes of all releases in a folder."""
    return sum(path.stat().st_size for path in folder.iterdir())


def _write(path: Path, write: Callable[[Path], object]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
