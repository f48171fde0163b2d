"""Which labels of the benchmarks exist, and in which files of the download folder those are that need no deriving.

Conventions, which decide how numbers compare:

- ``trials="one"`` of NAS-Bench-201's test after 200 epochs are the arrays of the paper's authors: for each architecture
  one of its trainings, drawn at random. ``"another"`` is a second such draw, made by others; it is the same training in
  about 64 % of the rows. Their maxima (CIFAR-10 94.41 and 94.47) lie above that of the ``"mean"`` over seeds (94.37).
- After 12 epochs there is one training, but two of ``cifar10-valid``: CIFAR-10's validation is their ``"mean"``.
- Validation of CIFAR-10 is of networks trained on 25,000 images, test of other trainings on all 50,000; CIFAR-100 and
  ImageNet16-120 validate and test one training on halves of the original test images.
- Validation after 200 epochs is the ``"mean"`` over the seeds there are, known of all architectures on all data sets.
- The size space's are single trainings of 90 epochs. CIFAR-10's are VALIDATION accuracies (multiples of 1/25,000,
  maximum 90.71, the benchmark's best validation). The authors' files do not name the split of the other two, which
  are of 5,000 and 3,000 images: they are filed as validation, as CIFAR-10's were read.
- NAS-Bench-101's are the validation accuracies of one of three trainings of 30,001 cells; there is no test accuracy.
- DARTS's are single trainings of 1,000 genotypes; what is known of them is said in :mod:`cena.data.darts_labels`.
"""

import numpy as np

from cena.data import registry
from cena.data.darts_labels import read_darts_table
from cena.data.label_tables import LabelKey
from cena.data.nas_bench_101_labels import KEYS_101
from cena.data.nas_bench_201_labels import keys_201
from cena.data.public_files import DATASETS, LABELS_DARTS
from cena.types import Floats

DERIVED: tuple[str, ...] = ()
"""In place of files: the labels are in the space's derived table (:mod:`cena.data.derived`)."""

_AUTHORS_201 = "lightonai/SearchSpaces/Bench201"
_AUTHORS_SIZE = "lightonai/SearchSpaces/BenchNatsss"


def _of_201() -> dict[LabelKey, tuple[str, ...]]:
    array = {"cifar10": "cifar10_test_accs", "cifar100": "cifar100_test_accs", "imagenet16": "ImageNet16-120_test_accs"}
    authors = {
        LabelKey(dataset, "test", 200, "one"): (f"{_AUTHORS_201}/configs.txt", f"{_AUTHORS_201}/{array[dataset]}.npy")
        for dataset in DATASETS
    }
    return authors | {key: DERIVED for dataset in DATASETS for key in keys_201(dataset)}


def _of_size() -> dict[LabelKey, tuple[str, ...]]:
    array = {"cifar10": "cifar10_accs", "cifar100": "cifar100_accs", "imagenet16": "ImageNet16-120"}
    return {
        LabelKey(d, "validation", 90, "one"): (f"{_AUTHORS_SIZE}/arch_strings.npy", f"{_AUTHORS_SIZE}/{array[d]}.npy")
        for d in DATASETS
    }


LABEL_SOURCES: dict[str, dict[LabelKey, tuple[str, ...]]] = {
    "nas-bench-201": _of_201(),
    "nats-bench-size": _of_size(),
    "nas-bench-101": dict.fromkeys(KEYS_101, DERIVED),
    "darts": {LabelKey("cifar10", "validation", 200, "one"): (LABELS_DARTS,)},
}
"""The labels of each benchmark, those of the paper first: the architectures' strings and the array of their labels, one
table that has both, or :data:`DERIVED`."""


def read_labels(files: tuple[str, ...]) -> tuple[list[str] | None, Floats]:
    """The architectures' strings (None where the table's own are the space) and their labels in percent.

    Raises
    ------
    InputError
        If a file is missing and cannot be downloaded, or is damaged.
    """
    paths = [registry.fetch(file) for file in files]
    if len(paths) == 1:
        return None, read_darts_table(paths[0])[1]
    names = paths[0].read_text(encoding="utf-8").split() if paths[0].suffix == ".txt" else np.load(paths[0]).tolist()
    return names, np.load(paths[1]).astype(np.float64)
