"""What the search chapters show of repeated searches: curves with intervals, tables, a figure to explore them.

Regrets are tables (runs, points) as :func:`cena.study.protocols.regrets` makes them. Those of one data set under
one protocol are a dictionary by the label of the search; searches may have different numbers of runs.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from cena.evaluate import Interval, mean_interval
from cena.report.claims import difference
from cena.report.plots import METHOD_STYLES, curve_with_interval, figure
from cena.study.protocols import UNITS, Protocol

Array = NDArray[np.float64]

DASHES = {"-": "solid", "--": "dash", "-.": "dashdot", ":": "dot"}
"""Matplotlib's lines by plotly's names."""

SECONDS_PER_HOUR = 3600

FLOOR = 1e-3
"""The least regret in points that a logarithmic axis shows."""

BARS = 4
"""Intervals drawn of a curve that has fewer runs than others."""

SHOWN = 60
"""Points of a curve in the interactive figure, and :data:`STEPS` of its slider."""
STEPS = 10


def curves(protocol: Protocol, budget: int, regrets: Mapping[str, Array]) -> pd.DataFrame:
    """Mean regret of each search along a protocol's axis, with its 95 % interval and the median.

    Columns: method, at (evaluations, or hours of simulated time), unit, regret, low, high (not below zero), median,
    runs.
    """
    axis = protocol.axis(budget) / (SECONDS_PER_HOUR if protocol.seconds else 1)
    rows = []
    for label, table in regrets.items():
        for at, values in zip(axis, table.T, strict=True):
            mean = mean_interval(values)
            numbers = (mean.value, max(mean.low, 0.0), mean.high, float(np.median(values)), mean.runs)
            rows.append((label, at, UNITS[protocol.name], *numbers))
    return pd.DataFrame(rows, columns=["method", "at", "unit", "regret", "low", "high", "median", "runs"])


def regret_rows(
    columns: Mapping[str, Mapping[str, Array]], exact: Mapping[str, float] | None = None
) -> list[tuple[str, ...]]:
    """A row for each search: its label, then in each column its mean regret with interval, and its median.

    Fewer runs than others have are named.

    Parameters
    ----------
    columns : regrets at one point, (runs,), by search and by the column's name; a search may be missing in some.
    exact : random search's expectation in each column, if known: the first row.
    """
    first = [("random, exact expectation", *(f"{exact[name]:.2f}" for name in columns))] if exact else []
    return first + _rows(columns, lambda _, values: f"{_interval(mean_interval(values))}; {np.median(values):.2f}")


def difference_rows(columns: Mapping[str, Mapping[str, Array]], rival: str) -> list[tuple[str, ...]]:
    """As :func:`regret_rows`, how the regret of each search differs from that of `rival`, which all columns have."""
    others = {
        name: {label: values for label, values in regrets.items() if label != rival}
        for name, regrets in columns.items()
    }

    def cell(name: str, values: Array) -> str:
        found = difference("", values, columns[name][rival])
        return found.number if found.verdict == "not told apart" else f"**{found.number}**"

    return _rows(others, cell)


def _rows(columns: Mapping[str, Mapping[str, Array]], cell: Callable[[str, Array], str]) -> list[tuple[str, ...]]:
    most = max(len(values) for regrets in columns.values() for values in regrets.values())
    runs = {label: len(values) for regrets in columns.values() for label, values in regrets.items()}
    return [
        (
            label if count == most else f"{label} ({count} runs)",
            *(cell(name, regrets[label]) if label in regrets else "" for name, regrets in columns.items()),
        )
        for label, count in runs.items()
    ]


def _interval(mean: Interval) -> str:
    return f"{mean.value:.2f} [{max(mean.low, 0):.2f}, {mean.high:.2f}]"


def draw_panels(
    tables: Mapping[str, pd.DataFrame], labels: Sequence[str], exact: Mapping[str, Array | None] | None = None
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
    floor = max(0.8 * float(shown["regret"][shown["regret"] > 0].min()), FLOOR)
    few = [label for label in labels if 0 < shown["runs"][shown["method"] == label].max() < shown["runs"].max()]
    for label in labels:
        curve = shown[shown["method"] == label]
        if label in few:
            # Their bands are wide and would hide each other: bars, each method's beside the next.
            last = (len(curve) - 1) * (1 - 0.02 * few.index(label))
            some = np.unique(np.linspace(last, 0, BARS, endpoint=False).round().astype(int))
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
            some = curve.iloc[np.unique(np.linspace(0, len(curve) - 1, SHOWN).round().astype(int))].round(4)
            drawn.add_scatter(
                x=some["at"].round(1).tolist(),
                y=some["regret"].tolist(),
                customdata=some[["low", "high"]].to_numpy().tolist(),
                hovertemplate="%{y:.3f} [%{customdata[0]:.3f}, %{customdata[1]:.3f}]",
                name=str(label),
                visible=key == first,
                line={
                    "color": METHOD_STYLES[str(label)]["color"],
                    "dash": DASHES[METHOD_STYLES[str(label)]["linestyle"]],
                },
                row=1,
                col=1,
            )
            owners.append(key)
        steps = [_spent(table, (step + 1) / STEPS) for step in range(STEPS)]
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
            "label": f"{100 * (step + 1) // STEPS} %",
            "method": "restyle",
            "args": [{part: [steps[step][part] for steps in spent] for part in ("x", "error_x")}, dots],
        }
        for step in range(STEPS)
    ]
    drawn.update_layout(
        template="simple_white",
        height=620,
        margin={"t": 50, "l": 60, "r": 10, "b": 50},
        legend={"orientation": "h", "y": -0.42, "font": {"size": 11}},
        updatemenus=[{"x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom", "buttons": menu}],
        sliders=[
            {"active": STEPS - 1, "steps": slider, "currentvalue": {"prefix": "right: budget spent "}, "y": -0.12}
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
