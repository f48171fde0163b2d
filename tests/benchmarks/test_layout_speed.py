"""Speed of the layout at the size of NAS-Bench-201 (run it with `pytest --benchmark-only`)."""

import numpy as np

from cena.layout import distance_map, laguerre_cells, separate, to_unit_square, transport

ARCHITECTURES = 15_625


def clustered_points():
    generator = np.random.default_rng(0)
    centres = generator.uniform(0, 1, (40, 2))
    spreads = 0.01 * 10 ** generator.uniform(-1, 0.5, 40)
    cluster = generator.integers(40, size=ARCHITECTURES)
    positions = centres[cluster] + spreads[cluster, None] * generator.standard_normal((ARCHITECTURES, 2))
    return separate(to_unit_square(positions), 0)


def test_speed_of_one_laguerre_diagram(benchmark):
    cells = benchmark(laguerre_cells, clustered_points(), np.zeros(ARCHITECTURES))
    assert abs(cells.areas.sum() - 1) < 1e-9


def test_speed_of_transport(benchmark):
    result = benchmark.pedantic(transport, (clustered_points(),), rounds=1)
    assert np.abs(ARCHITECTURES * result.areas - 1).max() < 1e-8
    assert benchmark.stats.stats.max < 30


def test_speed_of_distance_map(benchmark):
    embedding = np.random.default_rng(0).standard_normal((ARCHITECTURES, 512))
    positions = benchmark.pedantic(distance_map, (embedding, 0), rounds=1)
    assert positions.shape == (ARCHITECTURES, 2)
