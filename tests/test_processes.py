"""No process outlives the one that started it, however that one ends."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from watched_processes import becomes, is_running

PACKAGE = Path(__file__).parents[1] / "cena"
CHILD = (
    "import os, sys, time; from pathlib import Path; from cena.processes import end_with; end_with(int(sys.argv[1]))\n"
    "Path(sys.argv[2]).write_text(str(os.getpid()))\n"
)
STARTERS = {
    "a sleeping child": f"start('''{CHILD}time.sleep(60)''')",
    "a busy child": f"start('''{CHILD}while True: pass''')",
    "two workers": (
        "def work(i): (folder / f'{i}.part').write_text(str(os.getpid())); time.sleep(60)\n"
        "parallel(2)(delayed(work)(i) for i in range(2))"
    ),
    "a child of a thread that has ended": (
        f"thread = threading.Thread(target=start, args=('''{CHILD}time.sleep(60)''',)); thread.start(); thread.join()\n"
        "(folder / 'joined.part').write_text(str(os.getpid()))\ntime.sleep(60)"
    ),
}
PARENT = """
import os, subprocess, sys, threading, time
from pathlib import Path
from joblib import delayed
from cena.processes import parallel
folder = Path(sys.argv[1])
def start(code):
    children.append(subprocess.Popen([sys.executable, "-c", code, str(os.getpid()), str(folder / "0.part")]))
children = []
{starter}
time.sleep(60)
"""


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("starter", STARTERS)
def test_children_end_with_their_parent(tmp_path: Path, starter: str, sent: signal.Signals) -> None:
    expected = 2 if starter in ("two workers", "a child of a thread that has ended") else 1
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.format(starter=STARTERS[starter]), str(tmp_path)], stderr=subprocess.DEVNULL
    )
    with parent:

        def told() -> list[int]:
            return [int(text) for path in tmp_path.glob("*.part") if (text := path.read_text())]

        try:
            assert becomes(lambda: len(told()) == expected, 60)
            children = set(told()) - {parent.pid}
            time.sleep(1)  # the end of the thread that started it ends none of them
            assert all(is_running(child) for child in children)
        finally:
            parent.send_signal(sent)
    assert becomes(lambda: not any(is_running(child) for child in children), 5)


def test_a_child_whose_parent_has_ended_already_ends_at_once_and_removes_what_it_was_told_to(tmp_path: Path) -> None:
    connection = tmp_path / "connection.json"
    connection.write_text("{}")
    script = "import sys, time; from cena.processes import end_with; end_with(-1, *sys.argv[1:]); time.sleep(60)"
    child = subprocess.run([sys.executable, "-c", script, str(connection), str(tmp_path / "none")], timeout=30)
    assert child.returncode == 1
    assert not connection.exists()


def test_no_other_way_to_start_processes_is_used() -> None:
    allowed = {"processes.py": "joblib.Parallel(workers", "cli/data.py": 'prefer="threads"'}
    found = {
        file.relative_to(PACKAGE).as_posix(): line
        for file in PACKAGE.rglob("*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if re.search(r"\bParallel\((?!`)|multiprocessing|ProcessPool", line)
    }
    assert found.keys() == allowed.keys()
    assert all(allowed[file] in line for file, line in found.items())
