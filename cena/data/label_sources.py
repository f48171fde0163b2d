"""Which labels of the benchmarks exist, in which file of the download folder each is, and how it is read.

Conventions, which decide how numbers compare:

- ``trials="one"`` of NAS-Bench-201's test after 200 epochs are the arrays of the paper's authors: for each architecture
  one of its trainings, drawn at random. ``"another"`` is a second such draw, made by others; it is the same training in
  about 64 % of the rows. Their maxima (CIFAR-10 94.41 and 94.47) lie above that of the ``"mean"`` over seeds (94.37).
- After 12 epochs there is one training, but two of ``cifar10-valid``: CIFAR-10's validation is their ``"mean"``.
- Validation of CIFAR-10 is of networks trained on 25,000 images, test of other trainings on all 50,000; CIFAR-100 and
  ImageNet16-120 validate and test one training on halves of the original test images.
- CIFAR-100's validation after 200 epochs is known of 2,919 architectures, NaN elsewhere.
- The size space's are single trainings of 90 epochs. CIFAR-10's are VALIDATION accuracies (multiples of 1/25,000,
  maximum 90.71, the benchmark's best validation). The authors' files do not name the split of the other two, which
  are of 5,000 and 3,000 images: they are filed as validation, as CIFAR-10's were read.
- NAS-Bench-101's are the validation accuracies of one of three trainings of 30,001 cells; there is no test accuracy.
- DARTS's are single trainings of 1,000 genotypes; what is known of them is said in :mod:`cena.data.darts_labels`.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cena.data import registry
from cena.data.darts_labels import read_darts_table
from cena.data.label_tables import LabelKey
from cena.types import Floats

DATASETS = ("cifar10", "cifar100", "imagenet16")

_AUTHORS_201 = "lightonai/SearchSpaces/Bench201"
_AUTHORS_SIZE = "lightonai/SearchSpaces/BenchNatsss"


@dataclass(frozen=True)
class Source:
    """Where the labels of one combination are read from.

    Parameters
    ----------
    files : of the download registry. Two: the architectures' strings and the array of their labels; one: a table.
    column : of the table.
    """

    files: tuple[str, ...]
    column: str = ""

    def read(self) -> tuple[list[str] | None, Floats]:
        """The architectures' strings (None where the table's own are the space) and their labels in percent.

        Raises
        ------
        InputError
            If a file is missing and cannot be downloaded, or is damaged.
        """
        paths = [registry.fetch(file) for file in self.files]
        if len(paths) == 2:
            names = paths[0].read_text().split() if paths[0].suffix == ".txt" else np.load(paths[0]).tolist()
            return names, np.load(paths[1]).astype(np.float64)
        if paths[0].suffix == ".npz":
            with np.load(paths[0]) as table:
                return None, 100 * table[self.column].astype(np.float64)
        if paths[0].suffix == ".csv":
            return None, read_darts_table(paths[0])[1]
        table = pd.read_csv(paths[0], usecols=["architecture", self.column])
        return table["architecture"].tolist(), table[self.column].to_numpy(np.float64)


def _authors(folder: str, names: str, accuracies: str) -> Source:
    return Source((f"{folder}/{names}", f"{folder}/{accuracies}.npy"))


def _of_201() -> dict[LabelKey, Source]:
    array = {"cifar10": "cifar10_test_accs", "cifar100": "cifar100_test_accs", "imagenet16": "ImageNet16-120_test_accs"}
    found = {LabelKey(d, "test", 200, "one"): _authors(_AUTHORS_201, "configs.txt", array[d]) for d in DATASETS}
    for dataset in DATASETS:
        columns = {
            LabelKey(dataset, "validation", 12, "mean" if dataset == "cifar10" else "one"): "val_12",
            LabelKey(dataset, "test", 12, "one"): "test_12",
            LabelKey(dataset, "validation", 200, "mean"): "val_200",
            LabelKey(dataset, "test", 200, "mean"): "test_200",
            LabelKey(dataset, "test", 200, "another"): "test_200_one_seed",
        }
        found |= {key: Source((registry.LABELS_201,), f"{dataset}_{column}") for key, column in columns.items()}
    return found


def _of_size() -> dict[LabelKey, Source]:
    array = {"cifar10": "cifar10_accs", "cifar100": "cifar100_accs", "imagenet16": "ImageNet16-120"}
    return {
        LabelKey(dataset, "validation", 90, "one"): _authors(_AUTHORS_SIZE, "arch_strings.npy", array[dataset])
        for dataset in DATASETS
    }


def _of_101() -> dict[LabelKey, Source]:
    return {
        LabelKey("cifar10", "validation", epochs, "one"): Source((registry.CELLS_101,), f"val{epochs}")
        for epochs in (108, 36, 12, 4)
    }


LABEL_SOURCES: dict[str, dict[LabelKey, Source]] = {
    "nas-bench-201": _of_201(),
    "nats-bench-size": _of_size(),
    "nas-bench-101": _of_101(),
    "darts": {LabelKey("cifar10", "validation", 200, "one"): Source((registry.LABELS_DARTS,))},
}
"""The labels of each benchmark that files of the registry hold, those of the paper first."""


_IMAGES = {
    ("cifar10", "validation"): (25_000, 25_000),
    ("cifar10", "test"): (50_000, 10_000),
    ("cifar100", "validation"): (50_000, 5_000),
    ("cifar100", "test"): (50_000, 5_000),
    ("imagenet16", "validation"): (151_700, 3_000),
    ("imagenet16", "test"): (151_700, 3_000),
}
"""Training images and evaluated images of NAS-Bench-201: its seconds are those of an image times their number."""


def seconds_201(dataset: str, split: str) -> tuple[list[str], Floats, Floats]:
    """NAS-Bench-201's architectures, the seconds of one epoch of training and of one evaluation of a split.

    Training was timed in 1,506 rows, evaluation in 1,000; elsewhere they are a ridge prediction (1.3 % error).
    """
    measured = ["cifar10_train_seconds_per_epoch", "cifar10_eval10k_seconds"]
    predicted = [f"{column}_predicted" for column in measured]
    table = pd.read_csv(registry.fetch(registry.LABELS_201), usecols=["architecture", *measured, *predicted])
    trained, evaluated = _IMAGES[dataset, split]
    epoch, evaluation = (
        table[m].fillna(table[p]).to_numpy(np.float64) for m, p in zip(measured, predicted, strict=True)
    )
    return table["architecture"].tolist(), epoch * trained / 50_000, evaluation * evaluated / 10_000
