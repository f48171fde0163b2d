"""Labels: the accuracies of a space's architectures, in the order of the space.

Data set, split, epochs and trials are always named: validation and test, 12 and 200 epochs, one training and the mean
of several rank architectures differently. Accuracies are in percent. What each combination is exactly, and how the
conventions differ, is said in :mod:`cena.data.label_sources`; :func:`origin` says it of one combination.

An official archive that was imported (`cena data import`) goes before the other tables wherever it has the
combination. Without it, what is not among the paper's own labels is derived from public files, once
(:mod:`cena.data.derived`). The digits labels were trained by this project (:mod:`cena.study.digits_benchmark`) and are
part of the package.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cena import spaces
from cena.data import registry
from cena.data.derived import derived_path, derived_table, recipe_of
from cena.data.label_sources import LABEL_SOURCES, read_labels
from cena.data.label_tables import LabelKey as LabelKey
from cena.data.label_tables import LabelTable, imported
from cena.data.nas_bench_101_labels import SECONDS_101
from cena.data.nas_bench_201_labels import seconds_201
from cena.errors import InputError, unknown
from cena.files import file_sha256, sha256
from cena.stages import Stage
from cena.types import Floats

LABELS = Stage("labels", version=1)
"""Accuracies and costs in the order of a space."""

BUNDLED = Path(__file__).parent / "bundled"
DIGITS_TABLES = {"digits-topology": "digits_topology.csv.gz", "digits-size": "digits_size.csv.gz"}

NAS_BENCH_101_TEST = LabelKey("cifar10", "test", 108, "mean")
"""What NAS-Bench-101 is judged by where its archive was imported; the labelled sample has no test accuracy."""


@dataclass(frozen=True, eq=False)
class NasBench101Cells:
    """The cells of the NAS-Bench-101 table, in its order, which is that of its labels.

    Parameters
    ----------
    hash : (n,) the benchmark's own hash of each cell.
    adjacency : (n, 7, 7) upper triangular, 1 where an edge is; rows and columns from `vertices` on are 0.
    operations : (n, 7) -1 input, -2 output, 0 3x3 convolution, 1 1x1 convolution, 2 3x3 max pooling, -9 no vertex.
    vertices : (n,) number of vertices.
    parameters : (n,) number of trainable parameters, as the benchmark counted them.
    """

    hash: NDArray[np.str_]
    adjacency: NDArray[np.uint8]
    operations: NDArray[np.int8]
    vertices: NDArray[np.uint8]
    parameters: NDArray[np.int64]


@LABELS
def accuracy(space_name: str, key: LabelKey) -> Floats:
    """(n,) accuracy in percent of each architecture of a space, in the order of the space; NaN where it is not known.

    Parameters
    ----------
    space_name : a space that has labels, such as ``"nas-bench-201"``.
    key : which accuracy.

    Raises
    ------
    InputError
        If there are no such labels (the message lists those there are), or their file is missing or incomplete.
    """
    _check(space_name, key)
    if space_name in DIGITS_TABLES:
        return _digits_accuracy(spaces.load(space_name), key)
    table = _imported_with(space_name, key)
    files = LABEL_SOURCES[space_name].get(key)
    if table is None and files:
        return _aligned(space_name, *read_labels(files))
    return _from_table(space_name, table or derived_table(space_name), key.array_name())


def available(space_name: str) -> list[LabelKey]:
    """Every combination that :func:`accuracy` has for a space, the paper's labels first, then as they are listed.

    Raises `InputError` for a space without labels. NAS-Bench-101's are either those of the 30,001 cells or, where it
    was imported, those of the archive, for labels and :func:`nas_bench_101_cells` are of the same cells; the archive's
    first is :data:`NAS_BENCH_101_TEST`.
    """
    if space_name not in DIGITS_TABLES:
        if space_name not in LABEL_SOURCES:
            raise unknown("space with labels", space_name, [*LABEL_SOURCES, *DIGITS_TABLES])
        table = imported(space_name)
        if table is None:
            return list(LABEL_SOURCES[space_name])
        if space_name == "nas-bench-101":
            return sorted(table.keys(), key=lambda key: key != NAS_BENCH_101_TEST)
        return list(dict.fromkeys([*LABEL_SOURCES[space_name], *table.keys()]))
    digits = digits_table(space_name)
    trials = ["mean", *(f"seed{seed}" for seed in sorted(digits["seed"].unique()))]
    return [
        LabelKey("digits", split, int(epochs), trial)
        for epochs in sorted(digits["epochs"].unique())
        for split in ("validation", "test")
        for trial in trials
    ]


def label_files(space_name: str, key: LabelKey) -> list[str]:
    """The files of the download registry that labels need: none for the bundled digits and for tables that are there.

    Errors are those of :func:`accuracy`; nothing is downloaded.
    """
    _check(space_name, key)
    if space_name in DIGITS_TABLES or _imported_with(space_name, key):
        return []
    files = LABEL_SOURCES[space_name][key]
    if files:
        return list(files)
    recipe = recipe_of(space_name)
    return [] if derived_path(recipe).exists() else list(recipe.sources)


def label_checksum(space_name: str, key: LabelKey) -> str:
    """A sha256 that changes whenever labels could: of the bundled, imported or derived table, or of the checksums of
    their files.

    Errors are those of :func:`accuracy`; nothing is downloaded: a file with another checksum is never used.
    """
    _check(space_name, key)
    if space_name in DIGITS_TABLES:
        return file_sha256(_table(space_name))
    table = _imported_with(space_name, key)
    if table is not None:
        return sha256(json.dumps(table.provenance, sort_keys=True))
    files = LABEL_SOURCES[space_name][key]
    if files:
        return sha256("".join(registry.entry(name).checksum for name in files))
    return recipe_of(space_name).checksum


def origin(space_name: str, key: LabelKey) -> str:
    """One phrase that says where labels come from: an imported archive with its sha256, or the files with their origin.

    Errors are those of :func:`accuracy`; nothing is downloaded.
    """
    _check(space_name, key)
    if space_name in DIGITS_TABLES:
        return f"trained by this project ({DIGITS_TABLES[space_name]})"
    table = _imported_with(space_name, key)
    if table is not None:
        return table.origin()
    files = LABEL_SOURCES[space_name][key]
    if files:
        return f"{files[-1]} ({registry.entry(files[-1]).origin})"
    return f"derived from {', '.join(recipe_of(space_name).sources)}"


@LABELS
def train_seconds(space_name: str, key: LabelKey) -> Floats:
    """(n,) seconds of the whole training that labels come from, in the order of the space.

    A simulated search pays this and :func:`evaluation_seconds` for each architecture, about 112 s in the median on
    CIFAR-10 after 12 epochs. NAS-Bench-201's are predictions in more than nine rows of ten
    (:mod:`cena.data.nas_bench_201_labels`) unless its archive was imported.

    Raises
    ------
    InputError
        If there are no such labels, or their training was not timed; the message lists what was.
    """
    return _seconds(space_name, key, f"train_seconds.{key.dataset}.{key.split}.{key.epochs}")


@LABELS
def evaluation_seconds(space_name: str, key: LabelKey) -> Floats:
    """(n,) seconds of one evaluation of the whole split of labels; errors as :func:`train_seconds`."""
    return _seconds(space_name, key, f"evaluation_seconds.{key.dataset}.{key.split}")


@LABELS
def nas_bench_101_cells() -> NasBench101Cells:
    """The cells whose labels ``accuracy("nas-bench-101", ...)`` gives, in their order.

    They are the 30,001 cells of the published sample, or all cells of the official archive where that was imported.

    Raises
    ------
    InputError
        If the table can be neither read nor derived.
    """
    table = imported("nas-bench-101") or derived_table("nas-bench-101")
    names = ("architecture", "adjacency", "operations", "vertices", "parameters")
    return NasBench101Cells(*(table[name] for name in names))


def digits_table(space_name: str) -> pd.DataFrame:
    """The bundled label table of a digits space, one row per architecture and seed.

    Columns: architecture (its string form), seed, epochs, validation_accuracy, test_accuracy (percent), seconds (of
    training), parameters.
    """
    return pd.read_csv(_table(space_name))


def _table(space_name: str) -> Path:
    if space_name not in DIGITS_TABLES:
        raise unknown("digits space", space_name, DIGITS_TABLES)
    path = BUNDLED / DIGITS_TABLES[space_name]
    if not path.exists():
        raise InputError(
            f"the labels of '{space_name}' are not in this copy of cena: install it again to get {path.name}"
        )
    return path


def _digits_accuracy(space: spaces.Space, key: LabelKey) -> Floats:
    table = digits_table(space.name)
    trained = table[table["epochs"] == key.epochs]
    by_seed = trained.pivot(index="architecture", columns="seed", values=f"{key.split}_accuracy")
    by_seed = by_seed.reindex([space.architecture(i) for i in range(len(space))])
    incomplete = int(by_seed.isna().any(axis=1).sum())
    if incomplete:
        raise InputError(
            f"the label table of '{space.name}' lacks trainings of {incomplete} architectures: train these first"
        )
    values = by_seed.mean(axis=1) if key.trials == "mean" else by_seed[int(key.trials.removeprefix("seed"))]
    return values.to_numpy(dtype=np.float64)


def _check(space_name: str, key: LabelKey) -> None:
    known = available(space_name)
    if key not in known:
        raise unknown(f"labels of {space_name}", key, known)


def _imported_with(space_name: str, key: LabelKey) -> LabelTable | None:
    """The imported table of a space if it has these labels."""
    table = imported(space_name)
    return table if table is not None and key.array_name() in table.names else None


def _from_table(space_name: str, table: LabelTable, array: str) -> Floats:
    values, names = table[array], None if space_name == "nas-bench-101" else table["architecture"].tolist()
    try:
        return _aligned(space_name, names, values.astype(np.float64))
    except (ValueError, TypeError) as error:  # such as that of a space, of a name that it does not know
        raise table.damaged(f"'{array}' is not of {space_name} ({error})") from error


def _aligned(space_name: str, names: list[str] | None, values: Floats) -> Floats:
    """The values in the order of the space; as they are where they have no names, being of the table's own cells."""
    if names is None:
        return values
    space = spaces.load(space_name)
    aligned = np.full(len(space), np.nan)
    aligned[[space.index(name) for name in names]] = values
    return aligned


