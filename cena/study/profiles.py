"""Profiles: how large a run is. The same notebooks serve a ten-minute run, the real benchmark and the paper's setting.

`quick` needs no download: the bundled digits benchmarks, with images cut from scikit-learn's photographs. `laptop` runs
the real benchmark with reduced networks (1 cell a stage instead of 5). `paper` uses the paper's networks (16 channels,
5 cells a stage, 32x32).
"""

from dataclasses import replace

from cena.errors import unknown
from cena.study.settings import (
    AblationSettings,
    ClosedFormSettings,
    EncoderSettings,
    JudgingSettings,
    Profile,
    SearchSettings,
    SpaceSettings,
    TrajectorySettings,
    ViewSettings,
)

_CLOSED_FORM = ClosedFormSettings(
    ("spectrum", "spatial-power", "energy-map", "magnitudes", "likeness"), components=16, shrinkage=0.1, principal=200
)
"""Chosen by hand on views and CIFAR-10 labels of 840 classes of NAS-Bench-201, the first of those that
:func:`cena.study.tuning.declared_classes` names; chapter 3 asks whether others would do better."""

_QUICK = Profile(
    name="quick",
    space=SpaceSettings("digits-topology", 0, ("digits",), "test", epochs=6, trials="mean"),
    size_space=SpaceSettings("digits-size", 0, ("digits",), "test", epochs=6, trials="mean"),
    views=ViewSettings(
        "patches",
        channels=8,
        cells=1,
        resolution=8,
        transfer_resolution=8,
        points=64,
        per_class=4,
        precision="bfloat16",
    ),
    encoder=EncoderSettings(epochs=12, width=64, depth=2),  # minutes where a processor has no bfloat16
    closed_form=_CLOSED_FORM,
    judging=JudgingSettings(labels=1000, transfer_labels=500, runs=5, trees=100),
    search=SearchSettings(runs=10, budget=100),
    trajectories=TrajectorySettings(epochs=3, sample_epochs=3, images=450, batch=45, learning_rate=1e-2, seeds=2),
    ablations=AblationSettings(
        architectures=100,
        points=32,
        encoder_epochs=30,
        cells=24,
        cell_points=32,
        cell_encoder_epochs=30,
        full_channels=32,
        full_cells=2,
        full_resolution=16,
    ),
    seed=0,
)

_DATASETS = ("cifar10", "cifar100", "imagenet16")

_LAPTOP = Profile(
    name="laptop",
    space=SpaceSettings("nas-bench-201", 0, _DATASETS, "test", epochs=200, trials="one"),
    size_space=SpaceSettings("nats-bench-size", 8192, _DATASETS, "validation", epochs=90, trials="one"),
    views=ViewSettings(
        "cifar10",
        channels=16,
        cells=1,
        resolution=32,
        transfer_resolution=16,
        points=64,
        per_class=4,
        precision="bfloat16",
    ),
    encoder=EncoderSettings(epochs=30, width=128, depth=2),
    closed_form=_CLOSED_FORM,
    judging=JudgingSettings(labels=1000, transfer_labels=5000, runs=10, trees=100),
    search=SearchSettings(runs=100, budget=200),
    trajectories=TrajectorySettings(epochs=50, sample_epochs=4, images=800, batch=30, learning_rate=5e-3, seeds=2),
    ablations=AblationSettings(
        architectures=2000,
        points=64,
        encoder_epochs=30,
        cells=300,
        cell_points=32,
        cell_encoder_epochs=200,
        full_channels=128,
        full_cells=3,
        full_resolution=32,
    ),
    seed=0,
)

_PAPER = replace(_LAPTOP, name="paper").vary(
    size_space={"architectures": 0},
    views={"cells": 5, "transfer_resolution": 32},
    encoder={"epochs": 60},
    search={"runs": 500},
    ablations={"encoder_epochs": 60},
)

_RELEASED = replace(_LAPTOP, name="released").vary(
    space={"datasets": ()}, views={"images": "patches", "precision": "float32"}
)
_SAMPLE = _RELEASED.vary(space={"architectures": 1280})

