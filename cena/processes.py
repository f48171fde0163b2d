"""Processes that this one starts: none outlives it, however it ends."""

import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

LATENCY = 0.5
"""Seconds between two looks at whether the parent is still there."""


def end_with(parent: int, *files: str) -> None:
    """End this process, whatever it is doing, within a second of the end of its parent.

    A thread looks for another parent's number. The signal that Linux offers for this (`PR_SET_PDEATHSIG`) comes at the
    end of the thread that started the process, so it would end workers under a caller whose threads come and go. On
    Windows, where the number of a dead parent stays, nothing happens.

    Parameters
    ----------
    parent : the number of the process that started this one, as that process knows it: it may have ended already.
    files : removed then, as nobody else will.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LATENCY)
        with suppress(OSError):
            for file in files:
                Path(file).unlink(missing_ok=True)
        os._exit(1)  # not sys.exit, which would end this thread only

    threading.Thread(target=watch, name="end with the parent", daemon=True).start()


def parallel(workers: int, **settings: Any) -> Any:
    """A `joblib.Parallel` whose worker processes end with this one.

    Parameters
    ----------
    workers : joblib's `n_jobs`; -1 for one a core.
    settings : further arguments of `joblib.Parallel`.
    """
    import joblib  # here, as it takes a while to import and `end_with` does not need it

    return joblib.Parallel(workers, initializer=end_with, initargs=(os.getpid(),), **settings)
