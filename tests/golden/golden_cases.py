"""A tiny fixed input for every stage, and its output: what tells that a stage has changed.

A case returns numbers and texts. Numbers are compared up to rounding that differs between processors; texts and whole
numbers exactly. A case touches each function that its stage marks.
"""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from cena import arch2vec, contrast, evaluate, layout, search, spaces
from cena.data import labels
from cena.data.derived import RECIPES
from cena.data.images import images
from cena.data.labels import LabelKey
from cena.data.nas_bench_101_labels import cell_matrices
from cena.data.nas_bench_201_labels import predicted_seconds, seconds_201
from cena.data.public_files import ATTACKS
from cena.data.robustness import read_robustness
from cena.embed import embed
from cena.jacobians import READINGS, Reader, ViewRecipe, class_views
from cena.spaces import DartsSpace, NasBench101Space, SizeSpace, TopologySpace
from cena.spaces.darts.genotypes import random_genotypes
from cena.spaces.nas_bench_101.cells import parse_nas_bench_101_cell
from cena.spaces.nas_bench_101.isomorphism import canonical_hash
from cena.spaces.nas_bench_201.cells import all_topology_cells
from cena.study.ablations import only
from cena.study.encoders import ViewArrays
from cena.trajectories import TrainingSet, TrajectoryConfig, TrajectoryExperiment, train_trajectory
from cena.trajectories.digits_training import train_digits

Output = dict[str, Any]
CASES: dict[str, Callable[[], Output]] = {}

ACCURACY = np.random.default_rng(3).permutation(40) + 30.0
FEATURES = np.column_stack([ACCURACY % 7, np.random.default_rng(4).normal(size=(40, 3))])
CELLS = all_topology_cells()[1234:13000:777]
TOPOLOGIES = TopologySpace("topologies", CELLS, channels=4, cells_per_stage=1, resolution=8)
DIRECTED = [
    parse_nas_bench_101_cell(text)
    for text in ("conv1x1(0)|maxpool3x3(0,1)|output(1,2)", "conv3x3(0)|conv1x1(0)|output(0,1,2)")
]


def case(name: str) -> Callable[[Callable[[], Output]], Callable[[], Output]]:
    """Registers the case of a stage."""

    def register(function: Callable[[], Output]) -> Callable[[], Output]:
        CASES[name] = function
        return function

    return register


def pixels(count: int = 6) -> np.ndarray:
    """A few images that no stage makes."""
    return np.random.default_rng(0).normal(size=(count, 3, 8, 8)).astype(np.float32)


def logits(space: spaces.Space, index: int) -> list[float]:
    """What a network makes of the first image."""
    with torch.no_grad():
        return space.build(index, seed=5)(torch.from_numpy(pixels()))[0].tolist()


def views(count: int = 8) -> ViewArrays:
    """Views that no stage makes."""
    generator = np.random.default_rng(1)
    directions = np.linalg.qr(generator.normal(size=(count, 2, 6, 6)))[0].astype(np.float16)
    values = np.sort(generator.exponential(size=(count, 2, 6)))[..., ::-1].astype(np.float32)
    return ViewArrays(directions, values, np.ones((count, 2), dtype=bool))


@case("nas-bench-201")
def nas_bench_201() -> Output:
    sizes = SizeSpace("sizes", (2, 4), resolution=8)
    return {
        "classes of a sample": TopologySpace("all", all_topology_cells()[::97]).classes().tolist(),
        "number of classes": int(TopologySpace().classes().max()) + 1,
        "topology": logits(TOPOLOGIES, 3),
        "size": logits(sizes, 11),
        "parameters": [TOPOLOGIES.parameters(3), sizes.parameters(11)],
    }


@case("nas-bench-101")
def nas_bench_101() -> Output:
    space = NasBench101Space("cells", DIRECTED, stem=4, cells_per_stack=1, resolution=8)
    return {
        "cells": [space.architecture(i) for i in range(len(space))],
        "hashes": [canonical_hash(cell) for cell in space.cells],
        "logits": logits(space, 1),
        "parameters": space.parameters(0),
    }


