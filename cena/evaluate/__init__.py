"""Judging: features, forests, rank metrics, intervals, records and the scoreboard. Arrays in, numbers out, no torch."""

from cena.evaluate.features import (
    TRIVIAL,
    feature_sets,
    fill_dead,
    join,
    log_parameters,
    log_spectrum,
    mean_jacov,
    principal_components,
)
from cena.evaluate.geometry import distance_agreement
from cena.evaluate.intervals import (
    Interval,
    bootstrap_interval,
    mean_interval,
    paired_difference,
    welch_difference,
)
from cena.evaluate.metrics import kendall, pearson
from cena.evaluate.neighbours import (
    Bootstrapped,
    bootstrap_draws,
    nearest,
    neighbours_alike,
    neighbours_rank,
    rank_correlation,
    shuffled_ranks,
)
from cena.evaluate.prediction import held_out, predict, split, summarize
from cena.evaluate.records import Record, read_all, read_records, status_against, write_records, write_table
from cena.evaluate.scoreboard import PAPER, judge, not_run, scoreboard
from cena.evaluate.search_statistics import Reach, evaluations_to_reach, reach, top_regret
from cena.evaluate.transfer import summarize_transfer, transfer, transferred

__all__ = [
    "PAPER",
    "TRIVIAL",
    "Bootstrapped",
    "Interval",
    "Reach",
    "Record",
    "bootstrap_draws",
    "bootstrap_interval",
    "distance_agreement",
    "evaluations_to_reach",
    "feature_sets",
    "fill_dead",
    "held_out",
    "join",
    "judge",
    "kendall",
    "log_parameters",
    "log_spectrum",
    "mean_interval",
    "mean_jacov",
    "nearest",
    "neighbours_alike",
    "neighbours_rank",
    "not_run",
    "paired_difference",
    "pearson",
    "predict",
    "principal_components",
    "rank_correlation",
    "reach",
    "read_all",
    "read_records",
    "scoreboard",
    "shuffled_ranks",
    "split",
    "status_against",
    "summarize",
    "summarize_transfer",
    "top_regret",
    "transfer",
    "transferred",
    "welch_difference",
    "write_records",
    "write_table",
]
