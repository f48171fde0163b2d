"""The official NATS-Bench archives, topology and size, read into a label table.

An archive is a folder, or a ``.tar`` of one, with a file ``NNNNNN.pickle.pbz2`` for each architecture (the "simple"
archives, which have no weights). A record holds, for each length of training, the results of every data set and seed.
Records are read by :func:`cena.data.pickles.load_plain`, which runs nothing of theirs.

The splits are the benchmark's. CIFAR-10: validation is ``x-valid`` of the network trained on 25,000 images
(``cifar10-valid``), test is ``ori-test`` of another training on all 50,000. CIFAR-100 and ImageNet16-120: ``x-valid``
and ``x-test`` of one training, which halve the original test images. Accuracies are those after the last epoch.

Source: Dong et al., "NATS-Bench" (TPAMI 2021), section 3.4, and the layout of github.com/D-X-Y/NATS-Bench.
"""

import bz2
import re
import tarfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cena.data.label_tables import LabelKey
from cena.data.pickles import load_plain
from cena.errors import InputError
from cena.outside import not_expected, read_at_most
from cena.types import Arrays, Progress, silent

_RECORD = re.compile(r"(\d{6})\.pickle\.pbz2")
_LARGEST = 2 * 2**20
"""Bytes of the largest record that is read, compressed or not; genuine ones have a third of a megabyte.

A byte of a pickle makes an empty set, of 216 bytes: a record takes half a gigabyte at most."""
_LONGEST = 200  # characters of an architecture
_MOST_TRAININGS = 100  # of one length in a record, and lengths
_MOST_COLUMNS = 500
_EXPECTED = "NATS-Bench's 'simple' archive, its .tar or the folder in it"
_REMEDY = "get NATS-Bench's 'simple' archive, whose records are small and have no weights"
_SPLITS = {
    ("cifar10-valid", "x-valid"): ("cifar10", "validation"),
    ("cifar10", "ori-test"): ("cifar10", "test"),
    ("cifar100", "x-valid"): ("cifar100", "validation"),
    ("cifar100", "x-test"): ("cifar100", "test"),
    ("ImageNet16-120", "x-valid"): ("imagenet16", "validation"),
    ("ImageNet16-120", "x-test"): ("imagenet16", "test"),
}
"""The benchmark's (data set, evaluation) and ours (data set, split)."""


def read_nats_archive(path: Path, progress: Progress = silent) -> Arrays:
    """The arrays of a label table, one row for each record of an archive, in the order of their numbers.

    ``architecture`` (n,) strings; accuracies in percent for each seed and ``mean`` over the seeds there are, NaN where
    there is none; ``train_seconds.<data set>.<split>.<epochs>`` (n,) of one whole training and
    ``evaluation_seconds.<data set>.<split>`` (n,) of one evaluation of the split, means over seeds. `progress` is told
    of (records read, 0: how many there are is not known).

    Raises
    ------
    InputError
        If there is no record, or one is refused, damaged or not of NATS-Bench; the message names it.
    """
    rows: dict[int, tuple[str, dict[str, float]]] = {}
    columns: set[str] = set()
    for number, content, name in _records(path):
        rows[number] = _read_record(content, name, number)
        columns.update(rows[number][1])
        if len(columns) > _MOST_COLUMNS:
            raise InputError(f"{path} is not of NATS-Bench: its records have more than {_MOST_COLUMNS} kinds of labels")
        progress(len(rows), 0)
    if not rows:
        raise InputError(
            f"{path} holds no NATS-Bench record: expected files 000000.pickle.pbz2, 000001.pickle.pbz2, ..."
        )
    ordered = [rows[number] for number in sorted(rows)]
    arrays: Arrays = {"architecture": np.array([architecture for architecture, _ in ordered])}
    for column in sorted(columns):
        arrays[column] = np.array([values.get(column, np.nan) for _, values in ordered])
    return arrays


