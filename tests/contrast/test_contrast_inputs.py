import numpy as np
import pytest
from contrast_views import synthetic_views

from cena.contrast import SpectrumScale, encoder_input, spectrum_scale
from cena.errors import InputError
from cena.view_arrays import SPECTRUM_FLOOR

THREE = SpectrumScale((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def test_columns_are_unit_vectors_times_the_root_of_the_points():
    directions, singular_values, usable = synthetic_views(classes=3)
    inputs = encoder_input(3 * directions, singular_values, spectrum_scale(singular_values, usable))
    assert inputs.dtype == np.float32
    assert inputs.shape == (3, 4, 16 + 1, 12)
    np.testing.assert_allclose(np.linalg.norm(inputs[..., :-1, :], axis=-2), np.sqrt(16), rtol=1e-5)
    cosines = np.sum(inputs[..., :-1, :] * directions, axis=-2) / np.sqrt(16)
    np.testing.assert_allclose(cosines, 1, atol=2e-3)  # float16 columns have unit length up to that


def test_the_last_row_is_the_standardised_logarithm_of_the_spectrum():
    directions, singular_values, usable = synthetic_views(classes=50)
    usable[3:7, 1] = False
    rows = encoder_input(directions, singular_values, spectrum_scale(singular_values, usable))[..., -1, :][usable]
    np.testing.assert_allclose(rows.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(rows.std(axis=0), 1, atol=1e-5)
    logarithms = np.log(singular_values[usable])
    np.testing.assert_allclose(np.corrcoef(rows[:, 0], logarithms[:, 0])[0, 1], 1)


def test_the_unit_of_the_singular_values_does_not_matter():
    directions, values, usable = synthetic_views(classes=5)
    np.testing.assert_allclose(
        encoder_input(directions, values, spectrum_scale(values, usable)),
        encoder_input(directions, 1000 * values, spectrum_scale(1000 * values, usable)),
        atol=1e-4,
    )


def test_tiny_singular_values_count_as_the_floor():
    row = encoder_input(np.ones((5, 3)), np.array([1.0, 1e-9, 0.0]), THREE)[-1]
    np.testing.assert_allclose(row, [0, np.log(SPECTRUM_FLOOR), np.log(SPECTRUM_FLOOR)], rtol=1e-6)


def test_a_component_that_does_not_vary_is_only_shifted():
    values = np.ones((4, 2, 3)) * [5.0, 2.0, 1.0]
    scale = spectrum_scale(values, np.ones((4, 2), dtype=bool))
    assert scale.deviation == (1.0, 1.0, 1.0)
    np.testing.assert_allclose(
        encoder_input(np.ones((4, 2, 5, 3)), 2 * values, scale)[..., -1, :], np.log(2), rtol=1e-5
    )


def test_dead_view_gives_zeros():
    assert not encoder_input(np.zeros((2, 5, 3)), np.zeros((2, 3)), THREE).any()
    assert not encoder_input(np.ones((2, 5, 3)), np.zeros((2, 3)), SpectrumScale((1.0,) * 3, (2.0,) * 3)).any()


def test_a_scale_needs_a_live_view():
    with pytest.raises(InputError, match="no usable view"):
        spectrum_scale(np.ones((2, 2, 3)), np.zeros((2, 2), dtype=bool))
    with pytest.raises(InputError, match="no usable view"):
        spectrum_scale(np.zeros((2, 2, 3)), np.ones((2, 2), dtype=bool))


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("where", ["directions", "singular_values"])
def test_values_that_are_not_finite_are_refused(where, value):
    arrays = {"directions": np.ones((2, 5, 3)), "singular_values": np.ones((2, 3))}
    arrays[where][..., 0] = value
    with pytest.raises(InputError, match="not finite"):
        encoder_input(**arrays, scale=THREE)


def test_negative_singular_values_are_refused():
    with pytest.raises(InputError, match="negative"):
        encoder_input(np.ones((5, 3)), -np.ones(3), THREE)


@pytest.mark.parametrize(("directions", "values"), [((5, 3), (5,)), ((2, 5, 3), (3,)), ((3,), (3,))])
def test_shapes_that_do_not_belong_together_are_refused(directions, values):
    with pytest.raises(InputError, match="do not belong together"):
        encoder_input(np.ones(directions), np.ones(values), THREE)


def test_another_number_of_components_than_in_training_is_refused():
    with pytest.raises(InputError, match="expected 3 components"):
        encoder_input(np.ones((5, 4)), np.ones(4), THREE)
