"""Forest prediction: fair splits, chance where there is nothing to know, one where everything is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestRegressor

from cena.errors import InputError
from cena.evaluate import (
    FOREST_COMPONENTS,
    SCORES,
    ComponentForest,
    PredictionTask,
    held_out,
    mean_interval,
    predict,
    principal_components,
    scored,
    split,
    summarize,
)

N = 300
GENERATOR = np.random.default_rng(0)
ACCURACY = GENERATOR.normal(80, 5, size=N)
KNOWN = ACCURACY[:, None]
NOISE = GENERATOR.normal(size=(N, 4))


@given(st.integers(4, 60), st.integers(0, 5), st.integers(0, 5), st.data())
def test_a_split_is_a_partition_and_smaller_ones_are_nested(n, seed, run, data):
    train_size = data.draw(st.integers(2, n - 2))
    train, test = split(n, train_size, seed, run)
    assert len(train) == train_size
    assert sorted([*train, *test]) == list(range(n))
    assert (split(n, train_size, seed, run)[0] == train).all()
    assert (split(n, 2, seed, run)[0] == train[:2]).all()


def test_runs_and_seeds_draw_different_splits_evenly():
    drawn = np.zeros(20)
    for run in range(400):
        drawn[split(20, 5, 0, run)[0]] += 1
    assert drawn.min() > 60  # expected 100, standard deviation 8.7
    assert drawn.max() < 140
    assert set(split(100, 50, 0, 0)[0]) != set(split(100, 50, 1, 0)[0])


def test_a_perfect_feature_ranks_nearly_perfectly_and_noise_does_not():
    scores = predict({"known": KNOWN, "noise": NOISE}, ACCURACY, PredictionTask(100, runs=3, seed=0, trees=20))
    table = summarize(scores).set_index("features")
    assert table.tau["known"] > 0.97
    assert table.r["known"] > 0.97
    assert abs(table.tau["noise"]) < 0.15
    assert list(table.runs) == [3, 3]


def test_shuffled_labels_are_at_chance():
    # One feature would do it for the average, but runs share the space: several keep the test's own noise small.
    features = np.column_stack([KNOWN, NOISE])
    scores = predict({"known": features}, ACCURACY, PredictionTask(100, 20, seed=0, trees=10, shuffle_labels=True))
    for metric in ("r", "tau"):
        interval = mean_interval(scores[metric])
        assert interval.low < 0 < interval.high


def test_scores_do_not_depend_on_the_workers_nor_on_the_other_feature_sets():
    features = {"known": KNOWN + NOISE[:, :1], "noise": NOISE}
    task = PredictionTask(50, runs=2, seed=5, trees=5)
    alone = predict(features, ACCURACY, task)
    assert list(alone.columns) == ["features", "run", *SCORES]
    assert list(zip(alone.features, alone.run, strict=True)) == [("known", 0), ("known", 1), ("noise", 0), ("noise", 1)]
    assert alone.equals(predict(features, ACCURACY, task, workers=2))
    reversed_sets = predict(dict(reversed(features.items())), ACCURACY, task)
    assert alone[alone.features == "noise"].reset_index(drop=True).equals(reversed_sets[:2])
    assert not alone.equals(predict(features, ACCURACY, replace(task, seed=6)))


def test_equal_features_under_two_names_get_equal_scores():
    # Split, labels (also shuffled ones) and forest are the same for every feature set of a run.
    for shuffle in (False, True):
        task = PredictionTask(50, 2, 0, trees=5, shuffle_labels=shuffle)
        scores = predict({"a": NOISE, "b": NOISE.copy()}, ACCURACY, task)
        a, b = (scores[scores.features == name][[*SCORES]].to_numpy() for name in "ab")
        assert (a == b).all()
        assert (a[0, :2] != a[1, :2]).all()


def test_held_out_predictions_are_those_that_are_scored():
    features, task = KNOWN + NOISE[:, :1], PredictionTask(60, runs=2, seed=1, trees=5)
    scores = predict({"x": features}, ACCURACY, task)
    for run in (0, 1):
        table = held_out(features, ACCURACY, task, run)
        assert list(table.architecture) == list(split(N, 60, 1, run)[1])
        assert (table.truth == ACCURACY[table.architecture]).all()
        assert scored(table.prediction, table.truth) == scores.loc[run, [*SCORES]].to_dict()


def test_a_summary_keeps_apart_whatever_tells_rows_apart():
    scores = predict({"known": KNOWN, "noise": NOISE}, ACCURACY, PredictionTask(50, runs=3, seed=0, trees=3))
    both = pd.concat([scores.assign(dataset="a"), scores.assign(dataset="b", tau=0.5)])
    table = summarize(both).set_index(["features", "dataset"])
    assert list(table.index) == [("known", "a"), ("noise", "a"), ("known", "b"), ("noise", "b")]
    expected = mean_interval(scores.ndcg[scores.features == "noise"])
    for dataset in "ab":
        line = table.loc[("noise", dataset)]
        assert (line.ndcg, line.ndcg_low, line.ndcg_high, line.runs) == (
            expected.value,
            expected.low,
            expected.high,
            3,
        )
    assert table.tau[("known", "b")] == 0.5


def test_a_forest_on_components_predicts_others_as_one_on_their_columns_does():
    generator = np.random.default_rng(1)
    embedding = (generator.normal(size=(N, 20)) / np.arange(1, 21)).astype(np.float32)
    parameters = generator.integers(10_000, 1_000_000, size=N)
    accuracy = np.clip(50 + 10 * embedding[:, 0] + 5 * np.log10(parameters), 0, 100)
    forest = ComponentForest(embedding[:200], parameters[:200], accuracy[:200])
    predicted = forest.predict(embedding[200:], parameters[200:])
    assert np.corrcoef(predicted, accuracy[200:])[0, 1] > 0.8
    assert forest.errors.shape == (200,)
    assert np.abs(forest.errors).mean() == pytest.approx(np.abs(predicted - accuracy[200:]).mean(), rel=0.3)
    columns = np.column_stack([principal_components(embedding[:200], FOREST_COMPONENTS), np.log(parameters[:200])])
    plain = RandomForestRegressor(oob_score=True, random_state=0).fit(columns, accuracy[:200])
    assert accuracy[:200] - plain.oob_prediction_ == pytest.approx(forest.errors, abs=2)
    few = ComponentForest(embedding[:30, :4], parameters[:30], accuracy[:30])
    assert np.isfinite(few.predict(embedding[:2, :4], parameters[:2])).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_size": 1}, "give 2 to 298"),
        ({"train_size": 299}, "give 2 to 298"),
        ({"runs": 0}, "runs is 0: give how many training sets are drawn"),
        ({"model": "tree"}, "unknown model 'tree'; valid: forest, linear"),
        ({"features": {}}, "no feature set to predict from"),
        ({"features": {"x": NOISE[:-1]}}, r"'x' has shape \(299, 4\): expected \(300, columns\)"),
        ({"features": {"x": np.where(NOISE > 2, np.nan, NOISE)}}, "'x' has entries that are not finite"),
        ({"features": {"x": NOISE * 1e39}}, "'x' has entries that are not finite"),
        ({"accuracy": np.where(ACCURACY > 85, np.nan, ACCURACY)}, "values that are not finite"),
        ({"accuracy": ACCURACY - 80}, "values outside 0 to 100"),
    ],
)
def test_bad_input_is_refused_before_any_forest(changes, message):
    arguments = {"features": {"x": NOISE}, "accuracy": ACCURACY, "train_size": 10, "runs": 1, "seed": 0}
    given = arguments | changes
    with pytest.raises(InputError, match=message):
        predict(given.pop("features"), given.pop("accuracy"), PredictionTask(**given))
