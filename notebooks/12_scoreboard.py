# ---
# jupyter:
#   cena:
#     needs: []
#     reads: results
#     version: 4
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Scoreboard
#
# Every number that {cite:t}`anonymous2021cena` prints, and every further number that this book computes, in one place:
# as printed, as in the published run of this book, and as in the run that made this page. Nothing is computed here; the
# chapters left records, and this one reads them.
#
# A record has a value, its 95 % interval, and where there is one the score of the best trivial rival on the same splits
# or the same budget. Its status is decided by code, from the interval, never by hand:
#
# - *reproduced*: the interval meets the printed number, which stands for all that round to it;
# - *exceeded*: the whole interval is on the better side of it;
# - *short*: the whole interval is on the worse side;
# - *not run*: this run has not computed it.
#
# Where the paper prints no number (its search results are curves), the trivial rival takes its place: *exceeded* then
# means better than the rival. Regret is better when it is lower, everything else when it is higher.

# %% tags=["parameters"]
profile: str = "quick"  # [quick | laptop | paper] settings of the run

# %% tags=["hide-input"]
import numpy as np
import pandas as pd
from IPython.display import Markdown
from matplotlib import pyplot as plt

from cena.companion.project import of_notebook, results_folder
from cena.evaluate import Interval, read_all, scoreboard, status_against, write_table
from cena.report import style
from cena.report.tables import NAMES, NONE, markdown_table, result_name

style.use_style()
results = results_folder(profile)
checkout = of_notebook()
before_this = {record.id: record for record in read_all(checkout.published_results)}
board = scoreboard(published=before_this.values(), this_run=read_all(checkout.results(profile)))
write_table(results / "12_scoreboard_numbers.csv", board)

# Where this run has no result and the published run has one, that is shown, and said to be the published run's.
board["own_status"] = board.status
board[["shown", "shown_low", "shown_high"]] = board[["value", "low", "high"]]
board["borrowed"] = board.value.isna() & board.published.notna()
for row in board.index[board.borrowed]:
    record = before_this[board.id[row]]
    board.loc[row, ["shown", "shown_low", "shown_high"]] = record.value, record.low, record.high
    board.loc[row, ["baseline", "status", "reason"]] = record.baseline, record.status, record.reason

FAMILIES = {
    "table1": ("Table 1: accuracy predicted within a space", "r or τ"),
    "embedding": ("Beyond the paper: what the embedding knows", "nDCG, τ or share"),
    "beyond": ("Beyond the paper: accuracy under attack on CIFAR-10", "τ"),
    "darts": ("Beyond the paper: accuracy predicted in the space of DARTS", "τ"),
    "table2": ("Table 2: accuracy predicted from another space", "r or τ"),
    "fig4": ("Figure 4: final accuracy predicted while networks train", "τ"),
    "fig5": ("Figure 5: search", "regret (%)"),
    "arch2vec": ("Search results that arch2vec published", "accuracy (%)"),
    "speed": ("Speed", "value"),
}
board["family"] = board.id.str.split(".").str[0]
board["name"] = board.id.map(result_name)
# Numbers within an id are compared as numbers: regret@50 comes before regret@100.
padded = board.id.str.replace(r"\d+", lambda number: number[0].zfill(6), regex=True)
board = board.iloc[np.argsort(padded.to_numpy(dtype=str), kind="stable")]
families = {family: rows for family in FAMILIES if len(rows := board[board.family == family])}

recorded = board.value.notna()
before = board.published.notna()
made_under = board.reason[recorded].str.extract(r"profile (quick|laptop|paper)")[0].fillna(profile).value_counts()
elsewhere = [f"{count} under profile `{name}`" for name, count in made_under.items() if name != profile]
Markdown(
    f"This page was made under profile `{profile}`, which left {recorded.sum()} results"
    + (f"; of these, {' and '.join(elsewhere)}" if elsewhere else "")
    + f". The published run, as it "
    f"stood when this page was made, has {before.sum()} results. The paper prints, with what arch2vec published, "
    f"{board.paper.notna().sum()} numbers."
)

