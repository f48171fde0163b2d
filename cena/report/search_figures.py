"""What the search chapters show of repeated searches: curves with intervals, tables, a figure to explore them.

What they show are :class:`cena.study.protocols.Regrets`, or tables of :func:`curves`, by the data set and protocol.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter
from plotly.subplots import make_subplots

from cena.evaluate import Interval, mean_interval, welch_difference
from cena.report.plots import curve_with_interval
from cena.report.style import METHOD_STYLES, figure
from cena.report.wording import signed, told
from cena.study.protocols import UNITS, Regrets
from cena.types import Floats

_DASHES = {"-": "solid", "--": "dash", "-.": "dashdot", ":": "dot"}
"""Matplotlib's lines by plotly's names."""

_SECONDS_PER_HOUR = 3600

_FLOOR = 1e-3
"""The least regret in points that a logarithmic axis shows."""

_BARS = 4
"""Intervals drawn of a curve that has fewer runs than others."""

_SHOWN = 60
"""Points of a curve in the interactive figure, and :data:`_STEPS` of its slider."""
_STEPS = 10


def curves(regrets: Regrets) -> pd.DataFrame:
    """Mean regret of each search along its protocol's axis, with its 95 % interval and the median.

    Columns: method, at (evaluations, or hours of simulated time), unit, regret, low, high (not below zero), median,
    runs.
    """
    protocol = regrets.protocol
    axis = protocol.axis / (_SECONDS_PER_HOUR if protocol.seconds else 1)
    rows = []
    for label, table in regrets.tables.items():
        for at, values in zip(axis, table.T, strict=True):
            mean = mean_interval(values)
            numbers = (mean.value, max(mean.low, 0.0), mean.high, float(np.median(values)), mean.runs)
            rows.append((label, at, UNITS[protocol.name], *numbers))
    return pd.DataFrame(rows, columns=["method", "at", "unit", "regret", "low", "high", "median", "runs"])


RegretColumns = Mapping[str, tuple[Regrets, int]]
"""Regrets and after how many evaluations to look at them, 0 for the end of simulated time, by a column's name."""


def regret_rows(columns: RegretColumns) -> list[tuple[str, ...]]:
    """A row for each search: its label, then in each column its mean regret with interval, and its median.

    Fewer runs than others have are named. The first row is random search's exact expectation, where it is known.
    """
    exact = [f"{of.expected[n - 1]:.2f}" for of, n in columns.values() if of.expected is not None]
    first = [("random, exact expectation", *exact)] if exact else []

    def cell(name: str, label: str) -> str:
        of, n = columns[name]
        values = of.tables[label][:, n - 1]
        return f"{_interval(mean_interval(values))}; {np.median(values):.2f}"

    return first + _rows(columns, dict.fromkeys(label for of, _ in columns.values() for label in of.tables), cell)


def difference_rows(columns: RegretColumns, rival: str) -> list[tuple[str, ...]]:
    """As :func:`regret_rows`, how the regret of each search differs from that of `rival`, which all columns have."""

    def cell(name: str, label: str) -> str:
        of, n = columns[name]
        difference = welch_difference(of.at(label, n), of.at(rival, n))
        number = signed(difference, 2)
        return number if told(difference) == "not told apart" else f"**{number}**"

    labels = dict.fromkeys(label for of, _ in columns.values() for label in of.tables if label != rival)
    return _rows(columns, labels, cell)


def _rows(columns: RegretColumns, labels: Iterable[str], cell: Callable[[str, str], str]) -> list[tuple[str, ...]]:
    """A row for each label, with the text of `cell` (name of the column, label) where the search was run."""
    runs = {label: len(table) for of, _ in columns.values() for label, table in of.tables.items()}
    most = max(runs.values())
    return [
        (
            label if runs[label] == most else f"{label} ({runs[label]} runs)",
            *(cell(name, label) if label in of.tables else "" for name, (of, _) in columns.items()),
        )
        for label in labels
    ]


def _interval(mean: Interval) -> str:
    return f"{mean.value:.2f} [{max(mean.low, 0):.2f}, {mean.high:.2f}]"


PAPER_METHODS = (
    "random",
    "REINFORCE",
    *(f"{optimiser} on {seen}" for optimiser in ("TPE", "DE") for seen in ("CENA", "arch2vec", "raw encoding")),
)
"""The paper's searches, and its optimisers on the raw encoding."""


def other_methods(labels: Sequence[str]) -> list[str]:
    """Those of the labels that the paper leaves out, after TPE on CENA and the raw encoding to compare."""
    return ["TPE on CENA", "TPE on raw encoding", *(label for label in labels if label not in PAPER_METHODS)]


