"""Parallel work goes to a cluster when one is named, and gives the same."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import joblib
import numpy as np
import pytest
from distributed import LocalCluster

import cena
from cena.errors import InputError, WorkError
from cena.stages import STAGES, stage_versions
from cena.study.cluster import VARIABLE, _same_code, cluster

stage_versions()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as local:
        yield local.scheduler_address


def processes_of_squares() -> tuple[list[int], set[int]]:
    """Squares, and the processes that computed them, as the view store computes: in the order they are ready."""
    parallel = joblib.Parallel(n_jobs=-1, return_as="generator_unordered", batch_size=1)
    found = list(parallel(joblib.delayed(lambda i: (i * i, os.getpid()))(i) for i in range(6)))
    return sorted(square for square, _ in found), {process for _, process in found}


@pytest.mark.slow
def test_work_is_done_by_the_workers_of_the_cluster(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, address)
    with cluster():
        squares, processes = processes_of_squares()
    np.testing.assert_array_equal(squares, [0, 1, 4, 9, 16, 25])
    assert os.getpid() not in processes
    monkeypatch.delenv(VARIABLE)
    with cluster(), joblib.parallel_config("sequential"):
        assert processes_of_squares() == (squares, {os.getpid()})


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cena.study.cluster.SECONDS", 1)
    monkeypatch.setattr("cena.study.cluster.PATIENCE", 2)


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of something that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield "tcp://{}:{}".format(*server.getsockname())


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("where", ["tcp://127.0.0.1:9", "nonsense://x", "tcp://", "localhost", "silent"])
def test_a_scheduler_that_does_not_answer_is_named(where: str, silent: str) -> None:
    address = silent if where == "silent" else where
    started = time.monotonic()
    with pytest.raises(InputError, match=rf"^no Dask scheduler answers at '{address}' \([^\n]+$"), cluster(address):
        pass
    assert time.monotonic() - started < 20


@pytest.fixture
def lonely() -> Iterator[LocalCluster]:
    """A cluster of which a test may stop the workers and the scheduler."""
    with LocalCluster(n_workers=0, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as local:
        yield local


@pytest.mark.slow
@pytest.mark.usefixtures("impatient")
def test_a_scheduler_without_workers_is_one_sentence(lonely: LocalCluster) -> None:
    address = lonely.scheduler_address
    with pytest.raises(InputError, match=rf"^the Dask scheduler at '{address}' has no workers: [^\n]+$"):  # noqa: SIM117
        with cluster(address):
            pass


@pytest.mark.slow
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("loss", "reason"), [("workers", "has had no workers for 2 s"), ("scheduler", "is lost")])
def test_what_is_lost_in_the_middle_is_one_sentence(lonely: LocalCluster, loss: str, reason: str) -> None:
    address = lonely.scheduler_address
    lonely.scale(1)
    lonely.wait_for_workers(1)
    begun = threading.Event()
    moment: list[float] = []

    def lose() -> None:
        begun.wait()
        moment.append(time.monotonic())
        lonely.scale(0) if loss == "workers" else lonely.sync(lonely.scheduler.close)

    def work() -> None:
        with cluster(address):
            parallel = joblib.Parallel(n_jobs=-1, return_as="generator_unordered", batch_size=1)
            for _ in parallel(joblib.delayed(time.sleep)(0.1) for _ in range(6000)):
                begun.set()

    thread = threading.Thread(target=lose)
    thread.start()
    with pytest.raises(
        WorkError, match=rf"^the Dask scheduler at '{address}' {reason}: run the same command again [^\n]+$"
    ):
        work()
    assert time.monotonic() - moment[0] < 20
    thread.join()


class Workers:
    """A client of two workers, the second of which answers what a test wants."""

    def __init__(self, answer: Callable[[dict[str, Any]], Any]):
        self.answer = answer

    def run(self, asked: Callable[[], dict[str, Any]], on_error: str) -> dict[str, Any]:
        assert on_error == "return"
        return {"tcp://one": asked(), "tcp://two": self.answer(asked())}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda own: own | {"cena": "9.9.9"}, f"has 'cena' of version 9.9.9, and this process of {cena.__version__}"),
        (
            lambda own: own | {"layout": 0},
            f"has 'layout' of version 0, and this process of {STAGES['layout'].version}",
        ),
        (lambda own: {**own, "new": 1}, "has 'new' of version 1, and this process of None"),
        (lambda _: ModuleNotFoundError("No module named 'cena'"), r"cannot say .* \(No module named 'cena'\)"),
    ],
)
def test_a_worker_with_other_code_is_refused(answer: Callable[[dict[str, Any]], Any], reason: str) -> None:
    with pytest.raises(InputError, match=rf"^the Dask worker at 'tcp://two' {reason}: install this copy"):
        _same_code(Workers(answer))
    _same_code(Workers(lambda own: own))


@pytest.mark.slow
def test_an_error_of_the_work_stays_what_it_is(address: str) -> None:
    with pytest.raises(ZeroDivisionError), cluster(address):
        joblib.Parallel(n_jobs=-1)(joblib.delayed(divmod)(1, i) for i in (1, 0))
