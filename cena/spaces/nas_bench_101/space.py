"""The space of NAS-Bench-101: its cells in networks of any scale."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from torch import nn

from cena.computing import drawn_from
from cena.errors import InputError
from cena.spaces.base import Space, check_index, check_text
from cena.spaces.nas_bench_101.cells import (
    MAX_VERTICES,
    NAS_BENCH_101_OPERATIONS,
    NasBench101Cell,
    edge_bit,
    format_nas_bench_101_cell,
    parse_nas_bench_101_cell,
)
from cena.spaces.nas_bench_101.isomorphism import all_nas_bench_101_cells, canonical
from cena.spaces.nas_bench_101.networks import nas_bench_101_network, vertex_channels
from cena.stages import Stage

NAS_BENCH_101 = Stage("nas-bench-101", version=1)
"""Canonical cells, their order, and their networks."""

PAPER_STRIDE = 25
MAX_CONCATENATED = 4
"""Vertices that can feed a cell's output: with five, each of them reading one vertex, a cell would have ten edges."""
KERNELS = {"conv3x3": 3, "conv1x1": 1}


def paper_subset() -> list[NasBench101Cell]:
    """16,945 of the 423,624 cells: every 25th of :func:`all_nas_bench_101_cells`, from the first.

    The paper (section 5.2) searches 1/25 of the space and does not say which; this systematic sample has every number
    of vertices and edges in its proportion.
    """
    return all_nas_bench_101_cells()[::PAPER_STRIDE]


class NasBench101Space(Space):
    """Networks of three stacks that differ in their cell only.

    The architectures are numbered in the order of `cells`; each stands for its isomorphism class and is replaced by the
    class's canonical form, which the benchmark trained. Parameter counts are those of the benchmark for all of the
    30,001 cells whose counts we have. With the adjacency matrices as that table has them 527 counts would be off by up
    to 1.2 %: where channels do not divide evenly, the count depends on the order of the vertices
    (:mod:`cena.spaces.nas_bench_101.isomorphism`).

    Every architecture is its own class, since no two are isomorphic. A few cells compute the same functions all the
    same, such as with two max poolings of one vertex that are only added before a convolution (BatchNorm undoes the
    factor of two). Not merged: it would save few views.

    Parameters
    ----------
    name : the space's name.
    cells : its architectures, no two isomorphic; by default :func:`paper_subset`. Labelled tables give others:
        see :func:`cena.spaces.nas_bench_101.cells.cell_from_matrix`.
    stem : channels of the stem and the first stack, doubled in the second and again in the third; at least four, since
        up to four vertices share the channels of a cell's output.
    cells_per_stack : cells in each of the three stacks.
    resolution : height and width of the input images in pixels.
    outputs : number of logits.

    Raises
    ------
    InputError
        If two cells are isomorphic or a number is too small.

    Source: Ying et al., "NAS-Bench-101" (ICML 2019), which has 128 channels, 3 cells per stack and 32x32 images.
    """

    def __init__(
        self,
        name: str = "nas-bench-101",
        cells: Sequence[NasBench101Cell] | None = None,
        stem: int = 128,
        cells_per_stack: int = 3,
        resolution: int = 32,
        outputs: int = 10,
    ):
        for what, value, least in (
            ("stem", stem, MAX_CONCATENATED),
            ("cells_per_stack", cells_per_stack, 1),
            ("resolution", resolution, 4),
            ("outputs", outputs, 1),
        ):
            if value < least:
                raise InputError(f"{what} of space '{name}' is {value}: give at least {least}")
        self.name = name
        self.cells = paper_subset() if cells is None else [canonical(cell) for cell in cells]
        self.stem = stem
        self.cells_per_stack = cells_per_stack
        self.resolution = resolution
        self.outputs = outputs
        self._indices: dict[NasBench101Cell, int] = {}
        for i, cell in enumerate(self.cells):
            first = self._indices.setdefault(cell, i)
            if first != i:
                raise InputError(f"cells {first} and {i} of space '{name}' are isomorphic: give one of them")

    def __len__(self) -> int:
        return len(self.cells)

    def architecture(self, index: int) -> str:
        """The canonical cell of an architecture, such as ``conv3x3(0)|maxpool3x3(0,1)|output(1,2)``."""
        check_index(self, index)
        return format_nas_bench_101_cell(self.cells[index])

    def index(self, architecture: str) -> int:
        """The index of a cell or one isomorphic to it; raises `InputError` when it is malformed or not in the space."""
        check_text(self, architecture)
        cell = canonical(parse_nas_bench_101_cell(architecture))
        if cell not in self._indices:
            raise InputError(f"cell '{architecture}' is not among the {len(self)} of space '{self.name}'")
        return self._indices[cell]

    @NAS_BENCH_101
    def build(self, index: int, seed: int) -> nn.Module:
        """The network of an architecture with PyTorch's default initialisation, drawn from `seed` alone."""
        check_index(self, index)
        with drawn_from(seed):
            return nas_bench_101_network(self.cells[index], self._stacks, self.outputs)

    @property
    def _stacks(self) -> list[list[int]]:
        """Channels of the input of each stack and of the output of each of its cells."""
        small, middle, large = self.stem, 2 * self.stem, 4 * self.stem
        return [[before] + [after] * self.cells_per_stack for before, after in pairwise((small, small, middle, large))]

    def parameters(self, index: int) -> int:
        """Exact number of trainable parameters, as the benchmark counts them."""
        check_index(self, index)
        stem = (27 + 2) * self.stem
        widths = Counter(pair for stack in self._stacks for pair in pairwise(stack))
        head = (4 * self.stem + 1) * self.outputs
        return stem + sum(times * _cell_parameters(self.cells[index], *pair) for pair, times in widths.items()) + head

    def choices(self) -> tuple[NDArray[np.int64], tuple[int, ...]]:
        """(n, 26) the raw categorical codes, and how many values each has.

        First the 21 possible edges of a graph of seven vertices, 1 where there is one, ordered by target, then source;
        then each inner vertex's index in :data:`NAS_BENCH_101_OPERATIONS`, or 3 where there is none. A smaller cell has
        its inner vertices first; its output is the seventh vertex like every other's.
        """
        last, inner = MAX_VERTICES - 1, MAX_VERTICES - 2
        pairs = [(source, target) for target in range(MAX_VERTICES) for source in range(target)]
        codes = np.zeros((len(self), len(pairs) + inner), dtype=np.int64)
        for row, cell in zip(codes, self.cells, strict=True):
            output = cell.vertices - 1
            for place, (source, target) in enumerate(pairs):
                if target < output or target == last:
                    end = output if target == last else target
                    row[place] = source < end and cell.edges & edge_bit(source, end) > 0
            row[len(pairs) :] = [
                *map(NAS_BENCH_101_OPERATIONS.index, cell.operations),
                *[len(NAS_BENCH_101_OPERATIONS)] * (inner + 2 - cell.vertices),
            ]
        return codes, (2,) * len(pairs) + (len(NAS_BENCH_101_OPERATIONS) + 1,) * inner


def _cell_parameters(cell: NasBench101Cell, channels_in: int, channels_out: int) -> int:
    channels = vertex_channels(cell, channels_in, channels_out)
    projected = [channels[vertex] for vertex in range(1, cell.vertices) if 0 in cell.inputs(vertex)]
    convolved = [
        (KERNELS[name], width) for name, width in zip(cell.operations, channels[1:-1], strict=True) if name in KERNELS
    ]
    return sum((channels_in + 2) * width for width in projected) + sum(
        kernel**2 * width**2 + 2 * width for kernel, width in convolved
    )
