"""Other people's networks: what they draw, share, keep at zero or switch off changes neither them nor the result."""

import re

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations
from torch.utils.checkpoint import checkpoint

from cena.data.images import images
from cena.embed import embed
from cena.embed.network import embed_space, factory_named
from cena.errors import InputError
from cena.jacobians import ViewStatus, ViewStore, probe
from cena.spaces import ModuleSpace

PIXELS = images("patches", 16, 8, seed=0).pixels


def layers(*more: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), *more, nn.Linear(144, 5))


def plain() -> nn.Module:
    return layers()


class Noisy(nn.Module):
    """Adds noise, and drops whole images' branches."""

    def __init__(self):
        super().__init__()
        self.body, self.branch = layers(), layers()

    def forward(self, x):
        kept = (torch.rand(len(x), 1) > 0.5).float()
        return self.body(x + torch.randn_like(x)) + kept * self.branch(x)


@pytest.mark.parametrize("factory", [lambda: layers(nn.Dropout(0.5)), Noisy], ids=["dropout", "sampling"])
def test_what_a_network_draws_comes_from_the_view_s_seed(factory, tiny_reference):
    torch.manual_seed(1)
    one = embed(factory, tiny_reference, announce=None, name="it")
    torch.manual_seed(2)
    state = torch.get_rng_state()
    same = embed(factory, tiny_reference, announce=None, name="it")
    assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(one.views, same.views)
    other = embed(factory, tiny_reference, seed=1, announce=None, name="it")
    assert not np.array_equal(one.views, other.views)
    space = ModuleSpace({"a": factory, "b": factory}, 8)
    found = [embed_space(space, tiny_reference, workers=workers).views for workers in (1, 2)]
    np.testing.assert_array_equal(*found)


BACKBONE = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())


def seeded() -> nn.Module:
    torch.manual_seed(7)
    return layers()


@pytest.mark.parametrize(
    ("factory", "named"),
    [(lambda: nn.Sequential(BACKBONE, nn.Linear(144, 5)), "0.0.weight, 1 in all"), (seeded, "0.weight, 2 in all")],
    ids=["shared", "seeded"],
)
def test_what_the_factory_shares_stays_as_it_was_and_is_said(factory, named, tiny_reference):
    before = {name: tensor.clone() for name, tensor in BACKBONE.state_dict().items()}
    placed = embed(factory, tiny_reference, name="it", announce=None)
    assert f"'it' starts from the same weights whatever the seed ({named})" in placed.warning
    assert all(parameter.requires_grad for parameter in BACKBONE.parameters())
    for name, tensor in BACKBONE.state_dict().items():
        torch.testing.assert_close(tensor, before[name], rtol=0, atol=0)
    assert "same weights" not in embed(plain, tiny_reference, announce=None).warning


class ZeroHead(nn.Module):
    def __init__(self, bias: bool):
        super().__init__()
        self.body, self.head = layers(), nn.Linear(5, 3)
        nn.init.zeros_(self.head.weight)
        if not bias:
            nn.init.zeros_(self.head.bias)

    def forward(self, x):
        return self.head(self.body(x))


@pytest.mark.parametrize("bias", [True, False])
def test_a_head_of_zeros_is_drawn_and_said(bias, tiny_reference, tmp_path):
    placed = embed(lambda: ZeroHead(bias), tiny_reference, name="it", announce=None)
    assert "what starts at zero (head.weight): drawn instead." in placed.warning
    assert len(placed.views) == 2
    space = ModuleSpace({"one": lambda: ZeroHead(bias), "other": lambda: ZeroHead(bias)}, 8)
    store = ViewStore.create(tmp_path / "views", (2, 2, 16, 16), {})
    store.compute(space, PIXELS, seed=0, precision="float32", workers=1)
    assert (store.status == ViewStatus.USABLE).all()
    assert not np.array_equal(store.singular_values[0], store.singular_values[1])


