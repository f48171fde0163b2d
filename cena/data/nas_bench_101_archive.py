"""The official NAS-Bench-101 archive (a TFRecord file), read into a label table.

Each record is one training: a JSON row of the cell's hash, epochs, adjacency matrix, operations, and in base64 the
protocol buffer ``ModelMetrics``. Of that message we read field 2, the number of parameters, and the repeated field 1,
``EvaluationData`` (epoch 1, training seconds 2, training 3, validation 4 and test 5 accuracy, as fractions): the state
before, half-way through and after the training, of which the last counts. Each cell was trained three times for each
of 4, 12, 36 and 108 epochs.

Source: Ying et al., "NAS-Bench-101" (ICML 2019), section 3, and the layout of github.com/google-research/nasbench.
"""

import base64
import re
import struct
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cena.data.label_tables import LabelKey
from cena.data.tfrecord import read_tfrecords
from cena.errors import InputError
from cena.outside import parse_json
from cena.spaces.nas_bench_101.cells import MAX_VERTICES
from cena.types import Arrays, Progress, silent

_EPOCHS = (4, 12, 36, 108)
_REPEATS = 3
_OPERATIONS = {"input": -1, "output": -2, "conv3x3-bn-relu": 0, "conv1x1-bn-relu": 1, "maxpool3x3": 2}
_PADDING = -9
_HASH = re.compile(r"[0-9a-f]{32}")
_PROGRESS_EVERY = 10_000


def read_nas_bench_101_archive(path: Path, progress: Progress = silent) -> Arrays:
    """The arrays of a label table, one row for each cell, in the order of their hashes.

    ``architecture`` (n,) hashes; ``adjacency`` (n, 7, 7), ``operations`` (n, 7), ``vertices`` (n,) and ``parameters``
    (n,) as in :class:`cena.data.labels.NasBench101Cells`; validation and test accuracies in percent (float32) of
    ``repeat0``, ``repeat1``, ``repeat2``, of ``one`` (which is repeat 0) and their ``mean``; the mean seconds of a
    training as ``train_seconds.cifar10.<split>.<epochs>``, for both splits the same. What the file lacks is not there.
    `progress` is told now and then of (trainings read, 0: how many there are is not known).

    Raises
    ------
    InputError
        If the file is missing, truncated, damaged or not NAS-Bench-101; the message says where.
    """
    if not path.is_file():
        raise InputError(f"{path} is no file: give nasbench_full.tfrecord of NAS-Bench-101")
    rows: dict[str, int] = {}
    cells: list[tuple[NDArray[np.uint8], NDArray[np.int8], int, int]] = []
    trained = array("B")  # for each cell, how often it was met after each number of epochs
    metrics = array("f")  # for each cell (epochs, repeats, 3): seconds, validation, test
    slots = len(_EPOCHS) * _REPEATS * 3
    for number, content in enumerate(read_tfrecords(path)):
        try:
            name, epochs, adjacency, operations, encoded = parse_json(content)
            parameters, final = _model_metrics(base64.b64decode(encoded, validate=True))
            if name not in rows:
                if not _HASH.fullmatch(name):
                    raise ValueError(f"{name!r:.60} is no hash of a cell")
                cells.append((*_cell(adjacency, operations.split(",")), parameters))
                rows[name] = len(rows)
                trained.extend([0] * len(_EPOCHS))
                metrics.extend([float("nan")] * slots)
            row, length = rows[name], _EPOCHS.index(epochs)
            repeat = trained[row * len(_EPOCHS) + length]
            if repeat >= _REPEATS:
                raise ValueError(f"cell {name} has more than {_REPEATS} trainings of {epochs} epochs")
            trained[row * len(_EPOCHS) + length] += 1
            start = row * slots + (length * _REPEATS + repeat) * 3
            metrics[start : start + 3] = array("f", final)
        except Exception as error:  # what stands in the place of a training raises anything at all
            raise InputError(f"{path}: record {number:,} is no training of NAS-Bench-101 ({error!s:.200})") from error
        if number % _PROGRESS_EVERY == 0:
            progress(number, 0)
    if not rows:
        raise InputError(f"{path} holds no record: give nasbench_full.tfrecord of NAS-Bench-101")
    values = np.frombuffer(metrics, np.float32).reshape(len(rows), len(_EPOCHS), _REPEATS, 3)
    return _arrays(list(rows), cells, values)


