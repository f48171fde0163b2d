"""The project's own label tables: what an importer makes of an official archive, one ``.npz`` file a space.

A table holds the architectures' strings, one array for each combination of data set, split, epochs and trials, and its
provenance: the file it was made from and that file's sha256. Arrays are read one by one, so that a table of all
423,624 NAS-Bench-101 cells opens at once. Nothing in it is pickled.
"""

import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cena.data import registry
from cena.errors import InputError
from cena.files import file_sha256, replacing, sha256
from cena.outside import array_names, parse_json, read_arrays
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
        try:
            self.names = array_names(path)
        except InputError as error:
            raise self.damaged(error) from error
        try:
            self.provenance: dict[str, str] = parse_json(str(self["provenance"]))
            if not all(isinstance(self.provenance[said], str) for said in ("source", "sha256")):
                raise ValueError("what is said is no text")
        except (ValueError, KeyError, TypeError) as error:
            raise self.damaged("its provenance does not say what it was made from") from error

    def __getitem__(self, name: str) -> NDArray[Any]:
        try:
            return read_arrays(self.path, [name])[name]
        except InputError as error:
            raise self.damaged(error) from error

    def keys(self) -> list[LabelKey]:
        """The accuracies it holds, sorted; raises `InputError` if an array's name is not that of one."""
        try:
            parts = [name.split(".")[1:] for name in self.names if name.startswith("accuracy.")]
            keys = [LabelKey(dataset, split, int(epochs), trials) for dataset, split, epochs, trials in parts]
        except ValueError as error:
            raise self.damaged("an accuracy is not named by data set, split, epochs and trials") from error
        return sorted(keys, key=astuple)

    def origin(self) -> str:
        """One phrase that says what it was made from."""
        return f"imported from {self.provenance['source']} (sha256 {self.provenance['sha256']})"

    def damaged(self, reason: object) -> InputError:
        """The error for a table that cannot be used, and why."""
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
