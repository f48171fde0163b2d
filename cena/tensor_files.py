"""Named tensors and a description in one safetensors file, and checkpoints of training made of them.

The description is JSON under a single key of the file's header: safetensors does not keep the order of several keys,
and equal content shall be equal bytes. It holds a digest of the content, so that damage is noticed.
"""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from cena.errors import DamagedError, InputError
from cena.files import array_sha256, sha256, write_atomically
from cena.outside import parse_json

_log = logging.getLogger(__name__)

CHECKPOINT = "a training checkpoint"
"""What such a file is called: see :func:`read_tensors`."""

_HEADER = "cena"
_DIGEST = "sha256"
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
    contiguous = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    whole = {"kind": kind, **description}
    header = json.dumps({**whole, _DIGEST: _digest(contiguous, whole)}, sort_keys=True)
    write_atomically(path, save(contiguous, {_HEADER: header}))


def read_tensors(path: Path, kind: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the description that :func:`write_tensors` wrote.

    A file without a digest, written before there were any, is taken as it is.

    Raises
    ------
    DamagedError
        If the file cannot be read or its content is not what was written.
    InputError
        If it is missing or of another kind.
    """
    if not path.is_file():
        raise InputError(f"{path} is not there; expected {kind}; give the path of an existing file")
    try:
        with safe_open(path, framework="pt") as file:
            description = parse_json((file.metadata() or {})[_HEADER])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
        if description.pop(_DIGEST, None) not in (None, _digest(tensors, description)):
            raise ValueError("the content does not have the digest that was saved")
        found = description.pop("kind")
    except (SafetensorError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise DamagedError(
            f"{path} is damaged or no file of cena; expected {kind}; make it again or give another path"
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
) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """The tensors and the progress of a checkpoint; the optimiser's moments are as they were.

    None if there is no such file, or it is damaged, which is logged: the training begins at its beginning.

    Raises
    ------
    InputError
        If the file belongs to a training of another `identity`.
    """
    if not path.exists():
        return None
    try:
        tensors, description = read_tensors(path, CHECKPOINT)
    except DamagedError:
        _log.warning("the checkpoint %s is damaged: the training begins again", path)
        return None
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


def _digest(tensors: Mapping[str, Tensor], description: Mapping[str, Any]) -> str:
    """The sha256 of all that a file holds: names, types, shapes and values of the tensors, and the description."""
    arrays = [f"{name} {array_sha256(tensors[name].numpy())}" for name in sorted(tensors)]
    return sha256("\n".join([json.dumps(description, sort_keys=True), *arrays]))


def part_of(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with a prefix and a dot, by the rest of their names."""
    return {name[len(prefix) + 1 :]: tensor for name, tensor in tensors.items() if name.startswith(f"{prefix}.")}
