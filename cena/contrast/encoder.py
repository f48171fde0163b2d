"""An encoder as it is passed around and saved: network, configuration, input scale and training history.

One safetensors file holds all of it, so a file is enough to place another space among the embeddings of this one.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from cena.computing import drawn_from, native_bfloat16
from cena.contrast.inputs import SpectrumScale
from cena.contrast.mixer import Encoder, MixerConfig
from cena.errors import InputError, unknown
from cena.tensor_files import read_tensors, write_tensors

_KIND = "an encoder"


@dataclass(frozen=True, kw_only=True)
class EncoderConfig(MixerConfig):
    """An encoder and its training: with the same training views, it determines the result.

    Batch, embedding, projection as one linear layer and redundancy weight are the paper's (section 4.2). The rest
    is not published; the values are this project's.

    Parameters
    ----------
    projection : features that the loss sees.
    redundancy_weight : lambda of the Barlow Twins loss.
    epochs : passes over the classes; in each, every class gives one pair of views.
    batch : pairs in a batch; with fewer classes, all classes are one batch.
    learning_rate : the highest of the one-cycle schedule.
    weight_decay : of AdamW.
    precision : "auto" computes in bfloat16 where the processor does that natively, "float32" never does.
    seed : determines the initial weights, the order of the classes, the pairs and the signs.
    """

    projection: int = 512
    redundancy_weight: float = 5e-3
    epochs: int = 30
    batch: int = 512
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    precision: Literal["auto", "float32"] = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least in {"projection": 1, "epochs": 1, "batch": 2, "seed": 0}.items():
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise InputError(f"{name} of the encoder is {value!r}; expected a whole number of at least {least}")
        for name in ("redundancy_weight", "learning_rate", "weight_decay"):
            value = getattr(self, name)
            if not 0 <= value < float("inf"):
                raise InputError(f"{name} of the encoder is {value!r}; expected a finite number of at least 0")
        if self.precision not in ("auto", "float32"):
            raise unknown("precision", self.precision, ("auto", "float32"))

    @property
    def computed_in(self) -> str:
        """What the precision comes to on this processor: ``"bfloat16"`` or ``"float32"``."""
        return "bfloat16" if self.precision == "auto" and native_bfloat16() else "float32"


@dataclass(frozen=True)
class TrainedEncoder:
    """An encoder and all it takes to use it again.

    Parameters
    ----------
    network : the encoder in evaluation mode, without the projection head, which only the loss uses.
    config : what it was trained with.
    scale : of the spectra in its input; see :func:`cena.contrast.encoder_input`.
    history : mean loss of every epoch; empty for an untrained encoder.
    """

    network: Encoder
    config: EncoderConfig
    scale: SpectrumScale
    history: tuple[float, ...]


def initial_networks(config: EncoderConfig) -> tuple[Encoder, nn.Linear]:
    """Encoder and projection head before training, drawn from the seed; the global random state stays as it was."""
    with drawn_from(config.seed):
        return Encoder(config), nn.Linear(config.embedding, config.projection)


def untrained_encoder(config: EncoderConfig, scale: SpectrumScale) -> TrainedEncoder:
    """The encoder that training with `config` starts from: the control that shows what training adds."""
    return TrainedEncoder(initial_networks(config)[0].eval(), config, scale, history=())


def save_encoder(path: Path, encoder: TrainedEncoder) -> None:
    """Write one safetensors file, atomically: equal encoders give equal bytes."""
    description = {"config": asdict(encoder.config), "scale": asdict(encoder.scale), "history": encoder.history}
    write_tensors(path, _KIND, encoder.network.state_dict(), description)


def load_encoder(path: Path) -> TrainedEncoder:
    """Read what :func:`save_encoder` wrote.

    Raises
    ------
    InputError : if the file is missing, damaged or not an encoder.
    """
    tensors, description = read_tensors(path, _KIND)
    try:
        config = EncoderConfig(**description["config"])
        scale = SpectrumScale(*(tuple(description["scale"][name]) for name in ("mean", "deviation")))
        if config.depth > len(tensors):
            raise ValueError("it has fewer tensors than blocks")
        with torch.device("meta"):  # without memory: what it takes is decided by the tensors that are there
            network = Encoder(config)
        network.load_state_dict(tensors, assign=True)
        return TrainedEncoder(network.float().eval(), config, scale, tuple(description["history"]))
    except (KeyError, TypeError, ValueError, RuntimeError, OverflowError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path} is not an encoder of this version ({reason}); train and save it again") from error
