"""Transfer: perfect where spaces share a rule; scores within a space are those of `predict`; runs are fresh."""

import os
from pathlib import Path

import numpy as np
import pytest

from cena import spaces
from cena.data import labels
from cena.errors import InputError
from cena.evaluate import (
    SCORES,
    PredictionTask,
    log_parameters,
    predict,
    scored,
    split,
    summarize,
    transfer,
    transferred,
)

GENERATOR = np.random.default_rng(0)
COUNTS = {"topology": 120, "size": 80}
SPACE = np.repeat([*COUNTS], [*COUNTS.values()])
SHARED = GENERATOR.normal(size=len(SPACE))
NOISE = GENERATOR.normal(size=(len(SPACE), 2))
ACCURACY = 60 + 5 * SHARED + 10 * (SPACE == "size")  # the same order in both, at another level
FEATURES = {"shared": SHARED[:, None], "noise": NOISE}


def test_what_spaces_share_transfers_and_noise_does_not():
    table = summarize(transfer(FEATURES, ACCURACY, SPACE, PredictionTask(60, runs=4, seed=0, trees=20)))
    assert len(table) == 2 * 2 * 2
    scores = table.set_index(["source", "target", "features"])
    for source in COUNTS:
        for target in COUNTS:
            assert scores.loc[(source, target, "shared"), "tau"] > 0.9
            assert abs(scores.loc[(source, target, "noise"), "tau"]) < 0.2
    assert (table.runs == 4).all()
    assert ((table.tau_low <= table.tau) & (table.tau <= table.tau_high)).all()


def test_within_a_space_scores_are_those_of_prediction():
    task = PredictionTask(30, runs=2, seed=3, trees=5)
    scores = transfer(FEATURES, ACCURACY, SPACE, task)
    for space in COUNTS:
        rows = space == SPACE
        alone = predict({name: matrix[rows] for name, matrix in FEATURES.items()}, ACCURACY[rows], task)
        within = scores[(scores.source == space) & (scores.target == space)]
        np.testing.assert_array_equal(within[[*SCORES]].to_numpy(), alone[[*SCORES]].to_numpy())


def test_a_target_is_judged_whole_and_a_source_on_its_rest():
    task = PredictionTask(30, runs=3, seed=1, trees=5)
    table = transferred(FEATURES["noise"], ACCURACY, SPACE, "size", task, run=2)
    assert table.target.value_counts().to_dict() == {"topology": 120, "size": 50}
    trained = 120 + split(80, 30, 1, 2)[0]
    assert set(table.row) == set(range(200)) - set(trained)
    np.testing.assert_array_equal(table.truth, ACCURACY[table.row])
    assert set(table.target[table.row < 120]) == {"topology"}
    scores = transfer({"noise": FEATURES["noise"]}, ACCURACY, SPACE, task)
    for target, group in table.groupby("target"):
        row = scores[(scores.source == "size") & (scores.target == target) & (scores.run == 2)].iloc[0]
        assert row[[*SCORES]].to_dict() == scored(group.prediction, group.truth)


def test_labels_of_the_target_are_never_seen():
    other = ACCURACY.copy()
    other[SPACE == "topology"] = GENERATOR.permutation(other[SPACE == "topology"])
    task = PredictionTask(40, runs=1, seed=0, trees=5)
    tables = [transferred(SHARED[:, None], y, SPACE, "size", task) for y in (ACCURACY, other)]
    np.testing.assert_array_equal(*(table.prediction for table in tables))
    assert not np.array_equal(*(table.truth for table in tables))


def test_a_linear_model_goes_on_outside_the_range_of_its_source_and_a_forest_stays_flat():
    x = np.concatenate([np.linspace(0, 1, 100), np.linspace(2, 3, 100)])
    space = np.repeat(["near", "far"], 100)
    tasks = {model: PredictionTask(50, runs=2, seed=0, trees=5, model=model) for model in ("linear", "forest")}
    tables = {model: transfer({"x": x[:, None]}, x, space, task) for model, task in tasks.items()}
    across = {model: table[(table.source == "near") & (table.target == "far")] for model, table in tables.items()}
    assert (across["linear"].tau > 0.999).all()
    assert (across["forest"].tau == 0).all()
    predicted = transferred(x[:, None], x, space, "near", tasks["linear"])
    np.testing.assert_allclose(predicted.prediction, predicted.truth, atol=0.05)


