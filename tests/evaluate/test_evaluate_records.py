"""Records: what is refused, statuses, and files that round trip to equal bytes."""

import dataclasses
import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cena.errors import InputError
from cena.evaluate import Interval, Record, read_all, read_records, status_against, write_records, write_table
from cena.evaluate.records import begins_an_id, status_of

GOOD = Record("table1.cifar10.tau", 0.77, 0.76, 0.78, 10, 0.73, "Table 1", 0.72, "exceeded")


def changed(**changes):
    return dataclasses.replace(GOOD, **changes)


NAMES = [
    "table1.imagenet16.r",
    "table1.digits.tau",
    "table2.size_to_topology.tau",
    "fig4.digits.tau-trained",
    "fig5.nas-bench-201.cifar100.tpe_cena.regret@50",
    "table2.cifar10.darts_to_topology.r",
    "darts.100_labels.tau",
    "arch2vec.cifar10.val",
    "arch2vec.darts.error",
    "speed.views_laptop",
]
numbers = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def records(draw):
    name = draw(st.sampled_from(NAMES))
    paper, baseline = draw(st.none() | numbers), draw(st.none() | numbers)
    if draw(st.booleans()):
        return Record(name, None, None, None, 0, paper, "", baseline, "not run", "no time")
    low, value, high = sorted(draw(st.tuples(numbers, numbers, numbers)))
    paper = draw(numbers) if baseline is None else paper
    status = status_of(name, Interval(value, low, high, 1), paper=paper, source="Table 1", baseline=baseline)
    reason = "because " + draw(st.text('aé☃ "\\\x00'))
    return Record(name, value, low, high, draw(st.integers(1, 500)), paper, "Table 1", baseline, status, reason)


@given(st.lists(records(), unique_by=lambda record: record.id, max_size=4), st.randoms())
def test_files_round_trip_and_equal_records_are_equal_bytes(tmp_path_factory, written, random):
    folder = tmp_path_factory.mktemp("results")
    write_records(folder / "a.json", written)
    read = read_records(folder / "a.json")
    assert [record.id for record in read] == sorted(record.id for record in written)
    for record, original in zip(read, sorted(written, key=lambda record: record.id), strict=True):
        for name, value in dataclasses.asdict(original).items():
            expected = pytest.approx(value, rel=1e-5, abs=1e-320) if isinstance(value, float) else value
            assert getattr(record, name) == expected
    random.shuffle(written)
    write_records(folder / "b.json", written)
    write_records(folder / "c.json", read)
    assert (folder / "a.json").read_bytes() == (folder / "b.json").read_bytes() == (folder / "c.json").read_bytes()


def test_rounding_noise_does_not_change_the_file(tmp_path):
    noisy = changed(value=0.77 + 1e-15, low=np.float32(0.76), baseline=0.1 + 0.2, paper=-0.0)
    write_records(tmp_path / "a.json", [changed(baseline=0.3, paper=0.0)])
    write_records(tmp_path / "b.json", [noisy])
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert json.loads((tmp_path / "a.json").read_text()) == [
        {
            "id": "table1.cifar10.tau",
            "value": 0.77,
            "low": 0.76,
            "high": 0.78,
            "runs": 10,
            "paper": 0.0,
            "source": "Table 1",
            "baseline": 0.3,
            "status": "exceeded",
            "reason": "",
        }
    ]


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing_behind(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_records(path, [GOOD])
    before = path.read_bytes()

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_records(path, [changed(value=0.765)])
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("name", NAMES)
def test_ids_of_the_grammar_are_accepted(name):
    assert Record(name, None, None, None, 0, None, "", None, "not run", "no time").id == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "table1.cifar10",
        "table1.cifar10.tau ",
        "table1.cifar_10.tau",
        "table1.cifar10.kendall",
        "table2.size_to_size",
        "table3.cifar10.tau",
        "fig4.tau-trained",
        "fig4.digits.tau@6",
        "fig5.nas-bench-201.cifar10.tpe.regret@0",
        "Table1.cifar10.tau",
        "darts.0_labels.tau",
        "arch2vec.darts.test",
        None,
    ],
)
def test_other_ids_are_refused(name):
    with pytest.raises(InputError, match="is not the id of a record; forms: table1"):
        changed(id=name)


