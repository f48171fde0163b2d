import dataclasses

import pytest

from cena.data import labels
from cena.errors import InputError
from cena.spaces import SPACES
from cena.study.profiles import PROFILES, Profile, describe, of_graphs, of_size, profile


def test_profiles_are_found_by_name_and_cannot_be_changed():
    assert list(PROFILES) == ["quick", "laptop", "paper"]
    assert all(profile(name).name == name for name in PROFILES)
    with pytest.raises(dataclasses.FrozenInstanceError):
        profile("quick").seed = 1  # type: ignore[misc]


def test_an_unknown_profile_is_named_with_the_closest_first():
    with pytest.raises(InputError, match="unknown profile 'papper'; valid: paper, "):
        profile("papper")


@pytest.mark.parametrize("name", PROFILES)
def test_profiles_name_spaces_that_exist(name):
    assert profile(name).space in SPACES
    assert profile(name).size_space in SPACES


@pytest.mark.parametrize("name", PROFILES)
def test_the_size_space_takes_the_place_of_the_topology_space(name):
    size = of_size(profile(name))
    assert size.space == profile(name).size_space
    for dataset in size.datasets:  # labels of exactly this name exist
        key = labels.LabelKey(dataset, size.split, size.epochs, size.trials)
        assert key in labels.available(size.space)
    changed = {"space", "architectures", "split", "epochs", "trials"}
    for field in dataclasses.fields(Profile):
        assert field.name in changed or getattr(size, field.name) == getattr(profile(name), field.name)


def test_quick_needs_nothing_downloaded():
    quick = profile("quick")
    assert quick.images == "patches"
    assert quick.datasets == ("digits",)


def test_paper_has_the_networks_of_the_paper():
    paper = profile("paper")
    assert (paper.channels, paper.cells, paper.resolution) == (16, 5, 32)
    assert paper.points >= 64
    assert paper.views == 4


def test_describe_words_every_setting():
    rows = dict(describe(profile("laptop")))
    assert len(rows) == len(dataclasses.fields(Profile))
    assert rows["datasets"] == "cifar10, cifar100, imagenet16"
    assert rows["encoder epochs"] == str(profile("laptop").encoder_epochs)


@pytest.mark.parametrize("name", ["laptop", "paper"])
def test_the_graph_space_has_labels_and_the_same_images(name):
    graphs, own = of_graphs(profile(name)), profile(name)
    assert graphs.space in SPACES
    key = labels.LabelKey("cifar10", graphs.split, graphs.epochs, graphs.trials)
    assert key in labels.available(graphs.space)
    assert (graphs.images, graphs.resolution, graphs.points) == (own.images, own.resolution, own.points)
