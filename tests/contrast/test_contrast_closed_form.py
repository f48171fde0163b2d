"""The closed-form encoder: against a calculation by hand, scikit-learn and the first recipe; and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import optimize
from scipy.linalg import eigh, hadamard
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from cena.contrast import ClosedFormConfig, fit_closed_form, load_closed_form
from cena.errors import InputError
from cena.tensor_files import read_tensors, write_tensors

PLAIN = ClosedFormConfig(components=3, shrinkage=0)


def covariance(size: int, seed: int) -> np.ndarray:
    A = np.random.default_rng(seed).standard_normal((size, size))
    return A @ A.T + 0.1 * np.eye(size)


def classes_of(between: np.ndarray, within: np.ndarray, classes: int, views: int, seed: int = 0) -> np.ndarray:
    """(classes, views, size) views with these covariances."""
    generator = np.random.default_rng(seed)
    nothing = np.zeros(len(between))
    centres = generator.multivariate_normal(nothing, between, classes)
    return centres[:, None] + generator.multivariate_normal(nothing, within, (classes, views))


def example(classes: int = 40, views: int = 3, sizes: tuple[int, ...] = (4, 6), seed: int = 0) -> dict[str, np.ndarray]:
    whole = classes_of(covariance(sum(sizes), 1), covariance(sum(sizes), 2), classes, views, seed)
    return dict(zip("abcd", np.split(whole, np.cumsum(sizes)[:-1], axis=2), strict=False))


def everything(blocks: dict[str, np.ndarray]) -> np.ndarray:
    return np.ones(next(iter(blocks.values())).shape[:2], dtype=bool)


def same_up_to_signs(one: np.ndarray, other: np.ndarray) -> None:
    one, other = one.reshape(-1, one.shape[-1]), other.reshape(-1, other.shape[-1])
    np.testing.assert_allclose(one * np.sign((one * other).sum(axis=0)), other, rtol=1e-5, atol=1e-6 * abs(other).max())


def test_one_dimension_by_hand():
    """Noise variance 2; mean square between classes 100, which holds the noise once and the signal twice."""
    views = np.array([[[0.0], [2]], [[10], [12]]])
    config = ClosedFormConfig(components=1, shrinkage=0.3)  # in one dimension it changes nothing
    fitted = fit_closed_form({"a": views}, np.ones((2, 2), bool), config)
    assert fitted.signal_to_noise == pytest.approx([49 / 2])
    np.testing.assert_allclose(fitted.embed({"a": views}), (views - 6) / np.sqrt(2) * np.sqrt(24.5 / 25.5))


def test_a_diagonal_case_by_hand():
    """Class effects and noise in columns of a Hadamard matrix, so that no two columns of the views are correlated."""
    H = hadamard(8)
    signal, noise = np.array([1.0, 5, 1.5]), np.array([0.5, 0.25, 2])
    views = np.stack([H[:, 1:4] * signal + sign * H[:, 4:7] * noise for sign in (1, -1)], axis=1)
    fitted = fit_closed_form({"a": views}, np.ones((8, 2), bool), PLAIN)
    expected = (8 / 7 * signal**2 - noise**2) / (2 * noise**2)
    np.testing.assert_allclose(fitted.signal_to_noise, np.sort(expected[expected > 0])[::-1])
    assert len(fitted.signal_to_noise) == 2  # in the third classes differ less than initialisations


def test_signal_to_noise_is_recovered_within_sampling_error():
    between, within = covariance(4, 3), covariance(4, 4)
    views = classes_of(between, within, 4000, 4)
    fitted = fit_closed_form({"a": views}, np.ones((4000, 4), bool), replace(PLAIN, components=4))
    np.testing.assert_allclose(fitted.signal_to_noise, eigh(between, within)[0][::-1], rtol=0.1, atol=0.03)


def test_embedded_noise_has_unit_variance_but_for_the_reliability():
    blocks = example(classes=300)
    fitted = fit_closed_form(blocks, everything(blocks), PLAIN)
    embedded = fitted.embed(blocks)
    residuals = embedded - embedded.mean(axis=1, keepdims=True)
    noise = np.einsum("cvi,cvj->ij", residuals, residuals) / (300 * 2)
    reliability = fitted.signal_to_noise / (1 + fitted.signal_to_noise)
    np.testing.assert_allclose(noise, np.diag(reliability), atol=1e-9)


def test_invertible_maps_within_a_block_change_nothing():
    """As long as no component is left out and nothing is shrunk."""
    blocks = example()
    maps = {name: np.random.default_rng(5).standard_normal((b.shape[2], b.shape[2])) for name, b in blocks.items()}
    mapped = {name: block @ maps[name] + 7 for name, block in blocks.items()}
    one, other = (fit_closed_form(some, everything(some), PLAIN) for some in (blocks, mapped))
    np.testing.assert_allclose(one.signal_to_noise, other.signal_to_noise, rtol=1e-6)
    same_up_to_signs(one.embed(blocks), other.embed(mapped))


def test_directions_are_those_of_linear_discriminant_analysis():
    """Without shrinkage; scikit-learn's shrinks the covariance between classes too."""
    blocks = example(classes=15, views=5, sizes=(6,))
    views = blocks["a"].reshape(-1, 6)
    analysis = LinearDiscriminantAnalysis(solver="eigen").fit(views, np.repeat(np.arange(15), 5))
    theirs = analysis.transform(views)[:, :3]
    ours = fit_closed_form(blocks, everything(blocks), PLAIN).embed(blocks).reshape(-1, 3)
    same_up_to_signs(ours / ours.std(axis=0), (theirs - theirs.mean(axis=0)) / theirs.std(axis=0))


