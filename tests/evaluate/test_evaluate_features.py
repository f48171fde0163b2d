"""Feature matrices: exact small cases, dead networks kept, and what is refused."""

import numpy as np
import pytest

from cena.errors import InputError
from cena.evaluate import (
    TRIVIAL,
    FeatureSources,
    feature_sets,
    fill_dead,
    join,
    log_parameters,
    log_spectrum,
    principal_components,
)

N = 12
GENERATOR = np.random.default_rng(0)
ARRAYS = {
    "embedding": GENERATOR.normal(size=(N, 9)),
    "coordinates": GENERATOR.uniform(size=(N, 3)),
    "untrained": GENERATOR.normal(size=(N, 9)),
    "singular_values": GENERATOR.exponential(size=(N, 4, 5)),
    "jacov": GENERATOR.normal(size=(N, 4)),
    "one_hot": np.eye(N),
    "paper": GENERATOR.normal(size=(N, 7)),
    "readings": GENERATOR.normal(size=(N, 40)),
}
PARAMETERS = np.arange(100, 100 + N)


def test_log_parameters_is_one_column():
    assert log_parameters([1, 10]) == pytest.approx(np.array([[0], [np.log(10)]]))
    with pytest.raises(InputError, match="1 counts that are not positive"):
        log_parameters([5, 0])


def test_log_spectrum_averages_logs_over_views():
    values = np.exp([[[3.0, 1.0], [5.0, 2.0]]])
    assert log_spectrum(values) == pytest.approx(np.array([[4.0, 1.5]]))


def test_log_spectrum_floors_zeros_relative_to_their_view():
    values = np.array([[[10.0, 0.0]], [[0.001, 0.0]]])
    assert log_spectrum(values)[:, 1] == pytest.approx(np.log([1e-5, 1e-9]))


def test_log_spectrum_leaves_out_dead_views_and_marks_dead_networks():
    live, zero, broken = [2.0, 1.0], [0.0, 0.0], [np.inf, 1.0]
    spectrum = log_spectrum([[live, zero, broken, [np.nan, 1.0]], [zero, broken, zero, zero]])
    assert spectrum[0] == pytest.approx(np.log(live))
    assert np.isnan(spectrum[1]).all()


def test_jacov_is_averaged_over_live_views():
    scores = [[1.0, 3.0], [np.nan, 5.0], [np.nan, -np.inf]]
    column = feature_sets(FeatureSources([1, 1, 1], jacov=scores))["jacov + log parameters"][:, 0]
    assert column[:2] == pytest.approx([2, 5])
    assert column[2] < 2  # dead


def test_principal_components_keep_distances_and_order_variances():
    data = np.random.default_rng(1).normal(size=(30, 4)) * [1, 5, 2, 0.1] + 7
    reduced = principal_components(data, 4)
    distances = np.linalg.norm(data[:, None] - data, axis=2)
    assert np.linalg.norm(reduced[:, None] - reduced, axis=2) == pytest.approx(distances, abs=1e-9)
    variances = reduced.var(axis=0)
    assert (np.diff(variances) < 0).all()
    assert variances == pytest.approx(np.linalg.eigvalsh(np.cov(data.T, bias=True))[::-1])
    assert principal_components(data, 2) == pytest.approx(reduced[:, :2], abs=1e-9)


def test_principal_components_do_not_depend_on_the_sign_solver_and_skip_dead_rows():
    data = np.random.default_rng(1).normal(size=(30, 4)) * [1, 5, 2, 0.1]
    loadings = np.linalg.lstsq(data - data.mean(axis=0), principal_components(data, 4))[0]
    assert (loadings[np.abs(loadings).argmax(axis=0), range(4)] > 0).all()
    dead = data.copy()
    dead[3, 1] = np.nan
    reduced = principal_components(dead, 2)
    assert np.isnan(reduced[3]).all()
    assert np.delete(reduced, 3, axis=0) == pytest.approx(principal_components(np.delete(data, 3, axis=0), 2))


@pytest.mark.parametrize("components", [0, 5])
def test_principal_components_refuse_what_does_not_exist(components):
    with pytest.raises(InputError, match="give 1 to 4"):
        principal_components(np.random.default_rng(0).normal(size=(10, 4)), components)