@pytest.mark.parametrize(
    ("parts", "possible"),
    [
        ("table1.", True),
        ("table2.digits.", True),
        ("table2.size_to_topology.", True),
        ("fig5.any-space.cifar10.tpe.", True),
        ("", True),
        ("table", False),
        ("tablee9.", False),
        ("table1.cifar11.", False),
        ("table2.size_", False),
        ("table1.cifar10.r.", False),
    ],
)
def test_the_beginning_of_an_id_is_told_from_what_begins_none(parts, possible):
    assert begins_an_id(parts) == possible


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"status": "exceded"}, "unknown status of record table1.cifar10.tau 'exceded'; valid: exceeded"),
        ({"status": "short", "paper": 0.79}, "say why"),
        ({"status": "short", "paper": 0.79, "reason": "  "}, "say why"),
        ({"status": "short", "reason": "because"}, "'short', but its numbers say 'exceeded'"),
        ({"status": "reproduced"}, "'reproduced', but its numbers say 'exceeded'"),
        ({"paper": 0.77}, "'exceeded', but its numbers say 'reproduced'"),
        ({"paper": 0.79}, "'exceeded', but its numbers say 'short'"),
        ({"value": 0.79, "high": 0.8, "low": 0.72}, "'exceeded', but its numbers say 'reproduced'"),
        ({"paper": None, "source": "", "baseline": 0.79}, "'exceeded', but its numbers say 'short'"),
        ({"paper": None, "source": "Section 4.4"}, "'exceeded', but its numbers say 'reproduced'"),
        ({"id": "fig5.x.cifar10.tpe.regret@50"}, "'exceeded', but its numbers say 'short'"),
        ({"id": "arch2vec.darts.error"}, "'exceeded', but its numbers say 'short'"),
        ({"paper": None, "baseline": None}, "nothing to judge record table1.cifar10.tau against"),
        ({"status": "not run", "reason": "no data"}, "'not run' but has results"),
        ({"status": "not run", "value": None, "low": None, "high": None, "runs": 0}, "say why"),
        ({"value": None}, "give value, low, high"),
        ({"low": None}, "give value, low, high"),
        ({"runs": 0}, "at least 1 run"),
        ({"runs": -1}, "runs of record"),
        ({"runs": 2.5}, "runs of record"),
        ({"runs": True}, "runs of record"),
        ({"value": 0.79}, "outside its interval"),
        ({"low": 0.775}, "outside its interval"),
        ({"value": math.nan}, "value of record table1.cifar10.tau is nan"),
        ({"high": math.inf}, "high of record"),
        ({"baseline": math.nan}, "baseline of record"),
        ({"paper": "0.73"}, "paper of record"),
        ({"reason": "so\n\n```{include} /etc/passwd\n```"}, "have to be a line of text"),
        ({"source": 1}, "have to be a line of text"),
    ],
)
def test_contradictory_records_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        changed(**changes)


@pytest.mark.parametrize(
    ("low", "high", "status", "regret_status"),
    [
        (0.70, 0.72, "short", "exceeded"),
        (0.70, 0.724, "short", "exceeded"),
        (0.70, 0.726, "reproduced", "reproduced"),  # 0.726 prints as 0.73
        (0.70, 0.80, "reproduced", "reproduced"),
        (0.731, 0.734, "reproduced", "reproduced"),  # prints as 0.73 throughout
        (0.736, 0.80, "exceeded", "short"),
    ],
)
def test_status_against_a_printed_number(low, high, status, regret_status):
    interval = Interval((low + high) / 2, low, high, 10)
    assert status_against(interval, 0.73) == status
    assert status_against(interval, 0.73, lower_is_better=True) == regret_status


