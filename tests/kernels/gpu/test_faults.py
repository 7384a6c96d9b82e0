"""Tests of the tests: a fault is planted in a kernel, and one of the checks must find it."""

import numpy as np
import pytest

from fasts2s.testing import assert_close
from fasts2s_kernels import load
from fasts2s_kernels.backends import numpy as reference
from fasts2s_kernels.cases import functions
from fasts2s_kernels.gpu import device as _device
from fasts2s_kernels.gpu import dispatch, launch, sources
from tests.conftest import STANDS_IN
from tests.kernels.gpu.faults import FAULTS
from tests.kernels.gpu.runs import ORDERS, check, in_order

pytestmark = pytest.mark.skipif(not STANDS_IN, reason="a fault may leave a real device in ruins")


def _single(kernels, *arrays):
    return [kernels.asarray(a.astype("f")) for a in arrays]


def _adam(rng, size):
    kernels = load("cupy")
    host = [rng.standard_normal(size), rng.standard_normal(size), np.zeros(size), np.zeros(size)]
    p, g, m, v = _single(kernels, *host)
    for step in (1, 2):
        numbers = {"lr": 0.1, "beta1": 0.9, "beta2": 0.99, "step": step}
        kernels.adam_update([p], [g], [m], [v], **numbers)
        reference.adam_update(*([a] for a in host), **numbers)
    for found, expected in zip((p, m, v), (host[0], *host[2:]), strict=True):
        assert_close("adam", kernels.to_numpy(found), expected)


def _norm(rng, size):
    kernels, host = load("cupy"), rng.standard_normal(size)
    assert abs(float(kernels.clip_grads(_single(kernels, host), None)) - np.linalg.norm(host)) < 1e-4


def _argmax(rng, R, V):
    kernels, host = load("cupy"), rng.integers(0, 3, (R, V))
    assert np.array_equal(kernels.to_numpy(kernels.argmax(*_single(kernels, host))), host.argmax(axis=1))


RUNS = {"adam": _adam, "norm": _norm, "argmax": _argmax}


def run(name, sizes):
    """Run an operation, twice: some faults show only in the launch after."""
    for k in range(2):
        rng = np.random.default_rng(k)
        if name in RUNS:
            for order in ORDERS:
                with in_order(*order):
                    RUNS[name](rng, *sizes)
        else:
            function = name.partition(" ")[0]
            check(function if function in functions() else f"{function}_backward", rng, *sizes)


@pytest.fixture
def planted(monkeypatch):
    """Puts a fault into the text of its module, for kernels that are compiled anew."""
    launch.kernel.cache_clear()
    launch._module.cache_clear()
    original = sources.text

    def plant(fault):
        text = original(fault.module)
        assert fault.old in text, "the fault has nowhere to be planted"
        wrong = text.replace(fault.old, fault.new)
        monkeypatch.setattr(sources, "text", lambda module: wrong if module == fault.module else original(module))
        design = fault.run.partition(" ")[2]
        for other in {"rows", "slices"} - {design} if design else ():
            monkeypatch.setattr(dispatch, other, lambda *_: None)

    yield plant
    for cached in (launch.kernel, launch._module, _device._zeros):
        cached.cache_clear()


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(planted, name):
    from cupy import stand_in  # noqa: PLC0415 - only where it stands in

    fault = FAULTS[name]
    planted(fault)
    with stand_in.patience(3), pytest.raises((AssertionError, stand_in.KernelFault)):
        run(fault.run, fault.sizes)


@pytest.mark.parametrize(("name", "sizes"), sorted({(fault.run, fault.sizes) for fault in FAULTS.values()}), ids=str)
def test_without_a_fault_nothing_is_found(planted, monkeypatch, name, sizes):
    design = name.partition(" ")[2]
    for other in {"rows", "slices"} - {design} if design else ():
        monkeypatch.setattr(dispatch, other, lambda *_: None)
    run(name, sizes)
