"""Any network in a released space, checked on a release of 21 small networks."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from cena import spaces
from cena.data import labels
from cena.embed import embed
from cena.embed import network as embedding
from cena.embed.network import embed_space, factory_named
from cena.embed.reference import Reference, load_reference
from cena.errors import InputError
from cena.jacobians import Cost
from cena.spaces import ModuleSpace

FACTORIES = """
from torch import nn

def small():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 5))

broken = 3
"""


def small() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 5))


def test_a_network_is_placed(tiny_reference):
    placed = embed(small, tiny_reference)
    assert placed.network == "small"
    assert placed.parameters == 3 * 4 * 9 + 4 + 144 * 5 + 5
    assert placed.views.shape == (2, tiny_reference.release.class_embedding.shape[1])
    np.testing.assert_allclose(placed.embedding, placed.views.mean(axis=0), rtol=1e-6)
    assert ((placed.place.square >= 0) & (placed.place.square <= 1)).all()
    assert 0 <= placed.place.cell < len(tiny_reference.representatives)
    distances = [neighbour.distance for neighbour in placed.nearest]
    assert len(distances) == 5
    assert distances == sorted(distances)
    space = spaces.load("digits-topology")
    assert all(neighbour.text == space.architecture(neighbour.architecture) for neighbour in placed.nearest)
    assert placed.labelled == "digits validation accuracy after 6 epochs"
    assert placed.accuracy.low <= placed.accuracy.value <= placed.accuracy.high


def test_the_same_seed_gives_the_same_bytes_and_another_other_weights(tiny_reference):
    one, same, other = embed(small, tiny_reference), embed(small, tiny_reference), embed(small, tiny_reference, seed=1)
    np.testing.assert_array_equal(one.views, same.views)
    assert not np.array_equal(one.views, other.views)
    np.testing.assert_array_equal(one.place.square, same.place.square)


def test_embeddings_do_not_depend_on_the_number_of_workers(tiny_reference):
    space = ModuleSpace({"a": small, "b": lambda: nn.Sequential(nn.Flatten(), nn.Linear(192, 3))}, 8)
    alone, together = embed_space(space, tiny_reference), embed_space(space, tiny_reference, workers=2)
    np.testing.assert_array_equal(alone.views, together.views)
    assert alone.usable.all()
    np.testing.assert_allclose(alone.embedding, alone.views.mean(axis=1), rtol=1e-6)


def test_a_known_network_is_found_again(tiny_reference):
    """The released views themselves: the same weights have the same embedding, up to rounding."""
    known = spaces.load("digits-topology")
    placed = embed(lambda: known.build(0, torch.initial_seed()), tiny_reference)  # class 0, as are its view's seeds
    assert placed.nearest[0].architecture == 0
    assert placed.nearest[0].distance < 1e-3 * np.linalg.norm(placed.embedding)
    assert placed.place.cell == 0
    assert placed.outside < 0.2
    assert placed.warning == ""


def test_outside_is_the_share_of_leave_one_out_distances_below(tiny_reference):
    rows = tiny_reference.release.class_embedding.astype(np.float64)
    apart = np.linalg.norm(rows[:, None] - rows[None], axis=2)
    expected = np.sort((apart + np.diag(np.full(len(rows), np.inf))).min(axis=1))
    np.testing.assert_allclose(tiny_reference.nearest_distances, expected, rtol=1e-5, atol=1e-5)
    assert tiny_reference.outside(0.0) <= 0.1
    assert tiny_reference.outside(1e3) == 1
    assert tiny_reference.outside(float(np.median(tiny_reference.nearest_distances))) == pytest.approx(0.5, abs=0.1)


def test_a_stranger_is_warned_of(tiny_reference, monkeypatch):
    monkeypatch.setattr(tiny_reference, "nearest_distances", np.zeros(21), raising=False)
    placed = embed(small, tiny_reference)
    assert placed.outside == 1
    assert placed.warning.startswith("'small' lies outside what the encoder has seen: its nearest known architecture")
    monkeypatch.setattr(tiny_reference, "nearest_distances", np.full(21, 1e9))
    assert embed(small, tiny_reference).warning == ""


class Wild(nn.Module):
    """Its weights blow up in some initialisations."""

    def __init__(self, threshold: float):
        super().__init__()
        self.layer = nn.Linear(192, 4)
        self.scale = float("inf") if torch.rand(()) > threshold else 1.0

    def forward(self, x):
        y = self.layer(x.flatten(1))
        return y * self.scale if self.training and len(x) > 4 else y  # the trial's few images see nothing


def test_views_that_cannot_be_used_are_left_out_and_named(tiny_reference):
    seed = next(
        seed
        for seed in range(50)
        if embed_space(ModuleSpace({"wild": lambda: Wild(0.5)}, 8), tiny_reference, seed).usable.sum() == 1
    )
    placed = embed(lambda: Wild(0.5), tiny_reference, seed, "wild")
    assert len(placed.views) == 1
    assert "1 of 2 initialisations could not be used" in placed.warning
    with pytest.raises(InputError, match="no initialisation of network 'wild' gives a finite Jacobian"):
        embed(lambda: Wild(-1), tiny_reference, name="wild")


def test_without_labels_nothing_is_predicted_and_nothing_downloaded(tiny_release, monkeypatch):
    assert tiny_release.is_dir()
    monkeypatch.setattr(labels, "label_files", lambda *_args, **_kwargs: ["nowhere.npy"])
    monkeypatch.setattr("cena.data.registry.missing", list)
    reference = load_reference("digits-topology")
    placed = embed(small, reference)
    assert placed.accuracy is None
    assert placed.labelled.startswith("the labels of 'digits-topology' are not in the download folder (nowhere.npy)")


def test_the_forest_predicts_what_it_has_learnt(tiny_reference):
    """With labels that are the parameter count, the prediction follows the parameters given."""
    release = tiny_reference.release
    reference = Reference(release, np.log(release.parameters), "log parameters")
    row = release.class_embedding[0]
    low, high = (reference.predict(row, count) for count in (release.parameters.min(), release.parameters.max()))
    assert low.value < high.value
    assert low.low <= low.value <= low.high


def test_other_images_are_refused(tiny_reference):
    provenance = {**tiny_reference.release.provenance}
    provenance["images"] = {**provenance["images"], "seed": 1}
    with pytest.raises(
        InputError, match=r"the images of the released embedding 'digits-topology' .* come out different"
    ):
        Reference(replace(tiny_reference.release, provenance=provenance), None, "")


def test_an_estimate_counts_all_views(tiny_reference, monkeypatch):
    """The time of each view, and the memory of one: they are computed one after the other."""
    monkeypatch.setattr(embedding, "probe", lambda *_: Cost(seconds=1.3, memory=5 * 2**20))
    told = []
    embed(small, tiny_reference, announce=told.append)
    assert tiny_reference.views == 2
    assert told == ["small: 2 views at 16 images will take about 2.6 s and 5 MiB"]


def test_a_factory_is_called_twice_for_the_trial_and_once_for_each_view(tiny_reference):
    calls = []

    def counted():
        calls.append(1)
        return small()

    embed(counted, tiny_reference)
    assert len(calls) == 2 + tiny_reference.views
    embed_space(ModuleSpace({"a": counted, "b": counted}, 8), tiny_reference)
    assert len(calls) == 2 + tiny_reference.views + 2 * (1 + tiny_reference.views)


def test_a_factory_of_one_and_the_same_module_is_refused(tiny_reference):
    module = small()
    with pytest.raises(InputError, match="the factory of 'small' returns one and the same module"):
        embed(lambda: module, tiny_reference, name="small")


def test_the_estimate_is_told_before_anything_long_begins(tiny_reference, monkeypatch, capsys):
    told = []

    def begin(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(embedding, "class_views", begin)
        with pytest.raises(KeyboardInterrupt):
            embed(small, tiny_reference, announce=told.append)
    [sentence] = told
    assert re.fullmatch(r"small: 2 views at 16 images will take about \d+\.\d s and \d+ MiB", sentence)
    embed(small, tiny_reference, announce=None)
    assert capsys.readouterr().out == ""
    embed(small, tiny_reference)
    assert capsys.readouterr().out.startswith("small: 2 views at 16 images will take about ")


@pytest.mark.usefixtures("tiny_release")
def test_a_factory_by_name(tmp_path, monkeypatch, tiny_reference):
    (tmp_path / "my_networks.py").write_text(FACTORIES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    placed = embed("my_networks:small", "digits-topology")
    np.testing.assert_array_equal(placed.embedding, embed(small, tiny_reference).embedding)
    with pytest.raises(InputError, match="network 'my_networks:broken' is given as a int: give a function"):
        embed("my_networks:broken", tiny_reference)


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        ("small", "'small' names no factory: give package.module:factory"),
        (":small", "':small' names no factory"),
        ("no_such_module:small", "module 'no_such_module' cannot be imported (ModuleNotFoundError"),
        ("cena.errors:small", "module 'cena.errors' has no 'small'"),
    ],
)
def test_a_wrong_name_is_a_sentence(where, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        factory_named(where)


def test_an_unknown_release_lists_those_there_are(tiny_release):
    assert tiny_release.is_dir()
    with pytest.raises(InputError, match="unknown released embedding 'nas-bench-201'; valid: digits-topology"):
        embed(small)


@pytest.mark.parametrize("known", [0, 1, 9])
def test_too_few_labels_are_no_prediction(known, tiny_reference):
    accuracy = np.full(21, np.nan)
    accuracy[:known] = 50.0
    reference = Reference(tiny_reference.release, accuracy, "some labels")
    placed = embed(small, reference, announce=None)
    assert placed.accuracy is None
    assert placed.labelled == f"{known} labels are too few to predict from: give at least 10"


def test_limits_are_percentages(tiny_reference):
    accuracy = np.where(np.arange(21) % 2, 99.9, 0.1)
    placed = embed(small, Reference(tiny_reference.release, accuracy, "some labels"), announce=None)
    assert 0 <= placed.accuracy.low <= placed.accuracy.value <= placed.accuracy.high <= 100
