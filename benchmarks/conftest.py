"""Fixtures of the benchmarks: ``pytest benchmarks`` measures, with ``--benchmark-disable`` it is a smoke test.

Every benchmark first passes the gate of the suite (:mod:`fasts2s.bench.gate`), at whatever size. Then it is called
once, so that nothing is compiled while the plugin finds out how often to call it, and then it is timed.
"""

import importlib.util
import math
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fasts2s
from fasts2s.bench import machine
from fasts2s.bench.cases import Case
from fasts2s.bench.peer import Runnable
from fasts2s.bench.peers.book_interface import Ours
from fasts2s.bench.peers.peak import Peak
from fasts2s.bench.rows import rates
from fasts2s_kernels import MODULES, blas, setup_of
from fasts2s_kernels.cores import available_cores

_LOAD_BEFORE = pytest.StashKey[Any]()
#: What differs from run to run on one machine.
_PASSING = ("load_before", "commit", "gpu")


def pytest_addoption(parser):
    """Add ``--fs-sizes``."""
    text = "sizes of the cases: tiny (default where benchmarks are disabled) or book (default where they are timed)"
    parser.addoption("--fs-sizes", choices=("tiny", "book"), default=None, help=text)


def pytest_configure(config):
    """Look at the load before anything adds to it."""
    config.stash[_LOAD_BEFORE] = machine.load_average()


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_machine_info(config, machine_info):
    """Say what the suite says of a machine: processor, cores, threads, BLAS, versions, commit, load before."""
    machine_info.update(machine.describe() | machine.versions("fasts2s", "numpy", "numba"))
    machine_info["load_before"] = config.stash[_LOAD_BEFORE]


def pytest_terminal_summary(terminalreporter, config):
    """Say under the table what is wrong with its numbers: they stand there without their noise."""
    if not config.getoption("benchmark_disable", True):
        for line in filter(None, (machine.too_busy(config.stash[_LOAD_BEFORE]), blas.crowded())):
            terminalreporter.write_line(line, yellow=True)


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_benchmark_compare_machine_info(machine_info, compared_benchmark):
    """Compare machines without what differs from run to run."""
    for info in (machine_info, compared_benchmark["machine_info"]):
        for name in _PASSING:
            info.pop(name, None)


@cache
def _why_not(name: Any) -> str:
    """Return what keeps a backend from running, or "". The CuPy that stands in for one in the tests is none."""
    found = importlib.util.find_spec("cupy") if name == "cupy" else None
    if found is not None and "stand_in" in Path(found.origin or "").parts:
        return "the only CuPy here is the stand-in of the tests"
    return fasts2s.backends()[name].reason


@pytest.fixture(scope="session", params=list(MODULES))
def backend(request):
    """The name of every backend that runs here."""
    if _why_not(request.param):
        pytest.skip(_why_not(request.param))
    return request.param


@pytest.fixture(autouse=True)
def _clean_switch(monkeypatch):
    """No benchmark inherits or leaves a chosen backend or a random state."""
    monkeypatch.delenv("FASTS2S_BACKEND", raising=False)
    state = np.random.get_state()
    fasts2s.set_backend(None)
    yield
    fasts2s.set_backend(None)
    np.random.set_state(state)


@pytest.fixture
def peer(backend):
    """The backend as a contestant of the suite, which makes cases ready; the chosen one while a test runs."""
    return Ours(available_cores(), backend)


@pytest.fixture
def is_tiny(request, benchmark):
    """Whether cases are to be made small."""
    chosen = request.config.getoption("--fs-sizes")
    return benchmark.disabled if chosen is None else chosen == "tiny"


@cache
def _peak() -> float:
    """Return the peak of fused multiply-adds in GFLOP/s, measured once; NaN where nothing is compiled."""
    return math.nan if _why_not("numba") else Peak(available_cores()).measure()


@pytest.fixture
def clock(request, benchmark):
    """Times a case; of the plugin's options, those for the time and the rounds hold."""
    most, least = (request.config.getoption(f"benchmark_{name}") for name in ("max_time", "min_rounds"))

    def run(made: Runnable, case: Case, backend: str = "") -> None:
        info, spent = benchmark.extra_info, math.inf
        for _ in range(1 if benchmark.disabled else 2):  # once to compile, once to see how long it takes
            made.reset()
            started = time.perf_counter()
            made.clock(made.once, 1)
            spent = time.perf_counter() - started
        rounds = max(int(least), min(10000, math.ceil(float(most) / spent)))
        benchmark.group = case.name
        # The plugin takes what a setup returns for arguments.
        benchmark.pedantic(made.clock, (made.once, 1), setup=lambda: (made.reset(), None)[1], rounds=rounds)
        described = setup_of(backend).describe() if backend == "numba" else {}
        threads = described.get("threads", f"up to {blas.threads() or available_cores()}, of the BLAS")
        info.update({"sizes": case.sizes, "backend": backend or "none", "threads": threads})
        if benchmark.stats is not None:
            info.update({k: round(v, 3) for k, v in rates(case, benchmark.stats.stats.median * made.units).items()})
            if "gflops" in info and math.isfinite(_peak()):
                info["peak_share"] = round(info["gflops"] / _peak(), 4)

    return run
