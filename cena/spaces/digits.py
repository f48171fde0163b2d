"""The digits spaces: the topology and the size space at a scale that trains in a second on one core.

Their label tables are bundled (`cena.data`), so every notebook runs for real with nothing to download.
"""

import numpy as np

from cena.spaces.base import representatives
from cena.spaces.nas_bench_201.cells import all_topology_cells
from cena.spaces.nas_bench_201.size import SizeSpace
from cena.spaces.nas_bench_201.topology import TopologySpace

RESOLUTION = 8
TOPOLOGIES = 2048


def digits_topology() -> TopologySpace:
    """2,048 of the 5,044 classes of NAS-Bench-201, one cell each, with 8 channels and one cell per stage.

    The classes are a seeded random draw; each is represented by its first cell in lexicographic order.
    """
    cells = all_topology_cells()
    firsts = representatives(TopologySpace().classes())
    drawn = np.sort(np.random.default_rng(201).permutation(firsts)[:TOPOLOGIES])
    chosen = [cells[i] for i in drawn]
    return TopologySpace("digits-topology", chosen, channels=8, cells_per_stage=1, resolution=RESOLUTION)


def digits_size() -> SizeSpace:
    """All 1,024 networks with 2, 4, 8 or 16 channels in each of the five layers."""
    return SizeSpace("digits-size", (2, 4, 8, 16), resolution=RESOLUTION)
