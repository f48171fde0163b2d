"""What every reading promises, and each against a reference in plain loops."""

import cmath
import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from cena.errors import InputError
from cena.jacobians import READINGS, Reader, ViewRecipe, class_views
from cena.jacobians.maps import jacobian_maps, likeness_bins, pooled, ring_sums
from cena.jacobians.readings import JacobianSize
from cena.spaces import TopologySpace
from cena.spaces.nas_bench_201.cells import function_family

POINTS, CHANNELS, RESOLUTION = 8, 3, 6
SIZES = [(POINTS, RESOLUTION, CHANNELS), (3, 5, 1), (1, 8, 2), (12, 2, 2), (9, 12, 3), (4, 40, 3)]
TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}

every_reading = pytest.mark.parametrize("name", READINGS)


def example(points=POINTS, resolution=RESOLUTION, channels=CHANNELS, seed=0) -> tuple[np.ndarray, np.ndarray]:
    """A Jacobian whose rows are smooth, unequal and coloured, and the images that it was taken at."""
    generator = np.random.default_rng(seed)
    rows = generator.standard_normal((points, channels, resolution, resolution)).cumsum(axis=2)
    rows *= np.exp(generator.standard_normal((points, 1, 1, 1))) * np.arange(1, channels + 1)[:, None, None]
    images = generator.standard_normal((points, channels, resolution, resolution))
    return rows.reshape(points, -1).astype(np.float32), images.astype(np.float32)


def reading(name: str, jacobian: np.ndarray, images: np.ndarray) -> np.ndarray:
    return Reader(images, [name]).read(jacobian)[name]


def rotated(size: int, seed: int = 3) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((size, size)))[0]


@every_reading
@pytest.mark.parametrize("size", SIZES)
def test_its_length_is_as_declared(name, size):
    found = reading(name, *example(*size))
    assert found.shape == (READINGS[name].length(JacobianSize(*size)),)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    nothing = Reader(example(*size)[1], [name]).nothing()[name]
    assert (nothing.shape, nothing.dtype, nothing.any()) == (found.shape, found.dtype, False)


@every_reading
def test_its_length_depends_on_the_resolution_unless_it_says_so(name):
    lengths = {READINGS[name].length(JacobianSize(64, resolution, 3)) for resolution in (8, 32, 224)}
    assert (len(lengths) == 1) == ("resolution" in READINGS[name].invariances)


def one_pixel(jacobian: np.ndarray) -> None:
    jacobian[:] = 0
    jacobian[2, 17] = 1e-30


def one_row(jacobian: np.ndarray) -> None:
    jacobian[1:] = 0


def equal_rows(jacobian: np.ndarray) -> None:
    jacobian[:] = jacobian[0]


def constant(jacobian: np.ndarray) -> None:
    jacobian[:] = 3


def one_channel(jacobian: np.ndarray) -> None:
    jacobian.reshape(POINTS, CHANNELS, -1)[:, 1:] = 0


def denormal(jacobian: np.ndarray) -> None:
    jacobian *= np.float32(1 / np.abs(jacobian).max())
    jacobian *= np.float32(1e-44)  # the smallest magnitude there is, but zero, is a seventh of it


def huge(jacobian: np.ndarray) -> None:
    jacobian *= np.finfo(np.float32).max / np.abs(jacobian).max() / 2


def decades(jacobian: np.ndarray) -> None:
    jacobian *= np.logspace(-37, 30, POINTS, dtype=np.float32)[:, None]


@every_reading
@pytest.mark.parametrize(
    "change", [one_pixel, one_row, equal_rows, constant, one_channel, denormal, huge, decades], ids=lambda f: f.__name__
)
def test_it_is_finite_for_networks_that_are_almost_dead(name, change):
    jacobian, images = example()
    change(jacobian)
    assert jacobian.any()
    assert np.isfinite(reading(name, jacobian, images)).all()
    images[:3] = 0.5
    assert np.isfinite(reading(name, jacobian, images)).all()


@every_reading
def test_small_gradients_read_as_large_ones(name):
    """Nothing underflows on the way: powers of two leave the digits as they are."""
    jacobian, images = example()
    found = {power: reading(name, jacobian * np.float32(2.0**power), images) for power in (0, -100, 100)}
    for power in (-100, 100):
        shift = 0 if "scale" in READINGS[name].invariances else power * math.log(2)
        np.testing.assert_allclose(found[power] - shift, found[0], **TOLERANCE)


