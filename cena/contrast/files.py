"""Named tensors and a description in one safetensors file, written atomically.

The description is JSON under a single key of the file's header: safetensors does not keep the order of several keys,
and equal content shall be equal bytes.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from cena.errors import InputError

Kind = Literal["an encoder", "a training checkpoint"]
HEADER = "cena"


def write_tensors(path: Path, kind: Kind, tensors: Mapping[str, Tensor], description: Mapping[str, Any]) -> None:
    """Write or replace the file: whoever reads it, after a kill at any moment, finds the old or the new, never half.

    Parameters
    ----------
    path : the file; missing folders are made.
    kind : what the file is, checked when it is read.
    tensors : what to keep, by name.
    description : anything that JSON can hold.
    """
    header = json.dumps({"kind": kind, **description}, sort_keys=True)
    content = save({name: tensor.detach().contiguous() for name, tensor in tensors.items()}, {HEADER: header})
    path.parent.mkdir(parents=True, exist_ok=True)
    # The number of the process keeps two runs that write the same file from writing into each other's.
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_tensors(path: Path, kind: Kind) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the description that :func:`write_tensors` wrote.

    Raises
    ------
    InputError : if the file is missing, damaged or of another kind.
    """
    if not path.is_file():
        raise InputError(f"{path} is not there; expected {kind}; give the path of an existing file")
    try:
        with safe_open(path, framework="pt") as file:
            description = json.loads((file.metadata() or {})[HEADER])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
        found = description.pop("kind")
    except (SafetensorError, KeyError, ValueError) as error:
        raise InputError(
            f"{path} is damaged or no file of cena; expected {kind}; delete it and make it again"
        ) from error
    if found != kind:
        raise InputError(f"{path} is {found}; expected {kind}; give another path")
    return tensors, description
