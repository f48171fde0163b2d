"""NAS-Bench-201's label table, derived from five published tables, or from the one that an earlier edition merged.

Rows are in the order of the space, whatever the order of a file. What each accuracy is, :mod:`cena.data.label_sources`
says. ``parameters`` are as published: in 204 rows a mean over records of other cells, which no cell has
(:meth:`cena.spaces.TopologySpace.parameters` counts exactly).

The seconds are those of one epoch of training on CIFAR-10's 50,000 images and of evaluating 10,000 images, as the
benchmark's authors measured them. They were published of 1,000 architectures, where ``timed`` is true; elsewhere they
are predicted from the operation on each edge, by least squares on those 1,000. Left out a fifth at a time, these are
predicted with a mean error of 1.4 % for training and 1.9 % for evaluation.
"""

import gzip
import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from cena import spaces
from cena.data import registry
from cena.data.label_tables import LabelKey, LabelTable
from cena.data.pandas_pickles import read_pandas_pickle
from cena.data.public_files import DATASETS, EXTRACTOR, LANDSCAPE, MERGED_201, MINI_201, NASGRAPH, QUANTILE_TRANSFER
from cena.errors import InputError
from cena.outside import parse_json, read_at_most
from cena.stages import Stage
from cena.types import Arrays, Booleans, Floats

LABELS_201 = Stage("labels.nas-bench-201", version=1)
"""NAS-Bench-201's derived label tables, and the seconds of its trainings."""

SOURCES_201 = (*NASGRAPH.values(), LANDSCAPE, QUANTILE_TRANSFER, MINI_201, EXTRACTOR)

T = TypeVar("T")

_LARGEST = 2**25
"""Bytes of the largest table that is unpacked; the published ones have a quarter of that."""

_DECIMALS = 4
"""Of predicted seconds: far below their error, and far above what processors round differently."""

_IMAGES = {
    ("cifar10", "validation"): (25_000, 25_000),
    ("cifar10", "test"): (50_000, 10_000),
    ("cifar100", "validation"): (50_000, 5_000),
    ("cifar100", "test"): (50_000, 5_000),
    ("imagenet16", "validation"): (151_700, 3_000),
    ("imagenet16", "test"): (151_700, 3_000),
}
"""Training images and evaluated images: seconds are those of an image times their number."""


def keys_201(dataset: str) -> dict[LabelKey, str]:
    """The accuracies of the table on a data set, and the ends of their columns in the merged table."""
    return {
        LabelKey(dataset, "validation", 12, "mean" if dataset == "cifar10" else "one"): "val_12",
        LabelKey(dataset, "test", 12, "one"): "test_12",
        LabelKey(dataset, "validation", 200, "mean"): "val_200",
        LabelKey(dataset, "test", 200, "mean"): "test_200",
        LabelKey(dataset, "test", 200, "another"): "test_200_one_seed",
    }


def derive_201(paths: Mapping[str, Path]) -> Arrays:
    """The arrays of the label table from the files of :data:`SOURCES_201`, given by their names there.

    Raises
    ------
    InputError
        If a file is truncated, lacks a column or an architecture, or is of another kind; the sentence names the file
        and its public address.
    """
    space = spaces.load("nas-bench-201")
    names = [space.architecture(i) for i in range(len(space))]
    short = _read(paths, MINI_201, lambda content: pd.DataFrame(read_pandas_pickle(content, MINI_201)))
    one = _read(paths, QUANTILE_TRANSFER, _zipped)
    landscape = _read(paths, LANDSCAPE, _csv)
    arrays: Arrays = {"architecture": np.array(names)}
    for dataset, theirs, test, mini in (
        ("cifar10", "cifar10", "CIFAR10", "cifar10"),
        ("cifar100", "cifar100", "CIFAR100", "cifar100"),
        ("imagenet16", "ImageNet16-120", "ImageNet", "imagenet"),
    ):
        graph = NASGRAPH[dataset]
        drawn = one[_column(one, QUANTILE_TRANSFER, "task") == theirs]
        columns = {
            "val_12": (short, MINI_201, "cellstr", f"{mini}-val"),
            "test_12": (short, MINI_201, "cellstr", f"{mini}-test"),
            "val_200": (_read(paths, graph, _csv), graph, "arch str", "validation accuracy"),
            "test_200": (landscape, LANDSCAPE, "ArchitectureString", f"{test}TestAccuracy200Epochs"),
            "test_200_one_seed": (drawn, QUANTILE_TRANSFER, "arch_str", "metric_test_accuracy"),
        }
        arrays |= {key.array_name(): _aligned(*columns[end], names) for key, end in keys_201(dataset).items()}
        if dataset == "cifar10":
            millions = _aligned(drawn, QUANTILE_TRANSFER, "arch_str", "metric_params_size", names)
            arrays["parameters"] = np.rint(1e6 * millions).astype(np.int64)
    timings = _read(paths, EXTRACTOR, lambda content: _timings(parse_json(content)))
    timed = np.array([name in timings for name in names])
    if not timed.any():
        raise registry.unusable(EXTRACTOR, "it has no architecture of NAS-Bench-201")
    measured = np.array([timings.get(name, (np.nan, np.nan)) for name in names])
    arrays["timed"] = timed
    for name, seconds in zip(("epoch_seconds", "evaluation_seconds"), measured.T, strict=True):
        arrays[name] = predicted_seconds(seconds, timed, space.one_hot())
    return arrays


