"""The scoreboard: every number of the paper has a row, whoever ran what."""

import dataclasses

import numpy as np
import pytest

from cena.errors import InputError
from cena.evaluate import PAPER, Interval, judge, not_run, scoreboard
from cena.evaluate.records import Record

EMBEDDING = Interval(0.771, 0.766, 0.776, 10)


def test_the_paper_table_holds_each_printed_number():
    assert len(PAPER) == 6 + 8 + 6
    assert PAPER["table1.imagenet16.tau"] == (0.68, "Table 1")
    assert PAPER["table2.topology_to_size.r"] == (0.75, "Table 2")
    assert PAPER["arch2vec.cifar10.test"].value == 94.18
    assert PAPER["arch2vec.darts.error"].value == 2.56
    assert "arch2vec.imagenet16.val" not in PAPER
    for name in PAPER:
        assert not_run(name, "only to check that the id is of the grammar").paper == PAPER[name].value


def test_judge_compares_with_the_printed_number():
    record = judge("table1.cifar10.tau", EMBEDDING, reason="", baseline=0.786)
    assert record == Record("table1.cifar10.tau", 0.771, 0.766, 0.776, 10, 0.73, "Table 1", 0.786, "exceeded", "")
    assert judge("table1.cifar10.r", EMBEDDING, reason="reduced networks").status == "short"
    with pytest.raises(InputError, match="say why"):
        judge("table1.cifar10.r", EMBEDDING, reason="")


def test_judge_compares_with_the_baseline_where_nothing_is_printed():
    record = judge("table1.digits.tau", EMBEDDING, reason="digits stand in", baseline=0.765)
    assert (record.status, record.paper, record.source) == ("exceeded", None, "")
    regret = "fig5.nas-bench-201.cifar10.tpe_cena.regret@50"
    assert judge(regret, EMBEDDING, reason="it ranks the top badly", baseline=0.24).status == "short"
    assert judge(regret, EMBEDDING, reason="", baseline=0.9).status == "exceeded"
    with pytest.raises(InputError, match="give a baseline"):
        judge("table1.digits.tau", EMBEDDING, reason="digits stand in")


@pytest.mark.parametrize(
    ("interval", "status"),
    [((0.1, 0.02, 0.2), "reproduced"), ((0.1, -0.02, 0.2), "short"), ((-0.1, -0.2, -0.02), "short")],
)
def test_what_the_paper_says_in_words_is_reproduced_or_short(interval, status):
    record = judge("fig4.digits.tau-gain", Interval(*interval, 10), reason="few", baseline=0.0, claim="Section 4.4")
    assert (record.status, record.source, record.paper) == (status, "Section 4.4", None)


def test_the_scoreboard_merges_by_id_and_names_what_nobody_ran():
    published = [judge("table1.cifar10.tau", EMBEDDING, reason="", baseline=0.786)]
    mine = [
        judge("table1.cifar10.r", Interval(0.98, 0.97, 0.99, 3), reason="", baseline=0.945),
        not_run("table1.cifar100.r", "needs downloaded labels"),
    ]
    table = scoreboard(published, mine)
    assert list(table.id) == list(PAPER)
    rows = table.set_index("id")
    assert list(rows.loc["table1.cifar10.tau", ["paper", "published", "published_low", "published_high"]]) == [
        0.73,
        0.771,
        0.766,
        0.776,
    ]
    assert rows.published_status["table1.cifar10.tau"] == "exceeded"
    assert np.isnan(rows.value["table1.cifar10.tau"])
    assert rows.status["table1.cifar10.tau"] == "not run"
    assert list(rows.loc["table1.cifar10.r", ["value", "low", "high", "baseline", "status"]]) == [
        0.98,
        0.97,
        0.99,
        0.945,
        "exceeded",
    ]
    assert rows.reason["table1.cifar100.r"] == "needs downloaded labels"
    untouched = rows.loc["table2.size_to_size.r"]
    assert (untouched.status, untouched.published_status) == ("not run", "not run")
    assert untouched.reason
    assert untouched.source == "Table 2"


def test_ids_the_paper_does_not_print_follow_in_order():
    digits = judge("table1.digits.tau", EMBEDDING, reason="digits stand in", baseline=0.7)
    speed = Record("speed.views", 2.0, 2.0, 2.0, 1, 2.0, "section 4", None, "reproduced")
    table = scoreboard([speed], [digits])
    assert list(table.id) == [*PAPER, "speed.views", "table1.digits.tau"]
    last = table.set_index("id").loc[["speed.views", "table1.digits.tau"]]
    assert last.paper.iloc[0] == 2.0
    assert last.source.iloc[0] == "section 4"
    assert np.isnan(last.paper.iloc[1])
    assert np.isnan(last.published.iloc[1])


def test_an_empty_scoreboard_is_the_paper_alone():
    table = scoreboard([], [])
    assert len(table) == len(PAPER)
    assert set(table.status) == {"not run"}
    assert (table.paper == [printed.value for printed in PAPER.values()]).all()
    assert table.published.dtype == table.value.dtype == np.float64


def test_doubled_records_and_a_misquoted_paper_are_refused():
    record = judge("table1.cifar10.tau", EMBEDDING, reason="")
    with pytest.raises(InputError, match=r"table1\.cifar10\.tau occurs twice in this run"):
        scoreboard([], [record, record])
    with pytest.raises(InputError, match=r"of the published run says the paper has 0\.74, but it prints 0\.73"):
        scoreboard([dataclasses.replace(record, paper=0.74)], [])