# %% [markdown]
# ## The count

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]
STATUSES = ("exceeded", "reproduced", "short", "not run")


def counts(rows, column):
    """How many of some rows have each status."""
    return [str((rows[column] == status).sum()) for status in STATUSES]


printed, unprinted = board[board.paper.notna()], board[board.paper.isna()]
lines = [
    ("this run, against printed numbers", *counts(printed, "own_status")),
    ("this run, against trivial rivals only", *counts(unprinted, "own_status")),
    ("published run, against printed numbers", *counts(printed, "published_status")),
    ("published run, against trivial rivals only", *counts(unprinted, "published_status")),
]
Markdown(markdown_table(("", *STATUSES), lines, numeric=range(1, 5)))

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]


def against_rival(row):
    """A result's status against its trivial rival, whatever the paper prints."""
    interval = Interval(row.shown, row.shown_low, row.shown_high, 1)
    return status_against(interval, row.baseline, rounding=0, lower_is_better=".regret@" in row.id)


rivalled = board[board.shown.notna() & board.baseline.notna()]
outcome = pd.Series([against_rival(row) for row in rivalled.itertuples()], dtype=str)
Markdown(
    f"A printed number can be met by a feature that needs no embedding at all. Of the {len(rivalled)} results of this "
    f"run, and of the published one where this has none, that have a trivial rival, {(outcome == 'exceeded').sum()} are better than it, "
    f"{(outcome == 'short').sum()} are worse, and for {(outcome == 'reproduced').sum()} the rival lies "
    "within the interval."
)

# %% [markdown]
# ## Side by side

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]


def number(value, digits=None):
    if np.isnan(value):
        return NONE
    return f"{value:.{(3 if abs(value) < 1 else 2) if digits is None else digits}f}"


def with_interval(value, low, high):
    return NONE if np.isnan(value) else f"{number(value)} [{number(low)}, {number(high)}]"


MARK = {"exceeded": "▲", "reproduced": "=", "short": "▼"}


def search_table(rows):
    """Regret of every search method after the first and the last recorded number of evaluations of each space."""
    split = rows.id.str.extract(r"^fig5\.([^.]+)\.([^.]+)\.([^.]+)\.regret@(\d+)$")
    table = rows.assign(space=split[0], dataset=split[1], method=split[2], evaluations=split[3].astype(int))
    last = table.groupby(["space", "dataset"]).evaluations.transform("max")
    table = table[(table.evaluations == last) | (table.evaluations == 50)]
    columns = list(dict.fromkeys(zip(table.space, table.dataset, table.evaluations, strict=True)))
    entries = {(row.method, (row.space, row.dataset, row.evaluations)): row for row in table.itertuples()}
    cells = []
    for method in dict.fromkeys(table.method):
        found = [entries.get((method, column)) for column in columns]
        cells.append(
            (
                result_name(f"fig5.{method}"),
                *(
                    NONE if row is None or np.isnan(row.shown) else f"{number(row.shown)} {MARK[row.status]}"
                    for row in found
                ),
            )
        )
    header = [f"{NAMES.get(space, space)}, {NAMES.get(dataset, dataset)} @{n}" for space, dataset, n in columns]
    return markdown_table((FAMILIES["fig5"][0], *header), cells, numeric=range(1, len(header) + 1))


parts = []
for family, rows in families.items():
    if family == "fig5":
        parts.append(
            search_table(rows)
            + f"\n\nMean regret of {'the published' if rows.borrowed.all() else 'this'} run after 50 and after all evaluations: ▲ "
            "better than the trivial rival, ▼ worse, = neither is shown. The rival of a method on the embedding is the best method without it, that of any other is the "
            "expectation of random search. Intervals and the other checkpoints are in `12_scoreboard_numbers.csv`."
        )
        continue
    cells = [
        (
            row.name,
            number(row.paper, digits=2),
            with_interval(row.published, row.published_low, row.published_high),
            with_interval(row.value, row.low, row.high),
            number(row.baseline),
            f"{row.status} (published run)" if row.borrowed else row.status,
        )
        for row in rows.itertuples(index=False)
    ]
    header = (FAMILIES[family][0], "printed", "published run", "this run", "trivial rival", "status")
    parts.append(markdown_table(header, cells, numeric=range(1, 5)))
