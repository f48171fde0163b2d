"""Label tables that are derived from public files, once, and kept.

They are kept in the folder that ``CENA_DERIVED`` names, else in ``derived/`` of the download folder, or of the user's
cache folder where nobody may write to the download folder. A table is used only with its published content: the
checksum of its arrays, not of the bytes of the file that holds them.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pooch

from cena.data import registry
from cena.data.label_tables import LabelTable, save_table
from cena.data.nas_bench_101_labels import LABELS_101, derive_101, merged_101
from cena.data.nas_bench_201_labels import LABELS_201, SOURCES_201, derive_201, merged_201
from cena.data.public_files import MERGED_101, MERGED_201, NASBENCH_VIS
from cena.errors import InputError
from cena.files import array_sha256, locked, sha256
from cena.stages import Stage
from cena.types import Arrays


@dataclass(frozen=True)
class Recipe:
    """How a table is derived.

    Parameters
    ----------
    stage : that derives it: who reads the table uses the stage.
    table : its name.
    sources : the files it is derived from, by their names in the download folder.
    derive : from the paths of these files to the arrays.
    checksum : :func:`content_sha256` of the arrays.
    """

    stage: Stage
    table: str
    sources: tuple[str, ...]
    derive: Callable[[Mapping[str, Path]], Arrays]
    checksum: str


RECIPES: dict[str, tuple[Recipe, ...]] = {
    "nas-bench-201": (
        Recipe(
            LABELS_201,
            "nas-bench-201",
            SOURCES_201,
            derive_201,
            "fd85b33a0157a6077617c9eca25f847be4fe1b847b4ed22e48df014ef97cfe9d",
        ),
        Recipe(
            LABELS_201,
            "nas-bench-201-merged",
            (MERGED_201,),
            merged_201,
            "658c5cbba5f236dc7ef00bde829f8b63a80717180a6f3c949e527d79957260b6",
        ),
    ),
    "nas-bench-101": (
        Recipe(
            LABELS_101,
            "nas-bench-101",
            NASBENCH_VIS,
            derive_101,
            "19be4ab88919a81e74df304da94216ba853a0923f61d826db92948ee4a41046e",
        ),
        Recipe(
            LABELS_101,
            "nas-bench-101-merged",
            (MERGED_101,),
            merged_101,
            "7d19bbebfbacc909f8e4de40bbd97d774c05103173e881fecfc086d285845c16",
        ),
    ),
}
"""The ways to the table of a space, the preferred one first; the others are for files of an earlier edition."""


def content_sha256(arrays: Arrays) -> str:
    """The sha256 of the names and contents of arrays."""
    return sha256("".join(f"{name} {array_sha256(arrays[name])}\n" for name in sorted(arrays)))


def derived_folder() -> Path:
    """Where derived tables are kept.

    A download folder whose permissions forbid writing is left alone, even by a user who may write everywhere.
    """
    named = os.environ.get("CENA_DERIVED")
    if named:
        return Path(named).expanduser()
    folder = registry.data_folder()
    closed = folder.exists() and not (folder.stat().st_mode & 0o222 and os.access(folder, os.W_OK))
    return (Path(pooch.os_cache("cena")) if closed else folder) / "derived"


def derived_path(recipe: Recipe) -> Path:
    """Where a table is kept."""
    return derived_folder() / f"{recipe.table}.npz"


def recipe_of(space_name: str) -> Recipe:
    """The recipe that is followed for a space: the first whose table or sources are there, else the first."""
    recipes = RECIPES[space_name]
    there = (recipe for recipe in recipes if derived_path(recipe).exists() or not registry.missing(recipe.sources))
    return next(there, recipes[0])


def derived_table(space_name: str) -> LabelTable:
    """The label table of a space, derived first if need be; what its sources lack is downloaded.

    Raises
    ------
    InputError
        If a source cannot be had or is damaged, what is derived does not have the published content, or it cannot be
        written. Nothing is half written.
    """
    recipe = recipe_of(space_name)
    recipe.stage.use()
    path = derived_path(recipe)
    if not _is_good(path, recipe):
        try:
            with locked(path.with_name(f".{path.name}.lock")):
                if not _is_good(path, recipe):  # else another process has just derived it
                    _derive(recipe, path)
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror}; set CENA_DERIVED to another folder") from error
    return LabelTable(path)


def _derive(recipe: Recipe, path: Path) -> None:
    arrays = recipe.derive({name: registry.fetch(name) for name in recipe.sources})
    if content_sha256(arrays) != recipe.checksum:
        listed = "; ".join(map(registry.how_to_get, recipe.sources))
        raise InputError(
            f"the table {recipe.table} does not have its published content: the files it is derived from have changed, "
            f"or this version of cena derives it otherwise; they are {listed}"
        )
    checksums = "".join(registry.entry(name).checksum for name in recipe.sources)
    save_table(path, arrays, {"source": ", ".join(recipe.sources), "sha256": sha256(checksums)})


def _is_good(path: Path, recipe: Recipe) -> bool:
    if not path.exists():
        return False
    status = path.stat()
    return _has_content(path, recipe.checksum, (status.st_size, status.st_mtime_ns))


@cache
def _has_content(path: Path, checksum: str, _version: tuple[int, int]) -> bool:
    """Whether a table has its content; remembered in this process while its `_version` (size and time) stays."""
    try:
        table = LabelTable(path)
        return content_sha256({name: table[name] for name in table.names - {"provenance"}}) == checksum
    except InputError:
        return False  # it is derived again
