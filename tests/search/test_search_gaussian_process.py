"""The Gaussian process against dense references, and what a search by it must not depend on."""

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.spatial.distance import cdist
from sklearn.gaussian_process.kernels import Matern

from cena.search import VectorCandidates, gaussian_process
from cena.search.gaussian_process import GaussianProcess, negative_likelihood, rank_normal

GENERATOR = np.random.default_rng(3)
BLOCKS = [GENERATOR.random((40, 3)), 7 * GENERATOR.random((40, 1))]
OBSERVED = [5, 0, 31, 17, 5, 22, 8, 39, 11, 27, 2, 36]  # row 5 twice
TARGETS = rank_normal(np.sin(3 * BLOCKS[0][OBSERVED, 0]) + 0.1 * GENERATOR.standard_normal(len(OBSERVED)))
SQUARES = np.stack([cdist(block[OBSERVED], block[OBSERVED], "sqeuclidean") for block in BLOCKS])
LOGARITHMS = np.log([0.4, 3.0, 0.05])


def dense_kernel(logarithms, rows):
    """Scikit-learn's kernel at features divided by their length scale: (rows, n)."""
    unit = [block / np.sqrt(block.var(axis=0).sum()) for block in BLOCKS]
    table = np.concatenate([block / np.exp(one) for block, one in zip(unit, logarithms, strict=False)], axis=1)
    return Matern(nu=2.5)(table[rows], table)


def check_against_dense(process):
    kernel = dense_kernel(process.logarithms, OBSERVED)
    covariance = kernel[:, OBSERVED] + np.exp(process.logarithms[-1]) * np.eye(len(OBSERVED))
    amplitude = (1 + TARGETS @ np.linalg.solve(covariance, TARGETS)) / (len(OBSERVED) + 1)
    left = 1 - np.einsum("mn,mn->n", kernel, np.linalg.solve(covariance, kernel))
    mean, deviation = process.predict(TARGETS)
    np.testing.assert_allclose(mean, kernel.T @ np.linalg.solve(covariance, TARGETS), atol=1e-8)
    np.testing.assert_allclose(deviation**2, amplitude * left, atol=1e-8)


def observed(logarithms=LOGARITHMS, rows=OBSERVED):
    process = GaussianProcess(BLOCKS, len(OBSERVED))
    process.logarithms = logarithms
    for row in rows:
        process.observe(row)
    return process


def test_posterior_row_by_row_against_dense_matrices():
    check_against_dense(observed())


def test_posterior_after_fit_and_after_further_rows_against_dense_matrices():
    process = observed(rows=OBSERVED[:7])
    process.fit(rank_normal(TARGETS[:7]))
    assert not np.allclose(process.logarithms, LOGARITHMS)
    for row in OBSERVED[7:]:
        process.observe(row)
    check_against_dense(process)


def test_row_by_row_is_the_fit_of_all_rows():
    at_once = observed()
    at_once.fit(TARGETS)
    one_by_one = observed(at_once.logarithms)
    np.testing.assert_allclose(one_by_one.predict(TARGETS), at_once.predict(TARGETS), atol=1e-9)


def test_process_without_noise_passes_through_its_targets():
    process = observed(np.log([0.4, 3.0, 1e-6]), OBSERVED[:4])
    mean, deviation = process.predict(TARGETS[:4])
    np.testing.assert_allclose(mean[OBSERVED[:4]], TARGETS[:4], atol=1e-4)
    assert deviation[OBSERVED[:4]].max() < 0.01 < 0.1 < np.delete(deviation, OBSERVED[:4]).min()


def log_density(logarithms):
    """Of a Student's t of one degree of freedom: what a normal of unknown amplitude is, under this prior of it."""
    table = np.sqrt(np.einsum("b,bmn->mn", np.exp(-2 * logarithms[:-1]), SQUARES))
    kernel = (1 + 5**0.5 * table + 5 / 3 * table**2) * np.exp(-(5**0.5) * table)
    return stats.multivariate_t.logpdf(TARGETS, shape=kernel + np.exp(logarithms[-1]) * np.eye(len(TARGETS)), df=1)


