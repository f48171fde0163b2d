"""What a profile needs that is not in the package: fetched before anything is computed."""

import sys

from cena.data import labels, registry
from cena.data.images import files
from cena.errors import InputError
from cena.study.profiles import Profile, of_nas_bench_101, of_size


def companions(source: str, profile: Profile) -> list[Profile]:
    """The profile, and what a notebook makes of it for the other spaces: those whose makers its source names."""
    others = [of_size] if "of_size(" in source else []
    others += [of_nas_bench_101] if "of_nas_bench_101(" in source and "cifar10" in profile.space.datasets else []
    return [profile, *(other(profile) for other in others)]


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
        names += files(profile.views.images)
        for dataset in profile.space.datasets:
            names += labels.files(
                profile.space.name,
                dataset=dataset,
                split=profile.space.split,
                epochs=profile.space.epochs,
                trials=profile.space.trials,
            )
    reasons = []
    for name in dict.fromkeys(names):
        try:
            registry.fetch(name, progress=sys.stderr.isatty())
        except InputError as error:
            reasons.append(str(error))
    if reasons:
        listed = "\n".join(f"- {reason}" for reason in reasons)
        raise InputError(f"profile '{profiles[0].name}' needs {len(reasons)} files that cannot be had:\n{listed}")