def _arrays(
    names: list[str], cells: list[tuple[NDArray[np.uint8], NDArray[np.int8], int, int]], values: NDArray[np.float32]
) -> Arrays:
    order = np.argsort(names)
    adjacency, operations, vertices, parameters = zip(*cells, strict=True)
    arrays: Arrays = {
        "architecture": np.array(names)[order],
        "adjacency": np.stack(adjacency)[order],
        "operations": np.stack(operations)[order],
        "vertices": np.array(vertices, np.uint8)[order],
        "parameters": np.array(parameters, np.int64)[order],
    }
    for position, epochs in enumerate(_EPOCHS):
        trainings = values[order, position]
        there = ~np.isnan(trainings[..., 0]).all(axis=0)
        if not there[0]:
            continue
        for which, split in ((1, "validation"), (2, "test")):
            percent = 100 * trainings[:, there, which]
            arrays[LabelKey("cifar10", split, epochs, "one").array_name()] = percent[:, 0]
            arrays[LabelKey("cifar10", split, epochs, "mean").array_name()] = _mean(percent)
            for repeat in range(percent.shape[1]):
                arrays[LabelKey("cifar10", split, epochs, f"repeat{repeat}").array_name()] = percent[:, repeat]
            arrays[f"train_seconds.cifar10.{split}.{epochs}"] = _mean(trainings[:, there, 0])
    return arrays


def _mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n,) the mean over the repeats there are, NaN where there is none."""
    known = ~np.isnan(values)
    counts = known.sum(axis=1)
    sums = np.where(known, values, 0).sum(axis=1, dtype=np.float64)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan).astype(np.float32)


def _cell(adjacency: str, operations: list[str]) -> tuple[NDArray[np.uint8], NDArray[np.int8], int]:
    """A row's matrix, written as 0 and 1 row by row, and operations; padded to seven vertices."""
    vertices = len(operations)
    if not 2 <= vertices <= MAX_VERTICES or len(adjacency) != vertices**2 or set(adjacency) - {"0", "1"}:
        raise ValueError(
            f"adjacency '{adjacency}' with {vertices} operations is no cell of 2 to {MAX_VERTICES} vertices"
        )
    matrix = np.zeros((MAX_VERTICES, MAX_VERTICES), np.uint8)
    matrix[:vertices, :vertices] = np.array(list(adjacency), np.uint8).reshape(vertices, vertices)
    if np.tril(matrix).any():
        raise ValueError(f"adjacency '{adjacency}' is not upper triangular")
    codes = np.full(MAX_VERTICES, _PADDING, np.int8)
    codes[:vertices] = [_OPERATIONS[operation] for operation in operations]
    return matrix, codes, vertices


def _model_metrics(message: bytes) -> tuple[int, tuple[float, float, float]]:
    """The parameters, and the seconds, validation and test accuracy of the last evaluation."""
    fields = list(_fields(message))
    parameters = int(dict(fields)[2])
    if parameters >= 2**63:
        raise ValueError(f"it has {parameters:,} parameters")
    evaluations = [value for number, value in fields if number == 1]
    if len(evaluations) != 3:
        raise ValueError(f"it has {len(evaluations)} evaluations instead of 3")
    final = {number: value for number, value in _fields(evaluations[-1]) if number in (2, 4, 5)}
    seconds, validation, test = (struct.unpack("<d", final[number])[0] for number in (2, 4, 5))
    return parameters, (seconds, validation, test)


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a protocol buffer as (number, value): an int for a varint, else the value's bytes."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        wire_type = key & 7
        if wire_type == 0:
            value: int | bytes
            value, position = _varint(message, position)
        else:
            if wire_type == 2:
                length, position = _varint(message, position)
            elif wire_type in (1, 5):
                length = 8 if wire_type == 1 else 4
            else:
                raise ValueError(f"its protocol buffer has the wire type {wire_type}")
            value = message[position : position + length]
            position += length
            if position > len(message):
                raise ValueError("its protocol buffer is truncated")
        yield key >> 3, value


def _varint(message: bytes, position: int) -> tuple[int, int]:
    """An integer of seven bits a byte, the lowest first, and the position after it."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(message):
            raise ValueError("its protocol buffer is truncated")
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("its protocol buffer has an integer of more than 64 bits")
