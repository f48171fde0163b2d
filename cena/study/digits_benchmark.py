"""The bundled label tables: every architecture of a digits space, trained from every seed.

A table has one row for each architecture and seed; without the file, all are trained. Training appends finished
architectures to a journal, so it can be killed at any moment and resumed; a complete journal becomes the table.
"""

import json
import logging
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd

from cena.data.labels import BUNDLED, DIGITS_TABLES
from cena.errors import unknown
from cena.files import sha256
from cena.processes import parallel
from cena.spaces import Space, load
from cena.trajectories.digits_training import DIGITS_EPOCHS, SEEDS, train_digits
from cena.types import Progress, silent

_log = logging.getLogger(__name__)

_Row = dict[Hashable, Any]
"""A row of a table, by column."""


def table_path(space_name: str) -> Path:
    """Where the label table of a digits space is bundled."""
    if space_name not in DIGITS_TABLES:
        raise unknown("digits space", space_name, DIGITS_TABLES)
    return BUNDLED / DIGITS_TABLES[space_name]


def train_table(space_name: str, journal: Path, workers: int = -1, progress: Progress = silent) -> Path:
    """Train what neither the bundled table nor the journal has, then write the table; returns its path.

    Parameters
    ----------
    space_name : ``"digits-topology"`` or ``"digits-size"``.
    journal : file of one JSON list a line, the rows of an architecture, after its sha256; a line that is cut off by a
        kill, or damaged, is logged and does not count.
    workers : joblib's `n_jobs`; the result does not depend on it, but for the seconds.
    progress : called after each architecture.
    """
    table = table_path(space_name)
    space = load(space_name)
    done = {**_trained_before(table), **_read(journal)}
    # In random order: neighbours cost alike, so the time left can be told from what is done.
    order = np.random.default_rng(0).permutation(len(space))
    missing = [int(i) for i in order if space.architecture(int(i)) not in done]
    journal.parent.mkdir(parents=True, exist_ok=True)
    in_parallel = parallel(workers, return_as="generator_unordered", batch_size=1)
    with journal.open("a") as log:
        log.write("\n")  # ends a line that a kill left unfinished
        for rows in in_parallel(joblib.delayed(_trained)(space, i) for i in missing):
            text = json.dumps(rows)
            log.write(f"{sha256(text)} {text}\n")
            log.flush()
            done[rows[0]["architecture"]] = rows
            progress(len(done), len(space))
    rows = [row for index in range(len(space)) for row in done[space.architecture(index)]]
    partial = table.with_name(table.name + ".partial")
    # A fixed time stamp in the gzip header: equal tables are equal bytes.
    pd.DataFrame(rows).to_csv(partial, index=False, compression={"method": "gzip", "mtime": 0})
    partial.replace(table)
    return table


def retrain(space_name: str, architecture: str) -> pd.DataFrame:
    """Train one architecture again: its rows of the table beside what comes out now.

    On one kind of processor the accuracies are equal; another rounds differently and may differ by a few images.
    """
    space = load(space_name)
    index = space.index(architecture)
    table = pd.read_csv(table_path(space_name))
    rows = table[table["architecture"] == architecture].set_index("seed")
    accuracies, _ = train_digits(space, index)
    return rows[["validation_accuracy", "test_accuracy"]].assign(
        validation_retrained=accuracies[:, 0].round(4), test_retrained=accuracies[:, 1].round(4)
    )


def _trained(space: Space, index: int) -> list[_Row]:
    accuracies, seconds = train_digits(space, index)
    return [
        {
            "architecture": space.architecture(index),
            "seed": seed,
            "epochs": DIGITS_EPOCHS,
            "validation_accuracy": validation,
            "test_accuracy": test,
            "seconds": round(seconds, 3),
            "parameters": space.parameters(index),
        }
        for seed, (validation, test) in zip(SEEDS, accuracies.round(4).tolist(), strict=True)
    ]


def _read(journal: Path) -> dict[str, list[_Row]]:
    """The rows of the architectures that a journal has finished."""
    done = {}
    for line in journal.read_bytes().splitlines() if journal.exists() else []:
        digest, _, text = line.partition(b" ")
        if digest == sha256(text).encode():
            rows = json.loads(text)
            done[rows[0]["architecture"]] = rows
        elif line:
            _log.warning("a line of %s is cut off or damaged: its architecture is trained again", journal)
    return done


def _trained_before(table: Path) -> dict[str, list[_Row]]:
    """The rows of a table by architecture: a space that has grown trains only its new architectures."""
    if not table.exists():
        return {}
    groups = pd.read_csv(table).groupby("architecture", sort=False)
    return {str(architecture): group.to_dict("records") for architecture, group in groups}
