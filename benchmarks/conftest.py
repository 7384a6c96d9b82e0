"""Fixtures of the benchmarks: ``pytest benchmarks`` measures, with ``--benchmark-disable`` it is a smoke test.

Every benchmark first passes the gate of the suite (:mod:`fasts2s.bench.gate`), at whatever size. Then it is called
once, so that nothing is compiled while the plugin finds out how often to call it, and then it is timed.
"""

import importlib
import importlib.util
import math
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fasts2s
from fasts2s.bench import machine
from fasts2s.bench.gate import judge
from fasts2s.bench.peers.book_interface import Cupy, Ours
from fasts2s_kernels import MODULES, blas, load, setup_of
from fasts2s_kernels.cores import available_cores

HERE = Path(__file__).resolve().parent
_LOAD_BEFORE = pytest.StashKey[Any]()
#: What differs from run to run on one machine.
_PASSING = ("load_before", "commit")


def pytest_addoption(parser):
    """Add ``--fs-sizes``."""
    text = "sizes of the cases: tiny (default where benchmarks are disabled) or book (default where they are timed)"
    parser.addoption("--fs-sizes", choices=("tiny", "book"), default=None, help=text)


def pytest_configure(config):
    """Look at the load before anything adds to it."""
    config.stash[_LOAD_BEFORE] = machine.load_average()


def pytest_collection_modifyitems(items):
    """Let a benchmark whom the gate refused fail once: that it was not timed is no second error."""
    quiet = pytest.mark.filterwarnings("ignore:Benchmark fixture was not used")
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(quiet)


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
    if name == "cupy":
        found = importlib.util.find_spec("cupy")
        if found is None or found.origin is None:
            return "cupy is not installed"
        if "stand_in" in Path(found.origin).parts:
            return "the only CuPy here is the stand-in of the tests"
        return fasts2s.backends()["cupy"].reason
    try:
        fasts2s.get_backend(name)
    except ImportError as error:
        return str(error)
    return ""


@pytest.fixture(scope="session", params=list(MODULES))
def backend(request):
    """The name of every backend that runs here."""
    if _why_not(request.param):
        pytest.skip(_why_not(request.param))
    return request.param


@pytest.fixture
def peer(backend):
    """The backend as a contestant of the suite, which makes cases ready; the chosen one while a test runs."""
    return Cupy(available_cores()) if backend == "cupy" else Ours(backend, available_cores())


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
def tiny(request, benchmark):
    """Whether cases are to be made small."""
    chosen = request.config.getoption("--fs-sizes")
    return benchmark.disabled if chosen is None else chosen == "tiny"


@cache
def _peak() -> float:
    """Return the peak of fused multiply-adds in GFLOP/s, measured once; NaN where nothing is compiled."""
    if _why_not("numba"):
        return math.nan
    return importlib.import_module("fasts2s.bench.peers.peak").Peak(available_cores()).measure()


def _threads(backend: str) -> str:
    described = setup_of(backend).describe() if backend == "numba" else {}
    return described.get("threads", f"up to {blas.threads() or available_cores()}, of the BLAS")


class Timing:
    """The gate, then the clock.

    Of the plugin's options, ``--benchmark-max-time`` and ``--benchmark-min-rounds`` hold for what is reset before
    every round, too.
    """

    def __init__(self, benchmark: Any, config: Any) -> None:
        self.benchmark = benchmark
        self.most = float(config.getoption("benchmark_max_time"))
        self.rounds = int(config.getoption("benchmark_min_rounds"))

    def gate(self, results: dict[str, Any], reference: dict[str, Any]) -> None:
        """Fail unless results are those of the float64 reference; both name -> host array of any shape."""
        _, complaints = judge(results, reference, "ours")
        if complaints:
            pytest.fail("the gate refuses it: " + "; ".join(complaints))

    def run(
        self,
        call: Callable[[], Any],
        group: str,
        *,
        backend: str = "",
        reset: Callable[[], Any] | None = None,
        tokens: int | None = None,
        samples: int | None = None,
        flops: int | None = None,
        **facts: Any,
    ) -> Any:
        """Time a call, return what it returns.

        ``reset`` is called before every round and not timed. Rates are computed from what one call does: tokens,
        samples, floating-point operations. Facts stand beside the result as they are.
        """
        self.benchmark.group = group
        if backend:
            facts |= {"backend": backend, "threads": _threads(backend)}
        self.benchmark.extra_info.update(facts)
        timed = _waiting(call) if backend == "cupy" else call
        if reset is None:
            timed()
            result = self.benchmark(timed)
        else:
            result = self.benchmark.pedantic(timed, setup=_without_result(reset), rounds=self._rounds(timed, reset))
        if self.benchmark.stats is not None:
            amounts = {"tokens": tokens, "samples": samples, "flops": flops}
            self._add_rates(self.benchmark.stats.stats.median, **{k: v for k, v in amounts.items() if v is not None})
        return result

    def _rounds(self, timed: Callable[[], Any], reset: Callable[[], Any]) -> int:
        """Call once to compile and, where it is going to be timed, once more to see how long it takes."""
        spent = math.inf
        for _ in range(1 if self.benchmark.disabled else 2):
            reset()
            started = time.perf_counter()
            timed()
            spent = time.perf_counter() - started
        return max(self.rounds, math.ceil(self.most / spent))

    def _add_rates(self, seconds: float, flops: int | None = None, **counts: int) -> None:
        info = self.benchmark.extra_info
        info.update({f"{name}_per_s": round(count / seconds, 1) for name, count in counts.items()})
        if flops is not None:
            info["gflops"] = round(1e-9 * flops / seconds, 3)
            if math.isfinite(_peak()):
                info["share_of_peak"] = round(info["gflops"] / _peak(), 4)


def _waiting(call: Callable[[], Any]) -> Callable[[], Any]:
    """Return a call that ends when the device is done."""
    stream = load("cupy").xp.cuda.get_current_stream

    def waiting() -> Any:
        result = call()
        stream().synchronize()
        return result

    return waiting


def _without_result(reset: Callable[[], Any]) -> Callable[[], None]:
    """Return a setup for the plugin, which takes what a setup returns for arguments."""

    def setup() -> None:
        reset()

    return setup


@pytest.fixture
def timing(request, benchmark):
    """The gate and the clock of a benchmark."""
    return Timing(benchmark, request.config)
