"""The 1,000 genotypes of DARTS that have published accuracies.

The authors of SWAP drew them at random, with one cell as normal and as reduction cell, and trained each once for 200
epochs on CIFAR-10. They call the accuracies validation. They are multiples of 1/10,000, so 10,000 images were
evaluated; which ones, and the width and depth of the networks, are not published (accuracies up to 86.6 % say that they
were small). Two networks whose output is constant have 10.2 %, the chance level.

Source: Peng et al., "SWAP-NAS: Sample-Wise Activation Patterns for Ultra-fast NAS" (ICLR 2024), `datasets/` of their
code.
"""

import csv
from pathlib import Path

import numpy as np

from cena.data import registry
from cena.data.public_files import LABELS_DARTS
from cena.errors import InputError
from cena.spaces.darts.genotypes import Genotype, parse_genotype
from cena.types import Floats

_ROWS = 1000


def darts_genotypes() -> list[Genotype]:
    """The genotypes in the order of their labels, ``labels.accuracy("darts", ...)``.

    Raises
    ------
    InputError
        If the file is missing and cannot be downloaded, or is damaged.
    """
    return read_darts_table(registry.fetch(LABELS_DARTS))[0]


def read_darts_table(path: Path) -> tuple[list[Genotype], Floats]:
    """The genotypes and accuracies in percent, (1000,), of a table without a header: text of the genotype, accuracy.

    Raises
    ------
    InputError
        If the table has another shape, or a genotype or an accuracy cannot be read; the sentence names file, line and
        public address.
    """
    genotypes: list[Genotype] = []
    accuracies: list[float] = []
    with path.open(newline="", encoding="utf-8") as file:
        try:
            for text, accuracy in csv.reader(file):
                genotypes.append(parse_genotype(text))
                accuracies.append(float(accuracy))
        except (ValueError, csv.Error) as error:
            reason = str(error) if isinstance(error, InputError) else "expected a genotype's text and a number"
            raise InputError(f"cannot read line {len(accuracies) + 1} of {_named(path)}: {reason}") from None
    if len(genotypes) != _ROWS:
        raise InputError(f"{_named(path)} has {len(genotypes)} rows, not {_ROWS:,}: fetch it again")
    values = np.array(accuracies)
    if not ((values >= 0) & (values <= 100)).all():
        raise InputError(f"{_named(path)} has accuracies that are not from 0 to 100: fetch it again")
    return genotypes, values


def _named(path: Path) -> str:
    return f"{path.name} (from {registry.entry(LABELS_DARTS).url})"
