"""The table of NAS-Bench-101's labelled sample: 30,001 cells that were published by their hash, with one training each.

What is published has no cells: they are found by hashing all 423,624 of the space. A cell is stored in its canonical
form; the table that an earlier edition merged has the same cells, many with their vertices in another order.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cena.data import registry
from cena.data.label_tables import LabelKey
from cena.data.public_files import MERGED_101, NASBENCH_VIS
from cena.outside import parse_json
from cena.spaces.nas_bench_101.cells import MAX_VERTICES, NAS_BENCH_101_OPERATIONS, NasBench101Cell
from cena.spaces.nas_bench_101.isomorphism import cells_by_hash
from cena.stages import Stage
from cena.types import Arrays

LABELS_101 = Stage("labels.nas-bench-101", version=1)
"""NAS-Bench-101's derived label tables, and how they order the vertices of a cell."""

KEYS_101 = {LabelKey("cifar10", "validation", epochs, "one"): epochs for epochs in (108, 36, 12, 4)}
"""The accuracies of the table, and the epochs of their trainings."""

SECONDS_101 = "train_seconds.cifar10.validation.108"
_PADDING = -9


def derive_101(paths: Mapping[str, Path]) -> Arrays:
    """The arrays of the label table, in the order of the hashes, from both files of nasbench-vis.

    They are those of :func:`cena.data.nas_bench_101_archive.read_nas_bench_101_archive`. Takes about a minute of one
    processor, divided among all there are.

    Raises
    ------
    InputError
        If a file is truncated, lacks a column, or names a cell that is not of NAS-Bench-101; the sentence names the
        file and its public address.
    """
    parts = [_columns(paths[name], name) for name in NASBENCH_VIS]
    columns = {column: np.concatenate([part[column] for part in parts]) for column in parts[0]}
    order = np.argsort(columns["key"])
    hashes = columns["key"][order]
    cells = cells_by_hash(hashes.tolist())
    for name, part in zip(NASBENCH_VIS, parts, strict=True):
        strangers = [text for text in part["key"].tolist() if text not in cells]
        if strangers:
            raise registry.unusable(name, f"it has {len(strangers):,} hashes of no cell, such as '{strangers[0]}'")
    adjacency, operations = zip(*(cell_matrices(cells[text]) for text in hashes.tolist()), strict=True)
    return {
        "architecture": hashes,
        "adjacency": np.stack(adjacency),
        "operations": np.stack(operations),
        "vertices": np.array([cells[text].vertices for text in hashes.tolist()], np.uint8),
        "parameters": columns["trainable_parameters"][order].astype(np.int64),
        SECONDS_101: columns["final_training_time"][order],
        **{
            key.array_name(): 100 * columns[f"{epochs}_final_validation_accuracy"][order]
            for key, epochs in KEYS_101.items()
        },
    }


def merged_101(paths: Mapping[str, Path]) -> Arrays:
    """The same from the merged table."""
    with np.load(paths[MERGED_101]) as table:
        return {
            "architecture": table["hash"],
            "adjacency": table["adj"],
            "operations": table["ops"],
            "vertices": table["n_vertices"],
            "parameters": table["params"],
            SECONDS_101: table["train_time_108"],
            **{key.array_name(): 100 * table[f"val{epochs}"] for key, epochs in KEYS_101.items()},
        }


def _columns(path: Path, name: str) -> dict[str, NDArray[Any]]:
    expected = ["key", "trainable_parameters", "final_training_time"]
    expected += [f"{epochs}_final_validation_accuracy" for epochs in KEYS_101.values()]
    try:
        content = parse_json(path.read_bytes())
        columns = {column: np.array(content[column]) for column in expected}
    except KeyError as error:
        raise registry.unusable(name, f"it has no column {error}") from error
    except (ValueError, TypeError) as error:
        raise registry.unusable(name, f"it cannot be read ({type(error).__name__})") from error
    if len({len(values) for values in columns.values()}) != 1:
        raise registry.unusable(name, "its columns differ in length")
    return columns


@LABELS_101
def cell_matrices(cell: NasBench101Cell) -> tuple[NDArray[np.uint8], NDArray[np.int8]]:
    """(7, 7) adjacency and (7,) operations, coded as in :class:`cena.data.labels.NasBench101Cells`."""
    adjacency = np.zeros((MAX_VERTICES, MAX_VERTICES), np.uint8)
    operations = np.full(MAX_VERTICES, _PADDING, np.int8)
    operations[: cell.vertices] = [-1, *map(NAS_BENCH_101_OPERATIONS.index, cell.operations), -2]
    for vertex in range(cell.vertices):
        adjacency[cell.inputs(vertex), vertex] = 1
    return adjacency, operations
