"""The switch: which backend is chosen, what a wrong choice says, what a chosen backend is."""

import asyncio
import contextlib
import copy
import dataclasses
import json
import os
import pickle
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import fasts2s
from fasts2s import layers
from fasts2s.backend import (
    NAMES,
    Backend,
    BackendStatus,
    asks_for_cupy,
    backends,
    get_backend,
    override_environment,
    set_backend,
    use_backend,
)
from fasts2s_kernels import MODULES
from tests import contract
from tests.fresh_python import run_python

ROOT = Path(__file__).resolve().parent.parent

# Four values that tell apart who was heard, with the one backend that runs everywhere.
ENVIRONMENT = Backend("numpy")
GLOBAL = Backend("numpy", named=False)
CONTEXT = Backend("numpy", dtype="float64")
ARGUMENT = Backend("numpy", named=False, dtype="float64")
AUTO = "numba"


def test_precedence(monkeypatch):
    assert get_backend() == Backend(AUTO, named=False)
    monkeypatch.setenv("FASTS2S_BACKEND", "numpy")
    assert get_backend() == ENVIRONMENT
    set_backend(GLOBAL)
    assert get_backend() == GLOBAL
    with use_backend(CONTEXT):
        assert get_backend() == CONTEXT
        assert get_backend(ARGUMENT) == ARGUMENT
        assert layers.TimeAttention(backend=ARGUMENT).backend == ARGUMENT
        set_backend(ARGUMENT)  # a choice for later: what is in force here stays
        assert get_backend() == CONTEXT
    assert get_backend() == ARGUMENT
    set_backend(None)
    assert get_backend() == ENVIRONMENT


def test_the_environment_is_read_at_every_choice_not_at_import(monkeypatch):
    monkeypatch.setenv("FASTS2S_BACKEND", "numpy")
    assert get_backend().named
    monkeypatch.setenv("FASTS2S_BACKEND", "auto")
    assert not get_backend().named


def test_a_layer_keeps_the_backend_it_was_made_with():
    with use_backend("numpy", dtype="float64"):
        inside = layers.TimeAttention()
    set_backend("numpy")
    assert inside.backend == CONTEXT
    assert layers.TimeAttention().backend == ENVIRONMENT


@pytest.mark.parametrize("name", ["auto", "AUTO", " Auto ", "cpu", "CPU", ""])
def test_auto_and_its_aliases_take_the_best_cpu_backend(name, monkeypatch):
    assert get_backend(name) == Backend(AUTO, named=False)
    monkeypatch.setenv("FASTS2S_BACKEND", name)
    assert get_backend() == Backend(AUTO, named=False)


def test_a_name_counts_without_regard_to_case_and_blanks(backend):
    assert get_backend(f" {backend.upper()} ") == Backend(backend)


@pytest.mark.parametrize("name", ["nump", "jax", "numpy,numba", 3, b"numpy", 0.5, ["numpy"]])
def test_an_unknown_name_is_an_error_that_lists_the_names(name):
    for choose in (get_backend, set_backend, lambda n: layers.TimeAttention(backend=n)):
        with pytest.raises(ValueError, match=re.escape(repr(name))) as error:
            choose(name)
        assert all(known in str(error.value) for known in NAMES)
    with pytest.raises(ValueError, match="expected one of"), use_backend(name):
        pass
    assert get_backend() == Backend(AUTO, named=False)


def test_an_unknown_name_in_the_environment_names_the_variable(monkeypatch):
    monkeypatch.setenv("FASTS2S_BACKEND", "nonsense")
    with pytest.raises(ValueError, match="FASTS2S_BACKEND is 'nonsense', expected one of auto, numpy, numba, cupy"):
        get_backend()


@pytest.mark.parametrize("error", [None, ImportError("it is not installed"), RuntimeError("there is no device")])
def test_a_backend_that_runs_is_looked_for_once_a_missing_one_every_time(error, monkeypatch):
    asked = []

    def failure(name):
        asked.append(name)
        return error

    monkeypatch.setattr("fasts2s.backend._seen", set())
    monkeypatch.setattr("fasts2s.backend._failure", failure)
    for _ in range(2):
        refused = pytest.raises(type(error), match=f"{error}; or choose numpy or auto") if error else None
        with refused or contextlib.nullcontext():
            get_backend("numba")
    assert asked == ["numba"] * (2 if error else 1)


