"""The published genotypes of DARTS beside their accuracies, and the sentences for a table that is not theirs."""

import os
import re
from pathlib import Path

import numpy as np
import pytest

from cena.data import darts_labels, labels, public_files, registry
from cena.data.darts_labels import darts_genotypes, read_darts_table
from cena.data.labels import LabelKey
from cena.data.public_files import DataFile
from cena.errors import InputError
from cena.files import file_sha256
from cena.spaces.darts.genotypes import format_genotype, random_genotypes

GENOTYPES = random_genotypes(3, seed=7)
ROWS = [f'"{format_genotype(genotype)}",{80 + i}.5' for i, genotype in enumerate(GENOTYPES)]
KEY = LabelKey("cifar10", "validation", 200, "one")


@pytest.fixture(autouse=True)
def three_rows(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "real_data" not in request.keywords:
        monkeypatch.setattr(darts_labels, "_ROWS", 3)


def written(folder: Path, *rows: str, end: str = "\r\n") -> Path:
    path = folder / "table.csv"
    path.write_text("".join(f"{row}{end}" for row in rows), newline="")
    return path


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_labels_are_in_the_order_of_the_genotypes(tmp_path: Path, end: str) -> None:
    genotypes, accuracies = read_darts_table(written(tmp_path, *ROWS, end=end))
    assert genotypes == GENOTYPES
    assert accuracies.tolist() == [80.5, 81.5, 82.5]


def test_labels_are_found_by_their_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / public_files.LABELS_DARTS
    path.parent.mkdir(parents=True)
    written(tmp_path, *ROWS).rename(path)
    monkeypatch.setenv("CENA_DATA", str(tmp_path))
    monkeypatch.setitem(registry.REGISTRY, public_files.LABELS_DARTS, DataFile(file_sha256(path), None, "a test's"))
    assert labels.available("darts") == [KEY]
    assert labels.accuracy("darts", KEY).tolist() == [80.5, 81.5, 82.5]
    assert darts_genotypes() == GENOTYPES
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InputError, match="is damaged"):
        darts_genotypes()


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        (
            [ROWS[0], "nonsense"],
            "cannot read line 2 of table.csv (from https://raw.githubusercontent.com/pym1024/SWAP/",
        ),
        ([ROWS[0], ROWS[1].rpartition(",")[0]], "expected a genotype's text and a number"),
        ([ROWS[0] + ",7"], "expected a genotype's text and a number"),
        ([ROWS[0].replace(",80.5", ",high")], "expected a genotype's text and a number"),
        (["genotype,accuracy", *ROWS], "malformed architecture 'genotype'"),
        (ROWS[:2], "has 2 rows, not 3: fetch it again"),
        ([*ROWS[:2], ROWS[2].replace(",82.5", ",nan")], "accuracies that are not from 0 to 100"),
        ([*ROWS[:2], ROWS[2].replace(",82.5", ",101")], "accuracies that are not from 0 to 100"),
    ],
)
def test_another_table_is_refused(tmp_path: Path, rows: list[str], complaint: str) -> None:
    with pytest.raises(InputError, match=re.escape(complaint)):
        read_darts_table(written(tmp_path, *rows))


@pytest.mark.real_data
@pytest.mark.skipif("CENA_DATA" not in os.environ, reason="CENA_DATA is not set")
def test_the_published_table() -> None:
    genotypes, accuracies = darts_genotypes(), labels.accuracy("darts", KEY)
    assert len(set(genotypes)) == len(accuracies) == 1000
    assert all(genotype.normal == genotype.reduce for genotype in genotypes)
    np.testing.assert_allclose(accuracies * 100, (accuracies * 100).round(), atol=1e-3)  # of 10,000 images
    assert (accuracies.min().round(2), accuracies.max().round(2)) == (10.22, 86.61)
