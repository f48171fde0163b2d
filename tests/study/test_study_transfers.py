from pathlib import Path

import numpy as np
import pytest

from cena.evaluate import transfer
from cena.study import transfers
from cena.study.artifacts import ArtifactStore
from cena.study.transfers import stored_transfer

GENERATOR = np.random.default_rng(0)
SPACE = np.repeat(["a", "b"], 40)
ACCURACY = GENERATOR.normal(size=80)
FEATURES = {"known": ACCURACY[:, None], "noise": GENERATOR.normal(size=(80, 2))}
ARGUMENTS = {"train_size": 20, "runs": 2, "seed": 0, "trees": 3}


def test_stored_scores_are_those_computed(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    expected = transfer(FEATURES, ACCURACY, SPACE, **ARGUMENTS)
    order = ["features", "source", "target", "run"]
    for _ in range(2):
        table = stored_transfer(store, FEATURES, ACCURACY, SPACE, **ARGUMENTS)
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
    stored_transfer(store, {"known": FEATURES["known"]}, ACCURACY, SPACE, **ARGUMENTS)
    stored_transfer(store, FEATURES, ACCURACY, SPACE, **ARGUMENTS)
    assert judged == ["known", "noise"]
    stored_transfer(store, FEATURES, ACCURACY, SPACE, **ARGUMENTS, model="linear")
    stored_transfer(store, FEATURES, ACCURACY[::-1], SPACE, **ARGUMENTS)
    assert len(judged) == 6
