"""The closed form of several spaces: each counts alike, and it is the recipe."""

import numpy as np
import pytest
from scipy.linalg import eigh

from cena.contrast import ClosedFormConfig, fit_joint_closed_form
from cena.errors import InputError


def drawn_space(classes: int, seed: int, shift: float = 0.0):
    """The readings and the mask of a random space; its means lie at `shift`."""
    generator = np.random.default_rng(seed)
    means = shift + generator.normal(size=(classes, 1, 4)) * [3, 2, 1, 0.5]
    block = means + generator.normal(size=(classes, 3, 4))
    return {"one": block}, generator.random((classes, 3)) < 0.9


def test_spaces_count_alike_however_many_classes_they_have() -> None:
    """Twice the same space is that space, and a copy of all classes of one space changes nothing but degrees of
    freedom."""
    config = ClosedFormConfig(components=4, shrinkage=0.1)
    small, large = drawn_space(30, 0), drawn_space(500, 1, shift=1.0)
    once, twice = (fit_joint_closed_form([large] * count, config) for count in (1, 2))
    np.testing.assert_allclose(once.signal_to_noise, twice.signal_to_noise)
    both, reversed_ = (fit_joint_closed_form(order, config) for order in ([small, large], [large, small]))
    np.testing.assert_allclose(both.signal_to_noise, reversed_.signal_to_noise)
    copied = {"one": np.concatenate([large[0]["one"]] * 4)}, np.concatenate([large[1]] * 4)
    more = fit_joint_closed_form([small, copied], config)
    np.testing.assert_allclose(more.signal_to_noise, both.signal_to_noise, rtol=0.03)


def test_the_joint_form_is_the_recipe() -> None:
    """An independent reference, without principal components and for full masks: means of W_s and of B_s, and what the
    spaces' means differ by."""
    drawn = [drawn_space(count, seed, shift)[0] for count, seed, shift in ((40, 2, 0.0), (90, 3, 2.0))]
    arrays = [blocks["one"] for blocks in drawn]
    spaces = [(blocks, np.ones(blocks["one"].shape[:2], bool)) for blocks in drawn]
    centre = np.mean([array.mean((0, 1)) for array in arrays], axis=0)
    deviation = np.sqrt(np.mean([((array - centre) ** 2).mean((0, 1)) for array in arrays], axis=0))
    W, B = np.zeros((4, 4)), np.zeros((4, 4))
    for array in arrays:
        Z = (array - centre) / deviation
        inner = np.mean([np.cov(rows, rowvar=False) for rows in Z], axis=0)
        mean = Z.mean((0, 1))
        W += inner / 2
        B += (np.cov(Z.mean(1), rowvar=False) - inner / 3 + np.outer(mean, mean)) / 2
    shrunk = 0.8 * W + 0.2 * np.trace(W) / 4 * np.eye(4)
    expected = eigh(B, shrunk, eigvals_only=True)[::-1]
    found = fit_joint_closed_form(spaces, ClosedFormConfig(components=4, shrinkage=0.2))
    np.testing.assert_allclose(found.signal_to_noise, expected)


def test_spaces_with_other_readings_are_refused() -> None:
    blocks, usable = drawn_space(30, 0)
    other = {"one": blocks["one"][..., :3]}
    with pytest.raises(InputError, match=r"the readings \{'one': 4\} .* are \{'one': 3\} in another: give the same"):
        fit_joint_closed_form([(blocks, usable), (other, usable)], ClosedFormConfig(components=2))
