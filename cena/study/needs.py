"""What a notebook needs that is not in the package: fetched before anything is computed."""

from collections.abc import Callable, Iterable

from cena.data import labels, registry
from cena.data.images import image_checksums, image_files
from cena.embed import released
from cena.errors import InputError, unknown
from cena.files import file_sha256
from cena.study.profiles import of_nas_bench_101, of_size
from cena.study.settings import Profile

RELEASED = "released"
"""The need of a notebook that reads the releases in the package."""

_SETTINGS: dict[str, Callable[[Profile], list[Profile]]] = {
    "topology": lambda profile: [profile],
    "size": lambda profile: [of_size(profile)],
    "nas-bench-101": lambda profile: [of_nas_bench_101(profile)] if "cifar10" in profile.space.datasets else [profile],
    RELEASED: lambda profile: [profile],
}


def needed_settings(needs: Iterable[str], profile: Profile) -> list[Profile]:
    """The settings with which a notebook embeds the spaces that it declares to need.

    Where a profile has no CIFAR-10 labels, its own space stands in for NAS-Bench-101. Raises `InputError` for an
    unknown need.
    """
    found = []
    for need in needs:
        if need not in _SETTINGS:
            raise unknown("need", need, _SETTINGS)
        found += _SETTINGS[need](profile)
    return found


def data_checksums(needs: Iterable[str], profile: Profile) -> dict[str, str]:
    """The checksums of all data that a notebook with these needs uses under a profile, by what they are of.

    Labels count by their content or by the checksums of the files they are read from; nothing is downloaded.
    """
    found: dict[str, str] = {}
    for settings in needed_settings(needs, profile):
        space = settings.space
        found |= image_checksums(settings.views.images)
        for dataset in space.datasets:
            key = space.label_key(dataset)
            found[f"labels of {space.name}: {key}"] = labels.label_checksum(space.name, key)
    if RELEASED in needs:
        found |= {f"release {path.stem}": file_sha256(path) for path in sorted(released.FOLDER.glob("*.json"))}
    return found


def need_data(*profiles: Profile) -> None:
    """See that all files of some profiles are there: downloaded if they are not, verified if they are.

    Raises
    ------
    InputError
        If some cannot be had: the message has a line for each, with its name, where it comes from, how to get it, and
        why it could not be downloaded.
    """
    names = []
    for profile in profiles:
        names += image_files(profile.views.images)
        for dataset in profile.space.datasets:
            names += labels.label_files(profile.space.name, profile.space.label_key(dataset))
    reasons = []
    for name in dict.fromkeys(names):
        try:
            registry.fetch(name)
        except InputError as error:
            reasons.append(str(error))
    if reasons:
        listed = "\n".join(f"- {reason}" for reason in reasons)
        raise InputError(f"profile '{profiles[0].name}' needs {len(reasons)} files that cannot be had:\n{listed}")
