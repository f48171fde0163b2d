"""Labels: the accuracies of a space's architectures, in the order of the space.

Data set, split, epochs and trials are always named: validation and test, 12 and 200 epochs, one training and the mean
of several rank architectures differently. Accuracies are in percent.

NAS-Bench-201's are the arrays of the paper's authors: test accuracy after 200 epochs of ONE training, so their maxima
(94.41, 73.66, 47.33) lie above those of the benchmark's means over trainings (94.37, 73.51, 47.31). The digits labels
were trained by this project (:mod:`cena.data.digits_benchmark`) and are part of the package.
"""

import hashlib
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cena import spaces
from cena.data import registry
from cena.errors import InputError, unknown

BUNDLED = Path(__file__).parent / "bundled"
TABLES = {"digits-topology": "digits_topology.csv.gz", "digits-size": "digits_size.csv.gz"}

_AUTHORS = "lightonai/SearchSpaces/Bench201"
_CONFIGURATIONS = f"{_AUTHORS}/configs.txt"
"""The architecture of each row of the authors' arrays, in the benchmark's own numbering."""
_AUTHORS_ACCURACIES = {
    "cifar10": f"{_AUTHORS}/cifar10_test_accs.npy",
    "cifar100": f"{_AUTHORS}/cifar100_test_accs.npy",
    "imagenet16": f"{_AUTHORS}/ImageNet16-120_test_accs.npy",
}


@dataclass(frozen=True)
class LabelKey:
    """Which accuracy is meant.

    Parameters
    ----------
    dataset : ``"cifar10"``, ``"cifar100"``, ``"imagenet16"`` (ImageNet16-120) or ``"digits"``.
    split : ``"validation"`` or ``"test"``.
    epochs : length of the training.
    trials : ``"one"`` (a single training), ``"mean"`` (over all seeds) or ``"seed0"``, ``"seed1"``, ...
    """

    dataset: str
    split: str
    epochs: int
    trials: str

    def __str__(self) -> str:
        return "dataset={} split={} epochs={} trials={}".format(*astuple(self))


def accuracy(space_name: str, *, dataset: str, split: str, epochs: int, trials: str) -> NDArray[np.float64]:
    """(n,) accuracy in percent of each architecture of a space, in the order of the space.

    Parameters
    ----------
    space_name : a space that has labels, such as ``"nas-bench-201"``.
    dataset, split, epochs, trials : see :class:`LabelKey`.

    Raises
    ------
    InputError
        If there are no such labels (the message lists those there are), or their file is missing or incomplete.
    """
    key = LabelKey(dataset, split, epochs, trials)
    known = available(space_name)
    if key not in known:
        raise unknown(f"labels of {space_name}", key, known)
    space = spaces.load(space_name)
    return _digits_accuracy(space, key) if space_name in TABLES else _authors_accuracy(space, key)


def available(space_name: str) -> list[LabelKey]:
    """Every combination that :func:`accuracy` has for a space; raises `InputError` for a space without labels."""
    if space_name not in TABLES:
        return [LabelKey(dataset, "test", 200, "one") for dataset in _datasets(space_name)]
    table = digits_table(space_name)
    trials = ["mean", *(f"seed{seed}" for seed in sorted(table["seed"].unique()))]
    return [
        LabelKey("digits", split, int(epochs), trial)
        for epochs in sorted(table["epochs"].unique())
        for split in ("validation", "test")
        for trial in trials
    ]


def files(space_name: str, *, dataset: str) -> list[str]:
    """The files of the download registry that the labels need; none for the bundled digits."""
    if dataset not in _datasets(space_name):
        raise unknown(f"data set of {space_name}", dataset, _datasets(space_name))
    return [] if space_name in TABLES else [_CONFIGURATIONS, _AUTHORS_ACCURACIES[dataset]]


def fingerprint(space_name: str, *, dataset: str) -> str:
    """A sha256 that changes whenever the labels could: of the bundled table, or of the checksums of :func:`files`.

    It needs no download: a file with another checksum is never used.
    """
    names = files(space_name, dataset=dataset)
    content = (
        "".join(registry.REGISTRY[name].checksum for name in names).encode()
        if names
        else _table(space_name).read_bytes()
    )
    return hashlib.sha256(content).hexdigest()


def digits_table(space_name: str) -> pd.DataFrame:
    """The bundled label table of a digits space, one row per architecture and seed.

    Columns: architecture (its string form), seed, epochs, validation_accuracy, test_accuracy (percent), seconds (of
    training), parameters.
    """
    return pd.read_csv(_table(space_name))


def _datasets(space_name: str) -> list[str]:
    if space_name in TABLES:
        return ["digits"]
    if space_name != "nas-bench-201":
        raise unknown("space with labels", space_name, ["nas-bench-201", *TABLES])
    return list(_AUTHORS_ACCURACIES)


def _table(space_name: str) -> Path:
    if space_name not in TABLES:
        raise unknown("digits space", space_name, TABLES)
    path = BUNDLED / TABLES[space_name]
    if not path.exists():
        raise InputError(
            f"the labels of '{space_name}' are not in this copy of cena: install it again to get {path.name}"
        )
    return path


def _digits_accuracy(space: spaces.Space, key: LabelKey) -> NDArray[np.float64]:
    table = digits_table(space.name)
    trained = table[table["epochs"] == key.epochs]
    by_seed = trained.pivot(index="architecture", columns="seed", values=f"{key.split}_accuracy")
    by_seed = by_seed.reindex([space.architecture(i) for i in range(len(space))])
    incomplete = int(by_seed.isna().any(axis=1).sum())
    if incomplete:
        raise InputError(
            f"the label table of '{space.name}' lacks trainings of {incomplete} architectures: train these first"
        )
    values = by_seed.mean(axis=1) if key.trials == "mean" else by_seed[int(key.trials.removeprefix("seed"))]
    return values.to_numpy(dtype=np.float64)


def _authors_accuracy(space: spaces.Space, key: LabelKey) -> NDArray[np.float64]:
    configurations, accuracies = (registry.fetch(name) for name in files(space.name, dataset=key.dataset))
    aligned = np.full(len(space), np.nan)
    order = [space.index(text) for text in configurations.read_text(encoding="utf-8").split()]
    aligned[order] = np.load(accuracies)
    return aligned