def merged_201(paths: Mapping[str, Path]) -> Arrays:
    """The same from the merged table, which knows CIFAR-100's validation after 200 epochs of 2,919 rows only."""
    space = spaces.load("nas-bench-201")
    names = [space.architecture(i) for i in range(len(space))]
    table = _read(paths, MERGED_201, _gzipped)

    def column(name: str) -> Floats:
        return _aligned(table, MERGED_201, "architecture", name, names)

    arrays: Arrays = {"architecture": np.array(names)}
    for dataset in DATASETS:
        arrays |= {key.array_name(): column(f"{dataset}_{end}") for key, end in keys_201(dataset).items()}
    arrays["parameters"] = np.rint(1e6 * column("params_millions")).astype(np.int64)
    arrays["timed"] = np.isfinite(column("cifar10_train_seconds_per_epoch"))
    for name, theirs in (
        ("epoch_seconds", "cifar10_train_seconds_per_epoch"),
        ("evaluation_seconds", "cifar10_eval10k_seconds"),
    ):
        measured = column(theirs)
        arrays[name] = np.where(np.isfinite(measured), measured, column(f"{theirs}_predicted"))
    return arrays


@LABELS_201
def seconds_201(table: LabelTable, key: LabelKey) -> tuple[Floats, Floats]:
    """(15,625,) seconds of the training that labels come from, and of one evaluation of their split.

    On CIFAR-10 after 12 epochs a training is 6 times an epoch of 50,000 images and an evaluation 2.5 times 10,000.
    """
    trained, evaluated = _IMAGES[key.dataset, key.split]
    epoch = table["epoch_seconds"] * trained / 50_000
    return key.epochs * epoch, table["evaluation_seconds"] * evaluated / 10_000


@LABELS_201
def predicted_seconds(seconds: Floats, timed: Booleans, one_hot: Floats) -> Floats:
    """(n,) seconds, where they are not timed those of a linear fit to the operations, (n, 30), of those that are."""
    weights = np.linalg.lstsq(one_hot[timed], seconds[timed], rcond=None)[0]
    return np.where(timed, seconds, np.round(one_hot @ weights, _DECIMALS))


def _timings(content: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """By architecture, the seconds of an epoch and of an evaluation on CIFAR-10, which are there as sums of 12."""
    return {
        architecture: (results["cifar10"]["12"][2] / 12, results["cifar10"]["12"][5] / 12)
        for architecture, results in content.items()
    }


def _read(paths: Mapping[str, Path], name: str, parse: Callable[[bytes], T]) -> T:
    try:
        return parse(paths[name].read_bytes())
    except InputError as error:
        raise registry.unusable(name, str(error)) from error
    except Exception as error:  # a file of another kind raises anything at all
        raise registry.unusable(name, f"it cannot be read ({type(error).__name__})") from error


def _csv(content: bytes) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(content), dtype=str)  # how it reads numbers differs by version


def _gzipped(content: bytes) -> pd.DataFrame:
    with gzip.open(io.BytesIO(content)) as file:
        return _csv(read_at_most(file, _LARGEST, "its content"))


def _zipped(content: bytes) -> pd.DataFrame:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        [name] = archive.namelist()
        with archive.open(name) as file:
            return _csv(read_at_most(file, _LARGEST, name))


def _column(table: pd.DataFrame, file: str, name: str) -> "pd.Series[Any]":
    if name not in table.columns:
        raise registry.unusable(file, f"it has no column '{name}'")
    return table[name]


def _aligned(table: pd.DataFrame, file: str, by: str, column: str, names: Sequence[str]) -> Floats:
    """(n,) a column in the order of `names`, which are in the column `by`, each in one row."""
    rows, entries = _column(table, file, by).to_numpy(), _column(table, file, column).to_numpy(object)
    try:
        numbers = entries.astype(np.float64)
    except ValueError as error:
        raise registry.unusable(file, f"its column '{column}' has entries that are no numbers") from error
    values = pd.Series(numbers, index=rows)
    absent = set(names).difference(values.index)
    if absent or len(values) != len(names):
        raise registry.unusable(
            file, f"it has {len(values):,} rows and lacks {len(absent):,} of {len(names):,} architectures"
        )
    return np.asarray(values.reindex(list(names)), np.float64)
