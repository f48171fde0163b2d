"""What counts as a notebook's data: the same on every machine, whatever has been downloaded there."""

import pytest

from cena.data import images
from cena.errors import InputError
from cena.files import file_sha256
from cena.study import needs
from cena.study.needs import data_checksums
from cena.study.profiles import profile


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


def test_an_unknown_need_is_named():
    with pytest.raises(InputError, match="unknown need 'sizes'; valid: size"):
        data_checksums(["sizes"], profile("quick"))
