"""Scores of transfer kept as artifacts, so that a killed notebook goes on where it was."""

from collections.abc import Mapping
from importlib.metadata import version

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cena.evaluate.transfer import TRANSFER, Model, transfer
from cena.files import array_sha256
from cena.stages import versions
from cena.study.artifacts import ArtifactStore
from cena.study.cluster import cluster


def stored_transfer(
    store: ArtifactStore,
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
) -> pd.DataFrame:
    """What :func:`cena.evaluate.transfer` returns, taken from `store` where the same scores have been computed before.

    Each feature set is stored by itself, under everything that determines its scores. Parameters and errors are those
    of :func:`cena.evaluate.transfer`.
    """
    labels, names = np.asarray(accuracy, dtype=np.float64), np.asarray(space, dtype=np.str_)
    arguments = {"train_size": train_size, "runs": runs, "seed": seed, "model": model, "trees": trees}
    stages = versions(TRANSFER)
    tables = []
    for name, columns in features.items():
        matrix = np.asarray(columns)

        def judge(name: str = name, matrix: NDArray[np.floating] = matrix) -> dict[str, NDArray[np.generic]]:
            with cluster():
                table = transfer(
                    {name: matrix}, labels, names, train_size, runs, seed, model=model, trees=trees, workers=workers
                )
            texts = {column: table[column].to_numpy(dtype=np.str_) for column in ("source", "target")}
            return {**texts, **{column: table[column].to_numpy() for column in ("run", "r", "tau")}}

        config = {
            **arguments,
            "features": array_sha256(matrix),
            "accuracy": array_sha256(labels),
            "space": array_sha256(names),
            "stages": stages,
            "scikit-learn": version("scikit-learn"),
        }
        tables.append(pd.DataFrame(store.arrays("transfer", config, judge)).assign(features=name))
    return pd.concat(tables, ignore_index=True)[["source", "target", "features", "run", "r", "tau"]]