@pytest.mark.parametrize(
    ("low", "status", "source"),
    [
        (0.1, "reproduced", "Section 4.4"),
        (-0.1, "short", "Section 4.4"),
        (0.1, "exceeded", ""),
        (-0.1, "reproduced", ""),
    ],
)
def test_what_the_paper_says_in_words_is_reproduced_where_it_is_borne_out(low, status, source):
    numbers = {"value": 0.2, "low": low, "high": 0.3, "paper": None, "baseline": 0.0}
    assert changed(**numbers, status=status, source=source, reason="reduced").status == status


def test_a_status_survives_the_rounding_on_disk(tmp_path):
    for low in (0.7350000004, 0.7349999996):
        status = status_against(Interval(0.77, low, 0.78, 10), 0.73)
        write_records(tmp_path / "a.json", [changed(low=low, status=status)])
        assert read_records(tmp_path / "a.json")[0].status == status


def test_status_without_rounding():
    assert status_against(Interval(0.7, 0.70, 0.71, 3), 0.699, rounding=0) == "exceeded"


def test_read_all_collects_sorts_and_refuses_the_same_id_twice(tmp_path):
    assert read_all(tmp_path / "nothing") == []
    write_records(tmp_path / "b.json", [GOOD])
    write_records(tmp_path / "a.json", [changed(id="table1.cifar10.r"), changed(id="table1.imagenet16.r")])
    write_table(tmp_path / "b.csv", pd.DataFrame({"x": [1]}))
    assert [record.id for record in read_all(tmp_path)] == [
        "table1.cifar10.r",
        "table1.cifar10.tau",
        "table1.imagenet16.r",
    ]
    write_records(tmp_path / "c.json", [GOOD])
    with pytest.raises(InputError, match=r"table1\.cifar10\.tau occurs twice"):
        read_all(tmp_path)
    with pytest.raises(InputError, match="occurs twice"):
        write_records(tmp_path / "d.json", [GOOD, GOOD])
    assert not (tmp_path / "d.json").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[{", "is not JSON"),
        pytest.param("[" * 100_000, "is not JSON", id="nested"),
        ("{}", "is not a list of records"),
        ('[{"id": "speed.x"}]', "is not a list of records"),
        (json.dumps([dataclasses.asdict(GOOD) | {"runs": 0}]), "at least 1 run"),
        (json.dumps([dataclasses.asdict(GOOD) | {"runs": None}]), "x.json"),
        (json.dumps([dataclasses.asdict(GOOD) | {"runs": "many"}]), "x.json"),
        (json.dumps([dataclasses.asdict(GOOD) | {"runs": math.inf}]), "x.json"),
        (json.dumps([dataclasses.asdict(GOOD) | {"reason": None}]), "x.json"),
        (json.dumps([dataclasses.asdict(GOOD) | {"value": [1]}]), "x.json"),
        (json.dumps([dataclasses.asdict(GOOD)] * 2), "occurs twice"),
    ],
)
def test_broken_files_are_refused_with_their_name(tmp_path, text, message):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(InputError, match=message):
        read_records(tmp_path / "x.json")


def test_missing_files_are_named(tmp_path):
    with pytest.raises(InputError, match="no results file"):
        read_records(tmp_path / "x.json")


def test_tables_are_written_with_stable_numbers(tmp_path):
    table = pd.DataFrame({"run": [0, 1], "tau": [0.1 + 0.2, 2 / 3], "method": ["a, b", "c"]})
    write_table(tmp_path / "new" / "figure.csv", table)
    assert (tmp_path / "new" / "figure.csv").read_bytes() == b'run,tau,method\n0,0.3,"a, b"\n1,0.666667,c\n'
