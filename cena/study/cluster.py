"""Long parallel work on a Dask cluster instead of this machine: ``cena run --scheduler tcp://host:8786``.

The work goes through joblib either way, so it is the same code; every worker of the cluster needs this
package, in this version: it is asked whenever work begins.
"""

import asyncio
import ctypes
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

from cena.errors import InputError, WorkError

VARIABLE = "CENA_SCHEDULER"
"""The environment variable through which `cena run` tells its notebooks the address."""

SECONDS = 10
"""How long the scheduler, and then a first worker, is waited for."""

PATIENCE = 60
"""How many seconds the work waits when the scheduler has no workers any more: they may be started again."""


@contextmanager
def cluster(address: str | None = None) -> Iterator[None]:
    """Within this context joblib's parallel work goes to the cluster; without an address, to this machine's cores.

    Parameters
    ----------
    address : of a Dask scheduler, such as ``tcp://host:8786``; by default what the environment's `VARIABLE` says.

    Raises
    ------
    InputError
        If no scheduler answers there, it has no workers, or one of these has other code than this process.
    WorkError
        If the scheduler is lost, or all workers are for longer than `PATIENCE`.
    """
    address = address or os.environ.get(VARIABLE)
    if not address:
        yield
        return
    import joblib  # both take a while to import, and the command line needs only the name of the variable
    from distributed import Client

    start = "start one with `dask scheduler`, and workers with `dask worker`, or leave out --scheduler"
    try:
        _knock(address)
        client = Client(address, timeout=SECONDS)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        said = str(error) or f"nothing within {SECONDS} s"
        raise InputError(f"no Dask scheduler answers at '{address}' ({said}): {start}") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=SECONDS)
        except OSError as error:  # also when the time is over
            raise InputError(f"the Dask scheduler at '{address}' has no workers: {start}") from error
        with _watched(client, address), joblib.parallel_config("dask"):
            _same_code(client)
            yield


def _same_code(client: Any) -> None:
    """Refuse workers that have other code than this process: what they compute would be kept as this code's."""

    def versions() -> dict[str, Any]:  # imports in here: sent by value, it needs nothing of a worker's package
        from cena import __version__
        from cena.stages import stage_versions

        return {"cena": __version__, **stage_versions()}

    own = versions()
    for worker, found in client.run(versions, on_error="return").items():
        if found == own:
            continue
        if isinstance(found, Exception):
            differ = f"cannot say which code it has ({found})"
        else:
            name = min(name for name in own.keys() | found.keys() if own.get(name) != found.get(name))
            differ = f"has '{name}' of version {found.get(name)}, and this process of {own.get(name)}"
        raise InputError(f"the Dask worker at '{worker}' {differ}: install this copy of cena there, and start it again")


def _knock(address: str) -> None:
    """Raise an `OSError` if nothing answers as a scheduler does: Dask's client would wait for ever for a word."""
    from distributed.comm.core import connect

    async def answer() -> None:
        comm = await asyncio.wait_for(connect(address, timeout=SECONDS), SECONDS)  # type: ignore[no-untyped-call]
        comm.abort()

    with ThreadPoolExecutor(1) as thread:  # as a notebook's own thread has a loop that runs
        thread.submit(asyncio.run, answer()).result()


class _LostError(BaseException):
    """Raised in the thread that waits for the cluster; no handler of errors on the way keeps it."""


@contextmanager
def _watched(client: Any, address: str) -> Iterator[None]:
    """Within this context the loss of the scheduler or of all workers is a `WorkError`: joblib would wait for ever."""
    waiting, left = threading.get_ident(), threading.Event()
    lost = f"the Dask scheduler at '{address}' is lost"

    def watch() -> None:
        nonlocal lost
        seen = time.monotonic()
        while client.status == "running" and time.monotonic() - seen < PATIENCE:
            if left.wait(1):
                return
            with suppress(OSError):
                seen = time.monotonic() if client.nthreads(callback_timeout=SECONDS) else seen
        if client.status == "running":
            lost = f"the Dask scheduler at '{address}' has had no workers for {PATIENCE} s"
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(waiting), ctypes.py_object(_LostError))

    threading.Thread(target=watch, name="watch the cluster", daemon=True).start()
    try:
        yield
    except (_LostError, Exception) as error:
        if isinstance(error, Exception) and client.status == "running":
            raise  # the work's own
        raise WorkError(f"{lost}: run the same command again when it is back, finished work is kept") from error
    finally:
        left.set()