@case("darts")
def darts() -> Output:
    space = DartsSpace("genotypes", random_genotypes(3, seed=1), channels=2, cells_per_stage=1, resolution=8)
    return {
        "genotypes": [space.architecture(i) for i in range(len(space))],
        "classes": space.classes().tolist(),
        "logits": logits(space, 1),
        "parameters": space.parameters(0),
    }


@case("views")
def jacobian_views() -> Output:
    seen = class_views(TOPOLOGIES, 2, 2, ViewRecipe(pixels(), views=2, seed=7, precision="float32"))
    return {
        "absolute directions": np.abs(seen.directions[:, :3, :3]).tolist(),
        "singular values": seen.singular_values.tolist(),
        "jacov": seen.jacov.tolist(),
        "status": seen.status.tolist(),
    }


@case("readings")
def readings() -> Output:
    """The mean and the ends of each."""
    rows = np.random.default_rng(6).normal(size=(6, 3, 8, 8)).cumsum(axis=3).reshape(6, -1)
    found = Reader(pixels(), tuple(READINGS)).read(rows)
    return {name: [float(array.mean()), *array[[0, -1]].tolist()] for name, array in found.items()}


@case("closed-form")
def closed_form() -> Output:
    generator = np.random.default_rng(5)
    blocks = {name: generator.normal(size=(8, 3, size)) for name, size in (("one", 3), ("two", 5))}
    for block in blocks.values():
        block += 2 * generator.normal(size=(8, 1, block.shape[2]))
    usable = np.arange(24).reshape(8, 3) % 7 > 0
    fitted = contrast.fit_closed_form(blocks, usable, contrast.ClosedFormConfig(components=3, principal=4))
    return {
        "signal to noise": fitted.signal_to_noise.tolist(),
        "embedding": fitted.embed(blocks)[:3, 0].tolist(),
    }


@case("encoder")
def encoder() -> Output:
    seen = views()
    config = contrast.EncoderConfig(
        points=6, components=6, width=8, depth=1, embedding=5, projection=4, epochs=2, batch=4, precision="float32"
    )
    trained = contrast.train_encoder(seen.directions, seen.singular_values, seen.usable, config)
    untrained = contrast.untrained_encoder(config, trained.scale)
    return {
        name: contrast.encode(one, seen.directions, seen.singular_values, seen.usable)[:3].tolist()
        for name, one in (("trained", trained), ("untrained", untrained))
    }


@case("ablations")
def ablations() -> Output:
    return {
        "directions": only("directions", views()).singular_values[0].tolist(),
        "spectrum": np.abs(only("spectrum", views()).directions[0, 0, :2]).tolist(),
    }


@case("distance-map")
def plane() -> Output:
    embedding = np.random.default_rng(2).normal(size=(12, 5))
    flat = layout.distance_map(embedding, seed=0)
    return {
        "distances": np.linalg.norm(flat - flat[0], axis=1).tolist(),
        "distortion": layout.distance_distortion(embedding, flat, seed=0, pairs=100),
    }


@case("layout")
def square() -> Output:
    flat = np.random.default_rng(2).normal(size=(12, 2))
    points = layout.separate(layout.to_unit_square(flat), seed=0)
    cells = layout.transport(points)
    placed = layout.place(np.ones(5), np.random.default_rng(3).normal(size=(12, 5)), flat, points, cells.weights)
    return {
        "centroids": cells.centroids.tolist(),
        "stochastic": layout.stochastic_transport(points, seed=0, steps=50).areas.tolist(),
        "polygon": layout.laguerre_cells(points, cells.weights).areas.tolist(),
        "coordinates": layout.coordinates(cells.centroids, np.arange(1, 13)).tolist(),
        "placed": list(placed.square),
    }


@case("arch2vec")
def rival() -> Output:
    graphs = arch2vec.nas_bench_201_graphs(CELLS)
    config = arch2vec.Arch2vecConfig(hidden=8, layers=2, latent=4, epochs=2, batch=5)
    return {"embedding": arch2vec.arch2vec_embedding(graphs, config)[:3].tolist()}


