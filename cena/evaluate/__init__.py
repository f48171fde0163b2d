"""Judging: features, forests, rank metrics, intervals, records and the scoreboard. Arrays in, numbers out, no torch."""

from cena.evaluate.features import (
    FOREST_COMPONENTS,
    TRIVIAL,
    FeatureSources,
    feature_sets,
    fill_dead,
    join,
    log_parameters,
    log_spectrum,
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
from cena.evaluate.metrics import SCORES, kendall, ndcg, pearson, pick_regret, scored, top_tau
from cena.evaluate.neighbours import (
    Bootstrapped,
    bootstrap_draws,
    nearest,
    neighbours_alike,
    neighbours_rank,
    rank_correlation,
    shuffled_ranks,
)
from cena.evaluate.prediction import ComponentForest, PredictionTask, held_out, predict, split, summarize
from cena.evaluate.records import Record, read_all, read_records, status_against, write_records, write_table
from cena.evaluate.scoreboard import PAPER, judge, not_run, scoreboard
from cena.evaluate.search_statistics import Reach, evaluations_to_reach, reach, top_regret
from cena.evaluate.transfer import transfer, transferred

__all__ = [
    "FOREST_COMPONENTS",
    "PAPER",
    "SCORES",
    "TRIVIAL",
    "Bootstrapped",
    "ComponentForest",
    "FeatureSources",
    "Interval",
    "PredictionTask",
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
    "ndcg",
    "nearest",
    "neighbours_alike",
    "neighbours_rank",
    "not_run",
    "paired_difference",
    "pearson",
    "pick_regret",
    "predict",
    "principal_components",
    "rank_correlation",
    "reach",
    "read_all",
    "read_records",
    "scoreboard",
    "scored",
    "shuffled_ranks",
    "split",
    "status_against",
    "summarize",
    "top_regret",
    "top_tau",
    "transfer",
    "transferred",
    "welch_difference",
    "write_records",
    "write_table",
]
