"""Whether other settings of the closed form would do better: a study on declared classes, whose trials are kept.

The study sees the views of some classes that are named by a seed, and their labels on one data set. Where all classes
are judged on that data set, these are among them; labels on other data sets have no part in it.
"""

from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from typing import Any

import numpy as np
import optuna
import pandas as pd
from numpy.typing import NDArray

from cena.contrast.closed_form import CLOSED_FORM
from cena.errors import InputError
from cena.evaluate import PredictionTask, join, log_parameters, predict
from cena.evaluate.features import FEATURES
from cena.evaluate.prediction import PREDICTION
from cena.stages import versions
from cena.study.closed_forms import ClosedFormEmbedding
from cena.study.pipeline import Pipeline
from cena.study.settings import ClosedFormSettings
from cena.types import Floats, Integers

_COMPONENTS = (4, 8, 12, 16, 24, 32)
_PRINCIPAL = (25, 50, 100, 200, 400)
_SHRINKAGE = (0.001, 0.9)


@dataclass(frozen=True)
class TuningStudy:
    """What is tried, and on what.

    Attributes
    ----------
    dataset : whose labels judge.
    classes : how many are declared, see :func:`declared_classes`.
    train_size : classes that a forest is fitted on, of the declared ones.
    splits : of the declared classes, the same for each trial.
    trials : settings tried, the profile's own the first.
    seed : of splits, forests and optuna's TPE.
    """

    dataset: str
    classes: int = 1000
    train_size: int = 400
    splits: int = 5
    trials: int = 40
    seed: int = 0


def declared_classes(pipeline: Pipeline, count: int) -> Integers:
    """The classes that settings may be chosen on, ascending: the first of a permutation by seed 0, in every profile.

    Raises
    ------
    InputError
        If the space does not have more classes than that.
    """
    classes = len(pipeline.representatives)
    if not 1 <= count < classes:
        raise InputError(
            f"{count} classes cannot be set aside for tuning: this space has {classes}, leave some to judge"
        )
    return np.sort(np.random.default_rng(0).permutation(classes)[:count])


def tune_closed_form(pipeline: Pipeline, study: TuningStudy) -> pd.DataFrame:
    """Try settings of the closed form by optuna's TPE, and keep every trial as an artifact.

    A trial fits the closed form to the declared classes' views, without labels, and is worth the mean Kendall's tau of
    forests on the embedding with log parameters over splits of the declared classes.

    Returns
    -------
    A row a trial, in order: `tau`, `readings` (separated by blanks), `components`, `shrinkage`, `principal`.
    """
    classes = declared_classes(pipeline, study.classes)
    accuracy = pipeline.class_accuracy(study.dataset)[classes]

    def build() -> dict[str, NDArray[Any]]:
        rows = _tried(pipeline, study, classes, accuracy)
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}

    key = {
        "study": study,
        "first": pipeline.profile.closed_form,
        "accuracy": accuracy.tolist(),
        "views": pipeline.views_key,
        "stages": versions(CLOSED_FORM, FEATURES, PREDICTION),
        "packages": {package: version(package) for package in ("optuna", "scikit-learn")},
    }
    return pd.DataFrame(pipeline.store.arrays("tuning", key, build))


def _tried(pipeline: Pipeline, study: TuningStudy, classes: Integers, accuracy: Floats) -> list[dict[str, Any]]:
    parameters = log_parameters(pipeline.parameters[pipeline.representatives[classes]])
    task = PredictionTask(study.train_size, study.splits, study.seed)
    own = pipeline.profile.closed_form
    components = sorted({own.components, *(count for count in _COMPONENTS if count < len(classes))})
    rows: list[dict[str, Any]] = []

    def worth(trial: optuna.Trial) -> float:
        readings = tuple(name for name in own.readings if trial.suggest_categorical(name, [True, False]))
        settings = ClosedFormSettings(
            readings or own.readings[:1],
            trial.suggest_categorical("components", components),
            trial.suggest_float("shrinkage", *_SHRINKAGE, log=True),
            trial.suggest_categorical("principal", _PRINCIPAL),
        )
        embedding = ClosedFormEmbedding(pipeline, settings=settings).embedding_of(classes)
        features = {"embedding + log parameters": join(embedding, parameters)}
        tau = float(predict(features, accuracy, task, pipeline.workers).tau.mean())
        rows.append({"tau": tau, **asdict(settings), "readings": " ".join(settings.readings)})
        return tau

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        tried = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=study.seed))
        first = asdict(replace(own, readings=())) | dict.fromkeys(own.readings, True)
        tried.enqueue_trial({name: value for name, value in first.items() if name != "readings"})
        tried.optimize(worth, n_trials=study.trials)
    finally:
        optuna.logging.set_verbosity(verbosity)
    return rows
