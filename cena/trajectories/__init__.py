"""Networks while they train, seen by their data Jacobians: the paper's section 4.4 and Fig. 4."""

from cena.trajectories.training import (
    Trajectory,
    TrajectoryConfig,
    TrajectoryExperiment,
    load_trajectory,
    train_trajectory,
    trained_network,
)
from cena.trajectories.training_sets import TrainingSet, training_set
from cena.trajectories.views import network_views

__all__ = [
    "TrainingSet",
    "Trajectory",
    "TrajectoryConfig",
    "TrajectoryExperiment",
    "load_trajectory",
    "network_views",
    "train_trajectory",
    "trained_network",
    "training_set",
]
