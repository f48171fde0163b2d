from collections.abc import Iterator

import numpy as np
import pytest
import torch

from cena.data.digits_images import digits_images
from cena.data.images import images
from cena.spaces import TopologySpace
from cena.spaces.nas_bench_201.cells import parse_topology_cell
from cena.trajectories import TrainingSet

CELLS = [
    parse_topology_cell("|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|avg_pool_3x3~1|nor_conv_1x1~2|"),
    parse_topology_cell("|skip_connect~0|+|nor_conv_3x3~0|none~1|+|none~0|skip_connect~1|nor_conv_3x3~2|"),
    parse_topology_cell("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"),
]


@pytest.fixture(autouse=True, scope="package")
def one_thread() -> Iterator[None]:
    """Tiny networks gain nothing from threads, and lose much on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="package")
def space() -> TopologySpace:
    """Three cells, the last without any path from input to output, in networks of four channels."""
    return TopologySpace("digits-topology", CELLS, channels=4, cells_per_stage=1, resolution=8)


@pytest.fixture(scope="package")
def data() -> TrainingSet:
    """95 digits to train on, three batches and a rest, and 300 to test with."""
    digits = digits_images()
    return TrainingSet(
        "digits",
        digits.training.images[:95],
        digits.training.digits[:95],
        digits.test.images[:300],
        digits.test.digits[:300],
        "a few digits",
    )


@pytest.fixture(scope="package")
def points() -> np.ndarray:
    return images("patches", 12, 8, seed=0).pixels
