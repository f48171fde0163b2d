"""Accuracy prediction from features by random forests: section 4.3, Table 1 and Figure 3 of the paper.

A forest with scikit-learn's default hyper-parameters is trained on the accuracies of `train_size` random architectures
and judged on all others. Departure from the paper, which shows one split: every run draws a new one, and within a run
all feature sets share split, labels and forest seed, so their scores can be compared run by run. Architectures of one
class (isomorphic cells) may fall on both sides, as in the paper.
"""

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import ArrayLike, NDArray
from sklearn.ensemble import RandomForestRegressor

from cena.errors import InputError
from cena.evaluate.intervals import mean_interval
from cena.evaluate.metrics import kendall, pearson

MaxFeatures = float | Literal["sqrt"]


def split(architectures: int, train_size: int, seed: int, run: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The indices of run `run`: `train_size` random architectures to train on, and all others, ascending.

    Depends on its arguments only, so it is the same for every feature set and any number of workers; a smaller training
    set of the same run is contained in a larger one.

    Raises
    ------
    InputError
        If fewer than 2 architectures would be left on either side.
    """
    if not 2 <= train_size <= architectures - 2:
        raise InputError(
            f"train_size is {train_size}: with {architectures} architectures give 2 to {architectures - 2}"
        )
    order = np.random.default_rng([seed, run]).permutation(architectures)
    return order[:train_size], np.sort(order[train_size:])


def held_out(
    matrix: ArrayLike,
    accuracy: ArrayLike,
    train_size: int,
    seed: int,
    run: int = 0,
    *,
    trees: int = 100,
    max_features: MaxFeatures = 1.0,
    shuffle_labels: bool = False,
) -> pd.DataFrame:
    """The predictions of one run, those that :func:`predict` scores: Figure 3 is run 0.

    Parameters
    ----------
    matrix : features (n, columns).
    accuracy : labels (n,), in percent.
    train_size, seed, run : see :func:`split`.
    trees, max_features : the forest's. The defaults are scikit-learn's, as in the paper; anything else is a departure
        to declare. `max_features` is the fraction of columns, or their square root, that a split may choose from.
    shuffle_labels : permute the training labels, a control that must score at chance.

    Returns
    -------
    Columns `architecture` (its index), `truth` and `prediction`, a row for each architecture not trained on.

    Raises
    ------
    InputError
        If an entry is not finite in single precision, the lengths differ, or the sizes allow no split.
    """
    labels = checked_labels(accuracy)
    columns = checked_columns("features", matrix, len(labels))
    train, test = split(len(labels), train_size, seed, run)
    targets = labels[train]
    if shuffle_labels:
        _, shuffle_seed = np.random.SeedSequence([seed, run]).spawn(2)
        targets = np.random.default_rng(shuffle_seed).permutation(targets)
    prediction = forest(seed, run, trees, max_features).fit(columns[train], targets).predict(columns[test])
    return pd.DataFrame({"architecture": test, "truth": labels[test], "prediction": prediction})


def predict(
    features: Mapping[str, ArrayLike],
    accuracy: ArrayLike,
    train_size: int,
    runs: int,
    seed: int,
    *,
    workers: int = 1,
    trees: int = 100,
    max_features: MaxFeatures = 1.0,
    shuffle_labels: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Pearson's r and Kendall's tau of every feature set in every run.

    Parameters
    ----------
    features : name -> matrix (n, columns), such as :func:`cena.evaluate.feature_sets` returns.
    runs : number of fresh splits.
    workers : processes that share the (features, run) pairs; the scores do not depend on it.
    progress : called with (done, total) after each pair.

    The others are those of :func:`held_out`.

    Returns
    -------
    Columns `features`, `run`, `r` and `tau`, in the order of `features` and then of runs.

    Raises
    ------
    InputError
        As for :func:`held_out`, before anything is computed; and if there is no run or no feature set.
    """
    if runs < 1 or not features:
        raise InputError(
            f"{len(features)} feature sets and {runs} runs leave nothing to predict: give at least one of each"
        )
    labels = checked_labels(accuracy)
    matrices = {name: checked_columns(f"'{name}'", matrix, len(labels)) for name, matrix in features.items()}
    split(len(labels), train_size, seed, run=0)

    pairs = [(name, run) for name in matrices for run in range(runs)]
    tasks = (
        delayed(_scores)(matrices[name], labels, train_size, seed, run, trees, max_features, shuffle_labels)
        for name, run in pairs
    )
    rows = []
    for (name, run), scores in zip(pairs, Parallel(workers, return_as="generator")(tasks), strict=True):
        rows.append((name, run, *scores))
        if progress is not None:
            progress(len(rows), len(pairs))
    return pd.DataFrame(rows, columns=["features", "run", "r", "tau"])


def forest(seed: int, run: int, trees: int = 100, max_features: MaxFeatures = 1.0) -> RandomForestRegressor:
    """The forest of a run, on one thread, its randomness drawn from `seed` and `run` alone."""
    forest_seed, _ = np.random.SeedSequence([seed, run]).spawn(2)
    state = int(forest_seed.generate_state(1)[0])
    return RandomForestRegressor(trees, max_features=max_features, random_state=state, n_jobs=1)


def summarize(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean and 95 % interval of r and tau over the runs of :func:`predict`, a row for each feature set.

    Columns `features`, `r`, `r_low`, `r_high`, `tau`, `tau_low`, `tau_high` and `runs`, in the order of `scores`.

    Raises
    ------
    InputError
        If there are fewer than two runs.
    """
    rows = []
    for name, group in scores.groupby("features", sort=False):
        r, tau = mean_interval(group["r"]), mean_interval(group["tau"])
        rows.append((name, r.value, r.low, r.high, tau.value, tau.low, tau.high, r.runs))
    return pd.DataFrame(rows, columns=["features", "r", "r_low", "r_high", "tau", "tau_low", "tau_high", "runs"])


def _scores(
    matrix: NDArray[np.float32],
    labels: NDArray[np.float64],
    train_size: int,
    seed: int,
    run: int,
    trees: int,
    max_features: MaxFeatures,
    shuffle_labels: bool,
) -> tuple[float, float]:
    table = held_out(
        matrix, labels, train_size, seed, run, trees=trees, max_features=max_features, shuffle_labels=shuffle_labels
    )
    return pearson(table.prediction, table.truth), kendall(table.prediction, table.truth)


def checked_labels(accuracy: ArrayLike) -> NDArray[np.float64]:
    """The accuracies (n,) as float64; raises `InputError` unless they are one finite number for each architecture."""
    labels = np.asarray(accuracy, dtype=np.float64)
    if labels.ndim != 1 or not np.isfinite(labels).all():
        missing = np.count_nonzero(~np.isfinite(labels))
        raise InputError(
            f"accuracy has shape {labels.shape} and {missing} values that are not finite: "
            "expected one number for each architecture; leave out those without a label on both sides"
        )
    return labels


def checked_columns(name: str, matrix: ArrayLike, architectures: int) -> NDArray[np.float32]:
    """Features (architectures, columns) in single precision, as forests take them; raises `InputError` if they are not
    finite or have another shape."""
    with np.errstate(over="ignore"):  # the forest works in single precision: what overflows there is refused below
        columns = np.asarray(matrix).astype(np.float32, copy=False)
    if columns.ndim != 2 or len(columns) != architectures:
        raise InputError(f"{name} has shape {columns.shape}: expected ({architectures}, columns) for these labels")
    if not np.isfinite(columns).all():
        raise InputError(f"{name} has entries that are not finite: represent dead networks with fill_dead first")
    return columns
