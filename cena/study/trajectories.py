"""Trajectories of many architectures, each an artifact of its own: a kill loses at most the epochs in flight.

More architectures of a space, asked for later, train only those that are new. The workers write the artifacts, so this
work stays on one machine.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray

from cena import contrast
from cena.contrast import ClosedForm, TrainedEncoder
from cena.files import array_sha256
from cena.processes import parallel
from cena.stages import versions
from cena.study.artifacts import ArtifactStore
from cena.study.closed_forms import embedded_classes
from cena.study.scale import view_stages
from cena.trajectories import Trajectory, TrajectoryExperiment, load_trajectory, train_trajectory
from cena.trajectories.training import TRAJECTORIES, combined
from cena.types import Floats, Progress, silent

FILE = "trajectory.safetensors"


def trajectory_files(
    store: ArtifactStore,
    experiment: TrajectoryExperiment,
    architectures: Sequence[int],
    workers: int = -1,
    progress: Progress = silent,
) -> list[Path]:
    """The finished checkpoint of each architecture, in their order, trained first where there is none.

    Parameters
    ----------
    experiment, architectures : see :func:`cena.trajectories.train_trajectory`.
    workers : joblib's `n_jobs`; the files do not depend on it.
    progress : called after each architecture.
    """
    space = experiment.space
    shared = {
        "data": experiment.data.checksum,
        "points": array_sha256(experiment.points),
        "training": experiment.config,
        "stages": versions(TRAJECTORIES, *view_stages(space)),
    }

    def finished(architecture: int) -> Path:
        def build(folder: Path) -> None:
            train_trajectory(experiment, architecture, folder / FILE)

        network: dict[str, Any] = {
            "architecture": space.architecture(architecture),
            "parameters": space.parameters(architecture),
        }
        return store.folder("trajectories", {**shared, **network}, build) / FILE

    paths = []
    for path in parallel(workers, return_as="generator")(
        joblib.delayed(finished)(int(architecture)) for architecture in architectures
    ):
        paths.append(path)
        progress(len(paths), len(architectures))
    return paths


def load_trajectories(paths: Sequence[Path]) -> Trajectory:
    """The trajectories in some files of the same configuration as one, with leading axes (files, epochs + 1, seeds)."""
    return combined(np.stack, [load_trajectory(path) for path in paths])


def embedded(encoder: TrainedEncoder, trajectories: Trajectory) -> NDArray[np.float32]:
    """(architectures, epochs + 1, embedding) the embedding of every architecture after every epoch.

    As everywhere it is the mean over views (:func:`cena.contrast.encode`), here the networks of the seeds.

    Parameters
    ----------
    trajectories : with leading axes (architectures, epochs + 1, seeds).
    """
    flat = contrast.encode(
        encoder, *(_flat(getattr(trajectories, name)) for name in ("directions", "singular_values", "usable"))
    )
    return flat.reshape(*trajectories.status.shape[:2], -1)


def embedded_in_closed_form(encoder: ClosedForm, trajectories: Trajectory) -> Floats:
    """The same by the closed form, from the readings of the trajectories; see :func:`embedded_classes`.

    Raises
    ------
    InputError
        If the trajectories have not the readings of the encoder.
    """
    blocks = {name: _flat(reading) for name, reading in trajectories.readings.items()}
    return embedded_classes(encoder, blocks, _flat(trajectories.usable)).reshape(*trajectories.status.shape[:2], -1)


def _flat(values: NDArray[Any]) -> NDArray[Any]:
    """Architectures and epochs as one axis."""
    return values.reshape(-1, *values.shape[2:])
