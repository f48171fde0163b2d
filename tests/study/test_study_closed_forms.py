import numpy as np
import pytest

from cena.errors import InputError
from cena.study.closed_forms import ClosedFormEmbedding, embedded_classes
from cena.study.pipeline import Pipeline
from cena.view_arrays import mean_over_views


@pytest.fixture
def pipeline(tiny_pipeline: Pipeline) -> Pipeline:
    return few_components(tiny_pipeline)


def few_components(tiny_pipeline: Pipeline) -> Pipeline:
    """The small space, with fewer components than it has classes."""
    few = Pipeline(tiny_pipeline.profile.vary(closed_form={"components": 3}), tiny_pipeline.store, workers=1)
    few.space = tiny_pipeline.space
    return few


def test_the_embedding_is_the_mean_over_usable_views(pipeline: Pipeline) -> None:
    ours = ClosedFormEmbedding(pipeline)
    views = ours.encoder.embed(ours.blocks)
    assert views.shape == (*pipeline.usable.shape, ours.embedding.shape[1])
    alive = pipeline.usable.any(axis=1)
    np.testing.assert_allclose(ours.embedding[alive], mean_over_views(views, pipeline.usable)[alive])


def test_a_dead_class_lies_beyond_all_others(pipeline: Pipeline) -> None:
    ours = ClosedFormEmbedding(pipeline)
    usable = pipeline.usable.copy()
    usable[-1] = False
    embedding = embedded_classes(ours.encoder, ours.blocks, usable)
    alive = embedding[usable.any(axis=1)]
    assert (embedding[-1] < alive.min(axis=0)).all()


def test_a_second_one_finds_what_the_first_computed(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ClosedFormEmbedding(pipeline)
    coordinates, digest = first.coordinates, first.encoder.digest
    assert coordinates.shape == (len(pipeline.space), 3)
    monkeypatch.setattr("cena.study.closed_forms.fit_closed_form", None)
    again = ClosedFormEmbedding(few_components(pipeline))
    np.testing.assert_array_equal(again.coordinates, coordinates)
    assert again.encoder.digest == digest


def test_fewer_readings_are_another_embedding(pipeline: Pipeline) -> None:
    spectrum = ClosedFormEmbedding(pipeline, ("spectrum",))
    assert [*spectrum.encoder.blocks] == ["spectrum"]
    assert not np.array_equal(spectrum.embedding, ClosedFormEmbedding(pipeline).embedding)
    with pytest.raises(InputError, match="unknown reading of profile 'quick' 'jacov'"):
        ClosedFormEmbedding(pipeline, ("jacov",))


def test_held_out_classes_are_embedded_by_what_the_others_teach(pipeline: Pipeline) -> None:
    ours = ClosedFormEmbedding(pipeline)
    classes = np.arange(len(pipeline.usable))
    assert ours.fitted_on(classes).digest == ours.encoder.digest
    np.testing.assert_allclose(ours.embedding_of(classes), ours.embedding)
    fewer = ours.fitted_on(classes[:-2])
    assert fewer.digest != ours.encoder.digest
    np.testing.assert_allclose(
        ours.views_of(classes[-2:], fewer), fewer.embed({n: b[-2:] for n, b in ours.blocks.items()})
    )
