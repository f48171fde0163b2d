"""Accuracies under attack beside the cells of NAS-Bench-201, and the sentences for a table that is not theirs."""

import os
import re
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cena import spaces
from cena.data import labels, public_files, registry
from cena.data.labels import LabelKey
from cena.data.public_files import ATTACKS, ROBUSTNESS_TARGETS, DataFile
from cena.data.robustness import read_robustness, robustness
from cena.errors import InputError
from cena.evaluate import kendall
from cena.files import file_sha256

COLUMNS = [f"{theirs}@Linf_eps-{strength}" for theirs in ATTACKS.values() for strength in ("0.5", "8.0")]


def table() -> pd.DataFrame:
    """All cells in NASLib's order, and accuracies that name the row and the column."""
    nets = [str(net) for net in product(range(5), repeat=6)]
    rows = np.arange(len(nets))
    columns = {name: rows % 97 + 0.01 * number for number, name in enumerate(COLUMNS)}
    return pd.DataFrame({"net": nets, "val_accs": 50.0, **columns})


def written(folder: Path, content: pd.DataFrame, end: str = "\n") -> Path:
    path = folder / "targets.csv"
    content.to_csv(path, index=False, lineterminator=end)
    return path


@pytest.mark.parametrize(("end", "backwards"), [("\n", False), ("\r\n", True)])
def test_rows_are_in_the_order_of_the_space_whatever_theirs(tmp_path: Path, end: str, backwards: bool) -> None:
    content = table()
    found = read_robustness(written(tmp_path, content[::-1] if backwards else content, end))
    assert found.columns.tolist() == [(attack, strength) for attack in ATTACKS for strength in (0.5, 8.0)]
    space = spaces.load("nas-bench-201")
    assert found.index.tolist() == list(range(len(space)))
    # Edges 1-2, 1-3, 1-4, 2-3, 2-4, 3-4; 0 skip, 1 none, 2 3x3, 3 1x1, 4 average pooling.
    net = content.index[content.net == "(4, 0, 3, 1, 2, 0)"][0]
    cell = "|avg_pool_3x3~0|+|skip_connect~0|none~1|+|nor_conv_1x1~0|nor_conv_3x3~1|skip_connect~2|"
    assert found.loc[space.index(cell)].tolist() == content.loc[net, COLUMNS].tolist()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda rows: rows.drop(columns="net"), "has columns val_accs, fgsm@Linf_eps-0.5"),
        (lambda rows: rows.drop(columns=COLUMNS[2:4]), "expected 'net' and accuracies under FGSM, PGD, APGD, Square"),
        (lambda rows: rows.iloc[:-1], "has 15,624 cells in 15,624 rows: expected each of the 15,625 once"),
        (lambda rows: pd.concat([rows, rows.iloc[:1]]), "has 15,625 cells in 15,626 rows"),
        (lambda rows: rows.assign(net=["(1, 2)", *rows.net[1:]]), "names a cell '(1, 2)': expected six numbers"),
        (lambda rows: rows.assign(net=["(9, 0, 0, 0, 0, 0)", *rows.net[1:]]), "from 0 to 4 in brackets"),
        (lambda rows: rows.assign(net=["exit()", *rows.net[1:]]), "names a cell 'exit()'"),
        (lambda rows: rows.assign(**{COLUMNS[0]: 101.0}), "has accuracies that are not from 0 to 100"),
        (lambda rows: rows.assign(**{COLUMNS[0]: "high"}), "has accuracies that are not from 0 to 100"),
    ],
)
def test_another_table_is_a_sentence_with_its_address(tmp_path: Path, change, complaint: str) -> None:
    with pytest.raises(InputError, match=re.escape(complaint)) as caught:
        read_robustness(written(tmp_path, change(table())))
    assert str(caught.value).startswith(("targets.csv (from https://", "cannot read targets.csv (from https://"))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_table_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "targets.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"cannot read targets\.csv \(from https://"):
        read_robustness(tmp_path / "targets.csv")


def test_it_is_fetched_by_its_name_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / ROBUSTNESS_TARGETS
    path.parent.mkdir(parents=True)
    written(tmp_path, table()).rename(path)
    monkeypatch.setenv("CENA_DATA", str(tmp_path))
    monkeypatch.setitem(
        registry.REGISTRY, ROBUSTNESS_TARGETS, DataFile(file_sha256(path), "https://example.org/t.csv", "a test's")
    )
    assert robustness().shape == (15_625, len(COLUMNS))
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InputError, match="is damaged"):
        robustness()


@pytest.mark.real_data
@pytest.mark.skipif(
    not (Path(os.environ.get("CENA_DATA", "")) / public_files.ROBUSTNESS_TARGETS).is_file(),
    reason="needs the downloaded benchmark: set CENA_DATA",
)
def test_a_weak_attack_keeps_the_order_of_clean_accuracy() -> None:
    found = robustness()
    assert found.shape == (15_625, 32)
    clean = labels.accuracy("nas-bench-201", LabelKey("cifar10", "test", 200, "one"))
    assert min(kendall(clean, found[attack, 0.1]) for attack in ATTACKS) > 0.8