CODES = np.array(list(product(range(3), range(4), range(5))))
GUIDE = np.random.default_rng(6).permutation(60) + 30.0
SEARCHES: dict[str, dict[str, float]] = {
    "random": {},
    "local-search": {},
    "evolution": {},
    "reinforce": {},
    "tpe": {},
    "differential-evolution": {},
    "greedy-forest": {"batch": 7},
    "gaussian-process": {"batch": 7},
    "arch2vec-rl": {},
    "arch2vec-bo": {"batch": 4},
}


def searched(method: str) -> Output:
    candidates = search.CategoricalCandidates(CODES, CODES.max(axis=0) + 1)
    history = search.METHODS[method](candidates, GUIDE, 24, 1, **SEARCHES[method])
    return {"architectures": history.architectures.tolist()}


for each in SEARCHES:
    case(f"search.{each}")(lambda each=each: searched(each))


@case("transfer")
def transfer() -> Output:
    names = np.repeat(["one", "other"], 20)
    forest = evaluate.PredictionTask(10, runs=2, seed=0, trees=5)
    table, linear = (
        evaluate.transfer({"features": FEATURES}, ACCURACY, names, task)
        for task in (forest, replace(forest, model="linear"))
    )
    return {"forest": table[[*evaluate.SCORES]].to_dict("list"), "linear": linear["r"].tolist()}


@case("trajectories")
def trajectories() -> Output:
    generator = np.random.default_rng(8)
    shown, answers = generator.normal(size=(40, 3, 8, 8)).astype(np.float32), generator.integers(0, 10, size=40)
    data = TrainingSet("noise", shown[:30], answers[:30], shown[30:], answers[30:], "noise")
    config = TrajectoryConfig(epochs=2, seeds=(0, 1), batch=10, readings=("spectrum",))
    experiment = TrajectoryExperiment(TOPOLOGIES, data, pixels(), config)
    with tempfile.TemporaryDirectory() as folder:
        followed = train_trajectory(experiment, 3, Path(folder) / "trajectory")
    return {
        "singular values": followed.singular_values[-1].tolist(),
        "learned": followed.training_accuracy.tolist(),
        "spectrum": followed.readings["spectrum"][0].tolist(),
    }


@case("images")
def seen_images() -> Output:
    sources = {name: images(name, 3, 8, seed=1).pixels for name in ("patches", "digits", "noise")}
    return {name: shown[:, :, 3, 4].tolist() for name, shown in sources.items()}


@case("labels")
def known_labels() -> Output:
    key = LabelKey("digits", "test", 6, "mean")
    return {name: labels.accuracy(name, key)[::300].tolist() for name in ("digits-topology", "digits-size")}


@case("labels.nas-bench-201")
def labels_of_nas_bench_201() -> Output:
    """The content of its tables by checksum, and seconds."""
    timed = np.arange(len(CELLS)) % 3 > 0
    measured = np.where(timed, 10.0 + np.arange(len(CELLS)) ** 2 % 7, np.nan)
    table = {"epoch_seconds": np.array([10.0, 21.5]), "evaluation_seconds": np.array([1.5, 2.25])}
    keys = [LabelKey("cifar10", "validation", 12, "mean"), LabelKey("imagenet16", "validation", 200, "mean")]
    return {
        "tables": {recipe.table: recipe.checksum for recipe in RECIPES["nas-bench-201"]},
        "predicted": predicted_seconds(measured, timed, TOPOLOGIES.one_hot()).tolist(),
        "seconds": [[part.tolist() for part in seconds_201(table, key)] for key in keys],
    }


@case("labels.nas-bench-101")
def labels_of_nas_bench_101() -> Output:
    """The content of its tables by checksum, and how a cell is written there."""
    return {
        "tables": {recipe.table: recipe.checksum for recipe in RECIPES["nas-bench-101"]},
        "cells": [[part.tolist() for part in cell_matrices(cell)] for cell in DIRECTED],
    }


@case("labels.robustness")
def accuracies_under_attack() -> Output:
    nets = [str(net) for net in product(range(5), repeat=6)]
    columns = {f"{theirs}@Linf_eps-1.0": np.arange(len(nets)) % (90 + i) for i, theirs in enumerate(ATTACKS.values())}
    with tempfile.TemporaryDirectory() as folder:
        pd.DataFrame({"net": nets, **columns}).to_csv(Path(folder) / "targets.csv", index=False)
        return {"accuracies": read_robustness(Path(folder) / "targets.csv").iloc[::1500].to_numpy().tolist()}


