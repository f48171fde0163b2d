"""The cost of searching NAS-Bench-201-sized spaces: what a notebook pays besides the benchmark itself."""

from itertools import product

import numpy as np
import optuna
import pytest

from cena.search import METHODS, CategoricalCandidates, ContinuousCandidates, random_regret_expectation

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
