"""Released embeddings are read without torch, in the order of the space, and never when damaged."""

import json
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest

import cena
from cena import spaces
from cena.embed import released
from cena.embed.reference import Reference
from cena.embed.released import VERSION, read_release
from cena.errors import InputError
from cena.files import file_sha256
from cena.jacobians import ViewRecipe, class_views
from cena.study.closed_forms import ClosedFormEmbedding
from cena.study.profiles import RELEASES
from cena.study.release import LARGEST_RELEASES
from cena.study.scale import at_scale

IN_PACKAGE = sorted(path.stem for path in released.FOLDER.glob("*.json"))

WITHOUT_TORCH = """
import sys
from pathlib import Path
import cena
release = cena.load_embedding("digits-topology", Path(sys.argv[1]))
print(release.embedding.shape, "torch" in sys.modules, "sklearn" in sys.modules)
"""


def test_arrays_are_aligned_with_architecture_indices(tiny_release, tiny_pipeline):
    release = cena.load_embedding("digits-topology")
    assert release.name == "digits-topology"
    assert release.embedding.dtype == np.float32
    expected = ClosedFormEmbedding(tiny_pipeline)
    np.testing.assert_allclose(release.embedding, tiny_pipeline.per_architecture(expected.embedding), rtol=1e-6)
    np.testing.assert_array_equal(release.architectures, np.arange(21))
    np.testing.assert_array_equal(release.classes, tiny_pipeline.classes)
    np.testing.assert_array_equal(release.parameters, tiny_pipeline.parameters)
    np.testing.assert_array_equal(release.coordinates, expected.coordinates)
    assert release.encoder_file.parent == tiny_release
    assert release.provenance["space"] == "digits-topology"
    assert (release.version, release.readings) == (VERSION, expected.readings)


def test_it_needs_no_torch(tiny_folder):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, str(tiny_folder)], capture_output=True, text=True, check=True
    )
    assert re.fullmatch(r"\(21, [0-9]+\) False False\n", done.stdout)


def test_loading_takes_less_than_a_second(tmp_path):
    """A release of the size of NAS-Bench-201: 5,044 classes, 15,625 architectures."""
    generator = np.random.default_rng(0)
    n, architectures = 5_044, 15_625
    arrays = {
        "architectures": np.arange(architectures, dtype=np.int32),
        "class_embedding": generator.standard_normal((n, 16)).astype(np.float32),
        "classes": generator.integers(n, size=architectures).astype(np.int16),
        "coordinates": generator.random((architectures, 3)),
        "parameters": generator.integers(1, 10**6, size=architectures),
        "plane": generator.random((n, 2)),
        "points": generator.random((n, 2)),
        "weights": generator.random(n),
    }
    np.savez(tmp_path / "large.npz", **arrays)
    assert (tmp_path / "large.npz").stat().st_size < 2e6
    (tmp_path / "large.safetensors").touch()
    files = [tmp_path / "large.npz", tmp_path / "large.safetensors"]
    description = {"version": VERSION, "files": {path.name: file_sha256(path) for path in files}}
    (tmp_path / "large.json").write_text(json.dumps(description))
    started = time.process_time()
    assert read_release("large", tmp_path).embedding.shape == (architectures, 16)
    assert time.process_time() - started < 1


def test_the_package_has_whole_releases_and_nothing_else_and_they_are_small():
    files = {path.name: path.stat().st_size for path in released.FOLDER.iterdir()}
    assert set(files) == {f"{name}.{suffix}" for name in IN_PACKAGE for suffix in ("json", "npz", "safetensors")}
    assert "digits-topology" in IN_PACKAGE
    assert set(IN_PACKAGE) <= set(RELEASES)
    assert sum(files.values()) <= LARGEST_RELEASES


def test_an_installed_package_has_them():
    settings = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"]["cena.embed"]
    data = released.FOLDER.parent
    installed = {path for pattern in patterns for path in data.glob(pattern)}
    assert set(released.FOLDER.iterdir()) <= installed


