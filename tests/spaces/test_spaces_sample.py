"""Samples: seeded, nested, in the order of the space, and every architecture what it is in the whole."""

import numpy as np
import pytest
import torch

from cena.errors import InputError
from cena.spaces import SampledSpace, SizeSpace, TopologySpace, sample
from cena.spaces.nas_bench_201.cells import all_topology_cells

WHOLE = SizeSpace("sizes", (2, 3), resolution=8)


def test_a_sample_is_seeded_and_smaller_ones_are_nested():
    indices = [sample(WHOLE, count, seed).indices for count, seed in ((10, 0), (10, 0), (20, 0), (10, 1))]
    np.testing.assert_array_equal(indices[0], indices[1])
    assert set(indices[0]) < set(indices[2])
    assert set(indices[0]) != set(indices[3])
    assert all((np.diff(each) > 0).all() for each in indices)


def test_the_whole_space_is_a_sample_of_itself():
    everything = sample(WHOLE, len(WHOLE), seed=3)
    np.testing.assert_array_equal(everything.indices, np.arange(len(WHOLE)))
    np.testing.assert_array_equal(everything.one_hot(), WHOLE.one_hot())


def test_architectures_are_those_of_the_whole():
    part = SampledSpace(WHOLE, [3, 17, 31])
    assert (part.name, part.resolution, len(part)) == ("sizes", 8, 3)
    assert [part.architecture(i) for i in range(3)] == [WHOLE.architecture(i) for i in (3, 17, 31)]
    assert [part.parameters(i) for i in range(3)] == [WHOLE.parameters(i) for i in (3, 17, 31)]
    for ours, theirs in zip(part.build(1, 5).parameters(), WHOLE.build(17, 5).parameters(), strict=True):
        assert torch.equal(ours, theirs)
    codes, cardinalities = part.choices()
    np.testing.assert_array_equal(codes, WHOLE.choices()[0][[3, 17, 31]])
    assert cardinalities == (2,) * 5


def test_classes_are_those_of_the_whole_numbered_anew():
    whole = TopologySpace("topologies", all_topology_cells()[::100], channels=2, cells_per_stage=1, resolution=8)
    part = sample(whole, 90, seed=0)
    kept = whole.classes()[part.indices]
    np.testing.assert_array_equal(part.classes()[:, None] == part.classes(), kept[:, None] == kept)
    assert sorted(set(part.classes())) == list(range(len(set(kept))))
    assert len(set(kept)) < 90  # some share a class, or this would test nothing


def test_what_is_no_sample_is_refused():
    for indices in ([], [3, 3], [5, 2]):
        with pytest.raises(InputError, match="needs distinct indices in ascending order"):
            SampledSpace(WHOLE, indices)
    with pytest.raises(InputError, match="architecture 32 is not in space 'sizes'"):
        SampledSpace(WHOLE, [0, 32])
    with pytest.raises(InputError, match="architecture -1 is not in space 'sizes'"):
        SampledSpace(WHOLE, [-1, 2])
    with pytest.raises(InputError, match="a sample of 33 of space 'sizes': give 1 to 32"):
        sample(WHOLE, 33, 0)
    with pytest.raises(InputError, match="is not among the 2 sampled of space 'sizes'"):
        SampledSpace(WHOLE, [1, 2]).index(WHOLE.architecture(31))
