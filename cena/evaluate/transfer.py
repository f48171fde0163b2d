"""Transfer between search spaces: section 5.3, Figure 6 and Table 2 of the paper.

A predictor is trained on the accuracies of `train_size` random architectures of one space, the source, and judged on
another, the target, of which it has seen no label; within a space it is judged on the rest. Departure from the paper,
whose code drew one split for its ten runs: every run draws a new training set, so the intervals hold what that adds.

The spaces are stacked: features have one row for each architecture of the first space, then of the second, and so on,
and `space` says of each row which it is of. So the columns mean the same everywhere, and what stands for dead networks
(:func:`cena.evaluate.fill_dead`) is the same too.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from joblib import delayed
from numpy.typing import ArrayLike, NDArray

from cena.errors import InputError, unknown
from cena.evaluate.metrics import SCORES, scored
from cena.evaluate.prediction import (
    PredictionTask,
    checked_columns,
    checked_features,
    checked_labels,
    fitted,
    split,
)
from cena.processes import parallel
from cena.stages import Stage
from cena.types import Floats

TRANSFER = Stage("transfer", version=2)
"""Prediction across spaces."""


@TRANSFER
def transferred(
    matrix: ArrayLike, accuracy: ArrayLike, space: ArrayLike, source: str, task: PredictionTask, run: int = 0
) -> pd.DataFrame:
    """The predictions of one run from one source for all spaces: Figure 6 is run 0.

    Parameters
    ----------
    matrix : features (n, columns) of all spaces.
    accuracy : labels (n,), in percent.
    space : (n,) name of the space of each row.
    source : the space to train on.
    run : which rows of the source are trained on: see :func:`cena.evaluate.split`.

    Returns
    -------
    Columns `target`, `row`, `truth` and `prediction`; a row for each architecture not trained on.

    Raises
    ------
    InputError
        If an entry is not finite in single precision, lengths differ, or the source is not there or is too small for
        the split.
    """
    labels, names = _stacked(accuracy, space)
    columns = checked_columns("features", matrix, len(labels))
    members = _members(names, source)
    chosen, _ = split(len(members), task.train_size, task.seed, run)
    train = members[chosen]
    test = np.setdiff1d(np.arange(len(labels)), train)
    prediction = fitted(task, run, columns[train], labels[train]).predict(columns[test])
    return pd.DataFrame({"target": names[test], "row": test, "truth": labels[test], "prediction": prediction})


@TRANSFER
def transfer(
    features: Mapping[str, ArrayLike], accuracy: ArrayLike, space: ArrayLike, task: PredictionTask, workers: int = 1
) -> pd.DataFrame:
    """The scores of every feature set in every direction and run: Table 2.

    Within a run all feature sets share the training set, so their scores can be compared run by run. A linear model on
    one column ranks a target as the column does, so its scores hardly vary between runs.

    Parameters
    ----------
    features : name -> matrix (n, columns) of all spaces.
    accuracy : labels (n,), in percent.
    space : (n,) name of the space of each row.
    workers : processes that share the work; the scores do not depend on it.

    Returns
    -------
    Columns `source`, `target`, `features`, `run` and :data:`cena.evaluate.SCORES`.

    Raises
    ------
    InputError
        As :func:`transferred`; and if there is no feature set.
    """
    labels, names = _stacked(accuracy, space)
    matrices = checked_features(features, len(labels))
    spaces = list(dict.fromkeys(names.tolist()))
    for source in spaces:
        split(len(_members(names, source)), task.train_size, task.seed, run=0)

    fits = [(source, name, run) for source in spaces for name in matrices for run in range(task.runs)]
    found = parallel(workers)(
        delayed(_scores)(matrices[name], labels, names, source, task, run) for source, name, run in fits
    )
    rows = [
        {"source": source, "target": target, "features": name, "run": run, **scores[target]}
        for (source, name, run), scores in zip(fits, found, strict=True)
        for target in spaces
    ]
    return pd.DataFrame(rows, columns=["source", "target", "features", "run", *SCORES])


def _scores(
    matrix: NDArray[np.float32], labels: Floats, names: NDArray[np.str_], source: str, task: PredictionTask, run: int
) -> dict[str, dict[str, float]]:
    table = transferred(matrix, labels, names, source, task, run)
    return {str(target): scored(group.prediction, group.truth) for target, group in table.groupby("target")}


def _stacked(accuracy: ArrayLike, space: ArrayLike) -> tuple[Floats, NDArray[np.str_]]:
    labels, names = checked_labels(accuracy), np.asarray(space, dtype=np.str_)
    if names.shape != labels.shape:
        raise InputError(f"space has shape {names.shape} and accuracy {labels.shape}: name the space of each row")
    return labels, names


def _members(names: NDArray[np.str_], source: str) -> NDArray[np.intp]:
    members = np.flatnonzero(names == source)
    if len(members) == 0:
        raise unknown("source space", source, list(dict.fromkeys(names.tolist())))
    return members