def test_use_backend_nests_and_ends_with_an_exception():
    class OwnError(Exception):
        pass

    set_backend(GLOBAL)
    with use_backend("numpy") as outer:
        assert outer == get_backend() == ENVIRONMENT
        with pytest.raises(OwnError), use_backend("numpy", dtype="float64") as inner:
            assert inner == get_backend() == CONTEXT
            raise OwnError
        assert get_backend() == ENVIRONMENT
    assert get_backend() == GLOBAL


def test_use_backend_acts_in_its_own_thread_only():
    inside, leave, seen = threading.Event(), threading.Event(), []

    def worker():
        with use_backend(CONTEXT):
            inside.set()
            leave.wait(30)
            seen.append(get_backend())

    thread = threading.Thread(target=worker)
    thread.start()
    assert inside.wait(30)
    assert get_backend() == Backend(AUTO, named=False)
    with use_backend(ARGUMENT):
        leave.set()
        thread.join(30)
        assert get_backend() == ARGUMENT
    assert seen == [CONTEXT]


def test_use_backend_acts_in_its_own_task_only():
    async def task(chosen, seen):
        with use_backend(chosen):
            await asyncio.sleep(0)  # the other task enters its block
            seen.append(get_backend())

    async def both():
        await asyncio.gather(task(CONTEXT, first), task(ARGUMENT, second))

    first, second = [], []
    asyncio.run(both())
    assert (first, second) == ([CONTEXT], [ARGUMENT])


def test_float64_reaches_weights_and_outputs_of_time_layers(rng, backend):
    ids = rng.integers(0, 11, (3, 5))
    for dtype, expected in ((None, np.float32), ("float32", np.float32), ("float64", np.float64)):
        with use_backend(backend, dtype=dtype):
            model = fasts2s.models.Rnnlm(11, 5, 7)
        assert {p.dtype for p in model.params} == {np.dtype(expected)}
        assert model.predict(ids).dtype == expected
        assert model.lstm_layer.h.dtype == expected
    with use_backend(backend, dtype="float64"):
        assert get_backend().dtype == "float64"
        assert get_backend(dtype="float32").dtype == "float32"


@pytest.mark.parametrize("dtype", ["float16", "f", "double", 64])
def test_another_dtype_is_an_error(dtype):
    with pytest.raises(ValueError, match=f"dtype is {dtype!r}, expected one of float32, float64"):
        get_backend("numpy", dtype=dtype)
    with pytest.raises(ValueError, match="dtype"):
        set_backend("auto", dtype=dtype)


def test_set_backend_takes_a_dtype_and_forgets_it():
    set_backend("auto", dtype="float64")
    assert get_backend() == Backend(AUTO, named=False, dtype="float64")
    set_backend(None)
    assert get_backend().dtype == "float32"


@pytest.mark.parametrize("value", [ENVIRONMENT, GLOBAL, CONTEXT, ARGUMENT], ids=str)
def test_a_backend_is_a_value(value):
    for other in (copy.copy(value), copy.deepcopy(value), *(pickle.loads(pickle.dumps(value, p)) for p in range(6))):
        assert other == value
        assert hash(other) == hash(value)
        assert isinstance(other.kernels().lstm_forward, type(value.kernels().lstm_forward))
    assert len({ENVIRONMENT, GLOBAL, CONTEXT, ARGUMENT, copy.copy(value)}) == 4
    with pytest.raises(dataclasses.FrozenInstanceError):
        value.name = "numba"


def test_kernels_are_the_module_of_the_backend(backend):
    chosen = get_backend(backend)
    assert chosen.kernels().__name__ == MODULES[backend]
    assert chosen.kernels_for(np.zeros(3), None, 1) is chosen.kernels()
    assert chosen.kernels_beside(chosen.kernels().asarray(np.zeros(3))) is chosen.kernels()
    assert {*contract.functions(), "xp"} <= set(dir(chosen.kernels()))


def test_backends_says_what_runs_here(shim):
    rows = backends()
    assert list(rows) == ["numpy", "numba", "cupy"]
    for row in rows.values():
        assert isinstance(row, BackendStatus)
        assert row.usable
        assert row.reason == ""
        assert row.version
    assert rows["numpy"] == (True, "", np.__version__)


