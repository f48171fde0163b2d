"""Search spaces: what can be embedded."""

from collections.abc import Callable
from functools import cache

from cena.errors import unknown
from cena.spaces.base import Space, representatives
from cena.spaces.darts.space import DartsSpace
from cena.spaces.digits import digits_size, digits_topology
from cena.spaces.modules import ModuleSpace
from cena.spaces.nas_bench_101.space import NasBench101Space
from cena.spaces.nas_bench_201.size import SizeSpace, nats_bench_size
from cena.spaces.nas_bench_201.topology import TopologySpace
from cena.spaces.sample import SampledSpace, sample

SPACES: dict[str, Callable[[], Space]] = {
    "darts": DartsSpace,
    "digits-size": digits_size,
    "digits-topology": digits_topology,
    "nas-bench-101": NasBench101Space,
    "nas-bench-201": TopologySpace,
    "nats-bench-size": nats_bench_size,
}


def load(name: str) -> Space:
    """The space of this name, at the scale of its benchmark; made once, so that later calls return the same object.

    Raises
    ------
    InputError
        If there is no such space; the message lists those there are.
    """
    if name not in SPACES:
        raise unknown("space", name, SPACES)
    return _made(name)


@cache
def _made(name: str) -> Space:
    return SPACES[name]()


__all__ = [
    "SPACES",
    "DartsSpace",
    "ModuleSpace",
    "NasBench101Space",
    "SampledSpace",
    "SizeSpace",
    "Space",
    "TopologySpace",
    "digits_size",
    "digits_topology",
    "load",
    "nats_bench_size",
    "representatives",
    "sample",
]
