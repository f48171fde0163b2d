"""The packages that a page is made with: those that are installed, and those that the checkout pins."""

import re
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path


def pinned(requirements: Path) -> dict[str, str]:
    """The version of each package that a requirements file, or a constraints file that it names, pins; by name."""
    versions: dict[str, str] = {}
    for line in requirements.read_text(encoding="utf-8").splitlines():
        if included := re.match(r"-c\s+(\S+)", line):
            versions |= pinned(requirements.parent / included[1])
        elif pin := re.match(r"([\w.-]+)==([^\s;#]+)", line):
            versions[_name(pin[1])] = pin[2]
    return versions


def installed(requirements: Path) -> dict[str, str]:
    """The installed version of each package that a requirements file names, and of all that these need; by name.

    So tools that only the tests need do not count. A local version, such as torch's ``+cpu``, is left out.
    """
    waiting = re.findall(r"^[\w.-]+", requirements.read_text(encoding="utf-8"), flags=re.MULTILINE)
    versions: dict[str, str] = {}
    while waiting:
        name = _name(waiting.pop())
        if name not in versions and (package := _package(name)):
            versions[name], needs = package
            waiting += needs
    return dict(sorted(versions.items()))


@cache
def _package(name: str) -> tuple[str, list[str]] | None:
    """An installed package's version, and the names of what it needs; None where it is not installed."""
    try:
        package = distribution(name)
    except PackageNotFoundError:
        return None  # not needed on this system, or optional
    needs = [re.split(r"[^\w.-]", line)[0] for line in package.requires or [] if "extra ==" not in line]
    return package.version.partition("+")[0], needs


def _name(name: str) -> str:
    """A package's name as all of its spellings have it."""
    return re.sub(r"[-_.]+", "-", name).lower()