def test_likelihood_is_students_density_up_to_a_constant():
    points = GENERATOR.uniform(-2, 1, (10, 3))
    sums = [negative_likelihood(point, SQUARES, TARGETS)[0] + log_density(point) for point in points]
    np.testing.assert_allclose(sums, sums[0], rtol=1e-9)
    assert np.ptp([log_density(point) for point in points]) > 1


def test_gradient_of_the_likelihood_against_differences():
    for point in GENERATOR.uniform(-2, 1, (10, 3)):
        gradient = negative_likelihood(point, SQUARES, TARGETS)[1]
        differences = optimize.approx_fprime(point, lambda x: negative_likelihood(x, SQUARES, TARGETS)[0], 1e-6)
        np.testing.assert_allclose(gradient, differences, atol=1e-4)


def test_fit_finds_the_optimum_that_a_search_without_gradient_finds():
    process = observed()
    process.fit(TARGETS)
    squares = SQUARES / np.array([block.var(axis=0).sum() for block in BLOCKS])[:, None, None]
    bounds = np.log([(0.05, 50), (0.05, 50), (1e-6, 10)])
    found = optimize.minimize(
        lambda x: negative_likelihood(x, squares, TARGETS)[0], np.log([1, 1, 0.01]), method="Nelder-Mead", bounds=bounds
    )
    assert negative_likelihood(process.logarithms, squares, TARGETS)[0] == pytest.approx(found.fun, abs=1e-4)


def test_block_that_does_not_matter_gets_the_longer_length_scale():
    blocks = [GENERATOR.random((200, 2)), GENERATOR.random((200, 2))]
    process = GaussianProcess(blocks, 60)
    for row in range(60):
        process.observe(row)
    process.fit(rank_normal(np.sin(4 * blocks[1][:60, 0]) + blocks[1][:60, 1]))
    assert process.logarithms[0] > process.logarithms[1] + np.log(4)


def test_rank_normal_targets():
    values = np.array([3.0, -100.0, 7.0, 3.0, 5.0])
    expected = stats.norm.ppf((stats.rankdata(values) - 0.5) / 5)
    np.testing.assert_allclose(rank_normal(values), expected, atol=1e-12)
    assert rank_normal(np.full(6, 50.0)).tolist() == [0] * 6
    assert rank_normal(np.array([4.0])).tolist() == [0]


def test_equal_targets_leave_the_rows_that_are_known_least():
    """Nothing tells good from bad, and the deviation alone decides."""
    points = np.array([[0.0], [0.01], [0.02], [1.0]])
    process = GaussianProcess([points], 2)
    for row in (0, 2):
        process.observe(row)
    process.fit(np.zeros(2))
    mean, deviation = process.predict(np.zeros(2))
    assert (mean == 0).all()
    assert deviation.argmax() == 3


ACCURACY = 90 - 30 * ((BLOCKS[0] - 0.4) ** 2).sum(axis=1) - BLOCKS[1][:, 0]


def evaluated(*blocks, accuracy=ACCURACY):
    return gaussian_process(VectorCandidates(*blocks), accuracy, 40, 0).architectures.tolist()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda: evaluated(16 * BLOCKS[0], BLOCKS[1] / 4), id="scale of a block"),
        pytest.param(lambda: evaluated(*BLOCKS, accuracy=np.exp(ACCURACY / 10)), id="scale of the accuracies"),
        pytest.param(lambda: evaluated(*BLOCKS, np.ones((40, 2))), id="a block that says nothing"),
    ],
)
def test_search_does_not_depend_on(change):
    assert change() == evaluated(*BLOCKS)


def test_search_depends_on_which_features_form_a_block():
    assert evaluated(np.concatenate(BLOCKS, axis=1)) != evaluated(*BLOCKS)