class Transformed(nn.Module):
    """Its own gradient by torch.func, which has no saved-tensor hooks."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(192, 4)

    def forward(self, x):
        return torch.func.vmap(torch.func.grad(lambda row: self.linear(row).tanh().sum()))(x.flatten(1))


class Sparse(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(192, 4)

    def forward(self, x):
        return torch.sparse.mm(torch.eye(len(x)).to_sparse(), self.linear(x.flatten(1)))


class Clips(nn.Module):
    """Takes its images in groups of eight."""

    def __init__(self):
        super().__init__()
        self.body = layers()

    def forward(self, x):
        clips = self.body(x).view(len(x) // 8, 8, -1)
        return (clips + clips.roll(1, dims=1)).flatten(0, 1)


def orthogonal() -> nn.Module:
    network = nn.Sequential(nn.Flatten(), nn.Linear(192, 16), nn.ReLU(), nn.Linear(16, 16), nn.Linear(16, 4))
    parametrizations.orthogonal(network[3], orthogonal_map="householder")
    return network


class Empty(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(0, 3))

    def forward(self, x):
        return x


class Counting(nn.Module):
    """Has a parameter of whole numbers, as quantised networks do."""

    def __init__(self):
        super().__init__()
        self.body = layers()
        self.steps = nn.Parameter(torch.tensor([3]), requires_grad=False)

    def forward(self, x):
        return self.body(x) * self.steps


@pytest.mark.parametrize("factory", [Transformed, Sparse, Clips, orthogonal, Counting], ids=lambda one: one.__name__)
def test_a_network_that_has_a_jacobian_is_placed(factory, tiny_reference):
    placed = embed(factory, tiny_reference, announce=None)
    assert len(placed.views) == 2
    assert "could not be used" not in placed.warning
    assert probe("it", factory(), PIXELS).memory > 0


@pytest.fixture(params=["gradients off", "float64", "meta", "numpy raises"])
def setting(request):
    """A setting of the whole process, which others have changed."""
    before = np.geterr()
    if request.param == "gradients off":
        torch.set_grad_enabled(False)
    elif request.param == "float64":
        torch.set_default_dtype(torch.float64)
    elif request.param == "meta":
        torch.set_default_device("meta")
    else:
        np.seterr(all="raise")
    yield request.param
    torch.set_grad_enabled(True)
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)
    np.seterr(**before)


@pytest.fixture
def placed_before(tiny_reference):
    return embed(plain, tiny_reference, announce=None)


def test_settings_of_the_process_change_nothing(placed_before, setting, tiny_release, tmp_path):
    assert setting
    assert tiny_release.is_dir()
    found = embed(plain, "digits-topology", announce=None)
    np.testing.assert_array_equal(found.views, placed_before.views)
    store = ViewStore.create(tmp_path / "views", (1, 2, 16, 16), {})
    store.compute(ModuleSpace({"it": plain}, 8), PIXELS, seed=0, precision="float32", workers=1)
    assert store.usable.all()


def tiny_gradients(scale: float) -> nn.Module:
    network = layers()
    with torch.no_grad():
        network[-1].weight.mul_(scale)
    return network


def test_gradients_near_the_smallest_float_are_read_or_recorded(tiny_reference, tmp_path):
    placed = embed(lambda: tiny_gradients(1e-30), tiny_reference, name="small", announce=None)
    assert np.isfinite(placed.embedding).all()
    store = ViewStore.create(tmp_path / "views", (1, 2, 16, 16), {}, {"spectrum": 16})
    space = ModuleSpace({"it": lambda: tiny_gradients(1e-42)}, 8)
    store.compute(space, PIXELS, seed=0, precision="float32", workers=1)
    assert (store.status == ViewStatus.VANISHING).all()
    assert store.counts()["vanishing"] == 2


class Checkpointed(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = layers()

    def forward(self, x):
        return checkpoint(self.body, x, use_reentrant=True)


class Squeezed(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = layers(), nn.Linear(5, 1)

    def forward(self, x):
        return self.head(self.body(x)).squeeze(1)


@pytest.mark.parametrize(
    ("factory", "sentence"),
    [
        (Checkpointed, "give its checkpoints use_reentrant=False"),
        (Squeezed, "returns shape (4,) for 4 images"),
        (lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten()), "to have 1 channels, but got 3 channels instead"),
    ],
)
@pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad")
def test_one_right_sentence(factory, sentence, tiny_reference):
    with pytest.raises(InputError, match=re.escape(sentence)) as caught:
        embed(factory, tiny_reference, name="it", announce=None)
    assert "\n" not in str(caught.value)


def test_a_network_of_a_space_is_named_in_every_error(tmp_path):
    space = ModuleSpace({"grey": lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten()), "plain": plain}, 8)
    store = ViewStore.create(tmp_path / "views", (2, 2, 16, 16), {})
    with pytest.raises(InputError, match="network 'grey' cannot be embedded"):
        store.compute(space, PIXELS, seed=0, precision="float32", workers=1)
    maps = ModuleSpace({"maps": lambda: nn.Conv2d(3, 2, 3)}, 8)
    store = ViewStore.create(tmp_path / "others", (1, 2, 16, 16), {})
    with pytest.raises(InputError, match=r"'maps' cannot be embedded: the network maps .* expected one row"):
        store.compute(maps, PIXELS, seed=0, precision="float32", workers=1)


@pytest.mark.parametrize("seed", [np.int64(3), np.uint8(3)])
def test_a_seed_is_a_whole_number_of_any_kind(seed, tiny_reference):
    found, expected = (embed(plain, tiny_reference, seed=each, announce=None) for each in (seed, 3))
    np.testing.assert_array_equal(found.views, expected.views)


def any_depth() -> nn.Module:
    """Draws how deep it is, and has a matrix without entries."""
    more = [nn.Linear(144, 144) for _ in range(int(torch.randint(1, 9, ())))]
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), *more, Empty(), nn.Linear(144, 5))


def test_a_factory_may_draw_the_shape_of_its_network(tiny_reference):
    placed = embed(any_depth, tiny_reference, announce=None)
    assert "same weights" not in placed.warning


@pytest.mark.parametrize("seed", [-1, None, 1.5, "3", 2**63])
def test_another_seed_is_a_sentence(seed, tiny_reference):
    with pytest.raises(InputError, match=r"the seed is .*: give a whole number from 0 to 2\^63 - 1"):
        embed(plain, tiny_reference, seed=seed, announce=None)


@pytest.mark.parametrize(
    "body", ["import sys\nsys.exit(0)\n", "import argparse\nargparse.ArgumentParser().parse_args(['-x'])\n"]
)
def test_a_module_that_ends_the_program_is_a_sentence(body, tmp_path, monkeypatch, capsys):
    (tmp_path / "leaving.py").write_text(body)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match="module 'leaving' ends the program when it is imported"):
        factory_named("leaving:net")
    capsys.readouterr()
