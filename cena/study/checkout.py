"""The checkout of this repository that a command or a notebook works in, whatever the working directory."""

from pathlib import Path

_PARTS = ("cena", "notebooks", "requirements.txt")


def checkout_above(folder: Path) -> Path | None:
    """The nearest checkout that `folder` is or lies in: a folder of the package, the notebooks and the pins."""
    around = (folder, *folder.parents)
    return next((root for root in around if all((root / part).exists() for part in _PARTS)), None)


def checkout() -> Path:
    """Where a notebook's results and artifacts belong.

    It is the checkout that the current directory lies in, or else the one that this package was imported from, or
    else, where the package is installed apart from any checkout, the current directory.
    """
    here = Path.cwd()
    return checkout_above(here) or checkout_above(Path(__file__).parent) or here
