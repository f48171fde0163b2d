"""Parallel work goes to a cluster when one is named, and gives the same."""

import os
from collections.abc import Iterator

import joblib
import numpy as np
import pytest
from distributed import LocalCluster

from cena.errors import InputError
from cena.study.cluster import VARIABLE, cluster


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


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cena.study.cluster.SECONDS", 1)
    with (
        pytest.raises(InputError, match=r"no Dask scheduler answers at 'tcp://127\.0\.0\.1:9'"),
        cluster("tcp://127.0.0.1:9"),
    ):
        pass
    with pytest.raises(InputError, match="no Dask scheduler answers at 'nonsense://x'"), cluster("nonsense://x"):
        pass
