"""Derived label tables: equal to the earlier edition's, made of public files alone, refused when anything changed."""

import gzip
import io
import os
import re
import shutil
import threading
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from cena.cli.main import app
from cena.data import derived, labels, nas_bench_201_labels, registry
from cena.data.derived import RECIPES, content_sha256, derive_201, derived_folder, derived_table
from cena.data.label_tables import LabelKey, LabelTable, save_table
from cena.data.nas_bench_201_labels import LABELS_201, SOURCES_201
from cena.data.public_files import (
    CIFAR10,
    EXTRACTOR,
    LANDSCAPE,
    MERGED_201,
    MINI_201,
    NASGRAPH,
    QUANTILE_TRANSFER,
    REGISTRY,
)
from cena.errors import InputError
from cena.files import file_sha256
from cena.stages import LOG_VARIABLE, stages_used
from cena.types import Arrays

REAL = Path(os.environ.get("CENA_DATA", ""))
NEEDS_DATA = pytest.mark.skipif("CENA_DATA" not in os.environ, reason="CENA_DATA is not set")


def real_paths(names: tuple[str, ...]) -> dict[str, Path]:
    return {name: REAL / name for name in names}


@cache
def of_originals() -> Arrays:
    return derive_201(real_paths(SOURCES_201))


@cache
def merged(space: str) -> Arrays:
    recipe = RECIPES[space][1]
    return recipe.derive(real_paths(recipe.sources))


@pytest.mark.real_data
@NEEDS_DATA
def test_derived_and_merged_labels_of_nas_bench_201_are_equal() -> None:
    """But for what the merged table rounded or lacks, and for predicted seconds."""
    ours, theirs = of_originals(), merged("nas-bench-201")
    assert set(ours) == set(theirs)
    validation = LabelKey("cifar100", "validation", 200, "mean").array_name()
    for name in set(ours) - {validation, "timed", "epoch_seconds", "evaluation_seconds"}:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
    known = np.isfinite(theirs[validation])
    assert (known.sum(), np.isfinite(ours[validation]).sum()) == (2919, 15625)
    np.testing.assert_allclose(ours[validation][known], theirs[validation][known], rtol=0, atol=4e-5)
    # Of 506 timings that the merged table has beside these 1,000 the source is not public.
    assert (ours["timed"].sum(), theirs["timed"].sum(), (ours["timed"] & theirs["timed"]).sum()) == (1000, 1506, 1000)
    for name, mean, largest in (("epoch_seconds", 0.011, 0.1), ("evaluation_seconds", 1e-4, 5e-4)):
        error = np.abs(ours[name] / theirs[name] - 1)
        assert np.all(error[ours["timed"]] == 0)
        assert error.mean() < mean
        assert error.max() < largest


@pytest.mark.slow
@pytest.mark.real_data
@NEEDS_DATA
def test_derived_and_merged_labels_of_nas_bench_101_are_equal() -> None:
    """But for the order of vertices in 799 cells, which the merged table does not have in canonical form."""
    recipe = RECIPES["nas-bench-101"][0]
    ours, theirs = recipe.derive(real_paths(recipe.sources)), merged("nas-bench-101")
    assert content_sha256(ours) == recipe.checksum
    assert set(ours) == set(theirs)
    for name in set(ours) - {"adjacency", "operations"}:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
    other = (ours["adjacency"] != theirs["adjacency"]).any(axis=(1, 2))
    other |= (ours["operations"] != theirs["operations"]).any(axis=1)
    assert other.sum() == 799


@pytest.mark.real_data
@NEEDS_DATA
def test_tables_have_their_published_content() -> None:
    assert content_sha256(of_originals()) == RECIPES["nas-bench-201"][0].checksum
    for space in RECIPES:
        assert content_sha256(merged(space)) == RECIPES[space][1].checksum


def line_ends_and_order(content: bytes) -> bytes:
    header, *rows = content.decode().splitlines()
    return "\r\n".join([header, *rows[::-1], ""]).encode()


def without_a_column(content: bytes) -> bytes:
    return content.replace(b"accuracy", b"accurate", 3).replace(b"TestAccuracy", b"Test", 3)


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


