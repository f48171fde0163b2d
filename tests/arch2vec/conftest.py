import pytest
import torch

from cena.arch2vec import Arch2vecConfig, nas_bench_201_graphs
from cena.spaces.nas_bench_201.cells import all_topology_cells


@pytest.fixture(autouse=True, scope="package")
def one_thread():
    """Tiny matrices gain nothing from threads, and lose much on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="package")
def small_config():
    return Arch2vecConfig(hidden=12, layers=2, latent=6, epochs=4, batch=8)


@pytest.fixture(scope="package")
def cells():
    """50 cells of NAS-Bench-201 as graphs."""
    return nas_bench_201_graphs(all_topology_cells()[::313])
