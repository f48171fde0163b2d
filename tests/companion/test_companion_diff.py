import dataclasses
from pathlib import Path

import pytest

from cena.companion.diff import Comparison, compare, worded
from cena.evaluate.records import Record, read_all, write_records


def record(id: str, value: float, half: float = 0.01) -> Record:
    return Record(id, value, value - half, value + half, 10, value, "Table 1", None, "reproduced")


def not_run(id: str) -> Record:
    return Record(id, None, None, None, 0, 0.7, "Table 1", None, "not run", "needs the benchmark")


@pytest.fixture
def folders(tmp_path) -> tuple[Path, Path]:
    published = [record(f"table1.{name}.tau", 0.7) for name in ("cifar10", "cifar100", "imagenet16")]
    own = [record("table1.cifar10.tau", 0.715), record("table1.cifar100.tau", 0.73), not_run("table1.imagenet16.tau")]
    write_records(tmp_path / "published/05.json", [*published, record("table1.cifar10.r", 0.9)])
    write_records(tmp_path / "own/05.json", [*own, record("table1.digits.tau", 0.5)])
    return tmp_path / "own", tmp_path / "published"


def test_every_number_gets_its_verdict(folders):
    assert {row.id: row.verdict for row in compare(*map(read_all, folders))} == {
        "table1.cifar10.r": "only published",
        "table1.cifar10.tau": "agree",
        "table1.cifar100.tau": "differ",
        "table1.digits.tau": "only yours",
        "table1.imagenet16.tau": "not run",
    }


def test_agreement_does_not_depend_on_the_order():
    high, low = record("table1.cifar10.tau", 0.72), record("table1.cifar10.tau", 0.70)
    for gap, verdict in ((0.0, "agree"), (0.02, "differ")):
        shifted = dataclasses.replace(high, value=0.72 + gap, low=0.71 + gap, high=0.73 + gap, paper=0.72 + gap)
        assert Comparison(low.id, low, shifted).verdict == Comparison(low.id, shifted, low).verdict == verdict


def test_no_results_are_only_the_others(folders, tmp_path):
    assert {row.verdict for row in compare(read_all(folders[0]), read_all(tmp_path / "nothing"))} == {"only yours"}


def test_numbers_are_worded_with_their_intervals():
    assert worded(record("table1.cifar10.tau", 0.7711, 0.0061)) == "0.7711 [0.765, 0.7772]"
    assert worded(not_run("table1.cifar10.tau")) == worded(None) == "none"
