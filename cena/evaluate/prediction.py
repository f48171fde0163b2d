"""Accuracy prediction from features by random forests: section 4.3, Table 1 and Figure 3 of the paper.

A forest with scikit-learn's default hyper-parameters is trained on the accuracies of `train_size` random architectures
and judged on all others. Departure from the paper, which shows one split: every run draws a new one, and within a run
all feature sets share split, labels and forest seed, so their scores can be compared run by run. Architectures of one
class (isomorphic cells) may fall on both sides, as in the paper.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from joblib import delayed
from numpy.typing import ArrayLike, NDArray
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cena.errors import InputError, unknown
from cena.evaluate.features import FOREST_COMPONENTS, fitted_components, join, log_parameters
from cena.evaluate.intervals import mean_interval
from cena.evaluate.metrics import SCORES, scored
from cena.processes import parallel
from cena.stages import Stage
from cena.types import Floats

PREDICTION = Stage("prediction", version=1)
"""Splits, predictors and their scores."""

Model = Literal["forest", "linear"]

_PENALTIES = np.logspace(-3, 5, 17)
"""Ridge penalties of the linear model, on standardised columns; leave-one-out on the training set chooses."""


@dataclass(frozen=True)
class PredictionTask:
    """What features are judged by: a predictor, the number of labels it is trained on, and how often that is repeated.

    Attributes
    ----------
    train_size : architectures to train on.
    runs : each with a fresh training set.
    seed : of the training sets and the forests.
    trees : of a forest.
    model : ``"forest"`` with scikit-learn's defaults, as in the paper, or ``"linear"``, a ridge regression on columns
        standardised over the training set: the rival that goes on straight where a forest stays flat, outside the range
        of what it was trained on.
    shuffle_labels : permute the training labels, a control that must score at chance.

    Raises
    ------
    InputError
        If there is no such model, or no run.
    """

    train_size: int
    runs: int
    seed: int
    trees: int = 100
    model: Model = "forest"
    shuffle_labels: bool = False

    def __post_init__(self) -> None:
        if self.model not in get_args(Model):
            raise unknown("model", self.model, get_args(Model))
        if self.runs < 1:
            raise InputError(f"runs is {self.runs}: give how many training sets are drawn, at least 1")


@PREDICTION
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


@PREDICTION
def held_out(matrix: ArrayLike, accuracy: ArrayLike, task: PredictionTask, run: int = 0) -> pd.DataFrame:
    """The predictions of one run, those that :func:`predict` scores: Figure 3 is run 0.

    Parameters
    ----------
    matrix : features (n, columns).
    accuracy : labels (n,), in percent.
    run : see :func:`split`.

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
    train, test = split(len(labels), task.train_size, task.seed, run)
    prediction = fitted(task, run, columns[train], labels[train]).predict(columns[test])
    return pd.DataFrame({"architecture": test, "truth": labels[test], "prediction": prediction})


@PREDICTION
def predict(
    features: Mapping[str, ArrayLike], accuracy: ArrayLike, task: PredictionTask, workers: int = 1
) -> pd.DataFrame:
    """The scores of every feature set in every run.

    Parameters
    ----------
    features : name -> matrix (n, columns), such as :func:`cena.evaluate.feature_sets` returns.
    accuracy : labels (n,), in percent.
    workers : processes that share the (features, run) pairs; the scores do not depend on it.

    Returns
    -------
    Columns `features`, `run` and :data:`cena.evaluate.SCORES`, in the order of `features` and then of runs.

    Raises
    ------
    InputError
        As for :func:`held_out`, before anything is computed; and if there is no feature set.
    """
    labels = checked_labels(accuracy)
    matrices = checked_features(features, len(labels))
    split(len(labels), task.train_size, task.seed, run=0)

    pairs = [(name, run) for name in matrices for run in range(task.runs)]
    found = parallel(workers)(delayed(_scores)(matrices[name], labels, task, run) for name, run in pairs)
    return pd.DataFrame(
        [{"features": name, "run": run, **each} for (name, run), each in zip(pairs, found, strict=True)]
    )


def _scores(matrix: NDArray[np.float32], labels: Floats, task: PredictionTask, run: int) -> dict[str, float]:
    table = held_out(matrix, labels, task, run)
    return scored(table.prediction, table.truth)