@pytest.mark.real_data
@NEEDS_DATA
@pytest.mark.parametrize("name", [NASGRAPH["cifar100"], LANDSCAPE])
def test_line_ends_and_order_of_a_file_do_not_matter(name: str, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(line_ends_and_order((REAL / name).read_bytes()))
    changed = derive_201(real_paths(SOURCES_201) | {name: tmp_path / "other"})
    assert content_sha256(changed) == RECIPES["nas-bench-201"][0].checksum


@pytest.mark.real_data
@NEEDS_DATA
@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        (NASGRAPH["cifar10"], half, "lacks [0-9,]+ of 15,625 architectures"),
        (NASGRAPH["cifar10"], without_a_column, "it has no column 'validation accuracy'"),
        (LANDSCAPE, without_a_column, "it has no column 'CIFAR10TestAccuracy200Epochs'"),
        (LANDSCAPE, lambda content: content.replace(b"85.86333333333334,", b"high,"), "entries that are no numbers"),
        (QUANTILE_TRANSFER, half, r"it cannot be read \(BadZipFile\)"),
        (MINI_201, half, "is damaged: it is no complete pickle"),
        (EXTRACTOR, half, r"it cannot be read \(JSONDecodeError\)"),
        (EXTRACTOR, lambda _: b"{}", "it has no architecture of NAS-Bench-201"),
    ],
)
def test_a_changed_file_is_named_with_its_address(
    name: str, change: Callable[[bytes], bytes], reason: str, tmp_path: Path
) -> None:
    (tmp_path / "changed").write_bytes(change((REAL / name).read_bytes()))
    with pytest.raises(InputError, match=f"^no labels can be read from {re.escape(name)}: .*{reason}") as error:
        derive_201(real_paths(SOURCES_201) | {name: tmp_path / "changed"})
    assert str(REGISTRY[name].url) in str(error.value)
    assert "\n" not in str(error.value)


def zipped(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("table.csv", content)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "pack", "parse"),
    [
        (MERGED_201, gzip.compress, nas_bench_201_labels._gzipped),
        (QUANTILE_TRANSFER, zipped, nas_bench_201_labels._zipped),
    ],
)
def test_a_table_that_unpacks_to_too_much_is_refused(
    name: str,
    pack: Callable[[bytes], bytes],
    parse: Callable[[bytes], pd.DataFrame],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "packed").write_bytes(pack(b"1,2\n" * 5_000_000))
    monkeypatch.setattr(nas_bench_201_labels, "_LARGEST", 100_000)
    tracemalloc.start()
    try:
        with pytest.raises(
            InputError, match=f"^no labels can be read from {re.escape(name)}: .* has more than 100,000"
        ):
            nas_bench_201_labels._read({name: tmp_path / "packed"}, name, parse)
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A download folder with the one source of a made-up table, and how often it is derived."""
    monkeypatch.setenv("CENA_DATA", str(tmp_path))
    monkeypatch.delenv("CENA_DERIVED", raising=False)
    (tmp_path / "source.txt").write_text("1 2 3")
    entry = replace(REGISTRY[LANDSCAPE], checksum=file_sha256(tmp_path / "source.txt"))
    monkeypatch.setattr(registry, "REGISTRY", {"source.txt": entry})
    recipe = derived.Recipe(
        LABELS_201, "small", ("source.txt",), lambda paths: numbers(paths["source.txt"]), content_sha256(numbers())
    )
    monkeypatch.setattr(derived, "RECIPES", {"small": (recipe,)})
    return tmp_path


def numbers(path: Path | None = None) -> Arrays:
    return {"values": np.array([float(text) for text in (path.read_text() if path else "1 2 3").split()])}


def test_a_table_is_derived_once_and_kept(small: Path) -> None:
    table = derived_table("small")
    assert table.path == small / "derived/small.npz"
    assert table["values"].tolist() == [1, 2, 3]
    (small / "source.txt").unlink()
    assert derived_table("small")["values"].tolist() == [1, 2, 3]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("damage", [half, lambda _: b"", lambda content: content[::-1]])
def test_a_damaged_table_is_derived_again(damage: Callable[[bytes], bytes]) -> None:
    path = derived_table("small").path
    path.write_bytes(damage(path.read_bytes()))
    assert derived_table("small")["values"].tolist() == [1, 2, 3]
    save_table(path, {"values": np.zeros(3)}, {"source": "another version's", "sha256": ""})
    assert derived_table("small")["values"].tolist() == [1, 2, 3]
    assert LabelTable(path).provenance["source"] == "source.txt"


def test_a_changed_source_is_refused_and_nothing_is_written(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (small / "source.txt").write_text("1 2 4")
    with pytest.raises(InputError, match=r"source\.txt is damaged: .*nats_bench\.csv"):
        derived_table("small")
    entry = replace(registry.REGISTRY["source.txt"], checksum=file_sha256(small / "source.txt"))
    monkeypatch.setitem(registry.REGISTRY, "source.txt", entry)  # registered, but not what the table was derived from
    with pytest.raises(InputError, match=r"^the table small does not have its published content: .*nats_bench\.csv"):
        derived_table("small")
    assert not list(small.rglob("*.npz"))


def test_a_closed_download_folder_is_left_alone(small: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Also by a user who may write everywhere."""
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / "cache" / name)
    small.chmod(0o555)
    try:
        assert derived_folder() == tmp_path / "cache/cena/derived"
    finally:
        small.chmod(0o755)
    assert derived_folder() == small / "derived"
    monkeypatch.setenv("CENA_DERIVED", str(tmp_path / "elsewhere"))
    assert derived_table("small").path == tmp_path / "elsewhere/small.npz"


