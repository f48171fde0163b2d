"""The view store: the same bytes however it was filled, and never another store's."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from time import sleep

import numpy as np
import pytest
import torch
import zarr
from torch import nn

from cena.errors import InputError
from cena.jacobians import ViewRecipe, ViewStatus, ViewStore, class_views
from cena.jacobians.store import CLASSES_A_CHUNK as CHUNK
from cena.spaces import TopologySpace, representatives
from cena.spaces.nas_bench_201.cells import all_topology_cells

ARRAYS = ("directions", "singular_values", "jacov", "status")
VIEWS, POINTS = 2, 5
CONFIGURATION = {"space": "tiny", "images": {"name": "noise", "count": POINTS}, "seed": 3}
CELLS = [
    all_topology_cells()[i] for i in (0, 1, 25, *range(5000, 15_000, 397))
]  # the first two are one class, which is dead
IMAGES = np.random.default_rng(0).standard_normal((POINTS, 3, 8, 8)).astype(np.float32)
SETTINGS = ViewRecipe(IMAGES, VIEWS, 3, "float32")


class TinySpace(TopologySpace):
    """Small networks; those of the last cell have a weight that is not a number."""

    def build(self, index: int, seed: int) -> nn.Module:
        network = super().build(index, seed)
        if index == len(self) - 1:
            next(network.parameters()).data[0] = torch.nan
        return network


SPACE = TinySpace("tiny", CELLS, channels=2, cells_per_stage=1, resolution=8)
CLASSES = int(SPACE.classes().max()) + 1
SHAPE = (CLASSES, VIEWS, POINTS, POINTS)
WRITTEN = [*range(CHUNK, CLASSES, CHUNK), CLASSES]
"""How many classes there are after each chunk."""


def create(path: Path) -> ViewStore:
    return ViewStore.create(path, SHAPE, CONFIGURATION)


def fill(store: ViewStore, workers: int = 1, **options) -> ViewStore:
    store.compute(SPACE, IMAGES, seed=3, precision="float32", workers=workers, **options)
    return store


def contents(store: ViewStore) -> dict[str, bytes]:
    return {name: getattr(store, name).tobytes() for name in ARRAYS}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> ViewStore:
    return fill(create(tmp_path_factory.mktemp("filled") / "store"))


def test_a_new_store_is_all_missing(tmp_path: Path) -> None:
    store = create(tmp_path / "deep" / "store")
    assert store.missing().tolist() == list(range(CLASSES))
    assert store.counts() == {"missing": CLASSES * VIEWS, "usable": 0, "non-finite": 0, "dead": 0, "vanishing": 0}
    assert not store.usable.any()
    assert store.configuration == CONFIGURATION


def test_a_filled_store_has_the_views_of_each_class(filled: ViewStore) -> None:
    assert filled.directions.shape == SHAPE
    assert filled.singular_values.shape == (CLASSES, VIEWS, POINTS)
    assert filled.jacov.shape == filled.status.shape == (CLASSES, VIEWS)
    for number in (0, 1, 7, CLASSES - 1):
        first = int(representatives(SPACE.classes())[number])
        views = class_views(SPACE, first, number, SETTINGS)
        for name in ARRAYS:
            assert np.array_equal(getattr(filled, name)[number], getattr(views, name))


def test_counts_add_up_and_nothing_is_dropped_silently(filled: ViewStore) -> None:
    counts = filled.counts()
    assert sum(counts.values()) == CLASSES * VIEWS
    assert counts["missing"] == 0
    assert counts["non-finite"] == VIEWS
    assert counts["dead"] >= VIEWS
    assert counts["usable"] == filled.usable.sum() > CLASSES
    assert (filled.status[-1] == ViewStatus.NON_FINITE).all()
    assert not filled.singular_values[~filled.usable].any()
    assert filled.singular_values[filled.usable].any(axis=-1).all()
    assert len(filled.missing()) == 0


def test_layout_on_disk(filled: ViewStore) -> None:
    group = zarr.open_group(filled.path, mode="r")
    assert group.metadata.zarr_format == 3
    assert group.attrs["configuration"] == CONFIGURATION
    expected = {
        "directions": ("float16", (CHUNK, VIEWS, POINTS, POINTS)),
        "singular_values": ("float32", (CHUNK, VIEWS, POINTS)),
        "jacov": ("float32", (CHUNK, VIEWS)),
        "status": ("uint8", (CHUNK, VIEWS)),
    }
    assert {name: (str(array.dtype), array.chunks) for name, array in group.arrays()} == expected
    chunks = [path for path in (filled.path / "directions" / "c").rglob("*") if path.is_file()]
    assert len(chunks) == -(-CLASSES // CHUNK) > 2


def test_progress_is_told_after_each_chunk(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    fill(create(tmp_path / "store"), progress=lambda done, whole: told.append((done, whole)))
    assert told == [(done, CLASSES) for done in WRITTEN]


class StopError(Exception):
    pass


@pytest.mark.parametrize("stops", [(1,), (2, 3), (1, 2, 3)])
def test_an_interrupted_store_is_completed_to_the_same_bytes(
    tmp_path: Path, filled: ViewStore, stops: tuple[int, ...]
) -> None:
    for stop in stops:

        def interrupt(done: int, _: int, stop: int = stop) -> None:
            if done >= WRITTEN[stop - 1]:
                raise StopError

        with pytest.raises(StopError):
            fill(create(tmp_path / "store"), progress=interrupt)
        assert len(ViewStore(tmp_path / "store").missing()) == CLASSES - WRITTEN[stop - 1]
    told: list[int] = []
    store = fill(create(tmp_path / "store"), progress=lambda done, _: told.append(done))
    assert told == WRITTEN[stops[-1] :]
    assert contents(store) == contents(filled)


def test_a_complete_store_computes_nothing(filled: ViewStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SPACE, "build", lambda *_: pytest.fail("built a network"))
    fill(filled, progress=lambda *_: pytest.fail("wrote a class"))


def test_a_chunk_half_written_is_computed_again(tmp_path: Path, filled: ViewStore) -> None:
    """A kill between its arrays: the status, written last, is still missing."""
    store = create(tmp_path / "store")
    zarr.open_group(store.path, mode="r+")["directions"][4] = np.float16(9)
    assert 4 in store.missing()
    assert contents(fill(store)) == contents(filled)


def test_a_chunk_is_done_only_when_all_its_arrays_are_written(tmp_path: Path) -> None:
    store = create(tmp_path / "store")
    classes = [class_views(SPACE, 2, number, SETTINGS) for number in range(CHUNK, 2 * CHUNK)]
    for name in ("directions", "singular_values", "jacov"):
        broken = [replace(views, **{name: np.zeros((9, 9, 9, 9))}) for views in classes]
        with pytest.raises(ValueError, match=r"broadcast|shape|dimension"):
            store.write(1, broken)
        assert CHUNK in store.missing()
    store.write(1, classes)
    assert store.missing().tolist() == [n for n in range(CLASSES) if n // CHUNK != 1]


def test_an_unfinished_skeleton_is_made_anew(tmp_path: Path, filled: ViewStore) -> None:
    path = tmp_path / "store"
    create(path)
    (path / "zarr.json").unlink()
    with pytest.raises(InputError, match="is not a view store: compute the views first"):
        ViewStore(path)
    assert contents(fill(create(path))) == contents(filled)


@pytest.mark.parametrize(
    ("shape", "configuration"),
    [
        (SHAPE, {**CONFIGURATION, "seed": 4}),
        (SHAPE, {**CONFIGURATION, "more": 1}),
        ((CLASSES, VIEWS + 1, POINTS, POINTS), CONFIGURATION),
        ((CLASSES + 1, VIEWS, POINTS, POINTS), CONFIGURATION),
    ],
)
def test_a_store_of_another_configuration_is_refused_and_kept(
    filled: ViewStore, shape: tuple[int, int, int, int], configuration: dict[str, object]
) -> None:
    before = contents(filled)
    with pytest.raises(InputError, match="was made with another configuration: delete it or choose another folder"):
        ViewStore.create(filled.path, shape, configuration)
    assert contents(ViewStore(filled.path)) == before


def test_the_same_configuration_opens_the_store(filled: ViewStore) -> None:
    assert contents(create(filled.path)) == contents(filled)


@pytest.mark.parametrize("kind", ["missing", "empty", "file", "array"])
def test_opening_what_is_no_store_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "thing"
    if kind == "empty":
        path.mkdir()
    elif kind == "file":
        path.write_text("text")
    elif kind == "array":
        zarr.create_array(path, shape=(3,), dtype="float32")
    with pytest.raises(InputError, match="is not a view store: compute the views first"):
        ViewStore(path)
    assert path.exists() == (kind != "missing")


def test_creating_a_store_deletes_nobodys_files(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError):
        create(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


@pytest.mark.slow
def test_two_workers_write_the_same_bytes(tmp_path: Path, filled: ViewStore) -> None:
    told: list[int] = []
    store = fill(create(tmp_path / "store"), workers=2, progress=lambda done, _: told.append(done))
    assert contents(store) == contents(filled)
    assert told[-1] == CLASSES
    assert len(told) == len(WRITTEN)


PROGRAM = """
import sys
from pathlib import Path
from time import sleep
sys.path.insert(0, sys.argv[1])
from test_jacobians_store import create, fill
def progress(done, whole):
    print(done, flush=True)
    sleep(0.01)  # the test should not be too late on a busy machine
