import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from cena.errors import InputError
from cena.search import CategoricalCandidates, ContinuousCandidates, VectorCandidates

# A coarse grid, so that duplicates and ties are frequent and distances exact.
GRID = st.integers(0, 4).map(lambda k: k / 4)


@st.composite
def problems(draw, elements, dtype):
    """Positions, a query and which positions are excluded (never all)."""
    n, d = draw(st.integers(1, 12)), draw(st.integers(1, 4))
    positions = draw(npst.arrays(dtype, (n, d), elements=elements))
    query = draw(npst.arrays(dtype, (d,), elements=elements))
    excluded = draw(npst.arrays(bool, (n,)))
    excluded[draw(st.integers(0, n - 1))] = False
    return positions, query, excluded


def check_against_brute_force(candidates, distance, positions, query, excluded):
    open_ = [i for i in range(len(positions)) if not excluded[i]]
    least = min(distance(positions[i], query) for i in open_)
    expected = {i for i in open_ if distance(positions[i], query) == least}
    generator = np.random.default_rng(0)
    assert {candidates.nearest_unevaluated(query, excluded, generator) for _ in range(5)} <= expected


@given(problems(GRID, np.float64))
def test_nearest_point_against_brute_force(problem):
    def euclidean(a, b):
        return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))

    check_against_brute_force(ContinuousCandidates(problem[0]), euclidean, *problem)


@given(problems(st.integers(0, 2), np.int64))
def test_nearest_code_against_brute_force(problem):
    def hamming(a, b):
        return sum(int(x) != int(y) for x, y in zip(a, b, strict=True))

    candidates = CategoricalCandidates(problem[0], [3] * problem[0].shape[1])
    check_against_brute_force(candidates, hamming, *problem)


@pytest.mark.parametrize(
    "candidates",
    [ContinuousCandidates(np.full((4, 2), 0.5)), CategoricalCandidates(np.eye(4, dtype=int), [2] * 4)],
    ids=["duplicate points", "equidistant codes"],
)
def test_ties_are_broken_uniformly(candidates):
    generator, query = np.random.default_rng(0), np.zeros(candidates.dimensions)
    drawn = [candidates.nearest_unevaluated(query, np.zeros(4, bool), generator) for _ in range(4000)]
    assert np.bincount(drawn, minlength=4) == pytest.approx(1000, abs=5 * np.sqrt(4000 * 3 / 16))


def test_unit_cube_is_cut_into_equal_bins():
    candidates = CategoricalCandidates([[0, 0]], [4, 3])
    positions = np.random.default_rng(0).random((12_000, 2))
    codes = np.array([candidates.from_unit_cube(position) for position in positions])
    assert np.bincount(codes[:, 0]) == pytest.approx(3000, abs=240)
    assert np.bincount(codes[:, 1]) == pytest.approx(4000, abs=260)
    assert candidates.from_unit_cube(np.array([0.0, 1.0])).tolist() == [0, 2]
    assert candidates.from_unit_cube(np.array([0.25, 0.34])).tolist() == [1, 1]


def test_positions_are_copied():
    points = np.asfortranarray(np.zeros((2, 2)))
    candidates = ContinuousCandidates(points)
    points[0] = 1
    assert candidates.positions[0].tolist() == [0, 0]


def test_many_choices_are_told_apart():
    candidates = CategoricalCandidates([[0], [256], [299]], [300])
    found = candidates.nearest_unevaluated([256], np.zeros(3, bool), np.random.default_rng(0))
    assert found == 1


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([0.5, 0.5], r"shape \(2,\)"),
        (np.empty((0, 3)), r"shape \(0, 3\)"),
        (np.empty((3, 0)), r"shape \(3, 0\)"),
        ([[0, 0], [0.5, 1.01]], r"point 1 is \[0.5, 1.01\]"),
        ([[-0.1]], r"point 0 is \[-0.1\]"),
        ([[0.5], [np.nan]], r"point 1 is \[nan\]"),
        ([[np.inf]], r"point 0 is \[inf\]"),
    ],
)
def test_bad_points_are_refused(points, message):
    with pytest.raises(InputError, match=message):
        ContinuousCandidates(points)


@pytest.mark.parametrize(
    ("codes", "cardinalities", "message"),
    [
        ([0, 1], [2, 2], r"int64 of shape \(2,\)"),
        (np.empty((0, 2), int), [2, 2], r"shape \(0, 2\)"),
        ([[0.5, 1]], [2, 2], "the codes are float64"),
        ([[0, 1]], [2], r"cardinalities are int64 of shape \(1,\)"),
        ([[0, 1]], [2.0, 2.0], "cardinalities are float64"),
        ([[0, 1], [0, 2]], [2, 2], "architecture 1 has code 2 in column 1, which has 2 choices"),
        ([[-1, 1]], [2, 2], "architecture 0 has code -1 in column 0"),
        ([[0]], [0], "give codes from 0 to -1"),
    ],
)
def test_bad_codes_are_refused(codes, cardinalities, message):
    with pytest.raises(InputError, match=message):
        CategoricalCandidates(codes, cardinalities)


def test_blocks_lie_side_by_side_in_a_position():
    first, second = np.arange(6.0).reshape(3, 2), np.full((3, 1), 9.0)
    candidates = VectorCandidates(first, second)
    assert candidates.positions.tolist() == [[0, 1, 9], [2, 3, 9], [4, 5, 9]]
    assert [block.tolist() for block in candidates.blocks] == [first.tolist(), second.tolist()]


def test_blocks_of_different_architectures_are_refused():
    with pytest.raises(InputError, match=r"the blocks are about \[3, 2\] architectures; give a row for each in each"):
        VectorCandidates(np.ones((3, 2)), np.ones((2, 1)))


@pytest.mark.parametrize(
    "candidates", [ContinuousCandidates([[0.5], [0.2], [0.1]]), CategoricalCandidates([[0], [1], [2]], [3])]
)
def test_declared_classes_are_counted_from_zero_and_kept_by_vectors(candidates):
    declared = candidates.each_class_once([7, -2, 7])
    assert declared.classes.tolist() == declared.vectors.classes.tolist() == [1, 0, 1]
    assert candidates.classes is candidates.vectors.classes is None
    assert type(declared) is type(candidates)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([0, 1], r"the classes are int64 of shape \(2,\) for 3 architectures; give one integer for each architecture"),
        ([0.5, 1, 2], "the classes are float64"),
        ([[0, 1, 2]], r"shape \(1, 3\)"),
    ],
)
def test_bad_classes_are_refused(classes, message):
    with pytest.raises(InputError, match=message):
        ContinuousCandidates([[0.5], [0.2], [0.1]]).each_class_once(classes)