@pytest.mark.parametrize("name", IN_PACKAGE)
def test_a_release_in_the_package_is_whole_fast_and_aligned(name):
    started = time.process_time()
    release = read_release(name)  # which checks the sums of both files
    embedding = release.embedding
    assert time.process_time() - started < 1
    assert len(release.provenance["files"]) == 2
    space = spaces.load(name)
    count = release.provenance["architectures"]
    rows = (release.architectures, embedding, release.coordinates, release.parameters, release.classes)
    assert {len(each) for each in rows} == {count}
    sample = release.provenance["sample"]
    expected = spaces.sample(space, count, sample["seed"]).indices if sample else np.arange(len(space))
    np.testing.assert_array_equal(release.architectures, expected)
    numbered = spaces.SampledSpace(space, release.architectures).classes()
    np.testing.assert_array_equal(release.classes, numbered)
    for row in range(0, count, count // 20):
        assert release.parameters[row] == space.parameters(int(release.architectures[row]))
    assert np.isfinite(embedding).all()
    assert ((release.coordinates >= 0) & (release.coordinates <= 1)).all()
    classes = len(release.class_embedding)
    assert classes == release.classes.max() + 1 == len(release.plane) == len(release.points) == len(release.weights)
    assert release.provenance["precision"] == "float32"
    assert release.provenance["statuses"]["missing"] == release.provenance["statuses"]["non-finite"] == 0


@pytest.mark.parametrize("name", IN_PACKAGE)
def test_an_encoder_in_the_package_gives_the_released_embedding(name):
    """Some networks, built and seen as the release says, land on their rows: the encoder is that of the arrays."""
    known = Reference(read_release(name), None, "")
    settings = RELEASES[name]
    views = at_scale(spaces.load(name), settings)
    recipe = ViewRecipe(known.images.pixels, known.views, settings.seed, "float32", known.release.readings)
    for row in np.linspace(0, len(known.representatives) - 1, 3).astype(int):
        architecture = int(known.release.architectures[known.representatives[row]])
        seen = class_views(views, architecture, int(row), recipe)
        if seen.usable.any():
            distances = known.distances(known.encoder.embed(seen.readings)[seen.usable].mean(axis=0))
            assert distances[row] < 0.01
            assert distances.argmin() == row


@pytest.fixture
def copy(tiny_folder, tmp_path):
    shutil.copytree(tiny_folder, tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_an_unknown_name_lists_those_there_are(copy):
    with pytest.raises(InputError, match="unknown released embedding 'nas-bench-201'; valid: digits-topology"):
        read_release("nas-bench-201", copy)
    with pytest.raises(InputError, match="unknown released embedding 'digits'; valid: none"):
        read_release("digits", copy / "nowhere")


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_a_damaged_file_is_named(copy, suffix):
    path = copy / f"digits-topology.{suffix}"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=rf"digits-topology\.{suffix} of the released embedding .* is damaged"):
        read_release("digits-topology", copy)
    path.unlink()
    with pytest.raises(InputError, match="the released embedding 'digits-topology' cannot be read"):
        read_release("digits-topology", copy)


@pytest.mark.parametrize("version", [None, 1, 3])
def test_another_version_is_refused(copy, version):
    description = json.loads((copy / "digits-topology.json").read_text())
    description["version"] = version
    if version is None:  # releases of the first version did not say so
        del description["version"]
    (copy / "digits-topology.json").write_text(json.dumps(description))
    with pytest.raises(InputError, match=rf"'digits-topology' is of version {version or 1}, which this cena does not"):
        read_release("digits-topology", copy)


ELSEWHERE = '{"version": 2, "files": {"../../../../dev/zero": ""}}'  # which never ends
NESTED = pytest.param("[" * 100_000, id="nested")


@pytest.mark.parametrize("text", ["", "[]", '{"version": 2}', '{"version": 2, "files": {}}', ELSEWHERE, NESTED])
def test_a_wrong_description_is_an_error(copy, text):
    (copy / "digits-topology.json").write_text(text)
    (copy / "digits-topology.npz").write_bytes(b"no zip")
    with pytest.raises(InputError, match="the released embedding 'digits-topology' cannot be read"):
        read_release("digits-topology", copy)
