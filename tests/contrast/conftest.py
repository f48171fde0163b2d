import pytest
import torch

from cena.contrast import EncoderConfig


@pytest.fixture(autouse=True, scope="package")
def one_thread():
    """Tiny matrices gain nothing from threads, and lose much on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="package")
def small_config():
    return EncoderConfig(points=16, components=12, width=8, depth=1, embedding=10, projection=6, epochs=4, batch=8)
