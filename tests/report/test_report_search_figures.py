"""What the search chapters print of repeated searches."""

import json
import re

import numpy as np
import pytest
from matplotlib import pyplot as plt

from cena.data.labels import LabelKey
from cena.report.search_figures import curves, difference_rows, draw_panels, explorer, regret_rows
from cena.study.protocols import NOISELESS, TIMED, Protocol

KEY = LabelKey("digits", "test", 6, "mean")
ACCURACY = np.linspace(80, 90, 30)
PLAIN = Protocol(NOISELESS, ACCURACY, ACCURACY, KEY, KEY)
CLOCKED = Protocol(TIMED, ACCURACY, ACCURACY, KEY, KEY, np.full(30, 3600.0), 36_000.0)
REGRETS = {
    "random": np.sort(np.random.default_rng(0).random((8, 20)), axis=1)[:, ::-1] + 1,
    "TPE on CENA": np.sort(np.random.default_rng(1).random((4, 20)), axis=1)[:, ::-1],
}
TABLE = curves(PLAIN, 20, REGRETS)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_curves_hold_means_intervals_and_medians():
    last = TABLE[(TABLE["method"] == "TPE on CENA") & (TABLE["at"] == 20)].iloc[0]
    assert last["regret"] == pytest.approx(REGRETS["TPE on CENA"][:, -1].mean())
    assert last["median"] == pytest.approx(np.median(REGRETS["TPE on CENA"][:, -1]))
    assert 0 <= last["low"] <= last["regret"] <= last["high"]
    assert last["runs"] == 4
    assert set(TABLE["unit"]) == {"evaluated architectures"}


def test_simulated_time_is_in_hours():
    table = curves(CLOCKED, 20, {"random": np.ones((3, 100))})
    assert (table["at"].min(), table["at"].max()) == (1, 10)
    assert set(table["unit"]) == {"simulated hours"}


def test_rows_name_fewer_runs_and_begin_with_the_exact_expectation():
    last = {label: values[:, -1] for label, values in REGRETS.items()}
    columns = {"a": last, "b": {"random": last["random"]}}
    rows = regret_rows(columns, {"a": 2.0, "b": 3.0})
    assert rows[0] == ("random, exact expectation", "2.00", "3.00")
    assert [row[0] for row in rows[1:]] == ["random", "TPE on CENA (4 runs)"]
    assert rows[1][1] == rows[1][2]
    assert rows[2][2] == ""
    assert rows[1][1].startswith(f"{last['random'].mean():.2f} [")
    assert rows[1][1].endswith(f"; {np.median(last['random']):.2f}")


def test_rows_of_differences_stress_what_is_told_apart():
    [row] = difference_rows({"a": {"A": np.full(3, 1.0), "B": np.full(3, 2.0)}}, "B")
    assert row == ("A", "**-1.00 [-1.00, -1.00]**")
    [row] = difference_rows({"a": {"A": np.array([1.0, 3.0]), "B": np.array([2.0, 2.0])}}, "B")
    assert row[1].startswith("+0.00 [")


def test_panels_draw_what_they_have():
    tables = {"a": TABLE, "b": TABLE, "c": TABLE, "d": TABLE}
    draw_panels(tables, ["random", "TPE on CENA", "DE on CENA"], {"a": np.full(20, 1.5)})
    drawn = plt.gcf()
    shown = [axes for axes in drawn.axes if axes.axison]
    assert [axes.get_title() for axes in shown] == [*tables]
    assert [len(axes.lines) for axes in shown] == [3, 2, 2, 2]  # the expectation is known of the first
    names = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert names == ["random", "TPE on CENA", "random, exact"]
    assert shown[0].get_xlim() == (1, 20)
    assert all(axes.get_yscale() == "log" for axes in shown)


def test_the_explorer_shows_the_numbers_of_the_table_and_switches_them():
    other = curves(CLOCKED, 20, {"random": np.ones((3, 100))})
    html = explorer({"first": TABLE, "second": other}, "explore")
    assert explorer({"first": TABLE, "second": other}, "explore") == html
    [data] = re.findall(r'Plotly\.newPlot\(\s*"explore",\s*(\[.*?\]),\s*\{"template"', html, flags=re.DOTALL)
    traces = json.loads(data)
    assert [trace["visible"] for trace in traces] == [True, True, True, False, False]
    last = TABLE[(TABLE["method"] == "random") & (TABLE["at"] == 20)].iloc[0]
    assert traces[0]["y"][-1] == pytest.approx(last["regret"], abs=1e-4)
    assert traces[2]["x"][0] == pytest.approx(last["regret"], abs=1e-4)  # at the right, all of the budget spent
    assert '"visible":[false,false,false,true,true]' in html
