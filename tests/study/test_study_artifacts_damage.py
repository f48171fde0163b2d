"""One flipped bit anywhere in what is kept of a space: the same values come back, a line names the file, and nothing is
computed but what was damaged."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cena import contrast
from cena.arch2vec import Arch2vecConfig, nas_bench_201_graphs
from cena.arch2vec.training import Pretraining
from cena.contrast.training import Training
from cena.jacobians import class_views
from cena.jacobians import store as view_store
from cena.spaces import TopologySpace
from cena.spaces.nas_bench_201.cells import all_topology_cells
from cena.study.artifacts import ArtifactStore
from cena.study.closed_forms import ClosedFormEmbedding
from cena.study.pipeline import Pipeline
from cena.study.profiles import profile
from cena.study.representations import arch2vec

PROFILE = profile("quick").vary(
    space={"datasets": ()},
    views={"points": 16, "per_class": 2, "precision": "float32"},
    encoder={"epochs": 3, "width": 16, "depth": 1},
    closed_form={"components": 4},
)
CELLS = all_topology_cells()[3::1100]
GRAPHS = nas_bench_201_graphs(CELLS)
ARCH2VEC = Arch2vecConfig(hidden=8, epochs=2)
READING = PROFILE.closed_form.readings[0]
Values = dict[str, np.ndarray]


class StopError(Exception):
    pass


def pipeline(root: Path, stop: tuple[str, int] | None = None) -> Pipeline:
    """A pipeline that is interrupted after so many steps of a stage."""

    def progress(stage: str, done: int, _total: int) -> None:
        if (stage, done) == stop:
            raise StopError

    made = Pipeline(PROFILE, ArtifactStore(root), workers=1, progress=progress)
    made.space = TopologySpace("digits-topology", CELLS, channels=4, cells_per_stage=1, resolution=8)
    return made


def views(root: Path) -> Values:
    store = pipeline(root).views
    arrays = {name: getattr(store, name) for name in ("directions", "singular_values", "jacov", "status")}
    return arrays | {name: store.reading(name) for name in store.readings}


def encoder(root: Path) -> Values:
    trained = pipeline(root).encoder
    weights = {name: tensor.numpy() for name, tensor in trained.network.state_dict().items()}
    return weights | {"history": np.array(trained.history), "mean": np.array(trained.scale.mean)}


def embedding(root: Path) -> Values:
    return {"embedding": pipeline(root).embedding}


def closed_form(root: Path) -> Values:
    fitted = ClosedFormEmbedding(pipeline(root)).encoder
    return {"lambda": fitted.signal_to_noise, READING: fitted.blocks[READING].projection}


def arch2vec_vectors(root: Path) -> Values:
    return {"vectors": arch2vec(ArtifactStore(root), GRAPHS, ARCH2VEC)}


LOADERS = (views, encoder, embedding, closed_form, arch2vec_vectors)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[Callable, Values]]:
    """Artifacts, whole under "whole" and half-way under "half", and what they hold."""
    root = tmp_path_factory.mktemp("made")
    values = {load: load(root / "whole") for load in LOADERS}
    shutil.copytree(root / "whole/views", root / "half/views")
    with pytest.raises(StopError):
        _ = pipeline(root / "half", ("encoder", 2)).encoder
    with pytest.raises(StopError):
        _ = pipeline(root / "half views", ("views", 8)).views
    return root, values


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is computed from now on: classes, epochs of the encoder and of arch2vec, embeddings."""
    done: list[str] = []

    def counted(place: object, name: str, what: str) -> None:
        original = getattr(place, name)

        def wrapper(*arguments, **more):
            done.append(what)
            return original(*arguments, **more)

        monkeypatch.setattr(place, name, wrapper)

    assert view_store.class_views is class_views
    counted(view_store, "class_views", "class")
    counted(Training, "step", "epoch")  # one batch is all
    counted(Pretraining, "epoch", "epoch")
    counted(contrast, "encode", "embedding")
    return done


CHUNK = "whole/views/*/views.zarr/{}/c/**/[0-9]"
KINDS: dict[str, tuple[str, Callable[[Path], Values], set[str], int]] = {
    # what is damaged, what is read, what may be computed again, and at most how often
    **{
        name: (CHUNK.format(name), views, {"class"}, 8) for name in ("directions", "singular_values", "jacov", "status")
    },
    "reading": (CHUNK.format(READING), views, {"class"}, 8),
    "zarr.json": ("whole/views/*/views.zarr/**/zarr.json", views, set(), 0),
    "views' config.json": ("whole/views/*/config.json", views, set(), 0),
    "half-way views": ("half views/views/.*.partial/views.zarr/**/[0-9z]*", views, {"class"}, 16),
    "encoder": ("whole/encoder/*/encoder.safetensors", encoder, set(), 0),
    "finished checkpoint": ("whole/encoder/*/checkpoint.safetensors", encoder, set(), 0),
    "half-way checkpoint": ("half/encoder/.*.partial/checkpoint.safetensors", encoder, {"epoch"}, 3),
    "encoder's config.json": ("whole/encoder/*/config.json", encoder, set(), 0),
    "embedding": ("whole/embedding/*/arrays.npz", embedding, {"embedding"}, 1),
    "closed form": ("whole/closed-form/*/closed-form.safetensors", closed_form, set(), 0),
    "arch2vec's embedding": ("whole/arch2vec/*/embedding.npy", arch2vec_vectors, set(), 0),
    "arch2vec's checkpoint": ("whole/arch2vec/*/checkpoint.safetensors", arch2vec_vectors, {"epoch"}, 2),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_bit_is_noticed_and_mended(
    kind: str,
    made: tuple[Path, dict[Callable, Values]],
    work: list[str],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    pattern, load, allowed, most = KINDS[kind]
    rng = np.random.default_rng([*KINDS].index(kind))
    for trial in range(2):
        root = tmp_path / str(trial)
        shutil.copytree(made[0], root)
        folder = root / pattern.split("/")[0]
        files = [file for file in sorted(root.glob(pattern)) if file.is_file()]
        damaged = files[rng.integers(len(files))]
        others = {file for file in folder.rglob("*") if file.is_file() and "partial" not in str(file)} - {damaged}
        content = bytearray(damaged.read_bytes())
        content[rng.integers(len(content))] ^= 1 << rng.integers(8)
        damaged.write_bytes(content)
        caplog.clear()
        work.clear()
        values = load(folder)
        assert damaged.name in caplog.text
        assert all(file.exists() for file in others)
        assert set(work) <= allowed
        assert len(work) <= most
        expected = made[1][load]
        assert values.keys() == expected.keys()
        for name, array in values.items():
            np.testing.assert_array_equal(array, expected[name])
