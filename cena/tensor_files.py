"""Named tensors and a description in one safetensors file, and checkpoints of training made of them.

The description is JSON under a single key of the file's header: safetensors does not keep the order of several keys,
and equal content shall be equal bytes.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from cena.errors import InputError
from cena.files import write_atomically

CHECKPOINT = "a training checkpoint"
"""What such a file is called: see :func:`read_tensors`."""

_HEADER = "cena"
_OPTIMIZER = "optimizer"


def write_tensors(path: Path, kind: str, tensors: Mapping[str, Tensor], description: Mapping[str, Any]) -> None:
    """Write or replace the file in one step.

    Parameters
    ----------
    path : the file; missing folders are made.
    kind : what the file is, with its article, such as ``"an encoder"``; checked when it is read.
    tensors : what to keep, by name.
    description : anything that JSON can hold.
    """
    header = json.dumps({"kind": kind, **description}, sort_keys=True)
    contiguous = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    write_atomically(path, save(contiguous, {_HEADER: header}))


def read_tensors(path: Path, kind: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the description that :func:`write_tensors` wrote.

    Raises
    ------
    InputError
        If the file is missing, damaged or of another kind.
    """
    if not path.is_file():
        raise InputError(f"{path} is not there; expected {kind}; give the path of an existing file")
    try:
        with safe_open(path, framework="pt") as file:
            description = json.loads((file.metadata() or {})[_HEADER])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
        found = description.pop("kind")
    except (SafetensorError, KeyError, ValueError) as error:
        raise InputError(
            f"{path} is damaged or no file of cena; expected {kind}; delete it and make it again"
        ) from error
    if found != kind:
        raise InputError(f"{path} is {found}; expected {kind}; give another path")
    return tensors, description


def write_checkpoint(
    path: Path,
    identity: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
    optimizer: torch.optim.Optimizer | None = None,
    progress: Mapping[str, Any] | None = None,
) -> None:
    """Write or replace a checkpoint, from which :func:`read_checkpoint` continues to the same bytes.

    Parameters
    ----------
    identity : which training it belongs to: all that determines the result, as JSON gives it back.
    tensors : weights and whatever else changes during training.
    optimizer : whose moments are kept; None after the last epoch, when nobody needs them any more.
    progress : what JSON can hold of how far the training is.
    """
    moments = {} if optimizer is None else optimizer.state_dict()["state"]
    kept = {
        f"{_OPTIMIZER}.{index}.{name}": moment
        for index, moments_of_one in moments.items()
        for name, moment in moments_of_one.items()
    }
    write_tensors(path, CHECKPOINT, {**tensors, **kept}, {"identity": identity, **(progress or {})})


def read_checkpoint(
    path: Path, identity: Mapping[str, Any], optimizer: torch.optim.Optimizer
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the progress of a checkpoint; the optimiser's moments are as they were.

    Raises
    ------
    InputError
        If the file is damaged or belongs to a training of another `identity`.
    """
    tensors, description = read_tensors(path, CHECKPOINT)
    if description.pop("identity") != identity:
        raise InputError(f"{path} belongs to a training with other settings or data; delete it or give another path")
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, moment in part_of(tensors, _OPTIMIZER).items():
        index, which = name.split(".")
        if moment.ndim > 0:  # fused optimisers need moments laid out in memory as their parameter
            moment = torch.empty_like(parameters[int(index)]).copy_(moment)
        state.setdefault(int(index), {})[which] = moment
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    others = {name: tensor for name, tensor in tensors.items() if not name.startswith(f"{_OPTIMIZER}.")}
    return others, description


def part_of(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with a prefix and a dot, by the rest of their names."""
    return {name[len(prefix) + 1 :]: tensor for name, tensor in tensors.items() if name.startswith(f"{prefix}.")}
