"""The contrastive encoder in closed form: what it does to a view, and its file.

An embedding is affine in the readings: each is standardised, projected, and the projections are added up. How the
projections are found is in :mod:`cena.contrast.closed_form_fit`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from cena.errors import InputError
from cena.files import array_sha256, sha256
from cena.stages import Stage
from cena.tensor_files import read_tensors, write_tensors
from cena.types import Floats

CLOSED_FORM = Stage("closed-form", version=1)
"""The contrastive encoder in closed form, and embedding by it."""

_KIND = "a closed-form encoder"


@dataclass(frozen=True, eq=False)
class BlockProjection:
    """What a closed-form encoder does to one block: its share of the embedding is affine.

    Parameters
    ----------
    mean, deviation : (size,) of each column over the usable views; the deviation of a column that never varies is 1.
    projection : (size, d) from the standardised block, principal components and reliability included.
    """

    mean: Floats
    deviation: Floats
    projection: Floats


@dataclass(frozen=True, eq=False)
class ClosedForm:
    """A fitted encoder.

    Parameters
    ----------
    blocks : the projection of each block, by the name of its reading.
    signal_to_noise : (d,) lambda of each direction, the largest first.
    """

    blocks: Mapping[str, BlockProjection]
    signal_to_noise: Floats

    @property
    def digest(self) -> str:
        """The sha256 of the names of its blocks and of all numbers: equal encoders have equal ones."""
        return sha256("\n".join(f"{name} {array_sha256(array.numpy())}" for name, array in self._tensors().items()))

    @CLOSED_FORM
    def embed(self, blocks: Mapping[str, NDArray[np.floating]]) -> Floats:
        """Embed views.

        Parameters
        ----------
        blocks : (..., size) each, by the name of the reading, the same as it was fitted on. A view that is not usable
            gets some place or other: leave it out of means.

        Returns
        -------
        (..., d).

        Raises
        ------
        InputError
            If the readings or their lengths are others than it was fitted on, or a value is not finite.
        """
        expected = {name: len(block.mean) for name, block in self.blocks.items()}
        found = {name: block.shape[-1] for name, block in blocks.items()}
        if found != expected:
            raise InputError(
                f"the readings {found} (name: length) are not those that the closed form was fitted on, {expected}: "
                "give the same"
            )
        check_finite(blocks)
        return np.asarray(
            sum(
                (blocks[name].astype(np.float64) - block.mean) / block.deviation @ block.projection
                for name, block in self.blocks.items()
            )
        )

    def save(self, path: Path) -> None:
        """Write one safetensors file, atomically: equal encoders give equal bytes."""
        write_tensors(path, _KIND, self._tensors(), {"blocks": list(self.blocks), "digest": self.digest})

    def _tensors(self) -> dict[str, torch.Tensor]:
        named = {
            f"{name}.{part}": getattr(block, part)
            for name, block in self.blocks.items()
            for part in BlockProjection.__dataclass_fields__
        }
        return {name: torch.from_numpy(array) for name, array in (named | {"lambda": self.signal_to_noise}).items()}


def load_closed_form(path: Path) -> ClosedForm:
    """Read what :meth:`ClosedForm.save` wrote.

    Raises
    ------
    InputError
        If the file is missing, damaged or no closed-form encoder.
    """
    tensors, description = read_tensors(path, _KIND)
    try:
        arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
        blocks = {
            name: BlockProjection(**{part: arrays[f"{name}.{part}"] for part in BlockProjection.__dataclass_fields__})
            for name in description["blocks"]
        }
        loaded = ClosedForm(blocks, arrays["lambda"])
        whole = loaded.digest == description["digest"]
    except (KeyError, TypeError) as error:
        raise InputError(f"{path} is no closed form of this version; fit and save it again") from error
    if not whole:
        raise InputError(f"{path} is damaged: its numbers do not have the digest that was saved; make it again")
    return loaded


def check_finite(blocks: Mapping[str, NDArray[np.floating]]) -> None:
    """Raise `InputError` unless all readings are finite."""
    for name, block in blocks.items():
        if not np.isfinite(block).all():
            raise InputError(f"reading '{name}' is not finite everywhere: mark such views as not usable")
