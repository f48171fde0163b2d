"""Spaces stacked for transfer, and scores of transfer kept as artifacts: a killed notebook goes on where it was.

Stacked means: one row for each architecture of the first space, then of the second, and so on.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cena.evaluate import SCORES, FeatureSources, PredictionTask, feature_sets, join, log_parameters, transfer
from cena.evaluate.transfer import TRANSFER
from cena.files import array_sha256
from cena.stages import versions
from cena.study.artifacts import ArtifactStore
from cena.study.cluster import cluster
from cena.study.joint import JointClosedForm, JointEmbedding
from cena.study.pipeline import Pipeline
from cena.types import Arrays, Floats


class StackedSpaces:
    """Spaces stacked, with the features that encoders for all of them, and no encoder, give their architectures.

    There are three encoders: the closed form of all readings, the closed form of the spectrum alone, whose meaning
    depends least on the space, and the paper's recipe.

    Parameters
    ----------
    pipelines : of the spaces, by the names that they have in directions of transfer, in the order of stacking.
    joint : the paper's embedding of the same spaces, in any order.
    """

    def __init__(self, pipelines: Mapping[str, Pipeline], joint: JointEmbedding):
        self.pipelines = dict(pipelines)
        self._joint = joint

    @property
    def space(self) -> NDArray[np.str_]:
        """(n,) the name of the space of each architecture."""
        return np.repeat([*self.pipelines], [len(pipeline.space) for pipeline in self.pipelines.values()])

    def accuracy(self, dataset: str) -> Floats:
        """(n,) the labels of each space's profile, in percent."""
        return np.concatenate([pipeline.accuracy(dataset) for pipeline in self.pipelines.values()])

    @cached_property
    def embedding(self) -> Floats:
        """(n, components) by the closed form of all readings."""
        return self._stacked(JointClosedForm(self._joint.pipelines).embeddings)

    def features(self, components: int | None) -> dict[str, Floats]:
        """The feature sets that mean the same in all spaces, see :func:`cena.evaluate.feature_sets`.

        Without the untrained encoder's embedding alone: it is the control of the recipe with log parameters.
        """
        each = self.pipelines.values()
        parameters = np.concatenate([pipeline.parameters for pipeline in each])
        sources = FeatureSources(
            parameters,
            embedding=self.embedding,
            paper=self._stacked(self._joint.embeddings),
            untrained=self._stacked(self._joint.untrained_embeddings),
            singular_values=_stacked_views([pipeline.per_architecture(pipeline.spectrum) for pipeline in each]),
            jacov=_stacked_views([pipeline.per_architecture(pipeline.jacov) for pipeline in each]),
        )
        sets = feature_sets(sources, components)
        del sets["untrained encoder"]
        spectrum = self._stacked(JointClosedForm(self._joint.pipelines, ("spectrum",)).embeddings)
        return {**sets, "spectrum in closed form + log parameters": join(spectrum, log_parameters(parameters))}

    def _stacked(self, embeddings: Sequence[NDArray[np.floating]]) -> NDArray[Any]:
        return np.concatenate([embeddings[self._joint.pipelines.index(each)] for each in self.pipelines.values()])


def _stacked_views(arrays: Sequence[NDArray[np.floating]]) -> NDArray[np.floating]:
    """Arrays (architectures, views, ...) one after the other; a view that a space does not have is NaN."""
    most = max(array.shape[1] for array in arrays)
    missing = [[(0, 0), (0, most - array.shape[1]), *[(0, 0)] * (array.ndim - 2)] for array in arrays]
    padded = [np.pad(array, widths, constant_values=np.nan) for array, widths in zip(arrays, missing, strict=True)]
    return np.concatenate(padded)


def stored_transfer(
    store: ArtifactStore,
    features: Mapping[str, ArrayLike],
    accuracy: ArrayLike,
    space: ArrayLike,
    task: PredictionTask,
    workers: int = 1,
) -> pd.DataFrame:
    """What :func:`cena.evaluate.transfer` returns, taken from `store` where the same scores have been computed before.

    Each feature set is stored by itself, under everything that determines its scores. Parameters and errors are those
    of :func:`cena.evaluate.transfer`.
    """
    labels, names = np.asarray(accuracy, dtype=np.float64), np.asarray(space, dtype=np.str_)
    stages = versions(TRANSFER)
    tables = []
    for name, columns in features.items():
        matrix = np.asarray(columns)

        def judge(name: str = name, matrix: NDArray[np.floating] = matrix) -> Arrays:
            with cluster():
                table = transfer({name: matrix}, labels, names, task, workers)
            texts = {column: table[column].to_numpy(dtype=np.str_) for column in ("source", "target")}
            return {**texts, **{column: table[column].to_numpy() for column in ("run", *SCORES)}}

        config = {
            "task": task,
            "features": array_sha256(matrix),
            "accuracy": array_sha256(labels),
            "space": array_sha256(names),
            "stages": stages,
            "scikit-learn": version("scikit-learn"),
        }
        tables.append(pd.DataFrame(store.arrays("transfer", config, judge)).assign(features=name))
    return pd.concat(tables, ignore_index=True)[["source", "target", "features", "run", *SCORES]]
