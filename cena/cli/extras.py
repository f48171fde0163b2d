"""The packages that only some commands need, and what installs them."""

import re
from importlib.metadata import PackageNotFoundError, requires

from cena.errors import InputError

_EXTRA = re.compile(r"""([\w-]+).*;\s*extra\s*==\s*["']([\w-]+)["']""")


def missing_extra(error: ModuleNotFoundError) -> InputError:
    """The sentence that says which of the package's extras has a module; another module's `error` is raised again."""
    module = (error.name or "").partition(".")[0]
    try:
        lines = requires("cena") or []
    except PackageNotFoundError:
        lines = []
    extras = {found[1].lower(): found[2] for line in lines if (found := _EXTRA.match(line))}
    extra = extras.get(module.lower().replace("_", "-"))
    if extra is None:
        raise error
    return InputError(f"this needs {module}, which is not installed: pip install 'cena[{extra}]'")
