"""Whether the backend runs here, and what it says if not."""

import importlib.util

import pytest

from fasts2s_kernels.gpu import setup
from tests.conftest import STANDS_IN


def test_it_runs_here():
    setup.probe()


def test_what_it_says_of_itself():
    found = setup.describe()
    assert "multiprocessors" in found["device"]
    assert "CuPy" in found["versions"]


@pytest.mark.skipif(not STANDS_IN, reason="all kernels for a real device take minutes")
def test_warming_up_loads_every_kernel_that_has_no_size():
    calls = []
    assert setup.warmup(lambda: calls.append(1)) == setup.kernel_count() == len(calls) > 50


def test_without_cupy_the_repair_is_named(monkeypatch):
    original = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "cupy" else original(name))
    with pytest.raises(ImportError, match=r"pip install 'fasts2s\[cuda12\]'.*cuda13"):
        setup.probe()


def test_a_broken_cupy_is_an_import_error(monkeypatch):
    def broken(name):
        raise OSError(f"{name}: libcublas.so is missing")

    monkeypatch.setattr(setup.importlib, "import_module", broken)
    with pytest.raises(ImportError, match="CuPy cannot be imported"):
        setup.probe()


@pytest.mark.skipif(not STANDS_IN, reason="a real driver is there")
class TestDevice:
    def test_no_driver(self, monkeypatch):
        monkeypatch.setenv("STAND_IN_DEVICES", "broken")
        with pytest.raises(RuntimeError, match=r"no CUDA device: .*InsufficientDriver.*driver installed"):
            setup.probe()

    def test_no_device(self, monkeypatch):
        monkeypatch.setenv("STAND_IN_DEVICES", "0")
        with pytest.raises(RuntimeError, match="no CUDA device"):
            setup.probe()

    @pytest.mark.parametrize(("answer", "text"), [(False, "wrong sums"), (ValueError("odd"), "ValueError: odd")])
    def test_a_device_that_does_not_compute(self, monkeypatch, answer, text):
        def tried():
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(setup, "_sum_of_ones", tried)
        with pytest.raises(RuntimeError, match=text):
            setup.probe()