@pytest.mark.parametrize("name", ["cupy", " GPU ", "cuda", Backend("cupy")])
def test_whether_cupy_is_asked_for_can_be_known_without_it(name, monkeypatch):
    assert asks_for_cupy(name)
    assert not any(map(asks_for_cupy, (None, "", "auto", "numpy", "nonsense", 3, ENVIRONMENT)))
    monkeypatch.setenv("FASTS2S_BACKEND", name if isinstance(name, str) else name.name)
    assert asks_for_cupy(None)
    override_environment(None, None)  # no error that there are no kernels: the drop-in can do without them
    assert not asks_for_cupy("numpy")
    set_backend("numpy")
    assert not asks_for_cupy(None)


def in_a_fresh_process(code, **environment):
    """Run code where nothing has been chosen, warned of or logged yet; return its standard output."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FASTS2S_")}
    path = os.pathsep.join([str(ROOT), str(ROOT / "kernels")])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**kept, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_unknown_variable_is_warned_of_once_with_the_nearest_name():
    known = {"FASTS2S_TEST_DATA": "x", "FASTS2S_TEST_BACKENDS": "x", "FASTS2S_BOOK": "x", "FAST2S_BACKEND": "x"}
    code = """
import json, warnings, fasts2s
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    fasts2s.get_backend("numpy")
    early = len(caught)
    for _ in range(3):
        fasts2s.get_backend()
        fasts2s.layers.TimeAttention()
print(json.dumps([early, [str(w.message) for w in caught]]))
"""
    early, texts = json.loads(in_a_fresh_process(code, FASTS2S_BACKND="numpy", **known))
    assert early == 0  # an argument does not look at the environment
    assert len(texts) == 1
    assert "FASTS2S_BACKND" in texts[0]
    assert "did you mean FASTS2S_BACKEND?" in texts[0]
    assert json.loads(in_a_fresh_process(code, FASTS2S_BACKEND="numpy", **known)) == [0, []]


def test_import_reads_no_variable_and_the_choice_of_auto_is_logged_once():
    code = """
import logging, os, sys
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(name)s: %(message)s")
import fasts2s
os.environ["FASTS2S_BACKEND"] = "auto"
print("imported")
for _ in range(3):
    fasts2s.get_backend()
fasts2s.set_backend("cpu")
fasts2s.models.Rnnlm(5, 3, 2)
fasts2s.get_backend("numpy")
"""
    lines = in_a_fresh_process(code, FASTS2S_BACKEND="nonsense").splitlines()
    lines = [line for line in lines if "the load is" not in line]  # on a busy machine
    assert lines == ["imported", f"fasts2s: backend auto: {AUTO}"]


# ---- settings ----------------------------------------------------------------------------------------------------


def test_number_of_threads_comes_from_the_environment():
    code = "import fasts2s; fasts2s.get_backend().kernels(); from fasts2s_kernels.cpu.threads import POOL"
    done = run_python(f"{code}; print(POOL.wanted)", FASTS2S_NUM_THREADS=" 3 ", FASTS2S_BACKEND="numba")
    assert (done.stdout, done.returncode) == ("3\n", 0), done.stderr


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "\u00b2"])
def test_a_wrong_number_of_threads_is_an_error(text):
    code = "import fasts2s; fasts2s.get_backend('numba').kernels()"
    done = run_python(code, FASTS2S_NUM_THREADS=text)
    assert done.returncode == 1
    assert f"ValueError: FASTS2S_NUM_THREADS is {text!r}" in done.stderr


def test_cache_folder_comes_from_the_environment(tmp_path):
    code = "import fasts2s; fasts2s.get_backend('numba').kernels(); from fasts2s_kernels.cpu import jit"
    done = run_python(f"{code}; print(jit.cache().base)", FASTS2S_CACHE_DIR=str(tmp_path))
    assert done.stdout.strip() == str(tmp_path), done.stderr


def test_without_a_compiler_auto_is_numpy_and_numba_an_error():
    done = run_python("import fasts2s; print(fasts2s.get_backend().name)", NUMBA_DISABLE_JIT="1")
    assert done.stdout == "numpy\n", done.stderr
    done = run_python("import fasts2s; fasts2s.get_backend('numba')", NUMBA_DISABLE_JIT="1")
    assert "NUMBA_DISABLE_JIT is set" in done.stderr
    assert done.returncode == 1


def test_a_broken_numba_leaves_auto_on_numpy(tmp_path):
    (tmp_path / "llvmlite.py").write_text("raise ImportError('does not fit')\n")
    code = "import sys; sys.path.insert(0, sys.argv[1]); import fasts2s; print(fasts2s.get_backend().name)"
    done = run_python(f"import sys; sys.argv.append({str(tmp_path)!r}); {code}")
    assert done.stdout == "numpy\n", done.stderr