@every_reading
def test_it_is_deterministic_and_leaves_its_input_alone(name):
    jacobian, images = example()
    before = jacobian.tobytes(), images.tobytes()
    assert reading(name, jacobian, images).tobytes() == reading(name, jacobian, images).tobytes()
    assert (jacobian.tobytes(), images.tobytes()) == before


def new_signs(jacobian: np.ndarray, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return jacobian * np.where(np.arange(POINTS) % 3 == 0, -1, 1)[:, None], images


def new_order(jacobian: np.ndarray, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.random.default_rng(5).permutation(POINTS)
    return jacobian[order], images[order]


def new_rotation(jacobian: np.ndarray, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return rotated(POINTS) @ jacobian, images


@every_reading
@pytest.mark.parametrize(("kind", "change"), [("signs", new_signs), ("order", new_order), ("rotation", new_rotation)])
def test_what_it_is_invariant_to(name, kind, change):
    """Also that it is not invariant to what it does not claim."""
    jacobian, images = example()
    before, after = reading(name, jacobian, images), reading(name, *change(jacobian, images))
    claimed = kind in READINGS[name].invariances
    assert np.allclose(after, before, **TOLERANCE) == claimed


@every_reading
def test_a_rotation_within_equal_singular_values_changes_nothing(name):
    """U, S, V and a Jacobian made of other vectors for the same singular values, and of other signs."""
    _, images = example()
    U, V = rotated(POINTS), rotated(CHANNELS * RESOLUTION**2, seed=4)[:, :POINTS]
    values = np.array([5.0, 5, 5, 2, 2, 1, 0.5, 0.1])
    within = np.zeros((POINTS, POINTS))
    within[:3, :3], within[3:5, 3:5], within[5:, 5:] = rotated(3), rotated(2), np.diag([-1, 1, -1])
    one = U * values @ V.T
    other = (U @ within) * values @ (V @ within).T
    np.testing.assert_allclose(reading(name, other, images), reading(name, one, images), **TOLERANCE)


ONE = ("nor_conv_3x3", "none", "none", "avg_pool_3x3", "skip_connect", "none")
SAME = ("none", "nor_conv_3x3", "none", "avg_pool_3x3", "none", "skip_connect")
OTHER = ("avg_pool_3x3",) * 6
SEEDS = 120


@pytest.fixture(scope="module")
def populations() -> dict[tuple[str, ...], dict[str, np.ndarray]]:
    """The readings of three cells at many initialisations."""
    images = np.random.default_rng(0).standard_normal((POINTS, 3, 8, 8)).astype(np.float32)
    space = TopologySpace("tiny", [ONE, SAME, OTHER], channels=4, cells_per_stage=1, resolution=8)
    recipe = ViewRecipe(images, SEEDS, 0, "float32", tuple(READINGS))
    return {cell: class_views(space, i, i, recipe).readings for i, cell in enumerate((ONE, SAME, OTHER))}


@every_reading
def test_members_of_one_class_read_alike_in_distribution(name, populations):
    assert function_family(ONE)[0] == function_family(SAME)[0] != function_family(OTHER)[0]
    pairs = zip(populations[ONE][name].T, populations[SAME][name].T, strict=True)
    doubts = np.array([stats.ks_2samp(*pair).pvalue for pair in pairs])
    assert doubts.min() > 1e-3 / len(doubts)


@pytest.mark.parametrize("name", [name for name in READINGS if "coherence" not in name])  # that needs larger networks
def test_another_class_reads_differently(name, populations):
    """The test above could not fail if readings ignored their networks."""
    pairs = zip(populations[ONE][name].T, populations[OTHER][name].T, strict=True)
    doubts = np.array([stats.ks_2samp(*pair).pvalue for pair in pairs])
    assert doubts.min() < 1e-3 / len(doubts)


def transform(image: np.ndarray, down: int, right: int) -> complex:
    """One coefficient of the Fourier transform of a square image, from its definition."""
    return sum(
        image[y, x] * cmath.exp(-2j * math.pi * (down * y + right * x) / len(image)) for y, x in np.ndindex(image.shape)
    )


def frequencies(resolution: int) -> list[tuple[int, int]]:
    return [(down, right) for down in range(resolution) for right in range(resolution // 2 + 1)]


def ring_of(down: int, right: int, resolution: int) -> int:
    """Rings 0, 1, ... to 16 cycles, then two wide ones and the rest."""
    radius = math.hypot(min(down, resolution - down), right)
    return math.floor(radius + 0.5) if radius < 16.5 else 17 if radius < 32.5 else 18 if radius < 64.5 else 19


def full_plane(resolution: int) -> list[tuple[int, int]]:
    return [
        (down, right if right <= resolution // 2 else resolution - right)
        for down in range(resolution)
        for right in range(resolution)
    ]


def rows_of(jacobian: np.ndarray) -> np.ndarray:
    rows = [row / math.sqrt(sum(float(x) ** 2 for x in row)) for row in jacobian.astype(np.float64)]
    return np.array(rows).reshape(POINTS, CHANNELS, RESOLUTION, RESOLUTION)


def power_at(Y: np.ndarray, down: int, right: int, first: int, second: int) -> float:
    """The mean over points of the real part of F_a conj(F_b)."""
    products = [transform(row[first], down, right) * transform(row[second], down, right).conjugate() for row in Y]
    return sum(products).real / len(Y)


def plain_spectrum(jacobian, _):
    return np.log(np.linalg.svd(jacobian.astype(np.float64), compute_uv=False))


def plain_power(jacobian, _):
    Y = rows_of(jacobian)
    power = [sum(power_at(Y, *f, c, c) for c in range(CHANNELS)) for f in frequencies(RESOLUTION)]
    return np.log(np.array(power) / sum(power))


def energies(jacobian) -> np.ndarray:
    total = np.zeros((RESOLUTION, RESOLUTION))
    for row in rows_of(jacobian):
        for c, y, x in np.ndindex(row.shape):
            total[y, x] += row[c, y, x] ** 2
    return total / total.mean()


def plain_energy(jacobian, _):
    return np.log(energies(jacobian)).ravel()


def plain_magnitudes(jacobian, _):
    sizes = [abs(row) / abs(row).mean() for row in jacobian.astype(np.float64)]
    quantiles = np.quantile(np.ravel(sizes), np.linspace(0, 1, 21))
    shares = [(row**2).sum(axis=0) for row in rows_of(jacobian)]
    spread = [1 / (RESOLUTION**2 * sum(e**2 for e in share.ravel())) for share in shares]
    return np.log([*quantiles, np.mean(spread), np.std(spread)])


def plain_likeness(jacobian, images):
    pairs = [(i, j) for i in range(POINTS) for j in range(i + 1, POINTS)]
    alike = [np.corrcoef(images[i].ravel(), images[j].ravel())[0, 1] for i, j in pairs]
    cosine = [
        float(jacobian[i] @ jacobian[j])
        / math.sqrt(float(jacobian[i] @ jacobian[i]) * float(jacobian[j] @ jacobian[j]))
        for i, j in pairs
    ]
    bins: list[list[float]] = [[] for _ in range(16)]
    for rank, pair in enumerate(np.argsort(alike)):
        bins[rank * 16 // len(pairs)].append(cosine[pair])
    return [sum(some) / len(some) for some in bins]


def plain_channels(jacobian, _):
    shares = [sum(float(x) ** 2 for x in rows_of(jacobian)[:, c].ravel()) for c in range(CHANNELS)]
    return np.log(np.array(shares) / sum(shares))


def plain_coherence(jacobian, _):
    Y = rows_of(jacobian)
    return [
        power_at(Y, *f, a, b) / math.sqrt(power_at(Y, *f, a, a) * power_at(Y, *f, b, b))
        for a, b in ((0, 1), (0, 2), (1, 2))
        for f in frequencies(RESOLUTION)
    ]


def map_power(jacobian, down: int, right: int) -> float:
    return abs(transform(energies(jacobian), down, right)) ** 2 / RESOLUTION**4


def plain_map_spectrum(jacobian, _):
    return np.log([max(map_power(jacobian, *f), 1e-12) for f in frequencies(RESOLUTION)])


def ringed(function: Callable[[int, int], float]) -> np.ndarray:
    totals = np.zeros(20)
    for down, right in full_plane(RESOLUTION):
        totals[ring_of(down, right, RESOLUTION)] += function(down, right)
    return totals


def plain_radial_map_spectrum(jacobian, _):
    return np.log(np.maximum(ringed(lambda *f: map_power(jacobian, *f)), 1e-12))


def plain_radial_power(jacobian, _):
    Y = rows_of(jacobian)
    totals = ringed(lambda *f: sum(power_at(Y, *f, c, c) for c in range(CHANNELS)))
    return np.log(np.maximum(totals / totals.sum(), 1e-7))


def plain_radial_coherence(jacobian, _):
    Y = rows_of(jacobian)
    rings = {(a, b): ringed(lambda *f, a=a, b=b: power_at(Y, *f, a, b)) for a in range(3) for b in range(a, 3)}
    sizes = {(a, b): np.sqrt(rings[a, a] * rings[b, b]) for a, b in ((0, 1), (0, 2), (1, 2))}
    return np.concatenate(
        [np.where(size > 0, rings[pair] / np.maximum(size, 1e-300), 0) for pair, size in sizes.items()]
    )


def plain_pooled(jacobian, _):
    fine = np.kron(energies(jacobian), np.ones((8, 8)))  # 48x48: each of the 8x8 squares is 6x6 of these
    squares = [[fine[6 * i : 6 * i + 6, 6 * j : 6 * j + 6].mean() for j in range(8)] for i in range(8)]
    return np.log(squares).ravel()


PLAIN = {
    "spectrum": plain_spectrum,
    "spatial-power": plain_power,
    "energy-map": plain_energy,
    "magnitudes": plain_magnitudes,
    "likeness": plain_likeness,
    "channel-energy": plain_channels,
    "channel-coherence": plain_coherence,
    "energy-spectrum": plain_map_spectrum,
    "radial-power": plain_radial_power,
    "pooled-energy": plain_pooled,
    "radial-energy-spectrum": plain_radial_map_spectrum,
    "radial-channel-coherence": plain_radial_coherence,
}


@every_reading
def test_it_is_what_its_definition_says(name):
    jacobian, images = example(seed=7)
    np.testing.assert_allclose(reading(name, jacobian, images), PLAIN[name](jacobian, images), rtol=1e-4, atol=1e-5)


def test_rings_count_every_frequency_of_the_whole_plane_once():
    for resolution in (1, 2, 5, 8, 200):
        ones = np.ones((resolution, resolution // 2 + 1))
        expected = np.bincount([ring_of(*f, resolution) for f in full_plane(resolution)], minlength=20)
        assert ring_sums(ones).tolist() == expected.tolist()
        assert ring_sums(ones).sum() == resolution**2


@pytest.mark.parametrize("resolution", [1, 3, 8, 11, 32])
def test_pooling_keeps_the_mean_and_pools_whole_squares_exactly(resolution):
    image = np.random.default_rng(0).random((resolution, resolution))
    assert pooled(image, 8).mean() == pytest.approx(image.mean())
    if resolution == 32:
        np.testing.assert_allclose(pooled(image, 8), image.reshape(8, 4, 8, 4).mean(axis=(1, 3)))


def test_likeness_bins_are_equally_large_and_in_the_order_of_likeness():
    images = example(points=20)[1]
    bins = likeness_bins(images)
    assert set(np.bincount(bins)) <= {11, 12}
    alike = np.corrcoef(images.reshape(20, -1))[np.triu_indices(20, 1)]
    assert all(alike[bins == b].max() <= alike[bins == b + 1].min() for b in range(15))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda J, images: (J[:-1], images), "do not belong together: expected"),
        (lambda J, images: (J, images[..., :-1]), "do not belong together: expected"),
        (lambda J, images: (J[:, :-3], images), "do not belong together: expected"),
        (lambda J, images: (0 * J, images), "is zero or not finite and has no readings: mark such a view"),
        (lambda J, images: (J + np.float32(np.inf), images), "is zero or not finite"),
        (lambda J, images: (J + np.float32(np.nan), images), "is zero or not finite"),
    ],
)
def test_a_jacobian_that_cannot_be_read_is_refused(change, message):
    jacobian, images = change(*example())
    with pytest.raises(InputError, match=message):
        jacobian_maps(jacobian, images, likeness_bins(images))


def test_unknown_and_repeated_readings_are_refused():
    images = example()[1]
    with pytest.raises(InputError, match="unknown reading 'energy'; valid: energy-map"):
        Reader(images, ["energy"])
    with pytest.raises(InputError, match="reading 'spectrum' is named 2 times: name each once"):
        Reader(images, ["spectrum", "spectrum"])


def test_readings_come_in_the_order_asked_for():
    jacobian, images = example()
    names = list(READINGS)[::-1]
    assert list(Reader(images, names).read(jacobian)) == names
    assert list(Reader(images).read(jacobian)) == list(READINGS)
