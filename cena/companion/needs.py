"""What a profile needs that is not in the package: fetched before anything is computed."""

import sys

from cena.companion.profiles import Profile
from cena.data import labels, registry
from cena.data.images import files
from cena.errors import InputError


def need_data(profile: Profile) -> None:
    """See that all files are there: downloaded if they are not, verified if they are.

    Raises
    ------
    InputError
        If some cannot be had: the message has a line for each, with its name, where it comes from, how to get it, and
        why it could not be downloaded.
    """
    names = [*files(profile.images)]
    for dataset in profile.datasets:
        names += labels.files(
            profile.space, dataset=dataset, split=profile.split, epochs=profile.epochs, trials=profile.trials
        )
    reasons = []
    for name in dict.fromkeys(names):
        try:
            registry.fetch(name, progress=sys.stderr.isatty())
        except InputError as error:
            reasons.append(str(error))
    if reasons:
        listed = "\n".join(f"- {reason}" for reason in reasons)
        raise InputError(f"profile '{profile.name}' needs {len(reasons)} files that cannot be had:\n{listed}")