def fitted(task: PredictionTask, run: int, columns: NDArray[np.float32], labels: Floats) -> Any:
    """The predictor of a run, with a scikit-learn `predict`, trained on the columns and labels of its training set.

    It takes one thread, and its randomness from the task's seed and the run alone.
    """
    forest_seed, shuffle_seed = np.random.SeedSequence([task.seed, run]).spawn(2)
    if task.shuffle_labels:
        labels = np.random.default_rng(shuffle_seed).permutation(labels)
    if task.model == "linear":
        return make_pipeline(StandardScaler(), RidgeCV(_PENALTIES)).fit(columns, labels)
    state = int(forest_seed.generate_state(1)[0])
    return RandomForestRegressor(task.trees, random_state=state, n_jobs=1).fit(columns, labels)


class ComponentForest:
    """A forest that predicts the accuracy of further networks from principal components and log parameters.

    It is given :data:`cena.evaluate.FOREST_COMPONENTS` components of the embedding, fewer where fewer exist.

    Parameters
    ----------
    embedding : (n, columns) of known architectures, finite; the components are taken in single precision.
    parameters : their parameter counts (n,).
    accuracy : their labels (n,), in percent.

    Attributes
    ----------
    errors : (n,) truth minus out-of-bag prediction of the known architectures.
    """

    def __init__(self, embedding: ArrayLike, parameters: ArrayLike, accuracy: ArrayLike):
        truth = checked_labels(accuracy)
        known = checked_columns("embedding", embedding, len(truth))
        self._components = fitted_components(known, min(FOREST_COMPONENTS, *known.shape))
        self._forest = RandomForestRegressor(oob_score=True, random_state=0, n_jobs=1)
        self._forest.fit(self._features(known, parameters), truth)
        self.errors: Floats = truth - self._forest.oob_prediction_

    def predict(self, embedding: ArrayLike, parameters: ArrayLike) -> Floats:
        """(n,) the accuracies in percent predicted from embeddings (n, columns) and parameter counts (n,)."""
        predicted: Floats = self._forest.predict(self._features(embedding, parameters))
        return predicted

    def _features(self, embedding: ArrayLike, parameters: ArrayLike) -> Floats:
        return join(self._components.transform(np.asarray(embedding, dtype=np.float32)), log_parameters(parameters))


def summarize(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean and 95 % interval of every score over the runs.

    Parameters
    ----------
    scores : of :func:`predict` or :func:`cena.evaluate.transfer`, perhaps with more columns that tell rows apart, such
        as the data set.

    Returns
    -------
    A row for each combination of what tells rows apart, in the order of `scores`: these columns, and for each of
    :data:`cena.evaluate.SCORES` such as `tau` also `tau_low` and `tau_high`, and `runs`.

    Raises
    ------
    InputError
        If there are fewer than two runs.
    """
    keys = [column for column in scores if column not in (*SCORES, "run")]
    rows = []
    for values, group in scores.groupby(keys, sort=False):
        row = dict(zip(keys, values, strict=True))
        for score in SCORES:
            interval = mean_interval(group[score])
            row |= {score: interval.value, f"{score}_low": interval.low, f"{score}_high": interval.high}
        rows.append(row | {"runs": len(group)})
    return pd.DataFrame(rows)


def checked_labels(accuracy: ArrayLike) -> Floats:
    """The accuracies (n,) as float64; raises `InputError` unless they are one percentage for each architecture."""
    labels = np.asarray(accuracy, dtype=np.float64)
    if labels.ndim != 1 or not np.isfinite(labels).all():
        missing = np.count_nonzero(~np.isfinite(labels))
        raise InputError(
            f"accuracy has shape {labels.shape} and {missing} values that are not finite: "
            "expected one number for each architecture; leave out those without a label on both sides"
        )
    outside = (labels < 0) | (labels > 100)
    if outside.any():
        raise InputError(
            f"accuracy has {np.count_nonzero(outside)} values outside 0 to 100, such as {labels[outside][0]:g}: "
            "expected percentages"
        )
    return labels


def checked_features(features: Mapping[str, ArrayLike], architectures: int) -> dict[str, NDArray[np.float32]]:
    """Feature sets by name, each as :func:`checked_columns` has it; raises `InputError` if there are none."""
    if not features:
        raise InputError("there is no feature set to predict from: give at least one")
    return {name: checked_columns(f"'{name}'", matrix, architectures) for name, matrix in features.items()}


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