Markdown("\n\n".join(parts))

# %% mystnb={"figure": {"name": "fig-scoreboard", "caption": "Every recorded result with its 95 % interval, beside the printed number and the best trivial rival on the same splits or budget. Results that neither run has recorded are left out, and of search all but CENA coordinates after 50 and 200 evaluations."}, "image": {"alt": "Forest plot: one line for each result with the value of this run, of the published run, of the paper and of the trivial rival."}} tags=["hide-input"]
drawn = {family: rows[rows.value.notna() | rows.published.notna()] for family, rows in families.items()}
if "fig5" in drawn:  # the rivals' curves are in the chapters
    drawn["fig5"] = drawn["fig5"][drawn["fig5"].id.str.contains(r"on-cena\.regret@(?:50|200)$")]
drawn = {family: rows for family, rows in drawn.items() if len(rows)}
RUNS = (
    ("published run", ("published", "published_low", "published_high"), "D", style.COLOURS["sky blue"], 0.16),
    ("this run", ("value", "low", "high"), "o", style.COLOURS["blue"], -0.16),
)
MARKS = (("printed", "paper", "|", "black", 12), ("trivial rival", "baseline", "x", style.COLOURS["vermilion"], 6))
if drawn:
    heights = [len(rows) + 2.5 for rows in drawn.values()]
    figure, axes = plt.subplots(
        len(drawn), 1, figsize=(style.TEXT_WIDTH, 0.24 * sum(heights) + 0.4), height_ratios=heights, squeeze=False
    )
    for panel, (family, rows) in zip(axes.flat, drawn.items(), strict=True):
        places = np.arange(len(rows))[::-1]
        for label, (value, low, high), marker, colour, shift in RUNS:
            panel.hlines(places + shift, rows[low], rows[high], color=colour, linewidth=1.6)
            panel.plot(rows[value], places + shift, marker, color=colour, markersize=4, label=label)
        for label, column, marker, colour, size in MARKS:
            panel.plot(rows[column], places, marker, color=colour, markersize=size, markeredgewidth=1.6, label=label)
        panel.set_yticks(places, rows["name"].str.replace(r"regret after (\d+) evaluations", r"after \1", regex=True))
        panel.set(ylim=(-0.7, len(rows) - 0.3), xlabel=FAMILIES[family][1], title=FAMILIES[family][0])
        panel.grid(axis="both")
        panel.set_axisbelow(True)
    handles, names = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=4)

# %% [markdown]
# ## What is short or not run, and why

# %% mystnb={"markdown_format": "myst"} tags=["hide-input"]
short = board[(board.status == "short") & (board.family != "fig5")]
searches_short = ((board.status == "short") & (board.family == "fig5")).sum()
lines = [
    f"- **short**: {row.name}, {with_interval(row.shown, row.shown_low, row.shown_high)} against "
    + (f"{row.paper:.2f} printed" if not np.isnan(row.paper) else f"the rival's {number(row.baseline)}")
    + f": {row.reason}."
    for row in short.itertuples(index=False)
]
if searches_short:
    lines.append(
        f"- **short**: {searches_short} results of search, those with ▼ in its table and the same at other budgets."
    )
missing = board[board.status == "not run"]
for (family, reason), rows in missing.groupby(["family", "reason"], sort=False):
    lines.append(f"- **not run**: {FAMILIES[family][0]}, {'; '.join(rows['name'])}: {reason}.")
Markdown("\n".join(lines) if lines else "Nothing: every number was computed, and none fell short.")
