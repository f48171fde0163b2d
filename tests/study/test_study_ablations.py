from dataclasses import replace

import numpy as np
import pytest

from cena.errors import InputError
from cena.study.ablations import EncoderVariant, only
from cena.study.artifacts import ArtifactStore
from cena.study.encoders import ViewArrays
from cena.study.pipeline import Pipeline
from cena.study.profiles import of_unlabelled_nas_bench_101, profile


@pytest.fixture
def views() -> ViewArrays:
    generator = np.random.default_rng(0)
    directions = np.linalg.qr(generator.normal(size=(5, 2, 8, 8)))[0].astype(np.float16)
    values = np.sort(generator.lognormal(size=(5, 2, 8)), axis=2)[..., ::-1].astype(np.float32)
    usable = np.ones((5, 2), dtype=bool)
    usable[3, 1] = False
    return ViewArrays(directions, values * usable[..., np.newaxis], usable)


def test_only_directions_are_left(views: ViewArrays) -> None:
    seen = only("directions", views)
    np.testing.assert_array_equal(seen.directions, views.directions)
    np.testing.assert_array_equal(seen.singular_values[seen.usable], 1)
    np.testing.assert_array_equal(seen.singular_values[~seen.usable], 0)


def test_only_the_spectrum_is_left(views: ViewArrays) -> None:
    seen = only("spectrum", views)
    np.testing.assert_array_equal(seen.singular_values, views.singular_values)
    assert seen.directions.shape == views.directions.shape
    basis = seen.directions[0, 0].astype(float)
    np.testing.assert_allclose(basis.T @ basis, np.eye(8), atol=5e-3)
    assert (seen.directions == seen.directions[0, 0]).all()


def test_with_both_nothing_is_changed(views: ViewArrays) -> None:
    assert only("both", views) is views


def test_what_is_not_read_does_not_matter(tiny_pipeline: Pipeline) -> None:
    seen = tiny_pipeline.view_arrays()
    other = Pipeline(tiny_pipeline.profile, tiny_pipeline.store, workers=1)
    other.view_arrays = lambda: replace(seen, directions=seen.directions[::-1])  # type: ignore[method-assign]
    everything = np.arange(len(seen.usable)), slice(None)
    for reads, alike in (("spectrum", True), ("directions", False)):
        variant = EncoderVariant(tiny_pipeline, reads)
        own = variant.embedding
        variant.pipeline = other
        assert np.allclose(variant.embedding_of(*everything), own, atol=1e-5) == alike


def test_unchanged_it_is_the_pipeline_s_own(tiny_pipeline: Pipeline) -> None:
    np.testing.assert_array_equal(EncoderVariant(tiny_pipeline).embedding, tiny_pipeline.embedding)
    variant = EncoderVariant(tiny_pipeline)

    def refuse() -> ViewArrays:
        raise AssertionError("the encoder was trained again")

    variant.views = refuse  # type: ignore[method-assign]
    np.testing.assert_array_equal(variant.embedding, tiny_pipeline.embedding)
    for changed in (EncoderVariant(tiny_pipeline, "spectrum"), EncoderVariant(tiny_pipeline, seed=1)):
        assert not np.allclose(changed.embedding, tiny_pipeline.embedding, atol=1e-3)


def test_the_mean_over_initialisations_is_the_embedding(tiny_pipeline: Pipeline) -> None:
    variant = EncoderVariant(tiny_pipeline)
    classes = np.array([2, 0, 5])
    parts = [variant.embedding_of(classes, slice(n, n + 1)) for n in range(2)]
    np.testing.assert_allclose(np.mean(parts, axis=0), variant.embedding[classes], atol=1e-5)
    assert not np.allclose(parts[0], parts[1])


def test_unknown_parts_are_refused(tiny_pipeline: Pipeline) -> None:
    with pytest.raises(InputError, match="unknown part of a view 'signs'; valid: both, directions, spectrum"):
        EncoderVariant(tiny_pipeline, "signs")  # type: ignore[arg-type]


def test_unlabelled_graphs_need_no_download(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CENA_DATA", raising=False)
    settings = of_unlabelled_nas_bench_101(
        profile("quick").vary(views={"per_class": 2, "precision": "float32"}), architectures=3, points=16
    )
    pipeline = Pipeline(settings, ArtifactStore(tmp_path), workers=1)
    assert len(pipeline.space) == 3
    assert pipeline.directions.shape == (3, 2, 16, 16)
    assert pipeline.usable.all()
    with pytest.raises(InputError, match="unknown data set of space 'nas-bench-101' 'cifar10'"):
        pipeline.accuracy("cifar10")
