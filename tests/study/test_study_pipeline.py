from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cena import spaces
from cena.companion.notebooks import run
from cena.companion.project import here
from cena.data import registry
from cena.errors import InputError
from cena.spaces import TopologySpace
from cena.spaces.nas_bench_201.cells import all_topology_cells
from cena.study.artifacts import ArtifactStore
from cena.study.pipeline import Pipeline
from cena.study.profiles import of_size, profile

TINY = profile("quick").vary(views={"points": 16, "per_class": 2, "precision": "float32"}, encoder={"epochs": 2})
CELLS = all_topology_cells()[3::700]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ArtifactStore:
    monkeypatch.setattr(spaces, "load", lambda _name: TopologySpace("digits-topology", CELLS, 8, 1, 8))
    return ArtifactStore(tmp_path)


def test_every_stage_has_a_row_for_each_class_or_architecture(store: ArtifactStore) -> None:
    stages: list[str] = []
    pipeline = Pipeline(TINY, store, workers=1, progress=lambda stage, _done, _total: stages.append(stage))
    classes = len(np.unique(pipeline.classes))
    assert pipeline.directions.shape == (classes, 2, 16, 16)
    assert pipeline.embedding.shape == pipeline.untrained_embedding.shape == (classes, 512)
    assert not np.allclose(pipeline.embedding, pipeline.untrained_embedding)
    assert pipeline.coordinates.shape == (len(CELLS), 3)
    assert ((pipeline.coordinates >= 0) & (pipeline.coordinates <= 1)).all()
    np.testing.assert_allclose(pipeline.layout["areas"], 1 / classes, rtol=1e-8)
    np.testing.assert_array_equal(np.isfinite(pipeline.spectrum).all(axis=2), pipeline.usable)
    np.testing.assert_array_equal(np.isfinite(pipeline.jacov), pipeline.usable)
    assert set(stages) == {"views", "encoder"}


def test_a_second_pipeline_finds_what_the_first_computed(store: ArtifactStore) -> None:
    first = Pipeline(TINY, store, workers=1)
    coordinates = first.coordinates

    def refuse(stage: str, _done: int, _total: int) -> None:
        raise AssertionError(f"{stage} was computed again")

    second = Pipeline(TINY, store, workers=1, progress=refuse)
    np.testing.assert_array_equal(second.coordinates, coordinates)


def test_another_setting_is_another_artifact(store: ArtifactStore) -> None:
    first, other = Pipeline(TINY, store, workers=1), Pipeline(replace(TINY, seed=1), store, workers=1)
    assert first.views.path != other.views.path
    assert not np.array_equal(first.directions, other.directions)


def test_missing_files_are_named_with_their_origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CENA_DATA", str(tmp_path))
    nowhere = {name: replace(entry, url=None) for name, entry in registry.REGISTRY.items()}
    monkeypatch.setattr(registry, "REGISTRY", nowhere)
    named = r"(?s)profile 'laptop' needs 5 files .*cifar10_test_accs\.npy.*the paper's authors"
    with pytest.raises(InputError, match=named):
        Pipeline("laptop")
    with pytest.raises(InputError, match=named):  # before anything is executed
        run(here(), ["04_layout"], "laptop")
    with pytest.raises(InputError, match=r"(?s)needs 12 files .*BenchNatsss.*nasbench-vis"):
        run(here(), ["04_layout", "09_transfer"], "laptop")  # which embeds the other spaces too
    Pipeline("quick")


def test_a_sample_of_a_space_has_its_labels_views_and_key(tmp_path: Path) -> None:
    settings = of_size(TINY).vary(space={"architectures": 6})
    pipeline = Pipeline(settings, ArtifactStore(tmp_path), workers=1)
    whole = Pipeline(of_size(TINY), ArtifactStore(tmp_path), workers=1)
    assert len(pipeline.space) == len(pipeline.parameters) == 6
    indices = [whole.space.index(pipeline.space.architecture(i)) for i in range(6)]
    np.testing.assert_array_equal(pipeline.accuracy("digits"), whole.accuracy("digits")[indices])
    np.testing.assert_array_equal(pipeline.parameters, whole.parameters[indices])
    assert pipeline.directions.shape == (6, 2, 16, 16)
    assert pipeline.usable.all()
    assert pipeline.views_key != whole.views_key
    assert pipeline.views_key != Pipeline(replace(settings, seed=1), pipeline.store).views_key