def draw_panels(
    tables: Mapping[str, pd.DataFrame], labels: Sequence[str], exact: Mapping[str, Floats | None] | None = None
) -> None:
    """A panel for each table of :func:`curves`, titled by its key, three a row, with one legend.

    `exact` has random search's expectation, (budget,), by the same keys; it is drawn where `labels` has "random".
    """
    columns = min(len(tables), 3)
    drawn, panels = figure(rows=-(-len(tables) // columns), columns=columns, panel_height=3.2)
    handles: dict[str, Any] = {}
    for panel, (title, table) in zip(panels, tables.items(), strict=False):
        _draw(panel, table, labels)
        panel.set_title(title)
        expectation = (exact or {}).get(title)
        if expectation is not None and "random" in labels:
            evaluations = np.arange(1, len(expectation) + 1)
            panel.plot(evaluations, expectation, color="0.6", linewidth=0.8, label="random, exact")
        handles |= dict(zip(*panel.get_legend_handles_labels()[::-1], strict=True))
    for panel in panels[len(tables) :]:
        panel.axis("off")
    for panel in panels[::columns]:
        panel.set_ylabel("regret (percentage points)")
    drawn.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=4)


def _draw(panel: Axes, table: pd.DataFrame, labels: Sequence[str]) -> None:
    shown = table[table["method"].isin(labels)]
    floor = max(0.8 * float(shown["regret"][shown["regret"] > 0].min()), _FLOOR)
    few = [label for label in labels if 0 < shown["runs"][shown["method"] == label].max() < shown["runs"].max()]
    for label in labels:
        curve = shown[shown["method"] == label]
        if label in few:
            # Their bands are wide and would hide each other: bars, each method's beside the next.
            last = (len(curve) - 1) * (1 - 0.02 * few.index(label))
            some = np.unique(np.linspace(last, 0, _BARS, endpoint=False).round().astype(int))
            (line,) = panel.plot(curve["at"], curve["regret"], label=label, **METHOD_STYLES.get(label, {}))
            low, high = (curve[name].clip(lower=floor).iloc[some] for name in ("low", "high"))
            panel.vlines(curve["at"].iloc[some], low, high, color=line.get_color(), linewidth=1)
        elif len(curve):
            low, high = (curve[name].clip(lower=floor) for name in ("low", "high"))
            curve_with_interval(panel, curve["at"], curve["regret"], low, high, label)
    start = shown["at"].min() + 0.06 * (shown["at"].max() - shown["at"].min())
    panel.set(xlabel=shown["unit"].iloc[0], xlim=(shown["at"].min(), shown["at"].max()))
    regret_axis(panel)
    panel.set_ylim(floor, 1.1 * float(shown["regret"][shown["at"] >= start].max()))


def regret_axis(panel: Axes) -> None:
    """Make the vertical axis logarithmic, with a grid at round numbers of percentage points."""
    panel.set_yscale("log")
    panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panel.yaxis.set_major_formatter("{x:g}")
    panel.yaxis.set_minor_formatter(NullFormatter())
    panel.grid(axis="y")


def explorer(tables: Mapping[str, pd.DataFrame], name: str) -> str:
    """HTML of a figure to explore: choose a data set with its protocol, methods, and how much of the budget is spent.

    Parameters
    ----------
    tables : of :func:`curves`, by what the menu calls them.
    name : unique on the page.
    """
    drawn = make_subplots(1, 2, column_widths=[0.62, 0.38], horizontal_spacing=0.2)
    owners: list[str] = []
    dots: list[int] = []
    spent: list[list[dict[str, Any]]] = []
    first = next(iter(tables))
    for key, table in tables.items():
        for label, curve in table.groupby("method", sort=False):
            some = curve.iloc[np.unique(np.linspace(0, len(curve) - 1, _SHOWN).round().astype(int))].round(4)
            drawn.add_scatter(
                x=some["at"].round(1).tolist(),
                y=some["regret"].tolist(),
                customdata=some[["low", "high"]].to_numpy().tolist(),
                hovertemplate="%{y:.3f} [%{customdata[0]:.3f}, %{customdata[1]:.3f}]",
                name=str(label),
                visible=key == first,
                line={
                    "color": METHOD_STYLES[str(label)]["color"],
                    "dash": _DASHES[METHOD_STYLES[str(label)]["linestyle"]],
                },
                row=1,
                col=1,
            )
            owners.append(key)
        steps = [_spent(table, (step + 1) / _STEPS) for step in range(_STEPS)]
        drawn.add_scatter(
            **steps[-1],
            mode="markers",
            marker={"color": [METHOD_STYLES[label]["color"] for label in steps[-1]["y"]]},
            hovertemplate="%{y}: %{x:.3f}",
            showlegend=False,
            name="",
            visible=key == first,
            row=1,
            col=2,
        )
        dots.append(len(owners))
        owners.append(key)
        spent.append(steps)
    menu = [
        {
            "label": key,
            "method": "update",
            "args": [{"visible": [owner == key for owner in owners]}, {"xaxis.title.text": table["unit"].iloc[0]}],
        }
        for key, table in tables.items()
    ]
    slider = [
        {
            "label": f"{100 * (step + 1) // _STEPS} %",
            "method": "restyle",
            "args": [{part: [steps[step][part] for steps in spent] for part in ("x", "error_x")}, dots],
        }
        for step in range(_STEPS)
    ]
    drawn.update_layout(
        template="simple_white",
        height=620,
        margin={"t": 50, "l": 60, "r": 10, "b": 50},
        legend={"orientation": "h", "y": -0.42, "font": {"size": 11}},
        updatemenus=[{"x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom", "buttons": menu}],
        sliders=[
            {"active": _STEPS - 1, "steps": slider, "currentvalue": {"prefix": "right: budget spent "}, "y": -0.12}
        ],
        xaxis={"title": {"text": tables[first]["unit"].iloc[0]}},
        yaxis={"title": "regret (percentage points)", "type": "log"},
        xaxis2={"title": "regret (percentage points)", "rangemode": "tozero"},
        yaxis2={"autorange": "reversed", "tickfont": {"size": 10}},
    )
    return str(drawn.to_html(include_plotlyjs=False, full_html=False, div_id=name))


def _spent(table: pd.DataFrame, share: float) -> dict[str, Any]:
    """Regret of every method when this share of the budget is spent."""
    times = np.sort(table["at"].unique())
    row = table[table["at"] == times[max(round(share * len(times)), 1) - 1]].round(4)
    return {
        "x": row["regret"].tolist(),
        "y": row["method"].tolist(),
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": (row["high"] - row["regret"]).round(4).tolist(),
            "arrayminus": (row["regret"] - row["low"]).round(4).tolist(),
        },
    }