def _seconds(space_name: str, key: LabelKey, array: str) -> Floats:
    _check(space_name, key)
    table = imported(space_name) if space_name in LABEL_SOURCES else None
    timed = _timed(space_name, table)
    if array not in timed:
        raise unknown(f"timing of {space_name}", array, timed)
    if table is not None and array in table.names:
        return _from_table(space_name, table, array)
    derived = derived_table(space_name)
    if array in derived.names:
        return _from_table(space_name, derived, array)
    train, evaluation = seconds_201(derived, key)
    return _aligned(space_name, derived["architecture"].tolist(), train if array.startswith("train") else evaluation)


def _timed(space_name: str, table: LabelTable | None) -> list[str]:
    """The array names of the timings there are."""
    kinds = ("train_seconds.", "evaluation_seconds.")
    timed = sorted(name for name in table.names if name.startswith(kinds)) if table else []
    if space_name == "nas-bench-201":
        keys = LABEL_SOURCES[space_name]
        timed += dict.fromkeys(f"train_seconds.{key.dataset}.{key.split}.{key.epochs}" for key in keys)
        timed += dict.fromkeys(f"evaluation_seconds.{key.dataset}.{key.split}" for key in keys)
    elif space_name == "nas-bench-101" and table is None:
        timed.append(SECONDS_101)
    return list(dict.fromkeys(timed))
