"""Forest prediction: fair splits, chance where there is nothing to know, one where everything is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cena.errors import InputError
from cena.evaluate import held_out, kendall, mean_interval, pearson, predict, split, summarize

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
    scores = predict({"known": KNOWN, "noise": NOISE}, ACCURACY, 100, runs=3, seed=0, trees=20)
    table = summarize(scores).set_index("features")
    assert table.tau["known"] > 0.97
    assert table.r["known"] > 0.97
    assert abs(table.tau["noise"]) < 0.15
    assert list(table.runs) == [3, 3]


def test_shuffled_labels_are_at_chance():
    # One feature would do it for the average, but runs share the space: several keep the test's own noise small.
    features = np.column_stack([KNOWN, NOISE])
    scores = predict({"known": features}, ACCURACY, 100, runs=20, seed=0, trees=10, shuffle_labels=True)
    for metric in ("r", "tau"):
        interval = mean_interval(scores[metric])
        assert interval.low < 0 < interval.high


def test_scores_do_not_depend_on_the_workers_nor_on_the_other_feature_sets():
    features = {"known": KNOWN + NOISE[:, :1], "noise": NOISE}
    arguments = {"train_size": 50, "runs": 2, "seed": 5, "trees": 5}
    alone = predict(features, ACCURACY, **arguments)
    assert list(alone.columns) == ["features", "run", "r", "tau"]
    assert list(zip(alone.features, alone.run, strict=True)) == [("known", 0), ("known", 1), ("noise", 0), ("noise", 1)]
    assert alone.equals(predict(features, ACCURACY, **arguments, workers=2))
    reversed_sets = predict(dict(reversed(features.items())), ACCURACY, **arguments)
    assert alone[alone.features == "noise"].reset_index(drop=True).equals(reversed_sets[:2])
    assert not alone.equals(predict(features, ACCURACY, **(arguments | {"seed": 6})))


def test_equal_features_under_two_names_get_equal_scores():
    # Split, labels (also shuffled ones) and forest are the same for every feature set of a run.
    for shuffle in (False, True):
        scores = predict({"a": NOISE, "b": NOISE.copy()}, ACCURACY, 50, 2, 0, trees=5, shuffle_labels=shuffle)
        a, b = (scores[scores.features == name][["r", "tau"]].to_numpy() for name in "ab")
        assert (a == b).all()
        assert (a[0] != a[1]).all()


def test_held_out_predictions_are_those_that_are_scored():
    features = KNOWN + NOISE[:, :1]
    scores = predict({"x": features}, ACCURACY, 60, runs=2, seed=1, trees=5)
    for run in (0, 1):
        table = held_out(features, ACCURACY, 60, seed=1, run=run, trees=5)
        assert list(table.architecture) == list(split(N, 60, 1, run)[1])
        assert (table.truth == ACCURACY[table.architecture]).all()
        assert pearson(table.prediction, table.truth) == scores.r[run]
        assert kendall(table.prediction, table.truth) == scores.tau[run]


def test_the_forest_has_the_declared_parameters():
    features = np.column_stack([KNOWN, GENERATOR.normal(size=(N, 30))])
    scores = {
        m: predict({"x": features}, ACCURACY, 100, 2, 0, trees=5, max_features=m).tau.mean() for m in (1.0, "sqrt")
    }
    assert scores[1.0] > scores["sqrt"] + 0.1  # the one column that matters is rarely drawn


def test_progress_counts_to_the_end():
    seen = []
    predict({"x": NOISE, "y": NOISE}, ACCURACY, 10, 2, 0, trees=1, progress=lambda *pair: seen.append(pair))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_size": 1}, "give 2 to 298"),
        ({"train_size": 299}, "give 2 to 298"),
        ({"runs": 0}, "nothing to predict"),
        ({"features": {}}, "nothing to predict"),
        ({"features": {"x": NOISE[:-1]}}, r"'x' has shape \(299, 4\): expected \(300, columns\)"),
        ({"features": {"x": np.where(NOISE > 2, np.nan, NOISE)}}, "'x' has entries that are not finite"),
        ({"features": {"x": NOISE * 1e39}}, "'x' has entries that are not finite"),
        ({"accuracy": np.where(ACCURACY > 85, np.nan, ACCURACY)}, "values that are not finite"),
    ],
)
def test_bad_input_is_refused_before_any_forest(changes, message):
    arguments = {"features": {"x": NOISE}, "accuracy": ACCURACY, "train_size": 10, "runs": 1, "seed": 0}
    with pytest.raises(InputError, match=message):
        predict(**(arguments | changes))
