import numpy as np
import pytest
from contrast_views import synthetic_views

from cena.contrast import encoder_input, reference_singular_value
from cena.errors import InputError


def test_column_lengths_are_the_logarithm_of_the_singular_values():
    directions, singular_values, _ = synthetic_views(classes=3)
    inputs = encoder_input(3 * directions, singular_values, reference=0.5)
    assert inputs.dtype == np.float32
    assert inputs.shape == directions.shape
    np.testing.assert_allclose(np.linalg.norm(inputs, axis=-2), np.log1p(singular_values / 0.5), rtol=1e-5)


def test_directions_are_kept():
    directions, singular_values, _ = synthetic_views(classes=2)
    inputs = encoder_input(directions, singular_values, reference=0.5)
    cosines = np.sum(inputs * directions, axis=-2) / np.linalg.norm(inputs, axis=-2)
    np.testing.assert_allclose(cosines, 1, atol=2e-3)  # float16 columns have unit length up to that


def test_dead_view_gives_zeros():
    assert not encoder_input(np.zeros((2, 5, 3)), np.zeros((2, 3)), reference=1.0).any()
    assert not encoder_input(np.ones((2, 5, 3)), np.zeros((2, 3)), reference=1.0).any()


def test_the_input_depends_on_the_unit_only_through_the_ratio():
    directions, singular_values, usable = synthetic_views(classes=2)
    reference = reference_singular_value(singular_values, usable)
    np.testing.assert_allclose(
        encoder_input(directions, singular_values, reference),
        encoder_input(directions, 1000 * singular_values, reference_singular_value(1000 * singular_values, usable)),
        rtol=1e-5,
    )


def test_reference_is_the_median_over_usable_views_without_zeros():
    values = np.array([[[4.0, 1.0], [100.0, 100.0]], [[2.0, 0.0], [0.0, 0.0]]])
    assert reference_singular_value(values, np.array([[True, False], [True, True]])) == 2.0


def test_reference_needs_a_live_view():
    with pytest.raises(InputError, match="no usable view"):
        reference_singular_value(np.ones((2, 2, 3)), np.zeros((2, 2), dtype=bool))


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("where", ["directions", "singular_values"])
def test_values_that_are_not_finite_are_refused(where, value):
    arrays = {"directions": np.ones((2, 5, 3)), "singular_values": np.ones((2, 3))}
    arrays[where][..., 0] = value
    with pytest.raises(InputError, match="not finite"):
        encoder_input(**arrays, reference=1.0)


def test_negative_singular_values_are_refused():
    with pytest.raises(InputError, match="negative"):
        encoder_input(np.ones((5, 3)), -np.ones(3), reference=1.0)


@pytest.mark.parametrize("reference", [0.0, -1.0, np.nan, np.inf])
def test_reference_must_be_positive(reference):
    with pytest.raises(InputError, match="above zero"):
        encoder_input(np.ones((5, 3)), np.ones(3), reference)


@pytest.mark.parametrize(("directions", "values"), [((5, 3), (5,)), ((2, 5, 3), (3,)), ((3,), (3,))])
def test_shapes_that_do_not_belong_together_are_refused(directions, values):
    with pytest.raises(InputError, match="do not belong together"):
        encoder_input(np.ones(directions), np.ones(values), reference=1.0)