def test_scores_do_not_depend_on_the_workers_nor_on_the_other_features_and_runs_differ():
    task = PredictionTask(30, runs=2, seed=5, trees=5)
    alone = transfer(FEATURES, ACCURACY, SPACE, task)
    assert alone.equals(transfer(FEATURES, ACCURACY, SPACE, task, workers=2))
    only = transfer({"noise": NOISE}, ACCURACY, SPACE, task)
    assert only.equals(alone[alone.features == "noise"].reset_index(drop=True))
    assert only.r.nunique() == len(only)


def test_bad_input_is_refused():
    task = PredictionTask(10, runs=2, seed=0)
    with pytest.raises(InputError, match="unknown source space 'sise'; valid: size, topology"):
        transferred(NOISE, ACCURACY, SPACE, "sise", task)
    with pytest.raises(InputError, match=r"space has shape \(3,\) and accuracy \(200,\)"):
        transferred(NOISE, ACCURACY, SPACE[:3], "size", task)
    with pytest.raises(InputError, match="train_size is 79: with 80 architectures give 2 to 78"):
        transfer(FEATURES, ACCURACY, SPACE, PredictionTask(79, runs=2, seed=0))
    with pytest.raises(InputError, match="no feature set to predict from"):
        transfer({}, ACCURACY, SPACE, task)
    with pytest.raises(InputError, match="'gap' has entries that are not finite"):
        transfer({"gap": np.full((200, 1), np.nan)}, ACCURACY, SPACE, task)


@pytest.mark.real_data
@pytest.mark.skipif(not os.environ.get("CENA_DATA"), reason="CENA_DATA names no download folder")
def test_rivals_that_see_no_jacobian_score_what_was_measured_before():
    """ImageNet16-120: sizes have validation accuracies after 90 epochs, topologies test accuracies after 200."""
    assert Path(os.environ["CENA_DATA"]).is_dir()
    both = {name: spaces.load(name) for name in ("nats-bench-size", "nas-bench-201")}
    keys = {
        "nats-bench-size": labels.LabelKey("imagenet16", "validation", 90, "one"),
        "nas-bench-201": labels.LabelKey("imagenet16", "test", 200, "one"),
    }
    accuracy = {name: labels.accuracy(name, key) for name, key in keys.items()}
    parameters = np.concatenate([[space.parameters(i) for i in range(len(space))] for space in both.values()])
    names = np.repeat([*both], [len(space) for space in both.values()])
    linear = transfer(
        {"log parameters": log_parameters(parameters)},
        np.concatenate([*accuracy.values()]),
        names,
        PredictionTask(5000, runs=2, seed=0, model="linear"),
    )
    scores = summarize(linear).set_index(["source", "target"])
    for direction, r, tau in (
        (("nats-bench-size", "nas-bench-201"), 0.579, 0.518),
        (("nas-bench-201", "nats-bench-size"), 0.834, 0.649),
    ):
        assert scores.r[direction] == pytest.approx(r, abs=0.002)
        assert scores.tau[direction] == pytest.approx(tau, abs=0.002)
    for name, encoding, r, tau in (
        ("nats-bench-size", both["nats-bench-size"].choices()[0], 0.984, 0.888),
        ("nas-bench-201", both["nas-bench-201"].one_hot(), 0.967, 0.818),
    ):
        table = summarize(predict({"raw": encoding}, accuracy[name], PredictionTask(5000, runs=2, seed=0)))
        assert table.r[0] == pytest.approx(r, abs=0.004)
        assert table.tau[0] == pytest.approx(tau, abs=0.006)