RELEASES = {
    settings.space.name: settings
    for settings in (
        replace(_QUICK, name="released").vary(
            space={"datasets": (), "architectures": 1024},
            views={"precision": "float32"},
        ),
        _SAMPLE.vary(space={"name": "nas-bench-101"}, views={"per_class": 2}),  # as in the chapters
        _RELEASED,
        _SAMPLE.vary(space={"name": "nats-bench-size"}, views={"resolution": _LAPTOP.views.transfer_resolution}),
    )
}
"""What the released encoders and embeddings are made with (`cena release`): no label, no download, any processor.

All of NAS-Bench-201, and random samples of the other spaces, as :func:`cena.spaces.load` has them."""

PROFILES = {profile.name: profile for profile in (_QUICK, _LAPTOP, _PAPER)}


def profile(name: str) -> Profile:
    """The profile of this name; raises `InputError`, which lists those there are, if there is none."""
    if name not in PROFILES:
        raise unknown("profile", name, PROFILES)
    return PROFILES[name]


def has_full_networks(settings: Profile) -> bool:
    """Whether the networks are as large as the paper's."""
    full = _PAPER.views
    return all(getattr(settings.views, name) == getattr(full, name) for name in ("channels", "cells", "resolution"))


def between_spaces(settings: Profile) -> Profile:
    """The same settings at the resolution that all spaces have in common."""
    return settings.vary(views={"resolution": settings.views.transfer_resolution})


def of_size(settings: Profile) -> Profile:
    """The same settings with the size space in place of the topology space: what transfer embeds beside it."""
    return replace(between_spaces(settings), space=settings.size_space)


LABELLED_CELLS = 30_001
"""Cells of NAS-Bench-101 in the table that stands in for its official archive."""

FEWER_EPOCHS = 10
"""NAS-Bench-101 has six times the classes of the topology space: as many steps take fewer epochs of the encoder."""


def of_nas_bench_101(settings: Profile) -> Profile:
    """The same settings with the labelled cells of NAS-Bench-101, which have one validation trial each on CIFAR-10.

    Where the official archive was imported, as many random cells of it, and their mean test accuracy.
    Their networks are narrow: the profile's channels are those of the stem, of which the benchmark has 128. There are
    six times as many as classes of topologies, and their Jacobians cost twice as much: two views are enough.
    """
    from cena.data import labels  # with torch behind it; the command line shows profiles without
    from cena.data.label_tables import imported

    best = labels.available("nas-bench-101")[0]
    space = SpaceSettings(
        "nas-bench-101",
        architectures=LABELLED_CELLS if imported("nas-bench-101") else 0,
        datasets=(best.dataset,),
        split=best.split,
        epochs=best.epochs,
        trials=best.trials,
    )
    return replace(between_spaces(settings), space=space).vary(
        views={"cells": min(settings.views.cells, 3), "per_class": min(settings.views.per_class, 2)},
        encoder={"epochs": min(settings.encoder.epochs, FEWER_EPOCHS)},
    )


MORE_EPOCHS = 5
"""The 1,000 genotypes of DARTS are a fifth of the classes of the topology space: as many steps take more epochs."""


def of_darts(settings: Profile) -> Profile:
    """The same settings with the 1,000 genotypes of DARTS that have labels: one training each on CIFAR-10.

    A view costs ten times one of the topology space, so there are two, of one normal cell a stage, five cells in all,
    on images of at most 16x16 pixels.
    """
    space = SpaceSettings("darts", architectures=0, datasets=("cifar10",), split="validation", epochs=200, trials="one")
    return replace(settings, space=space).vary(
        views={
            "cells": 1,
            "per_class": min(settings.views.per_class, 2),
            "resolution": min(settings.views.transfer_resolution, 16),
        },
        encoder={"epochs": MORE_EPOCHS * settings.encoder.epochs},
    )


def of_unlabelled_nas_bench_101(settings: Profile, architectures: int, points: int) -> Profile:
    """The same settings with a sample of the paper's part of NAS-Bench-101: it needs no download and has no labels."""
    return of_nas_bench_101(settings).vary(
        space={"architectures": architectures, "datasets": ()}, views={"points": points}
    )


def describe(profile: Profile) -> list[tuple[str, str]]:
    """(setting, value) of every setting, worded for a table on a page."""

    def worded(value: object) -> str:
        return ", ".join(value) if isinstance(value, tuple) else str(value)

    return [(name.replace(".", ": ").replace("_", " "), worded(value)) for name, value in profile.settings()]
