"""The cost of searching NAS-Bench-201-sized spaces: what a notebook pays besides the benchmark itself.

And the reason for models written by hand: each is trained beside the same one by torch, to the same weights, and has
to be at least twice as fast to stay.
"""

from itertools import product
from time import perf_counter, process_time

import numpy as np
import optuna
import pytest
import torch
from threadpoolctl import threadpool_limits

from cena import spaces
from cena.search import (
    METHODS,
    CategoricalCandidates,
    ContinuousCandidates,
    VectorCandidates,
    gaussian_process,
    random_regret_expectation,
)
from cena.search.adam import Adam
from cena.search.arch2vec_bo import trained_layer
from cena.search.arch2vec_rl import RecurrentPolicy
from cena.search.reinforce import CategoricalPolicy

CODES = np.array(list(product(range(5), repeat=6)))
ACCURACY = 90 - np.array([0, 1, 2, 4, 8])[CODES].sum(axis=1) - np.random.default_rng(0).random(len(CODES))
CANDIDATES = {
    "continuous": ContinuousCandidates(np.random.default_rng(1).random((len(CODES), 3))),
    "categorical": CategoricalCandidates(CODES, [5] * 6),
}
NEED_CHOICES = ("local-search", "evolution", "reinforce")
MODELLED = ("greedy-forest", "gaussian-process", "arch2vec-bo")
"""They fit a model before each evaluation: 40 evaluations tell what one costs."""
FAST = [
    (name, kind)
    for name in METHODS
    for kind in CANDIDATES
    if name not in MODELLED and (kind == "categorical" or name not in NEED_CHOICES)
]


@pytest.mark.parametrize("kind", CANDIDATES)
def test_nearest_unevaluated(benchmark, kind):
    candidates, generator = CANDIDATES[kind], np.random.default_rng(0)
    excluded = np.arange(len(CODES)) % 80 == 0
    query = candidates.from_unit_cube(np.full(candidates.dimensions, 0.4))
    benchmark(candidates.nearest_unevaluated, query, excluded, generator)


@pytest.mark.parametrize(("name", "kind"), FAST)
def test_run_of_200_evaluations(benchmark, name, kind):
    benchmark.pedantic(METHODS[name], (CANDIDATES[kind], ACCURACY, 200, 0), rounds=5, warmup_rounds=1)


@pytest.mark.parametrize("kind", CANDIDATES)
@pytest.mark.parametrize("name", MODELLED)
def test_run_of_40_evaluations(benchmark, name, kind):
    benchmark.pedantic(METHODS[name], (CANDIDATES[kind], ACCURACY, 40, 0), rounds=1)


@pytest.mark.benchmark(timer=process_time)
def test_gaussian_process_on_the_classes_of_a_space_takes_half_a_second(benchmark):
    """Of one processor: 100 evaluations, two blocks of features, 15,625 architectures of 5,044 classes."""
    space = spaces.load("nas-bench-201")
    sizes = np.random.default_rng(2).random((len(space), 1))
    candidates = VectorCandidates(space.one_hot(), sizes).each_class_once(space.classes())
    with threadpool_limits(1):
        benchmark.pedantic(gaussian_process, (candidates, ACCURACY, 100, 0), rounds=5, warmup_rounds=1)
    assert benchmark.stats.stats.min <= 0.5


@pytest.mark.parametrize(
    "distributions",
    [
        {f"x{j}": optuna.distributions.CategoricalDistribution(range(5)) for j in range(6)},
        {f"x{j}": optuna.distributions.FloatDistribution(0, 1) for j in range(3)},
    ],
    ids=["categorical", "continuous"],
)
def test_optuna_alone(benchmark, distributions):
    """The floor below TPE: as many proposals in the same box, told without a space."""

    def propose():
        study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
        for _ in range(200):
            trial = study.ask(distributions)
            study.tell(trial, -float(sum(value**2 for value in trial.params.values())))

    benchmark.pedantic(propose, rounds=5, warmup_rounds=1)


def test_exact_expectation_of_random_search(benchmark):
    benchmark(random_regret_expectation, ACCURACY, ACCURACY, 200)


def episodes_by_hand(count, states):
    """arch2vec-RL's policy after `count` episodes through the same (steps, 16) states, towards them."""
    policy = RecurrentPolicy(16, 128, np.random.default_rng(0))
    adam = Adam(policy.weights, 0.01)
    for _ in range(count):
        slopes = np.stack([policy(state) - state for state in states])
        adam.step(policy.gradients(slopes / len(states)))
        policy.forget()
    return policy.weights


