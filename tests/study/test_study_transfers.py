from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from cena.evaluate import PredictionTask, transfer
from cena.study import transfers
from cena.study.artifacts import ArtifactStore
from cena.study.transfers import StackedSpaces, stored_transfer

GENERATOR = np.random.default_rng(0)
SPACE = np.repeat(["a", "b"], 40)
ACCURACY = GENERATOR.normal(80, 5, size=80)
FEATURES = {"known": ACCURACY[:, None], "noise": GENERATOR.normal(size=(80, 2))}
TASK = PredictionTask(20, runs=2, seed=0, trees=3)


def test_stored_scores_are_those_computed(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    expected = transfer(FEATURES, ACCURACY, SPACE, TASK)
    order = ["features", "source", "target", "run"]
    for _ in range(2):
        table = stored_transfer(store, FEATURES, ACCURACY, SPACE, TASK)
        assert list(table.columns) == list(expected.columns)
        one, other = (each.sort_values(order).reset_index(drop=True) for each in (table, expected))
        assert one.to_dict("list") == other.to_dict("list")


def test_a_killed_run_goes_on_at_the_feature_set_it_had_not_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ArtifactStore(tmp_path)
    judged: list[str] = []

    def counting(features, *arguments, **options):  # type: ignore[no-untyped-def]
        judged.extend(features)
        return transfer(features, *arguments, **options)

    monkeypatch.setattr(transfers, "transfer", counting)
    stored_transfer(store, {"known": FEATURES["known"]}, ACCURACY, SPACE, TASK)
    stored_transfer(store, FEATURES, ACCURACY, SPACE, TASK)
    assert judged == ["known", "noise"]
    stored_transfer(store, FEATURES, ACCURACY, SPACE, replace(TASK, model="linear"))
    stored_transfer(store, FEATURES, ACCURACY[::-1], SPACE, TASK)
    assert len(judged) == 6


class FakePipeline:
    """A space of `count` architectures in as many classes, with `views` views whose numbers start at `first`."""

    def __init__(self, count: int, views: int, first: int) -> None:
        self.space = range(count)
        self.parameters = first + np.arange(count) + 1
        self.jacov = first + np.arange(count * views, dtype=float).reshape(count, views)
        self.spectrum = 1 + np.abs(self.jacov[:, :, None] * np.ones(3))

    def accuracy(self, dataset: str) -> np.ndarray:
        return {"any": self.parameters / 10.0}[dataset]

    def per_architecture(self, array: np.ndarray) -> np.ndarray:
        return array


def test_spaces_are_stacked_in_their_own_order_and_a_missing_view_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small, large = FakePipeline(4, 1, 0), FakePipeline(5, 2, 100)
    embeddings = tuple(each.parameters[:, None] * np.ones(6, dtype=np.float32) for each in (large, small))
    joint = SimpleNamespace(pipelines=(large, small), embeddings=embeddings, untrained_embeddings=embeddings)
    ours = SimpleNamespace(embeddings=embeddings)
    monkeypatch.setattr(transfers, "JointClosedForm", lambda *_: ours)
    both = StackedSpaces({"small": small, "large": large}, joint)  # type: ignore[arg-type, dict-item]
    assert both.space.tolist() == ["small"] * 4 + ["large"] * 5
    expected = [*range(1, 5), *range(101, 106)]
    assert (both.embedding[:, 0] == expected).all()
    assert both.accuracy("any") == pytest.approx(np.array(expected) / 10)
    features = both.features(None)
    assert list(features)[:2] == ["embedding + log parameters", "embedding"]
    assert "untrained encoder" not in features
    assert features["log parameters"][:, 0] == pytest.approx(np.log(expected))
    jacov = [*small.jacov[:, 0], *large.jacov.mean(axis=1)]
    assert features["jacov + log parameters"][:, 0] == pytest.approx(jacov)
    assert both.features(1)["embedding"].shape == (9, 1)
