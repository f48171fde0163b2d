"""Making a release: what `cena.load_embedding` and `cena.embed` need of a space, written as three small files.

The files of :mod:`cena.data.released` are made from a `Pipeline`; equal pipelines give equal bytes.
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
from cena.companion.fingerprint import code_fingerprint, imported_modules, sha256
from cena.companion.pipeline import Pipeline
from cena.companion.scale import view_code

LARGEST = 15_000_000
"""Bytes that all releases in the package may have together."""


def write_release(pipeline: Pipeline, folder: Path) -> Path:
    """Write the release of a pipeline's space into `folder`, and return the file that describes it.

    That file is written last and holds the others' checksums: after a kill at any moment a reader finds the old
    release, the new one, or a sentence that it is damaged.
    """
    name = pipeline.space.name
    layout = pipeline.layout
    arrays = BytesIO()
    np.savez(
        arrays,
        allow_pickle=False,
        class_embedding=pipeline.embedding.astype(np.float16),
        classes=pipeline.classes.astype(np.int16),
        coordinates=pipeline.coordinates,
        parameters=pipeline.parameters,
        plane=layout["flat"],
        points=layout["positions"],
        weights=layout["weights"],
    )
    encoder = folder / f"{name}.safetensors"
    contrast.save_encoder(encoder, pipeline.encoder)
    _write(folder / f"{name}.npz", lambda path: path.write_bytes(arrays.getvalue()))
    chosen = pipeline.profile
    provenance = {
        "space": name,
        "architectures": len(pipeline.space),
        "cena": cena.__version__,
        "images": {
            "name": chosen.images,
            "count": chosen.points,
            "resolution": chosen.resolution,
            "seed": chosen.seed,
            "sha256": pipeline.images.checksum,
            "note": pipeline.images.note,
        },
        "networks": {"channels": chosen.channels, "cells a stage": chosen.cells},
        "views": chosen.views,
        "precision": pipeline.precision,
        "encoder": asdict(pipeline.encoder.config),
        "code": code_fingerprint(*view_code(pipeline.space), *imported_modules("import cena.contrast")),
        "command": "cena release",
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
