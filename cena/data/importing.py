"""Official archives made into label tables of the download folder.

The authors' arrays need no import: they are small, and :mod:`cena.data.label_sources` reads them as they are.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cena import __version__, spaces
from cena.data.label_tables import imported_path, save_table, source_sha256
from cena.data.nas_bench_101_archive import read_nas_bench_101_archive
from cena.data.nats_archive import read_nats_archive
from cena.errors import InputError, unknown
from cena.types import Arrays, Progress, silent

_READERS: dict[str, Callable[[Path, Progress], Arrays]] = {
    "nas-bench-101": read_nas_bench_101_archive,
    "nas-bench-201": read_nats_archive,
    "nats-bench-size": read_nats_archive,
}
"""How the official archive of each space is read."""


def import_archive(space_name: str, source: Path, progress: Progress = silent) -> Path:
    """Read an official archive, write its label table into the download folder and return the table's path.

    From then on :mod:`cena.data.labels` uses it. The table names its source and the source's sha256.

    Parameters
    ----------
    space_name : ``"nas-bench-101"``, ``"nas-bench-201"`` or ``"nats-bench-size"``.
    source : NATS-Bench's "simple" archive, as ``.tar`` or unpacked, or ``nasbench_full.tfrecord``.
    progress : told of (records read, 0: how many there are is not known).

    Raises
    ------
    InputError
        If the archive is missing, damaged, refused, incomplete or of another space, or the table cannot be written.
    """
    if space_name not in _READERS:
        raise unknown("space with an importer", space_name, _READERS)
    arrays = _READERS[space_name](source, progress)
    if space_name != "nas-bench-101":
        _check_complete(space_name, source, arrays["architecture"])
    destination = imported_path(space_name)
    provenance = {"source": source.name, "sha256": source_sha256(source), "space": space_name, "cena": __version__}
    save_table(destination, arrays, provenance)
    return destination


def _check_complete(space_name: str, source: Path, architectures: NDArray[np.str_]) -> None:
    space = spaces.load(space_name)
    try:
        found = {space.index(str(architecture)) for architecture in architectures}
    except InputError as error:
        raise InputError(f"{source} is not the archive of {space_name}: {error}") from error
    if len(found) < len(space):
        raise InputError(
            f"{source} holds {len(found):,} of the {len(space):,} architectures of {space_name}: get the whole archive"
        )
