"""The space of DARTS: genotypes, in networks of any scale."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from torch import nn

from cena.computing import drawn_from
from cena.errors import InputError
from cena.spaces.base import Space, check_index, check_text, numbered_by_appearance
from cena.spaces.darts.genotypes import (
    CELL_INPUTS,
    CELL_NODES,
    DARTS_OPERATIONS,
    Edge,
    Genotype,
    canonical_genotype,
    format_genotype,
    parse_genotype,
    random_genotypes,
)
from cena.spaces.darts.networks import STEM_MULTIPLIER, DartsNetwork
from cena.stages import Stage
from cena.types import Integers

DARTS = Stage("darts", version=1)
"""Genotypes, their classes and their networks."""

_SAMPLE = 1000
_SEED = 0


class DartsSpace(Space):
    """Networks that differ in their normal and their reduction cell only.

    The whole space has more than 10^20 genotypes, so a space is a list of some. Accuracies are published of 1,000
    (:mod:`cena.data.darts_labels`), which `cena.study.scale.benchmark` makes a space of.

    Parameters
    ----------
    name : the space's name.
    genotypes : its architectures, no two alike; by default 1,000 that are drawn as the published ones
        (:func:`cena.spaces.darts.genotypes.random_genotypes`), which need no download.
    channels : of a node of the first cells, doubled at each of the two reductions.
    cells_per_stage : normal cells in each of the three stages: n make a network of 3n + 2 cells, with the reductions at
        a third and two thirds of them.
    resolution : height and width of the input images in pixels.
    outputs : number of logits.

    Raises
    ------
    InputError
        If two genotypes are the same or a number is too small.

    Source: Liu, Simonyan and Yang, "DARTS" (ICLR 2019), which has 36 channels, 20 cells and 32x32 images.
    """

    def __init__(
        self,
        name: str = "darts",
        genotypes: Sequence[Genotype] | None = None,
        channels: int = 36,
        cells_per_stage: int = 6,
        resolution: int = 32,
        outputs: int = 10,
    ):
        for what, value, least in (
            ("channels", channels, 1),
            ("cells_per_stage", cells_per_stage, 1),
            ("resolution", resolution, 4),
            ("outputs", outputs, 1),
        ):
            if value < least:
                raise InputError(f"{what} of space '{name}' is {value}: give at least {least}")
        self.name = name
        self.genotypes = random_genotypes(_SAMPLE, _SEED) if genotypes is None else list(genotypes)
        self.channels = channels
        self.cells_per_stage = cells_per_stage
        self.resolution = resolution
        self.outputs = outputs
        self._indices: dict[Genotype, int] = {}
        for i, genotype in enumerate(self.genotypes):
            first = self._indices.setdefault(genotype, i)
            if first != i:
                raise InputError(f"genotypes {first} and {i} of space '{name}' are the same: give one of them")

    def __len__(self) -> int:
        return len(self.genotypes)

    def architecture(self, index: int) -> str:
        """The published text of a genotype, the two edges of each node sorted."""
        check_index(self, index)
        return format_genotype(self.genotypes[index])

    def index(self, architecture: str) -> int:
        """The index of a genotype's text, whatever the order of a node's two edges; raises `InputError` when it is
        malformed or not in the space."""
        check_text(self, architecture)
        genotype = parse_genotype(architecture)
        if genotype not in self._indices:
            raise InputError(f"'{format_genotype(genotype)}' is not among the {len(self)} of space '{self.name}'")
        return self._indices[genotype]

    @cached_property
    def _classes(self) -> Integers:
        return numbered_by_appearance([canonical_genotype(genotype) for genotype in self.genotypes])

    @DARTS
    def classes(self) -> Integers:
        """(n,) class of each architecture: genotypes of one class have the same canonical form
        (:func:`cena.spaces.darts.genotypes.canonical_genotype`)."""
        return self._classes.copy()

    @DARTS
    def build(self, index: int, seed: int) -> nn.Module:
        """The network of an architecture with PyTorch's default initialisation, drawn from `seed` alone."""
        check_index(self, index)
        genotype = self.genotypes[index]
        cells = [(genotype.reduce if reduction else genotype.normal, reduction) for reduction in self._reductions]
        with drawn_from(seed):
            return DartsNetwork(cells, self.channels, self.outputs)

    @property
    def _reductions(self) -> list[bool]:
        """Whether each cell is a reduction."""
        stage = [False] * self.cells_per_stage
        return [*stage, True, *stage, True, *stage]

    def parameters(self, index: int) -> int:
        """Exact number of trainable parameters, as the literature counts them: without the auxiliary head."""
        check_index(self, index)
        genotype = self.genotypes[index]
        stem, width = STEM_MULTIPLIER * self.channels, self.channels
        total = (27 + 2) * stem
        before = last = stem
        for reduction in self._reductions:
            width *= 2 if reduction else 1
            cell = genotype.reduce if reduction else genotype.normal
            total += (before + last + 4) * width
            total += sum(_edge_parameters(edge, width, reduction) for node in cell for edge in node)
            before, last = last, CELL_NODES * width
        return total + (last + 1) * self.outputs

    def choices(self) -> tuple[Integers, tuple[int, ...]]:
        """(n, 32) the raw categorical codes, and how many values each has.

        First the eight edges of the normal cell, then those of the reduction cell; of each the index of its operation
        in :data:`~cena.spaces.darts.genotypes.DARTS_OPERATIONS`, then the number of what it reads.
        """
        codes = [
            [code for cell in genotype for node in cell for name, source in node for code in (_code(name), source)]
            for genotype in self.genotypes
        ]
        readable = [CELL_INPUTS + node for node in range(CELL_NODES) for _ in range(2)]
        cardinalities = tuple(size for sources in 2 * readable for size in (len(DARTS_OPERATIONS), sources))
        return np.array(codes, dtype=np.int64), cardinalities


def _code(operation: str) -> int:
    return DARTS_OPERATIONS.index(operation)


def _edge_parameters(edge: Edge, width: int, reduction: bool) -> int:
    """Parameters of an edge between nodes of `width` channels."""
    name, source = edge
    pointwise = width**2 + 2 * width
    if name == "skip_connect":
        return pointwise if reduction and source < CELL_INPUTS else 0
    if name.startswith(("sep_conv", "dil_conv")):
        kernel = 9 if name.endswith("3x3") else 25
        return (2 if name.startswith("sep_conv") else 1) * (kernel * width + pointwise)
    return 0
