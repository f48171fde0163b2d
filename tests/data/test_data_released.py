"""Released embeddings are read without torch, in the order of the space, and never when damaged."""

import json
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest

import cena
from cena.data import released
from cena.data.released import load_embedding
from cena.errors import InputError

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
    expected = tiny_pipeline.per_architecture(tiny_pipeline.embedding)
    np.testing.assert_allclose(release.embedding, expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(release.classes, tiny_pipeline.classes)
    np.testing.assert_array_equal(release.parameters, tiny_pipeline.parameters)
    np.testing.assert_array_equal(release.coordinates, tiny_pipeline.coordinates)
    assert release.encoder_file.parent == tiny_release
    assert release.provenance["space"] == "digits-topology"


def test_it_needs_no_torch(tiny_folder):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, str(tiny_folder)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "(21, 512) False False\n"


def test_loading_takes_less_than_a_second(tmp_path):
    """A release of the size of NAS-Bench-201: 5,044 classes, 15,625 architectures."""
    generator = np.random.default_rng(0)
    n, architectures = 5_044, 15_625
    arrays = {
        "class_embedding": generator.standard_normal((n, 512)).astype(np.float16),
        "classes": generator.integers(n, size=architectures).astype(np.int16),
        "coordinates": generator.random((architectures, 3)),
        "parameters": generator.integers(1, 10**6, size=architectures),
        "plane": generator.random((n, 2)),
        "points": generator.random((n, 2)),
        "weights": generator.random(n),
    }
    np.savez(tmp_path / "large.npz", **arrays)
    assert (tmp_path / "large.npz").stat().st_size < 7e6
    (tmp_path / "large.json").write_text(
        json.dumps({"files": {"large.npz": released.hashlib.sha256((tmp_path / "large.npz").read_bytes()).hexdigest()}})
    )
    started = time.process_time()
    assert load_embedding("large", tmp_path).embedding.shape == (architectures, 512)
    assert time.process_time() - started < 1


def test_what_is_in_the_package_loads_and_is_small():
    """Whatever releases the package carries: whole, aligned, and at most 15 MB together."""
    files = list(released.FOLDER.glob("*"))
    assert sum(path.stat().st_size for path in files) <= 15_000_000
    for path in released.FOLDER.glob("*.json"):
        release = load_embedding(path.stem)
        assert len(release.embedding) == len(release.coordinates) == release.provenance["architectures"]
        assert np.isfinite(release.embedding).all()


@pytest.fixture
def copy(tiny_folder, tmp_path):
    shutil.copytree(tiny_folder, tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_an_unknown_name_lists_those_there_are(copy):
    with pytest.raises(InputError, match="unknown released embedding 'nas-bench-201'; valid: digits-topology"):
        load_embedding("nas-bench-201", copy)
    with pytest.raises(InputError, match="unknown released embedding 'digits'; valid: none"):
        load_embedding("digits", copy / "nowhere")


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_a_damaged_file_is_named(copy, suffix):
    path = copy / f"digits-topology.{suffix}"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=rf"digits-topology\.{suffix} of the released embedding .* is damaged"):
        load_embedding("digits-topology", copy)
    path.unlink()
    with pytest.raises(InputError, match="the released embedding 'digits-topology' cannot be read"):
        load_embedding("digits-topology", copy)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"files": {}}'])
def test_a_wrong_description_is_an_error(copy, text):
    (copy / "digits-topology.json").write_text(text)
    (copy / "digits-topology.npz").write_bytes(b"no zip")
    with pytest.raises(InputError, match="the released embedding 'digits-topology' cannot be read"):
        load_embedding("digits-topology", copy)
