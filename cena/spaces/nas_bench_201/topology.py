"""The topology space: cells of NAS-Bench-201 in networks of any scale."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from torch import nn

from cena.computing import drawn_from
from cena.errors import InputError
from cena.spaces.base import Space, check_index, check_text, numbered_by_appearance
from cena.spaces.nas_bench_201.cells import (
    CONVOLUTIONS,
    EDGES,
    TOPOLOGY_OPERATIONS,
    TopologyCell,
    all_topology_cells,
    format_topology_cell,
    function_family,
    parse_topology_cell,
)
from cena.spaces.nas_bench_201.networks import cell_network
from cena.stages import Stage

NAS_BENCH_201 = Stage("nas-bench-201", version=1)
"""Classes and networks of the topology space, and the networks of the size space."""


class TopologySpace(Space):
    """Networks of three stages that differ in their cell only.

    The architectures are numbered in the order of `cells`; all 15,625 of NAS-Bench-201 are in lexicographic order of
    their operations (the benchmark's own numbering is random and would need a download; labels are aligned by string).

    Parameters
    ----------
    name : the space's name.
    cells : its architectures.
    channels : channels of the first stage, doubled at each of the two reductions.
    cells_per_stage : cells in each of the three stages.
    resolution : height and width of the input images in pixels.
    outputs : number of logits.

    Source: Dong & Yang, "NAS-Bench-201" (ICLR 2020), which has 16 channels, 5 cells per stage and 32x32 images.
    """

    def __init__(
        self,
        name: str = "nas-bench-201",
        cells: Sequence[TopologyCell] | None = None,
        channels: int = 16,
        cells_per_stage: int = 5,
        resolution: int = 32,
        outputs: int = 10,
    ):
        for what, value, least in (
            ("channels", channels, 1),
            ("cells_per_stage", cells_per_stage, 0),
            ("resolution", resolution, 4),
            ("outputs", outputs, 1),
        ):
            if value < least:
                raise InputError(f"{what} of space '{name}' is {value}: give at least {least}")
        self.name = name
        self.cells = list(all_topology_cells() if cells is None else cells)
        self.channels = channels
        self.cells_per_stage = cells_per_stage
        self.resolution = resolution
        self.outputs = outputs
        self._indices = {cell: i for i, cell in enumerate(self.cells)}

    def __len__(self) -> int:
        return len(self.cells)

    def architecture(self, index: int) -> str:
        """The cell of an architecture as ``|op~0|+|op~0|op~1|+|op~0|op~1|op~2|``."""
        check_index(self, index)
        return format_topology_cell(self.cells[index])

    def index(self, architecture: str) -> int:
        """The index of a cell given as a string; raises `InputError` when it is malformed or not in the space."""
        check_text(self, architecture)
        cell = parse_topology_cell(architecture)
        if cell not in self._indices:
            raise InputError(f"cell '{architecture}' is not among the {len(self)} of space '{self.name}'")
        return self._indices[cell]

    @cached_property
    def _classes(self) -> NDArray[np.int64]:
        return numbered_by_appearance([function_family(cell)[0] for cell in self.cells])

    @NAS_BENCH_201
    def classes(self) -> NDArray[np.int64]:
        """(n,) class of each architecture: cells of one class are the same function family with the same weight
        sharing (:func:`cena.spaces.nas_bench_201.cells.function_family`)."""
        return self._classes.copy()

    @NAS_BENCH_201
    def build(self, index: int, seed: int) -> nn.Module:
        """The network of an architecture with PyTorch's default initialisation, drawn from `seed` alone."""
        check_index(self, index)
        stages = [[width] * (self.cells_per_stage + 1) for width in self._widths]
        with drawn_from(seed):
            return cell_network(self.cells[index], stages, self.outputs)

    @property
    def _widths(self) -> tuple[int, int, int]:
        return self.channels, 2 * self.channels, 4 * self.channels

    def parameters(self, index: int) -> int:
        """Exact number of parameters, as the benchmark counts them: convolutions on dead edges included."""
        check_index(self, index)
        small, middle, large = self._widths
        kernels = [1 if name == "nor_conv_1x1" else 9 for name in self.cells[index] if name in CONVOLUTIONS]
        stem = 27 * small + 2 * small
        cells = sum(kernel * width**2 + 2 * width for kernel in kernels for width in self._widths)
        reductions = sum(10 * a * b + 9 * b * b + 4 * b for a, b in ((small, middle), (middle, large)))
        head = 2 * large + large * self.outputs + self.outputs
        return stem + self.cells_per_stage * cells + reductions + head

    def choices(self) -> tuple[NDArray[np.int64], tuple[int, ...]]:
        """(n, 6) each edge's operation as an index of :data:`TOPOLOGY_OPERATIONS`, and how many each edge can have."""
        codes = np.array([[TOPOLOGY_OPERATIONS.index(name) for name in cell] for cell in self.cells], dtype=np.int64)
        return codes, (len(TOPOLOGY_OPERATIONS),) * len(EDGES)