@case("digits")
def digits_trained() -> Output:
    accuracies, _ = train_digits(spaces.digits_size(), 5, seeds=(0,))
    return {"accuracies": accuracies.ravel().tolist()}


@case("placing")
def placed() -> Output:
    def factory() -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 6 * 6, 10))

    found = embed(factory, "digits-topology", seed=3, announce=None)
    return {
        "nearest": [one.architecture for one in found.nearest],
        "distances": [one.distance for one in found.nearest],
        "square": found.place.square.tolist(),
        "outside": found.outside,
        "predicted": found.accuracy.value,
    }


@case("features")
def features() -> Output:
    generator = np.random.default_rng(9)
    sources = evaluate.FeatureSources(
        parameters=np.arange(1, 41),
        embedding=generator.normal(size=(40, 6)),
        singular_values=generator.exponential(size=(40, 2, 5)),
        jacov=generator.normal(size=(40, 2)),
        one_hot=np.eye(40)[:, :7],
    )
    return {name: np.abs(columns[7]).tolist() for name, columns in evaluate.feature_sets(sources, 3).items()}


@case("prediction")
def prediction() -> Output:
    task = evaluate.PredictionTask(train_size=20, runs=2, seed=0, trees=5)
    return {
        "tau": evaluate.predict({"features": FEATURES}, ACCURACY, task)["tau"].tolist(),
        "held out": [float(one) for one in evaluate.held_out(FEATURES, ACCURACY, task).iloc[:5].to_numpy().ravel()],
    }


@case("intervals")
def intervals() -> Output:
    first, second = ACCURACY[:20], ACCURACY[15:]
    found = {
        "mean": evaluate.mean_interval(first),
        "paired": evaluate.paired_difference(first, second[:20]),
        "welch": evaluate.welch_difference(first, second),
        "bootstrap": evaluate.bootstrap_interval(first, seed=1),
    }
    return {name: [float(one.value), float(one.low), float(one.high)] for name, one in found.items()}


@case("scores")
def scores() -> Output:
    guess = ACCURACY + 20 * np.random.default_rng(5).normal(size=40)
    return {name: float(score) for name, score in evaluate.scored(guess, ACCURACY).items()}


@case("neighbours")
def neighbours() -> Output:
    near = evaluate.nearest(FEATURES, 3)
    draws = evaluate.bootstrap_draws(40, seed=0, count=50)
    found = {
        "rank": evaluate.neighbours_rank(near, ACCURACY, draws),
        "correlation": evaluate.rank_correlation(FEATURES[:, 0], ACCURACY, draws),
        "alike": evaluate.neighbours_alike(near, ACCURACY, draws),
    }
    return {
        "nearest": near[:4].tolist(),
        "shuffled": evaluate.shuffled_ranks(near, ACCURACY, seed=0, count=4).tolist(),
        **{name: [float(one.interval.low), float(one.interval.high)] for name, one in found.items()},
    }


@case("geometry")
def geometry() -> Output:
    agreement = evaluate.distance_agreement(FEATURES, FEATURES[:, :2] + 1, seed=0, resamples=50)
    return {"agreement": [float(agreement.value), float(agreement.low), float(agreement.high)]}


@case("search-statistics")
def search_statistics() -> Output:
    regrets = np.sort(np.random.default_rng(7).exponential(size=(9, 30)))[:, ::-1]
    evaluations = evaluate.evaluations_to_reach(regrets, 0.1)
    reached = evaluate.reach(evaluations)
    return {
        "threshold": float(evaluate.top_regret(ACCURACY, share=0.1)),
        "evaluations": evaluations.tolist(),
        "median": [float(one) for one in (reached.median, reached.low, reached.high)],
    }


@case("scoreboard")
def scoreboard() -> Output:
    near = evaluate.Interval(0.80, 0.79, 0.81, runs=10)
    records = [
        evaluate.judge("table1.cifar10.tau", near, reason="a test", baseline=baseline) for baseline in (0.7, 0.9)
    ]
    return {"statuses": [record.status for record in records], "rivals": [float(one.baseline) for one in records]}
