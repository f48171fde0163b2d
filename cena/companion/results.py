"""Which files of a results folder belong to a notebook: those that its last execution wrote, and no others."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from cena.companion.normalise import read_executed
from cena.files import replacing, text_sha256


def checksums(paths: Iterable[Path]) -> dict[str, str]:
    """The sha256 of text files, by name."""
    return {path.name: text_sha256(path) for path in sorted(paths)}


def files_in(folder: Path) -> list[Path]:
    """The files in a folder, sorted; none where there is no folder."""
    return sorted(path for path in folder.glob("*") if path.is_file())


def results_written(executed: Path) -> dict[str, str]:
    """The sha256 of the files that an executed notebook wrote, by name, as its metadata has them; none without it."""
    notebook = read_executed(executed)
    return {} if notebook is None else dict(notebook.metadata.get("cena", {}).get("results", {}))


def replace_results(written: Iterable[Path], folder: Path, earlier: Mapping[str, str]) -> None:
    """Copy what a notebook wrote into a folder, and delete there what its earlier execution wrote and this one did not.

    Parameters
    ----------
    written : files elsewhere.
    folder : where each of them replaces, in one step, the file of its name.
    earlier : as :func:`results_written` gives it for the earlier execution; a file that is not as it wrote it stays.
    """
    names = set()
    for path in written:
        with replacing(folder / path.name) as temporary:
            shutil.copyfile(path, temporary)
        names.add(path.name)
    for name, checksum in earlier.items():
        if name not in names and (folder / name).is_file() and text_sha256(folder / name) == checksum:
            (folder / name).unlink()
