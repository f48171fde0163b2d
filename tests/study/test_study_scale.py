import os

import pytest

from cena.data import labels
from cena.errors import InputError
from cena.spaces import DartsSpace, NasBench101Space, SizeSpace, TopologySpace, load, sample
from cena.spaces.darts.genotypes import random_genotypes
from cena.spaces.nas_bench_101.cells import parse_nas_bench_101_cell
from cena.spaces.nas_bench_201.cells import all_topology_cells
from cena.study.profiles import profile
from cena.study.scale import at_scale, benchmark, scale, view_stages

QUICK = profile("quick").vary(views={"channels": 4, "cells": 2, "resolution": 8})
CELLS = [
    parse_nas_bench_101_cell(text) for text in ("conv1x1(0)|maxpool3x3(0,1)|output(1,2)", "conv3x3(0)|output(0,1)")
]
SPACES = [
    TopologySpace("topologies", all_topology_cells()[:9]),
    SizeSpace("sizes", (2, 3)),
    NasBench101Space("nas-bench-101", CELLS),
    DartsSpace("darts", random_genotypes(3, seed=0)),
]


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
def test_scaled_spaces_have_the_same_architectures_and_smaller_networks(space):
    scaled = at_scale(space, QUICK)
    assert type(scaled) is type(space)
    assert scaled.resolution == 8
    assert [scaled.architecture(i) for i in range(len(scaled))] == [space.architecture(i) for i in range(len(space))]
    if isinstance(space, SizeSpace):
        assert scaled.parameters(1) == space.parameters(1)
    else:
        assert scaled.parameters(1) < space.parameters(1)


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
def test_a_sample_is_scaled_as_its_space(space):
    part = sample(space, 2, seed=0)
    scaled = at_scale(part, QUICK)
    assert [scaled.architecture(i) for i in range(2)] == [part.architecture(i) for i in range(2)]
    assert scaled.parameters(1) == at_scale(space, QUICK).parameters(int(part.indices[1]))
    assert view_stages(part) == view_stages(space)
    assert scale(part, QUICK) == scale(space, QUICK)


def test_only_what_changes_the_networks_is_part_of_the_scale():
    for place in (0, 2, 3):
        assert scale(SPACES[place], QUICK) == {"channels": 4, "cells": 2, "resolution": 8}
    assert scale(SPACES[1], QUICK) == {"resolution": 8}


def test_a_view_is_made_by_the_networks_and_the_jacobians():
    assert [stage.name for stage in view_stages(SPACES[0])] == ["nas-bench-201", "views"]
    assert view_stages(SPACES[1]) == view_stages(SPACES[0])
    assert [stage.name for stage in view_stages(SPACES[2])] == ["nas-bench-101", "views"]
    assert [stage.name for stage in view_stages(SPACES[3])] == ["darts", "views"]


def test_a_benchmark_is_the_space_its_labels_are_of():
    assert benchmark("digits-size") is load("digits-size")
    with pytest.raises(InputError, match="unknown space 'digits'"):
        benchmark("digits")


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.skipif("CENA_DATA" not in os.environ, reason="CENA_DATA is not set")
def test_the_cells_of_nas_bench_101_are_those_of_its_labels():
    space, table = benchmark("nas-bench-101"), labels.nas_bench_101_cells()
    accuracy = labels.accuracy("nas-bench-101", labels.LabelKey("cifar10", "validation", 108, "one"))
    assert len(space) == len(accuracy) == len(table.parameters)
    for i in range(0, len(space), 301):
        assert space.parameters(i) == table.parameters[i]


@pytest.mark.real_data
@pytest.mark.skipif("CENA_DATA" not in os.environ, reason="CENA_DATA is not set")
def test_the_genotypes_of_darts_are_those_of_its_labels():
    """Two genotypes are one function, a constant: they are the two labels at chance."""
    space = benchmark("darts")
    accuracy = labels.accuracy("darts", labels.LabelKey("cifar10", "validation", 200, "one"))
    assert len(space) == len(accuracy) == 1000
    classes = space.classes()
    assert classes.max() + 1 == 999
    [twice] = (numbers for number in range(999) if len(numbers := (classes == number).nonzero()[0]) == 2)
    assert accuracy[twice].round(2).tolist() == [10.22, 10.25] == sorted(accuracy.round(2))[:2]


def test_another_kind_of_space_is_refused():
    with pytest.raises(InputError, match="profile 'quick' embeds 'other'"):
        at_scale(type("Other", (), {"name": "other"})(), QUICK)