def recipe(blocks, shrinkage, components, principal):
    """The recipe that the numbers of this project were first found with, exact where it drew at random."""
    parts = []
    for block in blocks.values():
        flat = block.reshape(-1, block.shape[-1])
        flat = (flat - flat.mean(0)) / flat.std(0)
        if flat.shape[1] > principal:
            flat = PCA(principal, svd_solver="full").fit_transform(flat)
        parts.append(flat.reshape(*block.shape[:2], -1))
    Z = np.concatenate(parts, -1)
    classes, views, d = Z.shape
    means = Z.mean(1)
    residuals = Z - means[:, None]
    within = np.einsum("cvi,cvj->ij", residuals, residuals) / (classes * (views - 1))
    between = np.cov(means.T) - within / views
    within = (1 - shrinkage) * within + shrinkage * np.trace(within) / d * np.eye(d)
    values, vectors = (array[..., ::-1][..., :components] for array in eigh(between, within))
    return (Z - means.mean(0)) @ vectors * np.sqrt(values / (1 + values)), values


@pytest.mark.parametrize("shrinkage", [0.0, 0.1, 0.7])
def test_it_is_the_recipe(shrinkage):
    blocks = example(classes=50, views=4, sizes=(5, 30))
    embedded, values = recipe(blocks, shrinkage, 3, 10)
    fitted = fit_closed_form(blocks, everything(blocks), ClosedFormConfig(3, shrinkage, 10))
    np.testing.assert_allclose(fitted.signal_to_noise, values, rtol=1e-8)
    same_up_to_signs(fitted.embed(blocks), embedded)