def episodes_by_torch(count, states):
    W, U, b, V, a = (torch.from_numpy(weight) for weight in RecurrentPolicy(16, 128, np.random.default_rng(0)).weights)
    cell, linear = torch.nn.LSTMCell(16, 128, dtype=torch.float64), torch.nn.Linear(128, 16, dtype=torch.float64)
    weights = [cell.weight_ih, cell.weight_hh, cell.bias_ih, linear.weight, linear.bias]
    with torch.no_grad():
        cell.bias_hh.zero_()
        for parameter, value in zip(weights, (W, U, b, V, a), strict=True):
            parameter.copy_(value)
    adam = torch.optim.Adam(weights, 0.01)
    for _ in range(count):
        memory, loss = None, 0
        for state in torch.from_numpy(states):
            memory = cell(state[None], memory)
            loss = loss + ((linear(memory[0])[0] - state) ** 2).sum() / 2
        adam.zero_grad()
        (loss / len(states)).backward()
        adam.step()
    return [weight.detach().numpy() for weight in weights]


def network_by_hand(inputs, values):
    return trained_layer(inputs, values, np.random.default_rng(0))


def network_by_torch(inputs, values):
    """DNGO's network: the first layer's weight and bias after the same draws."""
    generator, size = np.random.default_rng(0), inputs.shape[1]
    W, b = (generator.uniform(-(size**-0.5), size**-0.5, shape) for shape in ((size, 128), 128))
    v, a = (generator.uniform(-(128**-0.5), 128**-0.5, shape) for shape in (128, 1))
    weights = [torch.from_numpy(weight).requires_grad_() for weight in (W, b, v, a)]
    W, b, v, a = weights
    adam = torch.optim.Adam(weights, 0.01)
    x, y = torch.from_numpy(inputs), torch.from_numpy(values)
    for _ in range(100):
        order = torch.from_numpy(generator.permutation(len(x)))
        for start in range(0, len(x) - 9, 10):
            rows = order[start : start + 10]
            adam.zero_grad()
            torch.mean((torch.tanh(x[rows] @ W + b) @ v + a - y[rows]) ** 2).backward()
            adam.step()
    return W.detach().numpy(), b.detach().numpy()


def choices_by_hand(codes):
    """REINFORCE's policy after learning from given choices of six operations out of five."""
    policy = CategoricalPolicy((5,) * 6, np.random.default_rng(0))
    adam = Adam([policy.logits], 0.01)
    for chosen in codes:
        adam.step([policy.gradient(chosen, 0.3)])
    return [policy.logits]


def choices_by_torch(codes):
    logits = torch.from_numpy(CategoricalPolicy((5,) * 6, np.random.default_rng(0)).logits).requires_grad_()
    adam = torch.optim.Adam([logits], 0.01)
    for chosen in torch.from_numpy(codes)[..., None]:
        adam.zero_grad()
        (-0.3 * logits.log_softmax(1).gather(1, chosen).sum()).backward()
        adam.step()
    return [logits.detach().numpy()]


DRAWN = np.random.default_rng(0)
PAIRS = {
    "arch2vec-rl": (episodes_by_hand, episodes_by_torch, (12, DRAWN.standard_normal((16, 16)))),
    "arch2vec-bo": (network_by_hand, network_by_torch, (DRAWN.standard_normal((108, 16)), DRAWN.random(108))),
    "reinforce": (choices_by_hand, choices_by_torch, (DRAWN.integers(0, 5, (200, 6)),)),
}
"""The training within a run of 200 evaluations: arch2vec-bo's of one fit in the middle of it, the others' of all."""


@pytest.mark.parametrize("name", PAIRS)
def test_a_model_trained_by_hand_is_the_one_trained_by_torch(name):
    by_hand, by_torch, arguments = PAIRS[name]
    for ours, theirs in zip(by_hand(*arguments), by_torch(*arguments), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", PAIRS)
def test_training_by_hand_is_at_least_twice_as_fast_as_by_torch(benchmark, name):
    by_hand, by_torch, arguments = PAIRS[name]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # what is so small only waits for others
    try:
        benchmark.pedantic(by_hand, arguments, rounds=20, warmup_rounds=2)
        seconds = []
        for _ in range(7):
            start = perf_counter()
            by_torch(*arguments)
            seconds.append(perf_counter() - start)
    finally:
        torch.set_num_threads(threads)
    ratio = min(seconds) / benchmark.stats.stats.min
    benchmark.extra_info["times as fast as torch"] = round(ratio, 1)
    assert ratio >= 2
