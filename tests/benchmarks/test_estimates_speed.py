"""What an estimate says of some views is within a factor of two of what it takes, for networks of five kinds."""

from time import perf_counter

import pytest
import torch
from torch import nn

from cena.data.images import images
from cena.jacobians import ViewRecipe, class_views, probe
from cena.spaces import ModuleSpace

PIXELS = images("patches", 64, 32, seed=0).pixels
VIEWS = 4


class Residual(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU(), nn.BatchNorm2d(channels)
        )

    def forward(self, x):
        return torch.relu(x + self.body(x))


class Attending(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 192, 4, 4)
        layer = nn.TransformerEncoderLayer(192, 3, 384, dropout=0.0, batch_first=True)
        self.body = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
        self.head = nn.Linear(192, 10)

    def forward(self, x):
        return self.head(self.body(self.patches(x).flatten(2).transpose(1, 2)).mean(1))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = nn.GRU(96, 512, batch_first=True), nn.Linear(512, 10)

    def forward(self, x):
        return self.head(self.body(x.transpose(1, 2).flatten(2))[0][:, -1])


KINDS = {
    "many weights": lambda: nn.Sequential(nn.Flatten(), nn.Linear(3072, 4096), nn.ReLU(), nn.Linear(4096, 4000)),
    "many maps": lambda: nn.Sequential(nn.Conv2d(3, 64, 3), *(Residual(64) for _ in range(6)), nn.Flatten()),
    "attention": Attending,
    "recurrent": Recurrent,
    "compiled": lambda: torch.compile(nn.Sequential(nn.Conv2d(3, 64, 3), Residual(64), nn.Flatten()), backend="eager"),
}


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # of torch's compiler, which looks for itself
@pytest.mark.parametrize("kind", KINDS)
def test_speed_of_views_is_as_estimated(benchmark, kind):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as each worker has
    space = ModuleSpace({kind: KINDS[kind]}, 32)
    network = space.build(0, 0)
    started = perf_counter()
    space.build(0, 1)
    building = perf_counter() - started
    estimated = VIEWS * (building + probe(kind, network, PIXELS).seconds)  # what is compiled is, from now on
    recipe = ViewRecipe(PIXELS, VIEWS, 0, "float32")
    benchmark.pedantic(lambda: class_views(space, 0, 0, recipe), rounds=1)
    torch.set_num_threads(threads)
    measured = benchmark.stats.stats.mean
    benchmark.extra_info["estimate"] = round(estimated / measured, 2)
    assert measured / 2 < estimated < measured * 2
