import dataclasses
import inspect
import re

import pytest

from cena.data import labels
from cena.errors import InputError
from cena.spaces import SPACES
from cena.study import profiles
from cena.study.profiles import PROFILES, between_spaces, describe, of_darts, of_nas_bench_101, of_size, profile
from cena.study.settings import Profile


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
    assert profile(name).space.name in SPACES
    assert profile(name).size_space.name in SPACES


@pytest.mark.parametrize("name", PROFILES)
def test_the_size_space_takes_the_place_of_the_topology_space(name):
    size = of_size(profile(name))
    assert size.space == profile(name).size_space
    for dataset in size.space.datasets:  # labels of exactly this name exist
        assert size.space.label_key(dataset) in labels.available(size.space.name)
    assert dataclasses.replace(size, space=profile(name).space) == between_spaces(profile(name))
    assert size.views.resolution == profile(name).views.transfer_resolution


def test_darts_takes_the_place_of_the_topology_space_with_fewer_views_and_labels_that_exist():
    darts = of_darts(profile("paper"))
    assert [darts.space.label_key(dataset) for dataset in darts.space.datasets] == labels.available("darts")
    assert (darts.views.cells, darts.views.per_class) == (1, 2)
    assert [of_darts(profile(name)).views.resolution for name in PROFILES] == [8, 16, 16]
    assert darts.judging == profile("paper").judging


def test_quick_needs_nothing_downloaded():
    quick = profile("quick")
    assert quick.views.images == "patches"
    assert quick.space.datasets == quick.size_space.datasets == ("digits",)


def test_paper_has_the_networks_of_the_paper():
    views = profile("paper").views
    assert (views.channels, views.cells, views.resolution) == (16, 5, 32)
    assert views.points >= 64
    assert views.per_class == 4


def test_describe_words_every_setting():
    rows = dict(describe(profile("laptop")))
    assert len(rows) == len(list(profile("laptop").settings()))
    assert rows["space: datasets"] == "cifar10, cifar100, imagenet16"
    assert rows["encoder: epochs"] == str(profile("laptop").encoder.epochs)


def test_settings_are_varied_by_group_and_only_those():
    varied = profile("quick").vary(views={"points": 16}, encoder={"epochs": 2})
    changed = {name: value for name, value in varied.settings() if dict(profile("quick").settings())[name] != value}
    assert changed == {"views.points": 16, "encoder.epochs": 2}
    with pytest.raises(TypeError, match="dots"):
        profile("quick").vary(views={"dots": 16})


@pytest.mark.parametrize(
    "settings", [Profile, *(kind.type for kind in dataclasses.fields(Profile) if kind.type not in ("str", "int"))]
)
def test_every_setting_is_documented(settings):
    kind = settings if isinstance(settings, type) else getattr(profiles, settings)
    documented = inspect.getdoc(kind).split("Attributes")[1]
    for field in dataclasses.fields(kind):
        assert re.search(rf"^(\w+, )*{field.name}(, \w+)* : ", documented, re.MULTILINE), field.name


def test_labels_are_named_by_the_settings_of_a_space():
    assert profile("laptop").space.label_key("cifar10") == labels.LabelKey("cifar10", "test", 200, "one")
    with pytest.raises(InputError, match="unknown data set of space 'digits-topology' 'cifar10'; valid: digits"):
        profile("quick").space.label_key("cifar10")


@pytest.mark.parametrize("name", ["laptop", "paper"])
def test_nas_bench_101_has_labels_and_the_same_images(name):
    other, own = of_nas_bench_101(profile(name)), between_spaces(profile(name))
    assert other.space.label_key("cifar10") in labels.available(other.space.name)
    for setting in ("images", "resolution", "points"):
        assert getattr(other.views, setting) == getattr(own.views, setting)
