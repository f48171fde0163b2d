"""What the command line says of an error: one sentence that names what failed and what to do."""

import errno
import re
from importlib.metadata import PackageNotFoundError, requires

from cena.errors import InputError, WorkError, import_failure

_EXTRA = re.compile(r"""([\w-]+).*;\s*extra\s*==\s*["']([\w-]+)["']""")
_ROOM = "make room there"
_RIGHTS = "make it readable and writable"
_PLACE = "move away what is in its place"
_PARENT = "move away the file that is in the place of one of its folders"
_REMEDIES = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EFBIG: "allow files of any size (ulimit -f)",
    errno.EMFILE: "allow more open files (ulimit -n)",
    errno.EROFS: _RIGHTS,
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.ENOENT: "put it back",
    errno.ENOTDIR: _PARENT,
    errno.EISDIR: _PLACE,
    errno.EEXIST: _PLACE,
    errno.ENAMETOOLONG: "choose a folder with a shorter path",
    errno.EIO: "look after the disk, or choose a folder on another one",
}


def explained(error: Exception) -> InputError | WorkError | None:
    """The sentence for bad input, failed work, a disk that cannot be used, a package that is not installed, or a module
    of this package that cannot be imported; None for every other error, which is a fault of the code."""
    if isinstance(error, InputError | WorkError):
        return error
    return _disk_failure(error) or _missing_extra(error) or import_failure(error)


def _disk_failure(error: Exception) -> WorkError | None:
    if not isinstance(error, OSError) or error.errno not in _REMEDIES:
        return None
    place = error.filename2 or error.filename or "a file"  # of two names the second is written to
    return WorkError(
        f"{place}: {error.strerror}; {_REMEDIES[error.errno]}, then run the same command again: finished work is kept"
    )


def _missing_extra(error: Exception) -> InputError | None:
    """Which of the package's extras has the module that is missing."""
    if not isinstance(error, ModuleNotFoundError):
        return None
    module = (error.name or "").partition(".")[0]
    try:
        lines = requires("cena") or []
    except PackageNotFoundError:
        lines = []
    extras = {found[1].lower(): found[2] for line in lines if (found := _EXTRA.match(line))}
    extra = extras.get(module.lower().replace("_", "-"))
    if extra is None:
        return None
    return InputError(f"this needs {module}, which is not installed: pip install 'cena[{extra}]'")