def _read_record(content: bytes, name: str, number: int) -> tuple[str, dict[str, float]]:
    """The architecture of a compressed record and its values by array name; see :func:`read_nats_archive`."""
    try:
        by_epochs = load_plain(_decompressed(content, name), name)
    except InputError as error:
        raise InputError(f"{error}; {_REMEDY}") from error
    collected: dict[str, list[float]] = defaultdict(list)
    architectures = set()
    try:
        for epochs, result in by_epochs.items():
            if result["arch_index"] != number:
                raise InputError(f"{name} is of architecture {int(result['arch_index'])}: its name must be its number")
            architectures.add(result["arch_str"])
            trainings = result["all_results"].items()
            if max(len(by_epochs), len(trainings)) > _MOST_TRAININGS:
                raise ValueError("more trainings than anybody made")
            for (dataset, seed), training in trainings:
                _collect(collected, training, dataset, int(seed), int(epochs))
        [architecture] = architectures
        if not isinstance(architecture, str) or len(architecture) > _LONGEST:
            raise ValueError("no architecture")
    except InputError:
        raise
    except Exception as error:  # what stands in the place of results raises anything at all
        raise InputError(f"{name} is no record of NATS-Bench: its results are not where they should be") from error
    return architecture, {column: float(np.mean(values)) for column, values in collected.items()}


def _collect(collected: dict[str, list[float]], training: Any, dataset: str, seed: int, epochs: int) -> None:
    last = training["epochs"] - 1
    for (theirs, evaluation), (ours, split) in _SPLITS.items():
        if theirs != dataset or evaluation not in training["eval_names"]:
            continue
        accuracy = float(training["eval_acc1es"][f"{evaluation}@{last}"])
        for trials in (f"seed{seed}", "mean"):
            collected[LabelKey(ours, split, epochs, trials).array_name()].append(accuracy)
        seconds = training["train_times"]
        if seconds:
            collected[f"train_seconds.{ours}.{split}.{epochs}"].append(float(sum(seconds.values())))
        if f"{evaluation}@{last}" in training["eval_times"]:
            evaluated = float(training["eval_times"][f"{evaluation}@{last}"])
            collected[f"evaluation_seconds.{ours}.{split}"].append(evaluated)


def _records(path: Path) -> Iterator[tuple[int, bytes, str]]:
    """The number, content and name of every record of an archive."""
    if not path.exists():
        raise InputError(f"there is no archive {path}: give {_EXPECTED}")
    if _number(path.name) is not None and path.is_file():
        raise InputError(f"{path} is one record: give the folder of all of them")
    return _folder_records(path) if path.is_dir() else _tar_records(path)


def _folder_records(path: Path) -> Iterator[tuple[int, bytes, str]]:
    for file in sorted(path.iterdir()):
        number = _number(file.name)
        if number is not None and file.is_file():
            with file.open("rb") as opened:
                yield number, read_at_most(opened, _LARGEST, file.name, _REMEDY), file.name


def _tar_records(path: Path) -> Iterator[tuple[int, bytes, str]]:
    try:
        with tarfile.open(path, "r:") as archive:  # one that is compressed may unpack to anything
            while (member := archive.next()) is not None:
                archive.members.clear()  # type: ignore[attr-defined]  # else all of them are kept
                name = Path(member.name).name
                number = _number(name)
                if number is None:
                    continue
                content = archive.extractfile(member) if member.isreg() else None  # a link may lead anywhere
                if content is None:
                    raise InputError(f"{name} in {path} is no file: unpack the archive, and give the folder")
                yield number, read_at_most(content, _LARGEST, name, _REMEDY), name
    except InputError:
        raise
    except Exception as error:  # a damaged archive raises anything at all
        raise not_expected(path, _EXPECTED, "is no complete .tar archive") from error


def _number(name: str) -> int | None:
    """The number of a record by the name of its file; None for other files."""
    matched = _RECORD.fullmatch(name)
    return int(matched[1]) if matched else None


def _decompressed(content: bytes, name: str) -> bytes:
    decompressor = bz2.BZ2Decompressor()
    try:
        plain = decompressor.decompress(content, _LARGEST)
    except OSError as error:
        raise InputError(f"{name} is damaged: it is not compressed by bzip2") from error
    if not decompressor.eof:
        reason = "is truncated" if decompressor.needs_input else f"has more than {_LARGEST:,} bytes"
        raise InputError(f"{name} {reason}")
    return plain
