"""Transfer between search spaces: section 5.3, Figure 6 and Table 2 of the paper.

A predictor is trained on the accuracies of `train_size` random architectures of one space, the source, and judged on
another, the target, of which it has seen no label; within a space it is judged on the rest. Departure from the paper,
whose code drew one split for its ten runs: every run draws a new training set, so the intervals hold what that adds.

The spaces are stacked: features have one row for each architecture of the first space, then of the second, and so on,
and `space` says of each row which it is of. So the columns mean the same everywhere, and what stands for dead networks
(:func:`cena.evaluate.fill_dead`) is the same too.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import ArrayLike, NDArray
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cena.errors import InputError, unknown
from cena.evaluate.intervals import mean_interval
from cena.evaluate.metrics import kendall, pearson
from cena.evaluate.prediction import checked_columns, checked_labels, forest, split
from cena.stages import Stage

TRANSFER = Stage("transfer", version=1)
"""Prediction across spaces."""

Model = Literal["forest", "linear"]

PENALTIES = np.logspace(-3, 5, 17)
"""Ridge penalties of the linear model, on standardised columns; leave-one-out on the training set chooses."""


@TRANSFER
def transferred(
    matrix: ArrayLike,
    accuracy: ArrayLike,
    space: ArrayLike,
    source: str,
    train_size: int,
    seed: int,
    run: int = 0,
    *,
    model: Model = "forest",
    trees: int = 100,
) -> pd.DataFrame:
    """The predictions of one run from one source for all spaces: Figure 6 is run 0.

    Parameters
    ----------
    matrix : features (n, columns) of all spaces.
    accuracy : labels (n,), in percent.
    space : (n,) name of the space of each row.
    source : the space to train on.
    train_size, seed, run : which rows of the source: see :func:`cena.evaluate.split`.
    model : ``"forest"`` with scikit-learn's defaults, as in the paper, or ``"linear"``, a ridge regression on columns
        standardised over the training set: the rival that goes on straight where a forest stays flat, outside the
        range of the source.
    trees : the forest's.

    Returns
    -------
    Columns `target`, `row`, `truth` and `prediction`; a row for each architecture not trained on.

    Raises
    ------
    InputError
        If an entry is not finite in single precision, lengths differ, the source is not there or is too small for the
        split, or there is no such model.
    """
    labels, names = _stacked(accuracy, space)
    columns = checked_columns("features", matrix, len(labels))
    members = _members(names, source)
    chosen, _ = split(len(members), train_size, seed, run)
    train = members[chosen]
    test = np.setdiff1d(np.arange(len(labels)), train)
    predictor = _predictor(model, trees, seed, run).fit(columns[train], labels[train])
    prediction = predictor.predict(columns[test])
    return pd.DataFrame({"target": names[test], "row": test, "truth": labels[test], "prediction": prediction})


@TRANSFER
def transfer(
    features: Mapping[str, ArrayLike],
    accuracy: ArrayLike,
    space: ArrayLike,
    train_size: int,
    runs: int,
    seed: int,
    *,
    model: Model = "forest",
    trees: int = 100,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Pearson's r and Kendall's tau of every feature set in every direction and run: Table 2.

    Within a run all feature sets share the training set, so their scores can be compared run by run. A linear model on
    one column ranks a target as the column does, so its scores hardly vary between runs.

    Parameters
    ----------
    features : name -> matrix (n, columns) of all spaces.
    runs : number of fresh training sets.
    workers : processes that share the work; the scores do not depend on it.
    progress : called with (fits done, fits in all).

    The others are those of :func:`transferred`.

    Returns
    -------
    Columns `source`, `target`, `features`, `run`, `r` and `tau`.

    Raises
    ------
    InputError
        As :func:`transferred`; and if there is no run or no feature set.
    """
    if runs < 1 or not features:
        raise InputError(f"{len(features)} feature sets and {runs} runs leave nothing to judge: give at least one each")
    labels, names = _stacked(accuracy, space)
    matrices = {name: checked_columns(f"'{name}'", matrix, len(labels)) for name, matrix in features.items()}
    spaces = list(dict.fromkeys(names.tolist()))
    for source in spaces:
        split(len(_members(names, source)), train_size, seed, run=0)

    fits = [(source, name, run) for source in spaces for name in matrices for run in range(runs)]
    tasks = (
        delayed(_scores)(matrices[name], labels, names, source, train_size, seed, run, model, trees)
        for source, name, run in fits
    )
    rows = []
    results = Parallel(workers, return_as="generator")(tasks)
    for done, ((source, name, run), scores) in enumerate(zip(fits, results, strict=True), start=1):
        rows += [(source, target, name, run, *scores[target]) for target in spaces]
        if progress is not None:
            progress(done, len(fits))
    return pd.DataFrame(rows, columns=["source", "target", "features", "run", "r", "tau"])


def summarize_transfer(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean and 95 % interval of r and tau over the runs of :func:`transfer`, a row for each direction and feature set.

    Columns `source`, `target`, `features`, `r`, `r_low`, `r_high`, `tau`, `tau_low`, `tau_high` and `runs`.

    Raises
    ------
    InputError
        If there are fewer than two runs.
    """
    rows = []
    for keys, group in scores.groupby(["source", "target", "features"], sort=False):
        r, tau = mean_interval(group["r"]), mean_interval(group["tau"])
        rows.append((*keys, r.value, r.low, r.high, tau.value, tau.low, tau.high, r.runs))
    columns = ["r", "r_low", "r_high", "tau", "tau_low", "tau_high", "runs"]
    return pd.DataFrame(rows, columns=["source", "target", "features", *columns])


def _scores(
    matrix: NDArray[np.float32],
    labels: NDArray[np.float64],
    names: NDArray[np.str_],
    source: str,
    train_size: int,
    seed: int,
    run: int,
    model: Model,
    trees: int,
) -> dict[str, tuple[float, float]]:
    table = transferred(matrix, labels, names, source, train_size, seed, run, model=model, trees=trees)
    return {
        str(target): (pearson(group.prediction, group.truth), kendall(group.prediction, group.truth))
        for target, group in table.groupby("target")
    }


def _predictor(model: Model, trees: int, seed: int, run: int) -> Any:
    if model == "forest":
        return forest(seed, run, trees)
    if model == "linear":
        return make_pipeline(StandardScaler(), RidgeCV(PENALTIES))
    raise unknown("model", model, ("forest", "linear"))


def _stacked(accuracy: ArrayLike, space: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    labels, names = checked_labels(accuracy), np.asarray(space, dtype=np.str_)
    if names.shape != labels.shape:
        raise InputError(f"space has shape {names.shape} and accuracy {labels.shape}: name the space of each row")
    return labels, names


def _members(names: NDArray[np.str_], source: str) -> NDArray[np.intp]:
    members = np.flatnonzero(names == source)
    if len(members) == 0:
        raise unknown("source space", source, list(dict.fromkeys(names.tolist())))
    return members