def test_a_folder_for_tables_that_cannot_be_made_is_said(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CENA_DERIVED", str(small / "source.txt" / "folder"))
    with pytest.raises(InputError, match=r"^cannot write .*; set CENA_DERIVED to another folder"):
        derived_table("small")


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server that has the development folder's files under the paths of their public addresses."""
    places = {urlsplit(str(entry.url)).path: REAL / name for name, entry in REGISTRY.items()}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            place = places.get(self.path)
            if place is None or not place.exists():
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(place.stat().st_size))
            self.end_headers()
            with place.open("rb") as file:
                shutil.copyfileobj(file, self.wfile)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("CENA_DATA_MIRROR", f"http://127.0.0.1:{http.server_address[1]}/")
        yield "on"
        http.shutdown()
        thread.join()


@pytest.mark.slow
@pytest.mark.real_data
@NEEDS_DATA
@pytest.mark.usefixtures("mirror")
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # of the 404, left to the garbage collector
def test_one_command_in_an_empty_folder_gets_all_labels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CENA_DATA", str(tmp_path / "cache"))
    monkeypatch.delenv("CENA_DERIVED", raising=False)
    monkeypatch.setattr(registry, "RETRIES", 0)
    result = CliRunner().invoke(app, ["data", "fetch"])
    # CIFAR-10's archive is not in the development folder: the others are there all the same.
    assert isinstance(result.exception, InputError)
    assert str(result.exception).startswith(f"cannot download (the server answered 404) {CIFAR10}")
    assert "\n" not in str(result.exception)
    there = [name for name, entry in REGISTRY.items() if name != CIFAR10 and not entry.only_by_name]
    assert registry.missing(there) == []
    for space, (recipe, _) in RECIPES.items():
        table = LabelTable(tmp_path / "cache/derived" / f"{space}.npz")
        assert content_sha256({name: table[name] for name in table.names - {"provenance"}}) == recipe.checksum
    for space in ("nas-bench-201", "nats-bench-size", "nas-bench-101", "darts"):
        for key in labels.available(space):
            assert np.isfinite(labels.accuracy(space, key)).all(), (space, key)


def test_who_reads_a_derived_table_uses_the_stage_that_derives_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a page or an artifact made from it is stale once that stage moves on."""
    monkeypatch.setenv("CENA_DERIVED", str(tmp_path))
    monkeypatch.setenv(LOG_VARIABLE, str(tmp_path / "stages"))
    arrays = {"architecture": np.array(["one", "two"])}
    recipe = replace(RECIPES["nas-bench-101"][0], sources=(), derive=lambda _: arrays, checksum=content_sha256(arrays))
    monkeypatch.setitem(RECIPES, "nas-bench-101", (recipe,))
    for _ in ("derived", "read"):
        derived_table("nas-bench-101")
        assert stages_used(tmp_path / "stages") == {"labels.nas-bench-101"}
