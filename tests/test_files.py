"""Files: whole or not at all, one writer at a time, checksums that see every bit."""

import errno
import os
import stat
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from cena.files import WAITING, array_sha256, file_sha256, locked, naming, replacing, sha256, write_atomically


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "deep" / "file.txt"
    write_atomically(path, "one\nä\n")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert [entry.name for entry in path.parent.iterdir()] == ["file.txt"]


def test_an_error_leaves_the_old_file(tmp_path):
    path = tmp_path / "file.txt"
    write_atomically(path, "old")

    def fail_half_way() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail_half_way()
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.txt"]


def test_others_may_read_it_as_if_written_plainly(tmp_path):
    plain, atomic = tmp_path / "plain", tmp_path / "atomic"
    plain.write_text("x")
    write_atomically(atomic, "x")
    assert stat.S_IMODE(atomic.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_checksums_are_those_of_the_content(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    assert file_sha256(tmp_path / "file") == sha256(b"content") == sha256("content")
    assert sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_an_array_s_checksum_sees_values_shape_and_type_but_not_memory():
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert array_sha256(array) == array_sha256(np.asfortranarray(array)) == array_sha256(array.astype(">f4"))
    others = [array.ravel(), array.astype(np.float64), array + 1, array.T]
    assert len({array_sha256(one) for one in [array, *others]}) == 5


def test_a_lock_is_held_by_one_thread_at_a_time(tmp_path):
    inside, most = 0, []

    def work():
        nonlocal inside
        with locked(tmp_path / "deep" / ".lock"):
            inside += 1
            most.append(inside)
            time.sleep(0.01)
            inside -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 8


def test_a_killed_process_s_lock_is_free(tmp_path):
    script = (
        "import sys, time; from pathlib import Path; from cena.files import locked\n"
        "with locked(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / ".lock")], stdout=subprocess.PIPE)
    with process:
        assert process.stdout.readline() == b"held\n"
        process.kill()
    with locked(tmp_path / ".lock"):
        assert process.returncode


@pytest.mark.parametrize("seconds", [0.05, 0.4])
def test_a_lock_that_is_waited_for_is_announced_once_with_its_file(tmp_path, monkeypatch, caplog, seconds):
    monkeypatch.setattr("cena.files._SILENCE", 0.2)
    path, held = tmp_path / ".views.lock", threading.Event()

    def work():
        with locked(path):
            held.set()
            time.sleep(seconds)

    thread = threading.Thread(target=work)
    thread.start()
    assert held.wait(10)
    with locked(path):
        pass
    thread.join()
    announced = [f"\r{WAITING}{path}, which another run holds"] if seconds > 0.2 else []
    assert [record.getMessage() for record in caplog.records] == announced


def test_a_full_disk_names_the_file_that_was_to_be_written(tmp_path):
    (tmp_path / "full").symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"No space left on device: .*whole\.txt'"), replacing(tmp_path / "whole.txt"):
        (tmp_path / "full").write_text("x")
    with pytest.raises(OSError, match=r"No such file or directory: 'elsewhere'"), naming(tmp_path / "whole.txt"):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "elsewhere")
