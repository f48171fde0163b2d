"""Embed your own: any network among the architectures of a published space, and that space as arrays.

Both functions are also the package's own, :func:`cena.embed` and :func:`cena.load_embedding`. They import what they
need when they are called, so that ``import cena`` loads neither torch nor numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cena.embed.network import NetworkEmbedding
    from cena.embed.reference import Reference
    from cena.embed.released import Release
    from cena.spaces.modules import Factory

_DEFAULT = "nas-bench-201"
"""The released space in which networks are placed by default."""


def embed(
    factory: Factory | str,
    reference: Reference | str = _DEFAULT,
    seed: int = 0,
    name: str | None = None,
    announce: Callable[[str], object] | None = print,
) -> NetworkEmbedding:
    """Place a network in a released space.

    Parameters
    ----------
    factory : a function without arguments that returns a new module, or where it is: ``"package.module:factory"``. The
        module maps images (n, 3, r, r) to one row of outputs each; r is the reference's resolution, 32 for
        ``"nas-bench-201"``.
    reference : the released space, by name or loaded (:func:`cena.embed.reference.load_reference`).
    seed : of the initial weights.
    name : what to call the network; by default what the function is called.
    announce : is told how much time and memory it will take, before anything long begins. If None, nothing is
        announced.

    Raises
    ------
    InputError
        If there is no such release or factory, or the network has no data Jacobian; the sentence says why.
    """
    from cena.embed.network import embed_network

    return embed_network(factory, reference, seed, name, announce)


def load_embedding(name: str, folder: Path | None = None) -> Release:
    """The released embedding of a space, such as ``"nas-bench-201"``; its arrays are aligned with architecture indices.

    Of a space that is released as a sample they are aligned with the indices in ``architectures``.

    Parameters
    ----------
    name : of the space.
    folder : where the release is; by default inside the package.

    Raises
    ------
    InputError
        If there is no such release (the message lists those there are), or a file is missing or differs from its
        checksum.
    """
    from cena.embed.released import read_release

    return read_release(name, folder)
