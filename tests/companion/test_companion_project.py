"""Where a notebook that is executed by hand leaves things: in its checkout, whatever the working directory."""

import subprocess
import sys
from pathlib import Path

import jupytext
import pytest

import cena
from cena.cli.main import main
from cena.companion.project import here, of_notebook, results_folder
from cena.errors import InputError
from cena.study import checkout as places
from cena.study.artifacts import ArtifactStore
from cena.study.checkout import own_checkout

SOURCE = """# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% tags=["parameters"]
profile = "quick"

# %%
from cena.companion.project import results_folder
from cena.study.artifacts import ArtifactStore

(results_folder(profile) / "01_tiny.json").write_text("[]")
ArtifactStore().arrays("tiny", {}, lambda: {})
"""


@pytest.fixture(autouse=True)
def _no_places_in_the_environment(monkeypatch):
    monkeypatch.delenv("CENA_RESULTS", raising=False)
    monkeypatch.delenv("CENA_ARTIFACTS", raising=False)


def make_checkout(root: Path) -> Path:
    (root / "notebooks/deeper").mkdir(parents=True)
    (root / "requirements.txt").touch()
    return root


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A checkout that this package is installed from."""
    root = make_checkout(tmp_path / "checkout")
    (root / "cena").symlink_to(Path(cena.__file__).parent)
    return root


@pytest.fixture
def other_checkout(tmp_path, monkeypatch) -> Path:
    """A checkout that this package is not installed from, made the current directory."""
    root = make_checkout(tmp_path / "other")
    (root / "cena").mkdir()
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def elsewhere(tmp_path, monkeypatch) -> Path:
    """A folder outside any checkout, made the current directory."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path / "elsewhere"


@pytest.mark.parametrize("folder", ["", "notebooks", "notebooks/deeper"])
def test_in_a_checkout_it_is_that_one(checkout, monkeypatch, folder):
    monkeypatch.chdir(checkout / folder)
    assert here().root == of_notebook().root == checkout
    assert results_folder("laptop") == checkout / "_build/laptop/results"
    assert results_folder("laptop").is_dir()
    assert ArtifactStore().root == checkout / "artifacts"


@pytest.mark.usefixtures("elsewhere")
def test_elsewhere_a_notebook_goes_to_the_checkout_of_the_package_and_a_command_refuses():
    assert of_notebook().root == Path(cena.__file__).parents[1]
    with pytest.raises(InputError, match=r"elsewhere has no cena/.*run this in a checkout"):
        here()


def test_without_any_checkout_it_is_the_current_directory(elsewhere, monkeypatch):
    monkeypatch.setattr(places, "__file__", str(elsewhere / "site-packages/cena/study/checkout.py"))
    assert of_notebook().root == elsewhere
    assert results_folder("quick") == elsewhere / "_build/quick/results"
    assert own_checkout() is None


@pytest.mark.parametrize("folder", ["", "notebooks"])
@pytest.mark.parametrize("package", [Path(cena.__file__).parent, Path("/lib/site-packages/cena")])
def test_in_a_checkout_that_the_package_is_not_installed_from_a_command_refuses(
    other_checkout, monkeypatch, folder, package
):
    monkeypatch.chdir(other_checkout / folder)
    monkeypatch.setattr(places, "__file__", str(package / "study/checkout.py"))
    with pytest.raises(InputError) as refused:
        here()
    assert str(refused.value) == (
        f"cena is installed from {package.parent}, and this is another checkout, {other_checkout}: work there, or "
        f"install this one first, with `make install` or `pip install --no-deps --editable {other_checkout}`"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"],
        ["check"],
        ["diff"],
        ["publish"],
        ["reword"],
        ["book"],
        ["bundle"],
        ["reproduce", "01_first"],
        ["release"],
        ["digits", "train", "digits-size"],
    ],
)
@pytest.mark.usefixtures("other_checkout")
def test_every_command_that_reads_or_writes_a_checkout_refuses_another(arguments, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["cena", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("cena is installed from ")


@pytest.mark.usefixtures("other_checkout")
def test_a_command_that_needs_no_checkout_works_in_any(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["cena", "spaces"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    assert "digits-topology" in capsys.readouterr().out


def test_the_environment_goes_first(checkout, tmp_path, monkeypatch):
    monkeypatch.chdir(checkout)
    monkeypatch.setenv("CENA_RESULTS", str(tmp_path / "asked"))
    assert results_folder("quick") == tmp_path / "asked"


def test_papermill_by_hand_from_another_folder_writes_into_the_checkout(checkout, elsewhere, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(checkout))
    notebook = checkout / "notebooks/01_tiny.ipynb"
    jupytext.write(jupytext.reads(SOURCE, fmt="py:percent"), notebook)
    command = [
        sys.executable,
        "-m",
        "papermill",
        str(notebook),
        "out.ipynb",
        "-k",
        "python3",
        "-p",
        "profile",
        "laptop",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (checkout / "_build/laptop/results/01_tiny.json").read_text() == "[]"
    assert len([*checkout.glob("artifacts/tiny/*/arrays.npz")]) == 1
    assert [path.name for path in elsewhere.iterdir()] == ["out.ipynb"]
