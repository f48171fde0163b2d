"""What counts as a notebook's data: the same on every machine, whatever has been downloaded there."""

from pathlib import Path

import pytest

from cena.companion.declarations import declaration
from cena.companion.project import Project
from cena.data import images
from cena.data.labels import label_files
from cena.data.nas_bench_201_labels import SOURCES_201
from cena.data.public_files import ARCH2VEC_CURVES, LABELS_DARTS, NASBENCH_VIS, REGISTRY, ROBUSTNESS_TARGETS
from cena.errors import InputError
from cena.files import file_sha256
from cena.study import needs
from cena.study.needs import data_checksums, needed_files
from cena.study.profiles import profile
from cena.study.protocols import BUDGETS


@pytest.mark.parametrize("there", [[], [images.CIFAR10], [images.CIFAR10_SUBSET]])
def test_checksums_of_images_do_not_depend_on_what_is_there(there, monkeypatch):
    monkeypatch.setattr(images.registry, "missing", lambda names: [name for name in names if name not in there])
    found = data_checksums(["topology"], profile("laptop"))
    assert {images.CIFAR10, images.CIFAR10_SUBSET} <= found.keys()
    assert sum(name.startswith("labels of nas-bench-201") for name in found) == 3


def test_releases_count_where_they_are_needed(tmp_path, monkeypatch):
    (tmp_path / "space.json").write_text("{}")
    monkeypatch.setattr(needs.released, "FOLDER", tmp_path)
    assert data_checksums(["released"], profile("quick"))["release space"] == file_sha256(tmp_path / "space.json")
    assert "release space" not in data_checksums(["topology"], profile("quick"))


def test_files_are_those_that_spaces_labels_and_curves_are_read_from(tmp_path, monkeypatch):
    monkeypatch.setenv("CENA_DATA", str(tmp_path))
    laptop = profile("laptop")
    own = set(needed_files(["topology"], laptop))
    assert own == {images.CIFAR10, *(name for name in REGISTRY if name.startswith("lightonai/SearchSpaces/Bench201"))}
    assert set(needed_files(["darts"], laptop)) == {images.CIFAR10, LABELS_DARTS}
    assert set(needed_files(["topology", "every-label"], laptop)) == own | set(SOURCES_201)
    assert set(needed_files(["arch2vec-curves"], laptop)) == set(ARCH2VEC_CURVES.values())
    assert needed_files(["robustness"], laptop) == [ROBUSTNESS_TARGETS]
    assert set(needed_files(["nas-bench-101"], laptop)) == {images.CIFAR10, *NASBENCH_VIS}
    everything = [
        "topology",
        "size",
        "nas-bench-101",
        "darts",
        "every-label",
        "arch2vec-curves",
        "robustness",
        "released",
    ]
    assert needed_files(everything, profile("quick")) == []


def test_guides_and_timings_of_the_protocols_are_in_files_that_chapter_7_asks_for(monkeypatch, tmp_path):
    """Every label and timing that a simulated search of NAS-Bench-201 reads."""
    monkeypatch.setenv("CENA_DATA", str(tmp_path))
    asked = set(needed_files(["topology", "every-label"], profile("laptop")))
    for guide, _ in BUDGETS.values():
        assert set(label_files("nas-bench-201", guide)) <= asked


def test_the_list_of_files_names_the_chapters_that_need_them(tmp_path, monkeypatch):
    """`cena data list` shows by hand what the notebooks declare: in a checkout the two are compared."""
    monkeypatch.setenv("CENA_DATA", str(tmp_path))
    project = Project(Path(__file__).parents[2])
    needed = {
        int(stem[:2]): needed_files(declaration(project, stem).needs, profile("laptop")) for stem in project.stems()
    }
    for name, known in REGISTRY.items():
        chapters = [chapter for chapter, files in needed.items() if name in files]
        if not known.only_by_name:
            assert numbered(known.chapters) == chapters, name


def numbered(text: str) -> list[int]:
    """The numbers of "1, 5-7"."""
    ends = [part.split("-") for part in text.split(", ")]
    return [number for each in ends for number in range(int(each[0]), int(each[-1]) + 1)]


def test_an_unknown_need_is_named():
    with pytest.raises(InputError, match="unknown need 'sizes'; valid: size"):
        data_checksums(["sizes"], profile("quick"))
