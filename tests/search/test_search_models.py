"""The models inside methods, against independent references."""

from functools import partial

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from cena.errors import InputError
from cena.search import METHODS, Evaluator, VectorCandidates, random_regret_expectation, regret_table, repeat
from cena.search.adam import Adam
from cena.search.arch2vec_bo import BayesianRegression, trained_layer
from cena.search.arch2vec_rl import RecurrentPolicy
from cena.search.surrogate import log_expected_improvement, search_by_model

GENERATOR = np.random.default_rng(0)


def test_adam_against_torch():
    weight = np.array([1.0, -2.0, 3.0])
    theirs = torch.tensor(weight, requires_grad=True)
    ours, reference = Adam([weight], 0.1), torch.optim.Adam([theirs], lr=0.1)
    for _ in range(20):
        reference.zero_grad()
        (theirs**4).sum().backward()
        reference.step()
        ours.step([4 * weight**3])
    np.testing.assert_allclose(weight, theirs.detach().numpy(), rtol=1e-9)


def test_recurrent_policy_and_its_gradient_against_torch():
    policy = RecurrentPolicy(3, 5, GENERATOR)
    cell, linear = torch.nn.LSTMCell(3, 5).double(), torch.nn.Linear(5, 3).double()
    W, U, b, V, a = (torch.tensor(weight) for weight in policy.weights)
    with torch.no_grad():
        for parameter, value in zip(
            [*cell.parameters(), *linear.parameters()], [W, U, b, torch.zeros(20), V, a], strict=True
        ):
            parameter.copy_(value)
    states, targets = GENERATOR.standard_normal((2, 4, 3))
    memory, means = None, []
    for state in torch.tensor(states):
        memory = cell(state, memory)
        means.append(linear(memory[0]))
    theirs = torch.stack(means)
    ((theirs - torch.tensor(targets)) ** 2).sum().backward()
    ours = np.array([policy(state) for state in states])
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-10)
    expected = [cell.weight_ih.grad, cell.weight_hh.grad, cell.bias_ih.grad, linear.weight.grad, linear.bias.grad]
    for found, reference in zip(policy.gradients(2 * (ours - targets)), expected, strict=True):
        np.testing.assert_allclose(found, reference.numpy(), rtol=1e-8, atol=1e-12)
    policy.forget()
    np.testing.assert_allclose(policy(states[0]), ours[0])


@pytest.mark.parametrize("mean", [2.0, 0.0, -0.9, -1.1, -6.0])
def test_expected_improvement_is_the_integral(mean):
    centre = 1 + 2 * mean
    exact, _ = integrate.quad(
        lambda y: (y - 1) * stats.norm.pdf(y, centre, 2), 1, 1 + 2 * max(mean, 0) + 30, epsabs=0, limit=200
    )
    found = log_expected_improvement(np.array([1 + 2 * mean]), np.array([2.0]), 1.0)
    assert np.exp(found[0]) == pytest.approx(exact, rel=1e-6)


def test_expected_improvement_orders_what_underflows():
    found = log_expected_improvement(-np.logspace(0, 7, 60), np.ones(60), 0.0)
    assert np.isfinite(found).all()
    assert (np.diff(found) < 0).all()


def test_bayesian_regression_against_its_matrices():
    features, others = GENERATOR.standard_normal((30, 4)), GENERATOR.standard_normal((6, 4))
    values = features @ [1, 2, 0, -1] + 0.1 * GENERATOR.standard_normal(30)
    model = BayesianRegression(features, values)
    covariance = np.linalg.inv(features.T @ features / model.noise + model.precision * np.eye(4))
    mean, deviation = model.predict(others)
    np.testing.assert_allclose(mean, others @ covariance @ features.T @ values / model.noise, rtol=1e-6)
    np.testing.assert_allclose(deviation**2, np.einsum("ij,jk,ik->i", others, covariance, others), rtol=1e-5)

    def evidence(precision, noise):
        spread = features @ features.T / precision + noise * np.eye(30)
        return stats.multivariate_normal.logpdf(values, np.zeros(30), spread)

    best = evidence(model.precision, model.noise)
    for factor in (0.7, 1.4):
        assert best > evidence(factor * model.precision, model.noise)
        assert best > evidence(model.precision, factor * model.noise)


def test_trained_layer_fits():
    inputs = GENERATOR.standard_normal((60, 2))
    values = np.sin(inputs[:, 0])
    weight, bias = trained_layer(inputs, values, np.random.default_rng(1))
    features = np.column_stack([np.tanh(inputs @ weight + bias), np.ones(60)])
    rest = values - features @ np.linalg.lstsq(features, values, rcond=1e-3)[0]
    assert rest.std() < 0.1 * values.std()


def test_architectures_of_equal_scores_are_equally_likely():
    candidates, picks = VectorCandidates(np.zeros((4, 1))), []
    for seed in range(300):
        run = search_by_model("equal", lambda *_: np.zeros(4), Evaluator(candidates, np.ones(4), 2, seed), 1, 1)
        picks.append(run.architectures[1])
    assert stats.chisquare(np.bincount(picks, minlength=4)).pvalue > 1e-3


@pytest.mark.parametrize("name", ["greedy-forest", "gaussian-process", "arch2vec-bo"])
def test_model_beats_random_on_a_smooth_landscape(name):
    points = np.random.default_rng(0).random((500, 2))
    accuracy = 90 - 30 * ((points - [0.3, 0.7]) ** 2).sum(axis=1)
    runs = [*repeat(partial(METHODS[name], batch=5), VectorCandidates(points), accuracy, 36, range(4))]
    random = random_regret_expectation(accuracy, accuracy, 36)[-1]
    assert regret_table(runs, accuracy)[:, -1].mean() < 0.5 * random


def test_empty_batches_are_refused():
    with pytest.raises(InputError, match="method greedy-forest has batches of 0 evaluations; give at least 1"):
        METHODS["greedy-forest"](VectorCandidates([[0.0]]), [1.0], 1, 0, batch=0)
