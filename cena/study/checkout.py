"""The checkout of this repository that a command or a notebook works in, whatever the working directory."""

from pathlib import Path

from cena.errors import InputError

_PARTS = ("cena", "notebooks", "requirements.txt")


def checkout_above(folder: Path) -> Path | None:
    """The nearest checkout that `folder` is or lies in: a folder of the package, the notebooks and the pins."""
    around = (folder, *folder.parents)
    return next((root for root in around if all((root / part).exists() for part in _PARTS)), None)


def own_checkout() -> Path | None:
    """The checkout that the current directory lies in, which this package was imported from; None outside of any.

    Raises
    ------
    InputError
        If the package was imported from elsewhere: its code would be taken for the code of the checkout.
    """
    root, package = checkout_above(Path.cwd()), Path(__file__).parents[1]
    if root is not None and (root / package.name).resolve() != package.resolve():
        raise InputError(
            f"cena is installed from {package.parent}, and this is another checkout, {root}: work there, or install "
            f"this one first, with `make install` or `pip install --no-deps --editable {root}`"
        )
    return root


def checkout() -> Path:
    """Where a notebook's results and artifacts belong.

    It is the checkout that the current directory lies in, or else the one that this package was imported from, or
    else, where the package is installed apart from any checkout, the current directory.
    """
    here = Path.cwd()
    return checkout_above(here) or checkout_above(Path(__file__).parent) or here
