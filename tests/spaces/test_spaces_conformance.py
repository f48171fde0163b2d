"""What every search space promises, checked on all of them."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from cena.errors import InputError
from cena.spaces import (
    SPACES,
    DartsSpace,
    NasBench101Space,
    SizeSpace,
    Space,
    TopologySpace,
    load,
    representatives,
    sample,
)
from cena.spaces.base import numbered_by_appearance
from cena.spaces.darts.genotypes import random_genotypes
from cena.spaces.digits import TOPOLOGIES
from cena.spaces.nas_bench_101.cells import parse_nas_bench_101_cell
from cena.spaces.nas_bench_201.cells import all_topology_cells, function_family

CELLS = [all_topology_cells()[i] for i in (15_624, 0, 7_501, 1, 9_876, 12_345, 4_321, 5)]
GRAPHS = [
    parse_nas_bench_101_cell(text)
    for text in ("conv1x1(0)|maxpool3x3(0,1)|output(1,2)", "output(0)", "conv3x3(0)|output(0,1)")
]
SMALL: dict[str, Callable[[], Space]] = {
    "small-topology": lambda: TopologySpace("small-topology", CELLS, 3, cells_per_stage=2, resolution=8, outputs=4),
    "no-cells": lambda: TopologySpace("no-cells", CELLS[:2], channels=1, cells_per_stage=0, resolution=4, outputs=1),
    "small-size": lambda: SizeSpace("small-size", (2, 3, 5), resolution=8, outputs=3),
    "sampled": lambda: sample(TopologySpace("sampled", CELLS, 3, cells_per_stage=1, resolution=8), 5, seed=0),
    "small-101": lambda: NasBench101Space("small-101", GRAPHS, stem=5, cells_per_stack=1, resolution=8, outputs=2),
    "small-darts": lambda: DartsSpace("small-darts", random_genotypes(4, seed=2), 3, 1, resolution=10, outputs=5),
}


@pytest.fixture(params=[*SPACES, *SMALL])
def space(request: pytest.FixtureRequest) -> Space:
    name: str = request.param
    return SMALL[name]() if name in SMALL else load(name)


def some(space: Space, count: int) -> list[int]:
    """The ends of a space and what a seed draws between them."""
    drawn = np.random.default_rng(0).integers(len(space), size=count)
    return sorted({0, len(space) - 1, *map(int, drawn)})


def total(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def equal(one: nn.Module, other: nn.Module) -> bool:
    ours, theirs = one.state_dict(), other.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in ours)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("darts", 1_000),
        ("nas-bench-101", 16_945),
        ("nas-bench-201", 15_625),
        ("nats-bench-size", 8**5),
        ("digits-topology", TOPOLOGIES),
        ("digits-size", 4**5),
    ],
)
def test_sizes_of_the_named_spaces(name: str, size: int) -> None:
    assert len(load(name)) == size


def test_a_named_space_has_its_name_and_is_made_once(space: Space) -> None:
    if space.name in SPACES:
        assert load(space.name) is space


def test_an_unknown_space_is_refused_with_the_closest_name_first() -> None:
    with pytest.raises(InputError, match=r"^unknown space 'nasbench201'; valid: nas-bench-201, "):
        load("nasbench201")


def test_index_and_architecture_are_inverse(space: Space) -> None:
    texts = [space.architecture(i) for i in range(len(space))]
    assert len(set(texts)) == len(space)
    assert [space.index(text) for text in texts] == list(range(len(space)))


@pytest.mark.parametrize("method", ["architecture", "parameters", "build"])
def test_an_index_outside_is_refused(space: Space, method: str) -> None:
    arguments = (0,) if method == "build" else ()
    for index in (-1, len(space)):
        sentence = f"architecture {index} is not in space '{space.name}': give an index from 0 to {len(space) - 1}"
        with pytest.raises(InputError, match=re.escape(sentence)):
            getattr(space, method)(index, *arguments)


@pytest.mark.parametrize(
    "text", ["", "2", "2:2:2:2", "2:2:2:2:2:2", "2:2:2:2:x", "2:2:2:2:-2", "2:2:2:2:²", "|none~0|", "conv3x3(1)"]
)
def test_a_malformed_architecture_is_refused(space: Space, text: str) -> None:
    with pytest.raises(InputError, match=r"^malformed (cell|architecture) '"):
        space.index(text)


def test_an_architecture_of_another_space_is_refused() -> None:
    topology, size, graphs = SMALL["small-topology"](), SMALL["small-size"](), SMALL["small-101"]()
    other = load("nas-bench-201").architecture(2)
    with pytest.raises(InputError, match=re.escape(f"cell '{other}' is not among the 8 of space 'small-topology'")):
        topology.index(other)
    with pytest.raises(InputError, match=r"4 channels in '2:3:4:5:2': space 'small-size' has \(2, 3, 5\)"):
        size.index("2:3:4:5:2")
    with pytest.raises(InputError, match=r"cell 'conv3x3\(0\)\|output\(1\)' is not among the 3 of space 'small-101'"):
        graphs.index("conv3x3(0)|output(1)")
    genotype = load("darts").architecture(0)
    with pytest.raises(InputError, match=re.escape(f"'{genotype}' is not among the 4 of space 'small-darts'")):
        SMALL["small-darts"]().index(genotype)


@pytest.mark.parametrize("width", ["02", "0" * 5000], ids=["leading zero", "5,000 digits"])
def test_a_width_has_one_spelling(width: str) -> None:
    with pytest.raises(InputError):
        SMALL["small-size"]().index(f"{width}:2:2:2:2")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"channels": 0}, "channels of space 'x' is 0: give at least 1"),
        ({"cells_per_stage": -1}, "cells_per_stage of space 'x' is -1: give at least 0"),
        ({"resolution": 3}, "resolution of space 'x' is 3: give at least 4"),
        ({"outputs": 0}, "outputs of space 'x' is 0: give at least 1"),
    ],
)
def test_an_impossible_topology_space_is_refused(wrong: dict[str, int], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        TopologySpace("x", CELLS, **wrong)


def test_classes_are_numbered_by_first_appearance(space: Space) -> None:
    classes = space.classes()
    assert classes.shape == (len(space),)
    assert classes.dtype == np.int64
    firsts = representatives(classes)
    assert np.array_equal(classes[firsts], np.arange(len(firsts)))
    assert (np.diff(firsts) > 0).all()


def test_classes_are_a_copy(space: Space) -> None:
    space.classes()[:] = -1
    assert space.classes()[0] == 0


def test_classes_of_the_named_spaces() -> None:
    assert load("nas-bench-201").classes().max() + 1 == 5_044
    for name in (
        "digits-topology",
        "digits-size",
        "nats-bench-size",
        "nas-bench-101",
        "darts",
    ):  # every architecture is a class of its own
        assert np.array_equal(load(name).classes(), np.arange(len(load(name))))


def test_cells_share_a_class_exactly_when_they_are_one_family() -> None:
    space = load("nas-bench-201")
    assert isinstance(space, TopologySpace)
    number: dict[object, int] = {}
    for cell, class_number in zip(space.cells, space.classes(), strict=True):
        assert number.setdefault(function_family(cell)[0], int(class_number)) == class_number
    assert len(set(number.values())) == len(number)


def test_digits_cells_are_the_first_of_their_class() -> None:
    whole, digits = load("nas-bench-201"), load("digits-topology")
    firsts = set(representatives(whole.classes()))
    assert all(whole.index(digits.architecture(i)) in firsts for i in range(len(digits)))


def test_numbered_by_appearance() -> None:
    assert numbered_by_appearance(["b", "a", "b", None, "a"]).tolist() == [0, 1, 0, 2, 1]


def test_parameters_are_counted_exactly(space: Space) -> None:
    for index in some(space, 12):
        assert space.parameters(index) == total(space.build(index, 0))


def test_weights_come_from_the_seed_alone(space: Space) -> None:
    index = len(space) - 1
    torch.manual_seed(1)
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002 - it must stay as it is
    one = space.build(index, 7)
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002
    torch.manual_seed(2)
    assert equal(one, space.build(index, 7))
    assert not equal(one, space.build(index, 8))


def test_a_seed_may_have_64_bits(space: Space) -> None:
    assert not equal(space.build(0, 2**64 - 1), space.build(0, 2**64 - 2))


def test_networks_map_images_to_logits(space: Space) -> None:
    images = torch.zeros(2, 3, space.resolution, space.resolution)
    network = space.build(len(space) // 2, 0)
    assert network.training
    output = network(images)
    last = list(network.modules())[-1]
    assert isinstance(last, nn.Linear)
    assert output.shape == (2, getattr(space, "outputs", last.out_features))


def test_one_hot_has_a_single_one_in_each_block(space: Space) -> None:
    codes, cardinalities = space.choices()
    encoding = space.one_hot()
    assert codes.shape == (len(space), len(cardinalities))
    assert encoding.shape == (len(space), sum(cardinalities))
    assert encoding.dtype == np.float64
    ends = np.cumsum(cardinalities)
    for block, code in zip(np.split(encoding, ends[:-1], axis=1), codes.T, strict=True):
        assert np.isin(block, (0, 1)).all()
        assert (block.sum(axis=1) == 1).all()
        assert np.array_equal(block.argmax(axis=1), code)
    assert len(np.unique(codes, axis=0)) == len(space)


def test_the_smallest_size_network_counted_by_hand() -> None:
    """Widths 2 everywhere, 3 logits: stem 27*2+4, three cells of five 3x3 convolutions, two reductions, head."""
    stem, cell, reduction, head = 58, 5 * (36 + 4), (36 + 4) + (36 + 4) + 4, 4 + 2 * 3 + 3
    assert SMALL["small-size"]().parameters(0) == stem + 3 * cell + 2 * reduction + head


@pytest.mark.real_data
@pytest.mark.skipif("CENA_DATA" not in os.environ, reason="CENA_DATA is not set")
def test_parameter_counts_are_the_benchmarks() -> None:
    """The table has millions, and for 204 cells a mean over records of cells with other counts: no cell has these."""
    path = Path(os.environ["CENA_DATA"]) / "nas_bench_201_labels.csv.gz"
    if not path.exists():
        pytest.skip(f"CENA_DATA has no {path.name}, which is not published")
    space = load("nas-bench-201")
    table = pd.read_csv(path)
    ours = np.array([space.parameters(space.index(text)) for text in table["architecture"]])
    theirs = (1e6 * table["params_millions"]).round().to_numpy().astype(int)
    attainable = np.isin(theirs, ours)
    assert np.array_equal(ours[attainable], theirs[attainable])
    assert attainable.sum() == 15_625 - 204


@pytest.mark.real_data
@pytest.mark.skipif("CENA_DATA" not in os.environ, reason="CENA_DATA is not set")
def test_parameter_counts_are_those_of_the_zero_cost_table() -> None:
    """Exact for all of its 9,445 cells: those without dead operations."""
    path = Path(os.environ["CENA_DATA"]) / "reference" / "zero_cost_nas_bench_201_cifar10.csv.gz"
    if not path.exists():
        pytest.skip(f"CENA_DATA has no {path.name}, which is not published")
    space = load("nas-bench-201")
    table = pd.read_csv(path, usecols=["architecture", "params"])
    ours = [space.parameters(space.index(text)) for text in table["architecture"]]
    assert ours == (1e6 * table["params"]).round().astype(int).tolist()


@pytest.mark.real_data
@pytest.mark.skipif("CENA_DATA" not in os.environ, reason="CENA_DATA is not set")
def test_the_size_space_has_the_order_of_the_authors_arrays() -> None:
    """So their label arrays need no alignment: both are in lexicographic order of the widths."""
    path = Path(os.environ["CENA_DATA"]) / "lightonai/SearchSpaces/BenchNatsss/arch_strings.npy"
    if not path.exists():
        pytest.skip(f"CENA_DATA has no {path.name}")
    space = load("nats-bench-size")
    assert [space.architecture(i) for i in range(len(space))] == np.load(path).tolist()


@pytest.mark.parametrize("given", [(4, 0, 3, 1, 4, 3), {"0_1": "conv_3x3"}, 235, np.int64(235), None])
def test_an_architecture_that_is_no_text_is_a_sentence(space: Space, given: object) -> None:
    with pytest.raises(InputError, match=f"is given as a {type(given).__name__}: give its text, such as"):
        space.index(given)  # type: ignore[arg-type]  # the point of the test


@pytest.mark.parametrize("given", [-1, 10**6, 1.0, "0", None])
def test_an_index_that_is_none_is_a_sentence(space: Space, given: object) -> None:
    with pytest.raises(InputError, match=re.escape(f"architecture {given} is not in space '{space.name}'")):
        space.architecture(given)  # type: ignore[arg-type]  # the point of the test
