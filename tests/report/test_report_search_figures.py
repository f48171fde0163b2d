"""What the search chapters print of repeated searches."""

import json
import re

import numpy as np
import pytest
from matplotlib import pyplot as plt

from cena.data.labels import LabelKey
from cena.report.search_figures import curves, difference_rows, draw_panels, explorer, other_methods, regret_rows
from cena.study.protocols import NOISELESS, TIMED, Protocol, Regrets

KEY = LabelKey("digits", "test", 6, "mean")
ACCURACY = np.linspace(80, 90, 30)
PLAIN = Protocol(NOISELESS, ACCURACY, ACCURACY, KEY, KEY, 20)
CLOCKED = Protocol(TIMED, ACCURACY, ACCURACY, KEY, KEY, 20, np.full(30, 3600.0), 36_000.0)
TABLES = {
    "random": np.sort(np.random.default_rng(0).random((8, 20)), axis=1)[:, ::-1] + 1,
    "TPE on CENA": np.sort(np.random.default_rng(1).random((4, 20)), axis=1)[:, ::-1],
}
REGRETS = Regrets(PLAIN, TABLES, np.linspace(3, 2, 20))
IN_TIME = Regrets(CLOCKED, {"random": np.ones((3, 100))}, None)
TABLE = curves(REGRETS)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_curves_hold_means_intervals_and_medians():
    last = TABLE[(TABLE["method"] == "TPE on CENA") & (TABLE["at"] == 20)].iloc[0]
    assert last["regret"] == pytest.approx(TABLES["TPE on CENA"][:, -1].mean())
    assert last["median"] == pytest.approx(np.median(TABLES["TPE on CENA"][:, -1]))
    assert 0 <= last["low"] <= last["regret"] <= last["high"]
    assert last["runs"] == 4
    assert set(TABLE["unit"]) == {"evaluated architectures"}


def test_simulated_time_is_in_hours():
    table = curves(IN_TIME)
    assert (table["at"].min(), table["at"].max()) == (1, 10)
    assert set(table["unit"]) == {"simulated hours"}


def test_rows_name_fewer_runs_and_begin_with_the_exact_expectation():
    some = Regrets(PLAIN, {"random": TABLES["random"]}, np.full(20, 5.0))
    rows = regret_rows({"a": (REGRETS, 20), "b": (some, 20)})
    last = TABLES["random"][:, -1]
    assert rows[0] == ("random, exact expectation", "2.00", "5.00")
    assert [row[0] for row in rows[1:]] == ["random", "TPE on CENA (4 runs)"]
    assert rows[1][1] == rows[1][2]
    assert rows[2][2] == ""
    assert rows[1][1].startswith(f"{last.mean():.2f} [")
    assert rows[1][1].endswith(f"; {np.median(last):.2f}")
    assert regret_rows({"spent": (IN_TIME, 0)}) == [("random", "1.00 [1.00, 1.00]; 1.00")]


def test_rows_of_differences_stress_what_is_told_apart():
    known = Regrets(PLAIN, {"A": np.full((3, 20), 1.0), "B": np.full((3, 20), 2.0)}, np.full(20, 5.0))
    assert difference_rows({"a": (known, 5)}, "B") == [("A", "**-1.00 [-1.00, -1.00]**")]
    noisy = Regrets(PLAIN, {"A": np.array([[1.0], [3.0]]), "B": np.array([[2.0], [2.0]])}, np.full(1, 5.0))
    [row] = difference_rows({"a": (noisy, 1)}, "B")
    assert row[1].startswith("+0.00 [")


def test_differences_from_random_search_are_from_its_expectation():
    [row] = difference_rows({"a": (REGRETS, 20)}, "random")
    assert row[0] == "TPE on CENA (4 runs)"
    assert row[1].startswith(f"**{TABLES['TPE on CENA'][:, -1].mean() - 2:+.2f} [")


def test_what_the_paper_leaves_out_is_drawn_beside_tpe():
    assert other_methods(["random", "DE on CENA", "evolution"]) == ["TPE on CENA", "TPE on raw encoding", "evolution"]


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


def test_what_the_explorer_is_told_of_a_table_ends_no_script():
    html = explorer({"</script><script>alert(1)</script>": TABLE.assign(unit="<!--<script>")}, "explore")
    assert html.count("<script") == html.count("</script>") == 1
    assert "<!--" not in html


def test_the_explorer_shows_the_numbers_of_the_table_and_switches_them():
    other = curves(IN_TIME)
    html = explorer({"first": TABLE, "second": other}, "explore")
    assert explorer({"first": TABLE, "second": other}, "explore") == html
    [data] = re.findall(r'Plotly\.newPlot\(\s*"explore",\s*(\[.*?\]),\s*\{"template"', html, flags=re.DOTALL)
    traces = json.loads(data)
    assert [trace["visible"] for trace in traces] == [True, True, True, False, False]
    last = TABLE[(TABLE["method"] == "random") & (TABLE["at"] == 20)].iloc[0]
    assert traces[0]["y"][-1] == pytest.approx(last["regret"], abs=1e-4)
    assert traces[2]["x"][0] == pytest.approx(last["regret"], abs=1e-4)  # at the right, all of the budget spent
    assert '"visible":[false,false,false,true,true]' in html