def moments(views: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Between- and within-class covariance of classes with any numbers of views, term by term."""
    size, count = views[0].shape[1], sum(len(some) for some in views)
    mean = sum(view for some in views for view in some) / count
    within, square = np.zeros((size, size)), np.zeros((size, size))
    for some in views:
        centre = sum(some) / len(some)
        square += len(some) * np.outer(centre - mean, centre - mean) / (len(views) - 1)
        for view in some:
            within += np.outer(view - centre, view - centre) / (count - len(views))
    each = (count - sum(len(some) ** 2 for some in views) / count) / (len(views) - 1)
    return (square - within) / each, within


def test_classes_weigh_by_their_usable_views():
    blocks = example(classes=30, sizes=(5,))
    usable = np.random.default_rng(1).random((30, 3)) < 0.6
    usable[:4] = [[True, True, True], [False, True, False], [True, True, False], [False, False, False]]
    blocks["a"][~usable] = np.nan
    fitted = fit_closed_form(blocks, usable, PLAIN)
    between, within = moments([block[u] for block, u in zip(blocks["a"], usable, strict=True) if u.any()])
    np.testing.assert_allclose(fitted.signal_to_noise, eigh(between, within)[0][::-1][:3], rtol=1e-8)


def test_no_linear_encoder_has_a_smaller_spectral_contrastive_loss():
    blocks = example(classes=200, sizes=(4,))
    fitted = fit_closed_form(blocks, everything(blocks), replace(PLAIN, components=2))
    between, within = moments(list(blocks["a"]))

    def loss(flat: np.ndarray) -> float:
        A = flat.reshape(4, 2)
        return -2 * np.trace(A.T @ between @ A) + np.sum((A.T @ (between + within) @ A) ** 2)

    start = np.random.default_rng(2).standard_normal(8)
    least = optimize.minimize(loss, start, method="BFGS").fun
    reliability = fitted.signal_to_noise / (1 + fitted.signal_to_noise)
    assert least == pytest.approx(-np.sum(reliability**2), rel=1e-4)


def nearest_is_own(views: np.ndarray) -> float:
    """How many of the first views have the second one of their own class nearest of all second ones."""
    distances = np.linalg.norm(views[:, None, 0] - views[None, :, 1], axis=2)
    return float((distances.argmin(axis=1) == np.arange(len(views))).mean())


def test_it_finds_a_class_again_that_its_input_hides():
    """Classes differ in six of sixty directions, in which initialisations differ less than in the others."""
    turn = np.linalg.qr(np.random.default_rng(3).standard_normal((60, 60)))[0]
    between, within = np.zeros(60), np.full(60, 9.0)
    between[:6], within[:6] = 1, 0.005
    views = classes_of(turn * between @ turn.T, turn * within @ turn.T, 400, 4)
    fitted = fit_closed_form({"a": views[:200]}, np.ones((200, 4), bool), ClosedFormConfig(components=6))
    others = views[200:]
    assert nearest_is_own(others) < 0.1
    assert nearest_is_own(fitted.embed({"a": others})) > 0.6


def test_it_is_deterministic_and_its_largest_weights_are_positive():
    blocks = example()
    one, other = (fit_closed_form(blocks, everything(blocks), PLAIN) for _ in range(2))
    assert one.digest == other.digest != fit_closed_form(blocks, everything(blocks), ClosedFormConfig(3)).digest
    weights = np.concatenate([block.projection for block in one.blocks.values()])
    assert (weights[abs(weights).argmax(axis=0), range(3)] > 0).all()


def test_a_column_that_never_varies_counts_for_nothing():
    blocks = example()
    idle = {**blocks, "a": np.concatenate([blocks["a"], np.full((40, 3, 2), 0.1)], axis=2), "c": np.ones((40, 3, 1))}
    one, other = (fit_closed_form(some, everything(some), PLAIN) for some in (blocks, idle))
    np.testing.assert_allclose(one.signal_to_noise, other.signal_to_noise)
    same_up_to_signs(one.embed(blocks), other.embed(idle))


def test_it_is_saved_and_loaded_as_it_is(tmp_path):
    blocks = example()
    fitted = fit_closed_form(blocks, everything(blocks), PLAIN)
    for name in ("one", "two"):
        fitted.save(tmp_path / name)
    loaded = load_closed_form(tmp_path / "one")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert loaded.digest == fitted.digest
    assert loaded.embed(blocks).tobytes() == fitted.embed(blocks).tobytes()


def test_a_damaged_file_is_refused(tmp_path):
    blocks = example()
    path = tmp_path / "file"
    fit_closed_form(blocks, everything(blocks), PLAIN).save(path)
    tensors, description = read_tensors(path, "a closed-form encoder")
    write_tensors(path, "a closed-form encoder", {**tensors, "lambda": tensors["lambda"] + 1}, description)
    with pytest.raises(InputError, match="is damaged: its numbers do not have the digest that was saved"):
        load_closed_form(path)
    write_tensors(path, "a closed-form encoder", {"lambda": torch.ones(2)}, description)
    with pytest.raises(InputError, match="is no closed form of this version; fit and save it again"):
        load_closed_form(path)


def one_view(_, usable):
    usable[:, 1:] = False


def few_classes(_, usable):
    usable[3:] = False


def all_equal(blocks, _):
    for block in blocks.values():
        block[:] = 0.1


def equal_views(blocks, _):
    for block in blocks.values():
        block[:] = block[:, :1]


def equal_classes(blocks, _):
    """Noise that is the same in every class, so that their means are exactly equal."""
    for block in blocks.values():
        block[:] = block[:1]


def not_finite(blocks, _):
    blocks["b"][2, 1, 0] = np.inf


def other_views(blocks, _):
    blocks["b"] = blocks["b"][:, :2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (one_view, "no class has two usable views: the closed form needs several initialisations of a class"),
        (few_classes, "3 classes with usable views cannot span 3 components: ask for fewer components"),
        (all_equal, "all views of a class are equal: the closed form needs views of several initialisations"),
        (equal_views, "all views of a class are equal: the closed form needs views of several initialisations"),
        (equal_classes, "classes differ no more than initialisations of one class do: there is nothing to embed"),
        (not_finite, "reading 'b' is not finite everywhere: mark such views as not usable"),
        (other_views, "do not belong together: expected"),
    ],
)
def test_views_that_cannot_be_fitted_are_refused(change, message):
    blocks = example()
    usable = everything(blocks)
    change(blocks, usable)
    with pytest.raises(InputError, match=message):
        fit_closed_form(blocks, usable, ClosedFormConfig(components=3))


def test_noise_that_leaves_a_direction_out_needs_shrinkage():
    blocks = example(classes=6, views=2, sizes=(10,))
    with pytest.raises(InputError, match="ask for a shrinkage above 0"):
        fit_closed_form(blocks, everything(blocks), PLAIN)
    fit_closed_form(blocks, everything(blocks), ClosedFormConfig(3, 0.1))


@pytest.mark.parametrize(
    "change",
    [
        lambda blocks: {"a": blocks["a"]},
        lambda blocks: {**blocks, "c": blocks["b"]},
        lambda blocks: {"a": blocks["a"], "c": blocks["b"]},
        lambda blocks: {**blocks, "a": blocks["a"][..., :2]},
    ],
)
def test_other_readings_than_it_was_fitted_on_are_refused(change):
    blocks = example()
    fitted = fit_closed_form(blocks, everything(blocks), PLAIN)
    with pytest.raises(InputError, match=r"are not those that the closed form was fitted on, \{'a': 4, 'b': 6\}"):
        fitted.embed(change(blocks))


def test_the_order_of_readings_does_not_matter():
    blocks = example()
    fitted = fit_closed_form(blocks, everything(blocks), PLAIN)
    assert fitted.embed(dict(reversed(blocks.items()))).tobytes() == fitted.embed(blocks).tobytes()


def test_a_view_that_is_not_finite_is_not_embedded():
    blocks = example()
    fitted = fit_closed_form(blocks, everything(blocks), PLAIN)
    blocks["a"][0, 0, 0] = np.nan
    with pytest.raises(InputError, match="reading 'a' is not finite everywhere"):
        fitted.embed(blocks)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"components": 0}, "components of the closed form is 0; expected at least 1"),
        ({"principal": 0}, "principal of the closed form is 0; expected at least 1"),
        ({"shrinkage": 1.5}, "shrinkage of the closed form is 1.5; expected a number from 0 to 1"),
        ({"shrinkage": float("nan")}, "shrinkage of the closed form is nan; expected a number from 0 to 1"),
    ],
)
def test_settings_out_of_range_are_refused(setting, message):
    with pytest.raises(InputError, match=message):
        ClosedFormConfig(**setting)
