"""A space at the scale of its benchmark and of a profile: what is labelled, and what Jacobians are taken of."""

from functools import cache

from cena import spaces
from cena.data import labels
from cena.data.darts_labels import darts_genotypes
from cena.errors import InputError
from cena.jacobians.views import VIEWS
from cena.spaces import DartsSpace, NasBench101Space, SampledSpace, SizeSpace, Space, TopologySpace
from cena.spaces.darts.space import DARTS
from cena.spaces.nas_bench_101.cells import NAS_BENCH_101_OPERATIONS, cell_from_matrix
from cena.spaces.nas_bench_101.space import NAS_BENCH_101
from cena.spaces.nas_bench_201.topology import NAS_BENCH_201
from cena.stages import Stage
from cena.study.settings import Profile

NETWORKS: dict[type, Stage] = {
    TopologySpace: NAS_BENCH_201,
    SizeSpace: NAS_BENCH_201,
    NasBench101Space: NAS_BENCH_101,
    DartsSpace: DARTS,
}
"""The stage that builds the networks of each kind of space."""


def benchmark(name: str) -> Space:
    """The space of this name whose architectures, in this order, `cena.data.labels` are of.

    It is :func:`cena.spaces.load`'s, except that NAS-Bench-101 and DARTS have the architectures of the tables in the
    download folder.

    Raises
    ------
    InputError
        If there is no such space, or its table is not there and cannot be downloaded.
    """
    if name == "nas-bench-101":
        return _labelled_nas_bench_101()
    return _labelled_darts() if name == "darts" else spaces.load(name)


@cache
def _labelled_nas_bench_101() -> Space:
    table = labels.nas_bench_101_cells()
    rows = zip(table.vertices.tolist(), table.adjacency, table.operations, strict=True)
    return NasBench101Space(
        cells=[
            cell_from_matrix(matrix[:n, :n], [NAS_BENCH_101_OPERATIONS[code] for code in codes[1 : n - 1]])
            for n, matrix, codes in rows
        ]
    )


@cache
def _labelled_darts() -> Space:
    return DartsSpace(genotypes=darts_genotypes())


def at_scale(space: Space, settings: Profile) -> Space:
    """The architectures of a space as networks of the profile's scale.

    Topologies and genotypes take `channels`, `cells` (a stage) and `resolution`; NAS-Bench-101's cells the same, as
    stem, cells a stack and resolution; sizes, whose channels are what they differ in, only `resolution`. Of a sample,
    the sample.

    Raises
    ------
    InputError
        If it is a space of another kind.
    """
    views = settings.views
    match space:
        case SampledSpace():
            return SampledSpace(at_scale(space.whole, settings), space.indices)
        case TopologySpace():
            return TopologySpace(space.name, space.cells, views.channels, views.cells, views.resolution)
        case NasBench101Space():
            return NasBench101Space(space.name, space.cells, views.channels, views.cells, views.resolution)
        case DartsSpace():
            return DartsSpace(space.name, space.genotypes, views.channels, views.cells, views.resolution)
        case SizeSpace():
            return SizeSpace(space.name, space.widths, views.resolution)
    raise InputError(f"profile '{settings.name}' embeds '{space.name}', and it is not known how such spaces are scaled")


def scale(space: Space, settings: Profile) -> dict[str, int]:
    """The settings that :func:`at_scale` uses of a profile, by name."""
    names = ("resolution",) if isinstance(whole(space), SizeSpace) else ("channels", "cells", "resolution")
    return {name: getattr(settings.views, name) for name in names}


def view_stages(space: Space) -> tuple[Stage, Stage]:
    """The stages that make a view: networks and Jacobians."""
    return NETWORKS[type(whole(space))], VIEWS


def whole(space: Space) -> Space:
    """The space that a sample is of; any other space itself."""
    return space.whole if isinstance(space, SampledSpace) else space