def test_fill_dead_puts_what_is_not_finite_below_its_column_and_keeps_the_rest():
    matrix = np.array([[1.0, 7.0, 0.0], [np.nan, 7.0, np.inf], [4.0, -np.inf, 5.0]])
    filled = fill_dead(matrix)
    assert filled == pytest.approx(np.array([[1.0, 7.0, 0.0], [-2.0, 7.0, -5.0], [4.0, 6.0, 5.0]]))
    assert np.isnan(matrix[1, 0])
    with pytest.raises(InputError, match="all networks are dead"):
        fill_dead([[np.nan], [np.inf]])


def test_feature_sets_are_named_ordered_and_finite_with_dead_networks_inside():
    arrays = {name: array.copy() for name, array in ARRAYS.items()}
    for name in ("embedding", "coordinates", "paper", "untrained", "readings", "jacov"):
        arrays[name][2] = np.nan
    arrays["singular_values"][2] = 0
    sets = feature_sets(FeatureSources(PARAMETERS, **arrays))
    assert {name: matrix.shape for name, matrix in sets.items()} == {
        "embedding + log parameters": (N, 10),
        "embedding": (N, 9),
        "coordinates": (N, 3),
        "paper's recipe + log parameters": (N, 8),
        "paper's recipe": (N, 7),
        "untrained encoder + log parameters": (N, 10),
        "untrained encoder": (N, 9),
        "log spectrum + log parameters": (N, 6),
        "readings + log parameters": (N, 12),
        "jacov + log parameters": (N, 2),
        "one-hot": (N, N),
        "one-hot + log parameters": (N, N + 1),
        "embedding + one-hot + log parameters": (N, 9 + 1 + N),
        "log parameters": (N, 1),
    }
    assert next(iter(sets)) == "embedding + log parameters"
    assert set(TRIVIAL) < set(sets)
    for name, matrix in sets.items():
        assert np.isfinite(matrix).all(), name
        if name.endswith("log parameters"):
            assert matrix[:, -1] == pytest.approx(np.log(PARAMETERS))
    others = np.delete(sets["embedding"], 2, axis=0)
    assert (sets["embedding"][2] < others.min(axis=0)).all()
    assert others == pytest.approx(np.delete(ARRAYS["embedding"], 2, axis=0))


def test_feature_sets_leave_out_what_is_not_given():
    assert list(feature_sets(FeatureSources(PARAMETERS))) == ["log parameters"]
    assert list(feature_sets(FeatureSources(PARAMETERS, jacov=ARRAYS["jacov"]))) == [
        "jacov + log parameters",
        "log parameters",
    ]


def test_feature_sets_reduce_embeddings_when_asked():
    sets = feature_sets(FeatureSources(PARAMETERS, **ARRAYS), components=3)
    assert sets["paper's recipe"] == pytest.approx(principal_components(ARRAYS["paper"], 3))
    wide = feature_sets(FeatureSources(PARAMETERS, **ARRAYS), components=8)
    assert wide["paper's recipe"].shape == (N, 7)
    assert sets["embedding"] == pytest.approx(principal_components(ARRAYS["embedding"], 3))
    assert sets["untrained encoder + log parameters"].shape == (N, 4)
    assert sets["coordinates"].shape == (N, 3)


def test_shapes_that_cannot_be_are_refused():
    with pytest.raises(InputError, match=r"rows|join"):
        join(np.ones((3, 2)), np.ones(4))
    with pytest.raises(InputError, match="'coordinates' has 3 rows and parameters 12"):
        feature_sets(FeatureSources(PARAMETERS, coordinates=np.ones((3, 3))))
    with pytest.raises(InputError, match="expected \\(architectures, views, components\\)"):
        log_spectrum(np.ones((3, 4)))
    with pytest.raises(InputError, match="expected \\(architectures, views\\)"):
        feature_sets(FeatureSources(PARAMETERS, jacov=np.ones(3)))
    with pytest.raises(InputError, match="expected a row for each architecture"):
        join(np.ones((2, 2, 2)))


def test_an_embedding_wider_than_its_rows_are_many_keeps_all_components_that_there_are():
    sources = FeatureSources(np.arange(1, 7), embedding=np.random.default_rng(0).normal(size=(6, 40)))
    assert feature_sets(sources, components=16)["embedding"].shape == (6, 6)
