"""What a notebook needs that is not in the package: fetched before anything is computed."""

from collections.abc import Callable, Iterable

from cena.data import labels, registry
from cena.data.images import image_checksums, image_files
from cena.data.labels import LabelKey
from cena.data.public_files import ARCH2VEC_CURVES, ROBUSTNESS_TARGETS
from cena.embed import released
from cena.errors import InputError, unknown
from cena.files import text_sha256
from cena.study.profiles import of_darts, of_nas_bench_101, of_size
from cena.study.settings import Profile

OWN = "topology"
"""The need of a notebook that embeds the profile's own space, as all profiles have it a topology space."""

EVERY_LABEL = "every-label"
"""The need of a notebook that reads accuracies of the profile's own space beside those that the profile names."""

CURVES = "arch2vec-curves"
"""The need of a notebook that shows the search curves that arch2vec published, on NAS-Bench-101."""

UNDER_ATTACK = "robustness"
"""The need of a notebook that predicts accuracies under attack, which NAS-Bench-201 has on CIFAR-10."""

RELEASED = "released"
"""The need of a notebook that reads the releases in the package."""


def _on_cifar10(settings: Callable[[Profile], Profile]) -> Callable[[Profile], list[Profile]]:
    """Settings of a space whose labels are of CIFAR-10 alone: a profile without these leaves it out."""
    return lambda profile: [settings(profile)] if "cifar10" in profile.space.datasets else []


_SETTINGS: dict[str, Callable[[Profile], list[Profile]]] = {
    OWN: lambda profile: [profile],
    "size": lambda profile: [of_size(profile)],
    "nas-bench-101": _on_cifar10(of_nas_bench_101),
    "darts": _on_cifar10(of_darts),
}
_OTHERS = (EVERY_LABEL, CURVES, UNDER_ATTACK, RELEASED)


def needed_files(needs: Iterable[str], profile: Profile) -> list[str]:
    """The files of the download registry that a notebook with these needs reads under a profile, each once.

    Raises `InputError` for an unknown need.
    """
    needs = [*needs]
    names = [name for settings in _embedded(needs, profile) for name in image_files(settings.views.images)]
    names += [name for space, key in _needed_labels(needs, profile) for name in labels.label_files(space, key)]
    return list(dict.fromkeys([*names, *_beside_labels(needs, profile)]))


def data_checksums(needs: Iterable[str], profile: Profile) -> dict[str, str]:
    """The checksums of all data that a notebook with these needs uses under a profile, by what they are of.

    Labels count by their content or by the checksums of the files they are read from; nothing is downloaded. Raises
    `InputError` for an unknown need.
    """
    needs = [*needs]
    found: dict[str, str] = {}
    for settings in _embedded(needs, profile):
        found |= image_checksums(settings.views.images)
    for space, key in _needed_labels(needs, profile):
        found[f"labels of {space}: {key}"] = labels.label_checksum(space, key)
    found |= {name: registry.entry(name).checksum for name in _beside_labels(needs, profile)}
    if RELEASED in needs:
        found |= {f"release {path.stem}": text_sha256(path) for path in sorted(released.FOLDER.glob("*.json"))}
    return found


def need_files(names: Iterable[str], profile: Profile) -> None:
    """See that files that a profile needs are there: downloaded if they are not, verified if they are.

    Raises
    ------
    InputError
        If some cannot be had: the message has a line for each, with its name, where it comes from, how to get it, and
        why it could not be downloaded.
    """
    reasons = []
    for name in dict.fromkeys(names):
        try:
            registry.fetch(name)
        except InputError as error:
            reasons.append(str(error))
    if reasons:
        listed = "\n".join(f"- {reason}" for reason in reasons)
        raise InputError(f"profile '{profile.name}' needs {len(reasons)} files that cannot be had:\n{listed}")


def _embedded(needs: Iterable[str], profile: Profile) -> list[Profile]:
    """The settings with which the spaces among some needs are embedded."""
    found = []
    for need in needs:
        if need not in _SETTINGS and need not in _OTHERS:
            raise unknown("need", need, (*_SETTINGS, *_OTHERS))
        found += _SETTINGS[need](profile) if need in _SETTINGS else []
    return found


def _beside_labels(needs: list[str], profile: Profile) -> list[str]:
    """The files among some needs that are no labels: a profile without CIFAR-10 leaves out what they are of."""
    if "cifar10" not in profile.space.datasets:
        return []
    return [*(ARCH2VEC_CURVES.values() if CURVES in needs else []), *([ROBUSTNESS_TARGETS] * (UNDER_ATTACK in needs))]


def _needed_labels(needs: list[str], profile: Profile) -> list[tuple[str, LabelKey]]:
    """The accuracies among some needs: a space, and which of its accuracies."""
    spaces = [settings.space for settings in _embedded(needs, profile)]
    found = [(space.name, space.label_key(dataset)) for space in spaces for dataset in space.datasets]
    if EVERY_LABEL in needs:
        found += [(profile.space.name, key) for key in labels.available(profile.space.name)]
    return found
