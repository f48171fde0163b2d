"""Processes from outside: whether they still run, and waiting until something is so."""

import subprocess
import time
from collections.abc import Callable


def is_running(process: int) -> bool:
    """Whether there is a process of this number, and it is more than the entry of one that has ended."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], stdout=subprocess.PIPE, text=True, check=False)
    return state.stdout.strip()[:1] not in ("", "Z")


def becomes(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether a condition holds within so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
