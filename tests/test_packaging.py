"""The package by itself: what it imports, and a wheel of it far from this checkout, without the book's tools."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "cena"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
POSIX_ONLY = {"fcntl", "grp", "posix", "pwd", "resource", "termios"}
WITHOUT_TORCH = (
    "evaluate",
    "layout",
    "search",
    "files",
    "types",
    "errors",
    "stages",
    "data.registry",
    "study.profiles",
)


def test_the_package_imports_on_windows():
    """What only POSIX has is imported by no module as it is loaded."""
    for file in PACKAGE.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        loaded = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        names = {alias.name for node in loaded if isinstance(node, ast.Import) for alias in node.names}
        names |= {node.module for node in loaded if isinstance(node, ast.ImportFrom)}
        assert not names & POSIX_ONLY, file


def test_what_needs_no_torch_loads_without_it():
    """These rooms' tests are those that run on every Python (`make test-pythons`)."""
    program = f"import sys, {', '.join(f'cena.{room}' for room in WITHOUT_TORCH)}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, env=os.environ | {"PYTHONPATH": str(ROOT)})


def test_every_dependency_is_pinned_within_its_bounds():
    """requirements.txt and constraints.txt are an environment that pyproject.toml allows."""
    pins = {}
    for name in ("requirements.txt", "requirements-test.txt", "constraints.txt"):
        found = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
        pins |= {package.lower().replace("_", "-"): version for package, version in found}
    extras = PROJECT["optional-dependencies"]
    for line in [*PROJECT["dependencies"], *extras["book"], *extras["cluster"]]:
        wanted = Requirement(line)
        assert wanted.name in pins, line
        assert wanted.specifier.contains(pins[wanted.name]), line


def test_a_checkout_is_the_same_to_the_byte_on_every_system():
    """No file is checked out with other line ends than it was committed with."""
    listed = subprocess.run(["git", "ls-files", "--eol"], cwd=ROOT, capture_output=True, text=True, check=True)
    for line in listed.stdout.splitlines():
        described, name = line.split("\t")
        committed, attributes = described.split()[0], described.partition("attr/")[2]
        assert "eol=lf" in attributes or "-text" in attributes, name
        assert committed in ("i/lf", "i/none", "i/-text"), name


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> Path:
    """A fresh environment with a wheel of the package, and of all else exactly what the wheel says it needs."""
    folder = tmp_path_factory.mktemp("packaging")
    source = folder / "source"
    shutil.copytree(PACKAGE, source / "cena", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, source]
    subprocess.run(build, check=True, env=far_from_here())
    [wheel] = folder.glob("cena-*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    # With the checkout on the path, its egg-info would count as cena installed already.
    install = [*pip, "--python", python, "install", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True, env=far_from_here())
    program = "import json, sysconfig; print(json.dumps(sysconfig.get_path('purelib')))"
    site = Path(json.loads(subprocess.run([python, "-c", program], capture_output=True, check=True).stdout))
    for entry in needed(PROJECT["dependencies"]):
        if not (site / entry.name).exists():
            (site / entry.name).symlink_to(entry)
    return python


def needed(lines: list[str]) -> set[Path]:
    """The files and folders in this environment of some requirements, and of all that these need in turn."""
    waiting, seen, entries = [Requirement(line) for line in lines], set(), set()
    while waiting:
        requirement = waiting.pop()
        if (requirement.name, *requirement.extras) in seen:
            continue
        seen.add((requirement.name, *requirement.extras))
        try:
            installed = distribution(requirement.name)
        except PackageNotFoundError:
            continue  # an optional part, or what another kind of torch needs
        for file in installed.files or []:
            if file.parts[0] != ".." and file.parts[0] != "__pycache__":
                entries.add(Path(installed.locate_file(file.parts[0])))
        for line in installed.requires or []:
            other = Requirement(line)
            if other.marker is None or any(other.marker.evaluate({"extra": e}) for e in ("", *requirement.extras)):
                waiting.append(other)
    return entries


def far_from_here() -> dict[str, str]:
    """The environment's variables but for those that lead back to this checkout or change what is run."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "CENA", "COV"))}


def run(python: Path, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A command in the clean environment, which sees neither the checkout nor this environment's variables."""
    environment = far_from_here() | {"COLUMNS": "200"}
    return subprocess.run([python, *arguments], capture_output=True, text=True, cwd=folder, env=environment)


@pytest.mark.slow
def test_an_installed_wheel_needs_neither_the_checkout_nor_the_books_tools(clean, tmp_path):
    program = (
        "import sys, cena, importlib.util as u; known = cena.load_embedding('nas-bench-201');"
        "assert 'torch' not in sys.modules;"
        "print(cena.__file__, known.embedding.shape, *[n for n in ('matplotlib', 'papermill') if u.find_spec(n)])"
    )
    loaded = run(clean, "-c", program, folder=tmp_path)
    assert loaded.returncode == 0, loaded.stderr
    place, *rest = loaded.stdout.split()
    assert Path(place).is_relative_to(clean.parents[1])
    assert rest == ["(15625,", "16)"]


@pytest.mark.slow
def test_an_installed_wheel_has_the_command_line(clean, tmp_path):
    helped = subprocess.run([clean.parent / "cena", "--help"], capture_output=True, text=True, cwd=tmp_path)
    assert helped.returncode == 0, helped.stderr
    assert "embed" in helped.stdout


@pytest.mark.slow
def test_an_installed_wheel_places_a_network(clean, tmp_path):
    pytest.importorskip("torch")  # the process below needs it
    (tmp_path / "mine.py").write_text(
        "from torch import nn\n"
        "def network():\n"
        "    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(7200, 10))\n"
    )
    placed = run(clean, "-m", "cena", "embed", "mine:network", folder=tmp_path)
    assert placed.returncode == 0, placed.stderr
    assert "place in the layout" in placed.stdout


@pytest.mark.slow
@pytest.mark.parametrize("command", ["run", "book", "publish"])
def test_a_command_that_needs_an_extra_says_which(clean, tmp_path, command):
    refused = run(clean, "-m", "cena", command, folder=tmp_path)
    assert refused.returncode == 2
    assert re.fullmatch(r"this needs \w+, which is not installed: pip install 'cena\[book\]'\n", refused.stderr)
