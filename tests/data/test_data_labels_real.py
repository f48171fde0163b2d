"""The real label tables: known values, alignment, and what opening one costs."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from cena import spaces
from cena.data import labels, registry
from cena.data.labels import LabelKey
from cena.study.protocols import TIMED, protocols

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif("CENA_DATA" not in os.environ, reason="CENA_DATA is not set"),
]

PAPER = LabelKey("cifar10", "test", 200, "one")
OPENING = """
import json, re, sys, time
from pathlib import Path
from cena.data import labels
key = labels.available(sys.argv[1])[0]
started = time.process_time()
labels.accuracy(sys.argv[1], key)
seconds = time.process_time() - started
kibibytes = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]
print(json.dumps([seconds, 1024 * int(kibibytes)]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of its memory from /proc")
@pytest.mark.parametrize("space_name", ["nas-bench-201", "nats-bench-size", "nas-bench-101"])
def test_labels_are_opened_in_a_second_and_300_megabytes(space_name: str) -> None:
    """Of which the imports, torch among them, take 250; the first opening of all derives the table."""
    labels.accuracy(space_name, labels.available(space_name)[0])
    printed = subprocess.run(
        [sys.executable, "-c", OPENING, space_name], capture_output=True, text=True, check=True
    ).stdout
    seconds, memory = json.loads(printed)
    assert seconds < 1
    assert memory < 300e6


@pytest.mark.parametrize(
    ("dataset", "maximum", "known"),
    [
        ("cifar10", 94.41, (85.62, 93.61, 85.84)),
        ("cifar100", 73.66, (51.98, 70.16, 54.46)),
        ("imagenet16", 47.33, (25.77, 45.43, 27.47)),
    ],
)
def test_real_labels(dataset: str, maximum: float, known: tuple[float, float, float]) -> None:
    values = labels.accuracy("nas-bench-201", LabelKey(dataset, "test", 200, "one"))
    assert values.shape == (15625,)
    assert round(values.max(), 2) == maximum
    space = spaces.load("nas-bench-201")
    first_three = (  # architectures 0, 1 and 2 of the benchmark, which heads configs.txt
        "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|",
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|",
        "|avg_pool_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|avg_pool_3x3~0|avg_pool_3x3~1|avg_pool_3x3~2|",
    )
    assert tuple(round(values[space.index(text)], 2) for text in first_three) == known
    dead = space.index("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")
    assert values[dead] <= {"cifar10": 10, "cifar100": 1, "imagenet16": 0.84}[dataset]


def test_real_labels_beside_their_configurations() -> None:
    values = labels.accuracy("nas-bench-201", PAPER)
    configurations, accuracies = map(registry.fetch, labels.label_files("nas-bench-201", PAPER))
    by_text = dict(zip(configurations.read_text().splitlines(), np.load(accuracies), strict=True))
    space = spaces.load("nas-bench-201")
    assert [by_text[space.architecture(i)] for i in range(0, 15625, 7)] == list(values[::7])


@pytest.mark.parametrize(
    ("space_name", "key", "maximum", "known"),
    [
        ("nas-bench-201", LabelKey("cifar10", "validation", 12, "mean"), 84.892, 15625),
        ("nas-bench-201", LabelKey("cifar10", "test", 200, "mean"), 94.3733, 15625),
        ("nas-bench-201", LabelKey("cifar100", "validation", 200, "mean"), 73.4933, 15625),
        ("nas-bench-201", LabelKey("imagenet16", "test", 200, "another"), 47.3333, 15625),
        ("nats-bench-size", LabelKey("cifar10", "validation", 90, "one"), 90.712, 32768),
        ("nas-bench-101", LabelKey("cifar10", "validation", 108, "one"), 94.9119, 30001),
    ],
    ids=str,
)
def test_real_tables(space_name: str, key: LabelKey, maximum: float, known: int) -> None:
    values = labels.accuracy(space_name, key)
    assert np.isfinite(values).sum() == known
    assert round(np.nanmax(values), 4) == maximum
    assert np.nanmin(values) > 0


def test_real_cells_are_beside_their_labels() -> None:
    cells = labels.nas_bench_101_cells()
    assert cells.adjacency.shape == (30001, 7, 7)
    assert list(cells.hash) == sorted(cells.hash)
    assert np.array_equal((cells.operations != -9).sum(axis=1), cells.vertices)
    assert np.all(cells.operations[:, 0] == -1)
    values = labels.accuracy("nas-bench-101", LabelKey("cifar10", "validation", 108, "one"))
    assert len(values) == len(cells.parameters)
    assert round(values[0], 4) == 93.0489


def test_the_cost_of_a_simulated_evaluation() -> None:
    key = LabelKey("cifar10", "validation", 12, "mean")
    cost = labels.train_seconds("nas-bench-201", key) + labels.evaluation_seconds("nas-bench-201", key)
    assert round(np.median(cost)) == 112
    assert "topology_ss_architectures.json" in labels.origin("nas-bench-201", key)


def test_searches_in_simulated_time_have_their_labels_on_all_data_sets() -> None:
    """CIFAR-100's validation after 200 epochs among them, of which an earlier edition had 2,919 rows."""
    seconds = {}
    for dataset in ("cifar10", "cifar100", "imagenet16"):
        found = {each.name: each for each in protocols("nas-bench-201", LabelKey(dataset, "test", 200, "one"), 10)}
        seconds[dataset] = found[TIMED].seconds
        assert np.isfinite(found[TIMED].guide).all()
        assert np.isfinite(found[TIMED].report).all()
    assert seconds == {"cifar10": 12_000, "cifar100": 500_000, "imagenet16": 1_400_000}
