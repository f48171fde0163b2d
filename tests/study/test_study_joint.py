from pathlib import Path

import numpy as np
import pytest

from cena import spaces
from cena.errors import InputError
from cena.spaces import SizeSpace, TopologySpace
from cena.spaces.nas_bench_201.cells import all_topology_cells
from cena.study.artifacts import ArtifactStore
from cena.study.closed_forms import ClosedFormEmbedding
from cena.study.joint import JointClosedForm, JointEmbedding
from cena.study.pipeline import Pipeline
from cena.study.profiles import of_size, profile

TINY = profile("quick").vary(views={"points": 16, "per_class": 2, "precision": "float32"}, encoder={"epochs": 2})
CELLS = all_topology_cells()[3::900]
MADE = {
    "digits-topology": TopologySpace("digits-topology", CELLS, 8, 1, 8),
    "digits-size": SizeSpace("digits-size", (2, 4), 8),
}


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Pipeline]:
    monkeypatch.setattr(spaces, "load", MADE.__getitem__)
    store = ArtifactStore(tmp_path)
    settings = TINY.vary(size_space={"architectures": 12})
    return [Pipeline(settings, store, workers=1), Pipeline(of_size(settings), store, workers=1)]


def test_one_encoder_embeds_every_architecture_of_both_spaces(pair: list[Pipeline]) -> None:
    joint = JointEmbedding(pair)
    assert [each.shape for each in joint.embeddings] == [(len(CELLS), 512), (12, 512)]
    assert len(joint.encoder.history) == 2
    for trained, untrained in zip(joint.embeddings, joint.untrained_embeddings, strict=True):
        assert np.isfinite(trained).all()
        assert not np.allclose(trained, untrained)


def test_training_sees_the_views_of_all_spaces(pair: list[Pipeline]) -> None:
    joint, alone = JointEmbedding(pair), JointEmbedding(pair[:1])
    assert joint.encoder.scale != alone.encoder.scale
    np.testing.assert_allclose(alone.embeddings[0], pair[0].per_architecture(pair[0].embedding), atol=1e-6)
    other_order = JointEmbedding(pair[::-1])
    np.testing.assert_allclose(other_order.encoder.scale.mean, joint.encoder.scale.mean, rtol=1e-5)


def test_a_second_joint_embedding_finds_what_the_first_computed(pair: list[Pipeline]) -> None:
    first = JointEmbedding(pair).embeddings

    def refuse(stage: str, _done: int, _total: int) -> None:
        raise AssertionError(f"{stage} was computed again")

    again = [Pipeline(each.profile, each.store, workers=1, progress=refuse) for each in pair]
    for ours, theirs in zip(JointEmbedding(again).embeddings, first, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_coordinates_are_the_pipelines_of_another_embedding(pair: list[Pipeline]) -> None:
    alone = JointEmbedding(pair[:1]).coordinates(0)
    np.testing.assert_allclose(alone, pair[0].coordinates, atol=1e-3)  # one space: the same encoder
    joint = JointEmbedding(pair)
    for space, pipeline in enumerate(pair):
        coordinates = joint.coordinates(space)
        assert coordinates.shape == (len(pipeline.space), 3)
        np.testing.assert_array_equal(coordinates[:, 2], pipeline.coordinates[:, 2])
        assert coordinates.min() >= 0
        assert coordinates.max() <= 1


def test_a_space_with_fewer_views_is_embedded_by_those_it_has(pair: list[Pipeline]) -> None:
    more = Pipeline(pair[0].profile.vary(views={"per_class": 3}), pair[0].store, workers=1)
    mixed, even = JointEmbedding([more, pair[1]]), JointEmbedding(pair)
    assert mixed.encoder.scale == even.encoder.scale  # trained on the two views that both have
    np.testing.assert_array_equal(mixed.embeddings[1], even.embeddings[1])
    assert not np.allclose(mixed.embeddings[0], even.embeddings[0])  # the mean over three


@pytest.mark.parametrize("joined", [JointEmbedding, JointClosedForm])
def test_views_that_do_not_fit_one_encoder_are_refused(pair: list[Pipeline], joined) -> None:
    with pytest.raises(InputError, match="views of 16 and 8 points do not fit one encoder"):
        joined([pair[0], Pipeline(pair[1].profile.vary(views={"points": 8}), pair[1].store)])
    with pytest.raises(InputError, match="needs the pipeline of at least one space"):
        joined([])


def test_the_closed_form_embeds_every_architecture_of_both_spaces(pair: list[Pipeline]) -> None:
    few = [Pipeline(each.profile.vary(closed_form={"components": 4}), each.store, workers=1) for each in pair]
    joint = JointClosedForm(few)
    assert [each.shape for each in joint.embeddings] == [(len(CELLS), 4), (12, 4)]
    assert all(np.isfinite(each).all() for each in joint.embeddings)
    [alone] = JointClosedForm(few[:1]).embeddings
    np.testing.assert_allclose(alone, few[0].per_architecture(ClosedFormEmbedding(few[0]).embedding), atol=1e-8)
    assert not np.allclose(alone, joint.embeddings[0], atol=1e-3)
    spectrum = JointClosedForm(few, ("spectrum",))
    assert [*spectrum.encoder.blocks] == ["spectrum"]
