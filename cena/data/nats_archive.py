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
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cena.data.label_tables import LabelKey
from cena.data.pickles import load_plain
from cena.errors import InputError
from cena.types import Arrays, Progress, silent

_RECORD = re.compile(r"(\d{6})\.pickle\.pbz2")
_LARGEST = 64 * 2**20
"""Bytes of the largest record that is read; genuine ones have a third of a megabyte."""
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
    for number, content, name in _records(path):
        rows[number] = _read_record(content, name, number)
        progress(len(rows), 0)
    if not rows:
        raise InputError(f"{path} holds no NATS-Bench record: expected files 000000.pickle.pbz2, 000001.pickle.pbz2, …")
    ordered = [rows[number] for number in sorted(rows)]
    arrays: Arrays = {"architecture": np.array([architecture for architecture, _ in ordered])}
    for column in sorted({name for _, values in ordered for name in values}):
        arrays[column] = np.array([values.get(column, np.nan) for _, values in ordered])
    return arrays


def _read_record(content: bytes, name: str, number: int) -> tuple[str, dict[str, float]]:
    """The architecture of a compressed record and its values by array name; see :func:`read_nats_archive`."""
    by_epochs = load_plain(_decompressed(content, name), name)
    collected: dict[str, list[float]] = defaultdict(list)
    architectures = set()
    try:
        for epochs, result in by_epochs.items():
            if result["arch_index"] != number:
                raise InputError(f"{name} is of architecture {result['arch_index']}: its name must be its number")
            architectures.add(result["arch_str"])
            for (dataset, seed), training in result["all_results"].items():
                _collect(collected, training, dataset, int(seed), int(epochs))
        [architecture] = architectures
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{name} is no record of NATS-Bench: its results are not where they should be") from error
    return str(architecture), {column: float(np.mean(values)) for column, values in collected.items()}


def _collect(collected: dict[str, list[float]], training: Any, dataset: str, seed: int, epochs: int) -> None:
    last = training["epochs"] - 1
    for evaluation in training["eval_names"]:
        if (dataset, evaluation) not in _SPLITS:
            continue
        ours, split = _SPLITS[dataset, evaluation]
        accuracy = training["eval_acc1es"][f"{evaluation}@{last}"]
        for trials in (f"seed{seed}", "mean"):
            collected[LabelKey(ours, split, epochs, trials).array_name()].append(accuracy)
        seconds = training["train_times"]
        if seconds:
            collected[f"train_seconds.{ours}.{split}.{epochs}"].append(sum(seconds.values()))
        if f"{evaluation}@{last}" in training["eval_times"]:
            collected[f"evaluation_seconds.{ours}.{split}"].append(training["eval_times"][f"{evaluation}@{last}"])


def _records(path: Path) -> Iterator[tuple[int, bytes, str]]:
    """The number, content and name of every record of an archive."""
    if path.is_dir():
        return _numbered((file.name, file.read_bytes) for file in sorted(path.iterdir()))
    if not path.exists():
        raise InputError(f"there is no archive {path}: give the folder or the .tar of NATS-Bench's 'simple' archive")
    return _tar_records(path)


def _tar_records(path: Path) -> Iterator[tuple[int, bytes, str]]:
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                content = archive.extractfile(member)
                if content is not None:
                    yield from _numbered([(Path(member.name).name, content.read)])
    except (tarfile.TarError, EOFError, OSError) as error:
        raise InputError(f"{path} is no complete .tar archive ({error}): download it again") from error


def _numbered(files: Iterable[tuple[str, Callable[[], bytes]]]) -> Iterator[tuple[int, bytes, str]]:
    for name, read in files:
        matched = _RECORD.fullmatch(name)
        if matched:
            yield int(matched[1]), read(), name


def _decompressed(content: bytes, name: str) -> bytes:
    decompressor = bz2.BZ2Decompressor()
    try:
        plain = decompressor.decompress(content, _LARGEST)
    except OSError as error:
        raise InputError(f"{name} is damaged: it is not compressed by bzip2") from error
    if not decompressor.eof:
        reason = "is truncated" if decompressor.needs_input else f"has more than {_LARGEST:,} bytes"
        raise InputError(f"{name} {reason}: download the archive again")
    return plain
