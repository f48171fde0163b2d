"""Profiles: how large a run is. The same notebooks serve a ten-minute run, the real benchmark and the paper's setting.

`quick` needs no download: the bundled digits benchmarks, with images cut from scikit-learn's photographs. `laptop` runs
the real benchmark with reduced networks. `paper` uses the paper's networks (16 channels, 5 cells a stage, 32x32).
"""

from dataclasses import dataclass, fields, replace
from typing import Literal

from cena.errors import unknown


@dataclass(frozen=True)
class Profile:
    """The settings of a run.

    Attributes
    ----------
    name : what the command line calls it.
    space, size_space : names of the topology space that is embedded, and of the size space it transfers to.
    datasets, split, epochs, trials : which labels: the data sets, ``"test"`` or ``"validation"``, the epochs of
        training, and ``"one"`` seed or the ``"mean"`` of all.
    images : what the networks see: ``"patches"`` of bundled photographs, ``"cifar10"`` training images, bundled
        ``"digits"`` or ``"noise"``.
    channels, cells, resolution : of the networks: channels of the first stage, cells a stage, pixels a side.
    points, views : data points a Jacobian has as rows, and random initialisations of each class.
    precision : of the gradients: ``"bfloat16"`` autocast or ``"float32"``.
    encoder_epochs, encoder_width, encoder_depth : of the MLP-Mixer and its training.
    forest_labels, forest_runs, forest_trees : labels a random forest is fitted on, fresh splits, trees.
    transfer_labels : labels of one space a predictor is fitted on that is judged on the other.
    search_runs, search_budget : repeated searches (fewer of slow ones), and architectures each may evaluate.
    seed : of everything that is random.
    """

    name: str
    space: str
    architectures: int
    datasets: tuple[str, ...]
    split: str
    epochs: int
    trials: str
    size_space: str
    size_architectures: int
    size_split: str
    size_epochs: int
    size_trials: str
    images: Literal["patches", "cifar10", "digits", "noise"]
    channels: int
    cells: int
    resolution: int
    points: int
    views: int
    precision: Literal["bfloat16", "float32"]
    encoder_epochs: int
    encoder_width: int
    encoder_depth: int
    forest_labels: int
    forest_runs: int
    forest_trees: int
    transfer_labels: int
    search_runs: int
    search_budget: int
    seed: int


_QUICK = Profile(
    name="quick",
    space="digits-topology",
    architectures=0,
    datasets=("digits",),
    split="test",
    epochs=6,
    trials="mean",
    size_space="digits-size",
    size_architectures=0,
    size_split="test",
    size_epochs=6,
    size_trials="mean",
    images="patches",
    channels=8,
    cells=1,
    resolution=8,
    points=64,
    views=4,
    precision="bfloat16",
    encoder_epochs=40,
    encoder_width=128,
    encoder_depth=2,
    forest_labels=1000,
    forest_runs=5,
    forest_trees=100,
    transfer_labels=500,
    search_runs=20,
    search_budget=150,
    seed=0,
)

_LAPTOP = Profile(
    name="laptop",
    space="nas-bench-201",
    architectures=0,
    datasets=("cifar10", "cifar100", "imagenet16"),
    split="test",
    epochs=200,
    trials="one",
    size_space="nats-bench-size",
    size_architectures=8192,
    size_split="validation",
    size_epochs=90,
    size_trials="one",
    images="cifar10",
    channels=16,
    cells=1,
    resolution=16,
    points=64,
    views=4,
    precision="bfloat16",
    encoder_epochs=30,
    encoder_width=128,
    encoder_depth=2,
    forest_labels=1000,
    forest_runs=10,
    forest_trees=100,
    transfer_labels=5000,
    search_runs=100,
    search_budget=200,
    seed=0,
)

_PAPER = replace(
    _LAPTOP, name="paper", size_architectures=0, cells=5, resolution=32, encoder_epochs=60, search_runs=500
)

_RELEASED = replace(_LAPTOP, name="released", datasets=(), images="patches", resolution=32, precision="float32")
_SAMPLE = replace(_RELEASED, architectures=1280, encoder_epochs=150)

RELEASED = {
    settings.space: settings
    for settings in (
        replace(_QUICK, name="released", datasets=(), architectures=1024, precision="float32", encoder_epochs=150),
        replace(_SAMPLE, space="nas-bench-101"),
        _RELEASED,
        replace(_SAMPLE, space="nats-bench-size", resolution=16),  # its networks are wide: 32 pixels take four times
    )
}
"""What the released encoders and embeddings are made with (`cena release`): no label, no download, any processor.

All of NAS-Bench-201, and random samples of the other spaces, as :func:`cena.spaces.load` has them. The encoder
of each is trained for about 300 steps of 512 classes, which is more epochs for a sample."""

PROFILES = {profile.name: profile for profile in (_QUICK, _LAPTOP, _PAPER)}


def profile(name: str) -> Profile:
    """The profile of this name.

    Raises
    ------
    InputError
        If there is no such profile; the message lists those there are.
    """
    if name not in PROFILES:
        raise unknown("profile", name, PROFILES)
    return PROFILES[name]


def of_size(settings: Profile) -> Profile:
    """The same settings with the size space in place of the topology space: what transfer embeds beside it."""
    return replace(
        settings,
        space=settings.size_space,
        architectures=settings.size_architectures,
        split=settings.size_split,
        epochs=settings.size_epochs,
        trials=settings.size_trials,
    )


LABELLED_GRAPHS = 30_001
"""Cells of NAS-Bench-101 in the table that stands in for its official archive."""

GRAPH_ENCODER_EPOCHS = 10
"""NAS-Bench-101 has six times the classes of the topology space: as many steps take fewer epochs."""


def of_graphs(settings: Profile) -> Profile:
    """The same settings with the labelled cells of NAS-Bench-101, which have one validation trial each on CIFAR-10.

    Where the official archive was imported, as many random cells of it, and their mean test accuracy.
    Their networks are narrow: the profile's channels are those of the stem, of which the benchmark has 128. There are
    six times as many as classes of topologies, and their Jacobians cost twice as much: two views each must do.
    """
    from cena.data import labels  # with torch behind it; the command line shows profiles without

    one = labels.LabelKey("cifar10", "validation", 108, "one")
    whole = one in labels.available("nas-bench-101")
    return replace(
        settings,
        space="nas-bench-101",
        architectures=0 if whole else LABELLED_GRAPHS,
        datasets=("cifar10",),
        split="validation" if whole else "test",
        epochs=108,
        trials="one" if whole else "mean",
        cells=min(settings.cells, 3),
        views=min(settings.views, 2),
        encoder_epochs=min(settings.encoder_epochs, GRAPH_ENCODER_EPOCHS),
    )


def of_unlabelled_graphs(settings: Profile, architectures: int, points: int) -> Profile:
    """The same settings with a sample of the paper's part of NAS-Bench-101: it needs no download and has no labels."""
    return replace(of_graphs(settings), architectures=architectures, datasets=(), points=points)


def describe(profile: Profile) -> list[tuple[str, str]]:
    """(setting, value) of every setting, worded for a table on a page."""

    def worded(value: object) -> str:
        return ", ".join(value) if isinstance(value, tuple) else str(value)

    return [(field.name.replace("_", " "), worded(getattr(profile, field.name))) for field in fields(profile)]