fill(create(Path(sys.argv[2])), progress=progress)
"""


@pytest.mark.slow
def test_a_killed_run_is_completed_to_the_same_bytes(tmp_path: Path, filled: ViewStore) -> None:
    command = [sys.executable, "-c", PROGRAM, str(Path(__file__).parent), str(tmp_path / "store")]
    paths = os.pathsep.join(path for path in sys.path if path)
    left = []
    for lines in (1, 1):
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": paths}
        ) as process:
            assert process.stdout is not None
            for _ in range(lines):
                assert process.stdout.readline().strip().isdigit()
            sleep(0.02)  # in the middle of something else than progress
            process.kill()
        assert process.returncode == -signal.SIGKILL
        left.append(len(ViewStore(tmp_path / "store").missing()))
    assert CLASSES > left[0] > left[1] > 0
    for path in (tmp_path / "store").rglob("zarr.json"):
        json.loads(path.read_text())
    assert contents(fill(create(tmp_path / "store"))) == contents(filled)


READ = ("spectrum", "channel-energy")
LENGTHS = {"spectrum": POINTS, "channel-energy": 3}


def create_with_readings(path: Path) -> ViewStore:
    return ViewStore.create(path, SHAPE, CONFIGURATION, LENGTHS)


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> ViewStore:
    return fill(create_with_readings(tmp_path_factory.mktemp("read") / "store"))


def test_a_store_of_readings_has_those_of_the_same_networks(read: ViewStore, filled: ViewStore) -> None:
    assert read.readings == READ
    assert contents(read) == contents(filled)
    spectra = read.reading("spectrum")
    assert spectra.shape == (CLASSES, VIEWS, POINTS)
    assert spectra.dtype == np.float32
    largest = filled.singular_values[..., 0]
    np.testing.assert_allclose(spectra[filled.usable][:, 0], np.log(largest[filled.usable]), rtol=1e-4, atol=1e-5)
    assert not spectra[~filled.usable].any()
    for number in (0, 7, CLASSES - 1):
        first = int(representatives(SPACE.classes())[number])
        views = class_views(SPACE, first, number, replace(SETTINGS, readings=READ))
        for name in READ:
            assert np.array_equal(read.reading(name)[number], views.readings[name])


def test_an_interrupted_store_of_readings_is_completed_to_the_same_bytes(tmp_path: Path, read: ViewStore) -> None:
    def interrupt(done: int, _: int) -> None:
        if done >= 3:
            raise StopError

    with pytest.raises(StopError):
        fill(create_with_readings(tmp_path / "store"), progress=interrupt)
    store = fill(ViewStore(tmp_path / "store"))
    for name in READ:
        assert store.reading(name).tobytes() == read.reading(name).tobytes()


def test_what_a_store_does_not_hold_is_refused_by_name(read: ViewStore, filled: ViewStore) -> None:
    assert filled.readings == ()
    with pytest.raises(InputError, match=r"unknown reading of the view store '.*' 'energy-map'; valid: none"):
        filled.reading("energy-map")
    with pytest.raises(InputError, match=r"valid: spectrum, channel-energy"):
        read.reading("jacov")


@pytest.mark.parametrize("readings", [{"spectrum": POINTS}, {**LENGTHS, "likeness": 16}, None])
def test_a_store_of_other_readings_is_refused(read: ViewStore, readings: dict[str, int] | None) -> None:
    with pytest.raises(InputError, match="was made with another configuration: delete it or choose another folder"):
        ViewStore.create(read.path, SHAPE, CONFIGURATION, readings)
