"""The project's own label tables: what an importer makes of an official archive, one ``.npz`` file a space.

A table holds the architectures' strings, one array for each combination of data set, split, epochs and trials, and its
provenance: the file it was made from and that file's sha256. Arrays are read one by one, so that a table of all
423,624 NAS-Bench-101 cells opens at once. Nothing in it is pickled.
"""

import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cena.data import registry
from cena.errors import InputError
from cena.files import file_sha256, replacing, sha256
from cena.types import Arrays

IMPORTED = "imported"
"""The folder of the download folder that holds imported tables."""


@dataclass(frozen=True)
class LabelKey:
    """Which accuracy is meant.

    Parameters
    ----------
    dataset : ``"cifar10"``, ``"cifar100"``, ``"imagenet16"`` (ImageNet16-120) or ``"digits"``.
    split : ``"validation"`` or ``"test"``.
    epochs : length of the training.
    trials : ``"one"`` (a single training of each architecture), ``"another"`` (a second draw of a single training),
        ``"mean"`` (over all trainings), ``"seed0"``, ``"seed777"``, ... (the training from this seed) or ``"repeat0"``,
        ``"repeat1"``, ... (NAS-Bench-101, whose three trainings are numbered).
    """

    dataset: str
    split: str
    epochs: int
    trials: str

    def __str__(self) -> str:
        return "dataset={} split={} epochs={} trials={}".format(*astuple(self))

    def array_name(self) -> str:
        """The name of the array that holds this accuracy in a table."""
        return f"accuracy.{self.dataset}.{self.split}.{self.epochs}.{self.trials}"


class LabelTable:
    """A table in the project's format, opened; its arrays are read when asked for.

    Raises
    ------
    InputError
        If the file is not such a table, or is damaged.
    """

    def __init__(self, path: Path):
        self.path = path
        self.names: frozenset[str] = frozenset()
        with self._open() as file:
            self.names = frozenset(file.files)
        self.provenance: dict[str, str] = json.loads(str(self["provenance"]))

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self.names:
            raise self._damaged(f"it has no array '{name}'")
        with self._open() as file:
            try:
                return np.asarray(file[name])
            except (OSError, ValueError, zipfile.BadZipFile, EOFError, zlib.error) as error:
                raise self._damaged(f"array '{name}' cannot be read") from error

    def keys(self) -> list[LabelKey]:
        """The accuracies it holds, sorted."""
        parts = [name.split(".")[1:] for name in self.names if name.startswith("accuracy.")]
        return sorted(
            (LabelKey(dataset, split, int(epochs), trials) for dataset, split, epochs, trials in parts), key=astuple
        )

    def origin(self) -> str:
        """One phrase that says what it was made from."""
        return f"imported from {self.provenance['source']} (sha256 {self.provenance['sha256']})"

    def _open(self) -> Any:
        if not zipfile.is_zipfile(self.path):
            raise self._damaged("it is no .npz file")
        return np.load(self.path, allow_pickle=False)

    def _damaged(self, reason: str) -> InputError:
        return InputError(f"{self.path} is no label table of cena: {reason}; remove it and import it again")


def imported_path(space_name: str) -> Path:
    """Where the imported table of a space is kept in the download folder."""
    return registry.data_folder() / IMPORTED / f"{space_name}.npz"


def imported(space_name: str) -> LabelTable | None:
    """The imported table of a space, if there is one."""
    path = imported_path(space_name)
    return LabelTable(path) if path.exists() else None


def save_table(path: Path, arrays: Arrays, provenance: Mapping[str, str]) -> None:
    """Write a table in one step.

    Parameters
    ----------
    arrays : by name; accuracies as :meth:`LabelKey.array_name` says, in percent, NaN where there is none.
    provenance : at least ``source``, the name of the file it was made from, and ``sha256``, that file's digest.

    Raises
    ------
    InputError
        If the folder cannot be written or the disk is full; what was there before is left alone.
    """
    text = np.array(json.dumps(dict(provenance), sort_keys=True))
    try:
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, provenance=text, **arrays)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}; set CENA_DATA to a folder with room") from error


def source_sha256(path: Path) -> str:
    """The sha256 of a file; of a folder, that of the names and sha256 of its files, in the order of their names."""
    if not path.is_dir():
        return file_sha256(path)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return sha256("".join(f"{file_sha256(file)}  {file.relative_to(path).as_posix()}\n" for file in files))
