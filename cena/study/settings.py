"""The settings of a run, in groups: what a profile (:mod:`cena.study.profiles`) sets, and what each setting means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from cena.errors import unknown

if TYPE_CHECKING:
    from cena.data.labels import LabelKey


@dataclass(frozen=True)
class SpaceSettings:
    """A space and its labels.

    Attributes
    ----------
    name : of the space, see :func:`cena.spaces.load`.
    architectures : how many of it are drawn at random and embedded; 0: all.
    datasets : the data sets whose labels are used; none: no labels.
    split : of the labels, ``"test"`` or ``"validation"``.
    epochs : of the training that the labels are of.
    trials : ``"one"`` training or the ``"mean"`` of all seeds.
    """

    name: str
    architectures: int
    datasets: tuple[str, ...]
    split: str
    epochs: int
    trials: str

    def label_key(self, dataset: str) -> LabelKey:
        """The key of the labels on a data set; raises `InputError` for one that is not among :attr:`datasets`."""
        from cena.data.labels import LabelKey  # with torch behind it; the command line shows profiles without

        if dataset not in self.datasets:
            raise unknown(f"data set of space '{self.name}'", dataset, self.datasets)
        return LabelKey(dataset, self.split, self.epochs, self.trials)


@dataclass(frozen=True)
class ViewSettings:
    """The networks whose Jacobians are taken, and how.

    Attributes
    ----------
    images : what the networks see: ``"patches"`` of bundled photographs, ``"cifar10"`` training images, bundled
        ``"digits"`` or ``"noise"``.
    channels : of the first stage; of the stem in NAS-Bench-101.
    cells : in each stage or stack.
    resolution : pixels a side of the images.
    transfer_resolution : the same for spaces beside the topology space, whose networks cost many times as much, and for
        topologies where they are compared with these.
    points : data points, the rows of a Jacobian.
    per_class : views of each class, that is random initialisations.
    precision : of the gradients: ``"bfloat16"`` autocast where the processor has it, or ``"float32"``.
    """

    images: Literal["patches", "cifar10", "digits", "noise"]
    channels: int
    cells: int
    resolution: int
    transfer_resolution: int
    points: int
    per_class: int
    precision: Literal["bfloat16", "float32"]


@dataclass(frozen=True)
class EncoderSettings:
    """The MLP-Mixer and its training.

    Attributes
    ----------
    epochs : of the training.
    width : channels of a token.
    depth : Mixer layers.
    """

    epochs: int
    width: int
    depth: int


@dataclass(frozen=True)
class ClosedFormSettings:
    """The contrastive encoder in closed form, see :class:`cena.contrast.ClosedFormConfig`, and what it reads of a view.

    Attributes
    ----------
    readings : the names of its blocks, of :data:`cena.jacobians.READINGS`.
    components : the most dimensions of the embedding.
    shrinkage : of the covariance of initialisations, from 0 to 1.
    principal : the most principal components of a block.
    """

    readings: tuple[str, ...]
    components: int
    shrinkage: float
    principal: int


@dataclass(frozen=True)
class JudgingSettings:
    """How embeddings are judged by what random forests predict from them.

    Attributes
    ----------
    labels : that a forest is fitted on.
    transfer_labels : of one space, for a predictor that is judged on the other.
    runs : fresh splits.
    trees : of a forest.
    """

    labels: int
    transfer_labels: int
    runs: int
    trees: int


@dataclass(frozen=True)
class SearchSettings:
    """How searches are repeated.

    Attributes
    ----------
    runs : of each method, fewer of slow ones.
    budget : architectures that a run may evaluate.
    """

    runs: int
    budget: int


@dataclass(frozen=True)
class TrajectorySettings:
    """The trainings of chapter 6, on one data set at the scale of the views.

    Attributes
    ----------
    epochs : of the architectures whose trajectories are drawn.
    sample_epochs : of the larger sample whose final accuracy is predicted.
    images : to train on.
    batch : images a step.
    learning_rate : at the start.
    seeds : trainings of each architecture.
    """

    epochs: int
    sample_epochs: int
    images: int
    batch: int
    learning_rate: float
    seeds: int


@dataclass(frozen=True)
class AblationSettings:
    """The smaller embeddings that chapter 10 varies.

    Attributes
    ----------
    architectures : sampled of the space.
    points : data points of their Jacobians.
    encoder_epochs : of their encoders' training.
    cells : of NAS-Bench-101, sampled to compare reduced with full networks.
    cell_points, cell_encoder_epochs : of their Jacobians and encoders; a batch holds all cells, so an epoch is a step.
    full_channels, full_cells, full_resolution : of the full networks, as in :class:`ViewSettings`.
    """

    architectures: int
    points: int
    encoder_epochs: int
    cells: int
    cell_points: int
    cell_encoder_epochs: int
    full_channels: int
    full_cells: int
    full_resolution: int


@dataclass(frozen=True)
class Profile:
    """The settings of a run.

    Attributes
    ----------
    name : what the command line calls it.
    space : the topology space that is embedded.
    size_space : the size space that it transfers to.
    views : how Jacobians are taken.
    encoder, closed_form : the two ways to contrast them, the paper's and ours.
    judging, search : how the embedding is judged.
    trajectories, ablations : of chapters 6 and 10.
    seed : of everything that is random.
    """

    name: str
    space: SpaceSettings
    size_space: SpaceSettings
    views: ViewSettings
    encoder: EncoderSettings
    closed_form: ClosedFormSettings
    judging: JudgingSettings
    search: SearchSettings
    trajectories: TrajectorySettings
    ablations: AblationSettings
    seed: int

    def vary(self, **groups: Mapping[str, Any]) -> Profile:
        """The profile with some settings changed: ``profile.vary(views={"points": 32}, encoder={"epochs": 30})``."""
        return replace(self, **{name: replace(getattr(self, name), **changes) for name, changes in groups.items()})

    def settings(self) -> Iterator[tuple[str, Any]]:
        """Every setting by its full name, such as ``("views.points", 64)``."""
        for name, value in asdict(self).items():
            if isinstance(value, dict):
                yield from ((f"{name}.{setting}", one) for setting, one in value.items())
            else:
                yield name, value
