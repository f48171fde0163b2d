"""Means over the views that count and logarithms of spectra, against their definitions."""

import numpy as np
import pytest

from cena.view_arrays import SPECTRUM_FLOOR, log_singular_values, mean_over_views


@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_the_mean_is_over_the_views_that_count(precision):
    generator = np.random.default_rng(0)
    values = generator.standard_normal((6, 4, 3)).astype(precision)
    counted = generator.random((6, 4)) < 0.6
    counted[0], counted[1] = True, False
    values[~counted] = np.nan
    means = mean_over_views(values, counted)
    assert means.dtype == precision
    assert np.isnan(means[1]).all()
    for row in np.flatnonzero(counted.any(axis=1)):
        np.testing.assert_allclose(means[row], values[row][counted[row]].mean(axis=0), rtol=1e-6)


@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_small_singular_values_count_as_the_floor_and_dead_views_as_zero(precision):
    values = np.array([[100.0, 1.0, 1e-9, 0.0], [0.0, 0.0, 0.0, 0.0], [np.nan, 1.0, 1.0, 1.0]], precision)
    logarithms = log_singular_values(values)
    assert logarithms.dtype == precision
    floor = 100 * SPECTRUM_FLOOR
    np.testing.assert_allclose(logarithms[0], np.log([100, 1, floor, floor]), rtol=1e-6, atol=1e-12)
    assert not logarithms[1:].any()
