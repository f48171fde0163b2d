from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cena.errors import InputError
from cena.study.pipeline import Pipeline
from cena.study.tuning import TuningStudy, declared_classes, tune_closed_form

STUDY = TuningStudy("digits", classes=18, train_size=10, splits=2, trials=3)


@pytest.fixture
def pipeline(tiny_pipeline: Pipeline) -> Pipeline:
    few = Pipeline(tiny_pipeline.profile.vary(closed_form={"components": 3}), tiny_pipeline.store, workers=1)
    few.space = tiny_pipeline.space
    labels = np.random.default_rng(0).uniform(10, 90, size=len(few.space))
    few.accuracy = lambda _dataset: labels.copy()  # type: ignore[method-assign]
    return few


def test_the_first_trial_is_the_profiles_own_settings(pipeline: Pipeline) -> None:
    trials = tune_closed_form(pipeline, STUDY)
    own = pipeline.profile.closed_form
    assert len(trials) == STUDY.trials
    assert trials.readings[0] == " ".join(own.readings)
    assert trials.loc[0, ["components", "shrinkage", "principal"]].tolist() == [3, own.shrinkage, own.principal]
    assert np.isfinite(trials.tau).all()


def test_a_study_is_made_once_and_is_the_same_again(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    study = replace(STUDY, seed=1)
    first = tune_closed_form(pipeline, study)
    with monkeypatch.context() as patched:
        patched.setattr("cena.study.tuning.predict", None)
        pd.testing.assert_frame_equal(tune_closed_form(pipeline, study), first)
    assert not tune_closed_form(pipeline, STUDY).tau.equals(first.tau)


def test_labels_of_other_classes_have_no_part_in_it(pipeline: Pipeline) -> None:
    first = tune_closed_form(pipeline, STUDY)
    others = ~np.isin(pipeline.classes, declared_classes(pipeline, STUDY.classes))
    labels = pipeline.accuracy("digits")
    labels[others] = 7
    pipeline.accuracy = lambda _dataset: labels  # type: ignore[method-assign]
    pd.testing.assert_frame_equal(tune_closed_form(pipeline, STUDY), first)


def test_some_classes_must_be_left_to_judge(pipeline: Pipeline) -> None:
    count = len(pipeline.representatives)
    with pytest.raises(InputError, match="cannot be set aside for tuning"):
        declared_classes(pipeline, count)
    assert len(declared_classes(pipeline, count - 1)) == count - 1
