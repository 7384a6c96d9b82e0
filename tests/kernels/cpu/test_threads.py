"""Threads and processes: the same bits for every number of workers, no abort, no deadlock, no child that hangs."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fasts2s_kernels import cores
from tests.kernels.cpu import parallel
from tests.kernels.cpu.processes import fresh
from tests.kernels.cpu.training import warm_up

linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux only")
forking = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    fresh(warm_up, timeout=600)


def test_the_same_bits_for_every_number_of_workers() -> None:
    found = fresh(parallel.different_teams).result
    assert found["differ"] == []
    assert found["teams"] == [2, 3, 7, 8]  # no more workers than the seven rows of one of the cases
    assert found["cases"] > 15


@pytest.mark.parametrize("workers", [2, 3, 7])
def test_workers_that_wait_for_one_another_never_hang(workers: int) -> None:
    assert fresh(parallel.many_regions, 500, workers).result == 1


def test_two_models_in_two_threads() -> None:
    assert fresh(parallel.two_threads, 50).result


def test_two_threads_start_everything_at_once() -> None:
    assert fresh(parallel.two_threads_from_the_first_call, 3).result


def test_helpers_that_sleep_are_rung_for() -> None:
    found = fresh(parallel.asleep_and_awake).result
    assert found["equal"]
    assert found["rung"] >= 3


def test_more_threads_may_be_wanted_later() -> None:
    assert fresh(parallel.more_threads_later).result == [1, 2, 3]


@forking
@pytest.mark.parametrize("fork", [parallel.fork_after_training, parallel.fork_beside_training])
def test_a_child_of_a_fork_trains(fork: Callable[..., Any]) -> None:
    for found in fresh(fork, 2).result:
        assert found["status"] == 0
        assert found["equal"]


@forking
def test_a_fork_beside_a_thread_that_compiles(tmp_path: Path) -> None:
    found = fresh(parallel.fork_beside_compiling, FASTS2S_CACHE_DIR=str(tmp_path))
    assert found.compiled
    assert found.result == {"status": 0, "result": "True"}


@forking
def test_a_pool_of_forks_trains() -> None:
    assert fresh(parallel.pool_after_training).result


def test_one_thread_launches_no_region() -> None:
    several = fresh(parallel.threads_of_the_environment).result
    one = fresh(parallel.threads_of_the_environment, FASTS2S_NUM_THREADS="1").result
    assert several["workers"] == cores.available_cores()
    assert one == {"digest": several["digest"], "workers": 1}


def test_numbers_of_threads_that_are_none() -> None:
    values = ["0", "-1", "two", "1.5", "1e3", "٣", "1 2"]
    for value, said in zip(values, fresh(parallel.settings_are_refused, values).result, strict=True):
        assert said.startswith(f"FASTS2S_NUM_THREADS is {value!r}, expected a whole number >= 1")


@linux
def test_one_core_is_one_worker() -> None:
    assert fresh(parallel.on_one_core).result == {"cores": 1, "workers": 1}


V1 = "cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, None),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu.max": "200000 100000\n"}, 2),
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "1000 100000\n"}, 1),
        ({"cpu.max": "200000 100000\n", V1[0]: "700000", V1[1]: "100000"}, 2),
        ({V1[0]: "-1\n", V1[1]: "100000\n"}, None),
        ({V1[0]: "300000\n", V1[1]: "100000\n"}, 3),
        ({V1[0]: "300000\n"}, None),
        *(({"cpu.max": text}, None) for text in ("", "7", "0 0", "9 0", "0 9", "a b", "1 2 3", "\xff\xfe 1")),
        ({"cpu.max/inside": "it is a folder"}, None),
    ],
    ids=str,
)  # fmt: skip
def test_quotas_of_control_groups(tmp_path: Path, files: dict[str, str], cores: int | None) -> None:
    assert parallel.write_quota(str(tmp_path), files) == cores


def test_a_quota_is_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    for quota, expected in ((1, {1}), (10**6, None), (None, None)):
        monkeypatch.setattr(cores, "group_quota", lambda root, quota=quota: quota)
        plain: Any = cores.available_cores.__wrapped__
        allowed = expected or {len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()}
        assert plain() in allowed
