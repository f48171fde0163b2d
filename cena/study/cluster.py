"""Long parallel work on a Dask cluster instead of this machine: ``cena run --scheduler tcp://host:8786``.

The work goes through joblib either way, so it is the same code; every worker of the cluster needs this package.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from cena.errors import InputError

VARIABLE = "CENA_SCHEDULER"
"""The environment variable through which `cena run` tells its notebooks the address."""

SECONDS = 10
"""How long the scheduler is waited for."""


@contextmanager
def cluster(address: str | None = None) -> Iterator[None]:
    """Within this context joblib's parallel work goes to the cluster; without an address, to this machine's cores.

    Parameters
    ----------
    address : of a Dask scheduler, such as ``tcp://host:8786``; by default what the environment's `VARIABLE` says.

    Raises
    ------
    InputError
        If no scheduler answers there.
    """
    address = address or os.environ.get(VARIABLE)
    if not address:
        yield
        return
    import joblib  # both take a while to import, and the command line needs only the name of the variable
    from distributed import Client

    try:
        client = Client(address, timeout=SECONDS)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise InputError(
            f"no Dask scheduler answers at '{address}' ({error}): start one with `dask scheduler`, and workers with "
            "`dask worker`, or leave out --scheduler"
        ) from error
    with client, joblib.parallel_config("dask"):
        yield
