"""What a profile needs that is not in the package: fetched before anything is computed."""

from cena.companion.profiles import Profile
from cena.data import labels, registry
from cena.data.images import files
from cena.errors import InputError


def need_data(profile: Profile) -> None:
    """See that all files are there: downloaded if they are not, verified if they are.

    Raises
    ------
    InputError
        If some cannot be had: the message names each, where it comes from and how to get it.
    """
    names = [*files(profile.images)]
    for dataset in profile.datasets:
        names += labels.files(
            profile.space, dataset=dataset, split=profile.split, epochs=profile.epochs, trials=profile.trials
        )
    reasons = []
    for name in dict.fromkeys(names):
        try:
            registry.fetch(name)
        except InputError as error:
            reasons.append(str(error))
    if reasons:
        count = f"{len(reasons)} files" if len(reasons) > 1 else "a file"
        raise InputError(f"profile '{profile.name}' needs {count} that cannot be had: {'; '.join(reasons)}")
