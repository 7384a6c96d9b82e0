"""How many threads the BLAS below NumPy has, asked of threadpoolctl in processes of their own."""

import os

import pytest

from fasts2s_kernels import blas
from fasts2s_kernels.cores import available_cores
from tests.fresh_python import run_python

HAS_BLAS = blas.threads() is not None
pytestmark = pytest.mark.skipif(not HAS_BLAS, reason="threadpoolctl knows no function of this BLAS")

# Whatever the machine and its variables say, the BLAS begins with `had` threads.
BEGIN = """
import numpy
from threadpoolctl import ThreadpoolController
blas = ThreadpoolController().select(user_api="blas")
blas.limit(limits={had})
"""
END = "\nprint(max(library['num_threads'] for library in blas.info()))"
NUMPY = "import fasts2s; fasts2s.get_backend('numpy').kernels()"
NUMBA = "import fasts2s; fasts2s.get_backend('numba').kernels()"
LAYER = "import fasts2s; fasts2s.set_backend('numpy'); fasts2s.layers.MatMul(numpy.eye(2)).forward(numpy.eye(2))"
PATCH = "import fasts2s; fasts2s.patch()"
PATCHED = "import fasts2s\nwith fasts2s.patched('numpy'): pass"
AUTO = "import fasts2s.auto"


def threads_after(code, had=3, **environment):
    done = run_python(BEGIN.format(had=had) + code + END, **{"FASTS2S_NUM_THREADS": "", **environment})
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1])


@pytest.mark.parametrize("code", [NUMPY, NUMBA, LAYER, PATCH, PATCHED, AUTO])
def test_a_number_limits_the_blas(code):
    assert threads_after(code, FASTS2S_NUM_THREADS="1") == 1


def test_a_number_above_what_the_blas_has_changes_nothing():
    assert threads_after(NUMPY, had=2, FASTS2S_NUM_THREADS="3") == 2
    assert threads_after(NUMPY, had=3, FASTS2S_NUM_THREADS="2") == 2


def test_the_option_of_the_launcher_reaches_the_blas(tmp_path):
    (tmp_path / "script.py").write_text(BEGIN.format(had=1).replace("blas.limit(limits=1)", "") + END)
    code = "import sys; from fasts2s.dropin.run import launch; sys.exit(launch.main(sys.argv[1:]))"
    code = f"import sys; sys.argv[1:] = ['--threads', '1', {str(tmp_path / 'script.py')!r}]; {code}"
    done = run_python(BEGIN.format(had=3) + code, FASTS2S_NUM_THREADS="3")
    assert (done.stdout, done.returncode) == ("1\n", 0), done.stderr


def test_importing_changes_nothing_and_loads_nothing():
    code = "import fasts2s, sys; assert 'threadpoolctl' not in sys.modules"
    assert run_python(code, FASTS2S_NUM_THREADS="1").returncode == 0
    assert threads_after("import fasts2s", FASTS2S_NUM_THREADS="1") == 3


@pytest.mark.parametrize("code", [NUMPY, NUMBA, PATCH])
def test_without_a_number_the_blas_stays_as_it_is(code):
    assert threads_after(code, had=available_cores()) == available_cores()


@pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity") or os.cpu_count() == 1, reason="no process can be bound to fewer cores"
)
@pytest.mark.parametrize("code", [NUMPY, PATCH])
def test_without_a_number_it_has_no_more_threads_than_cores_it_may_use(code):
    assert threads_after(f"import os; os.sched_setaffinity(0, {{min(os.sched_getaffinity(0))}}); {code}") == 1


def test_a_quota_counts_like_missing_cores(monkeypatch):
    monkeypatch.setattr(blas, "available_cores", lambda: 1)
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    with blas.libraries().limit(limits=2):
        blas.limit(None)
        assert blas.threads() == 1


def test_without_threadpoolctl_only_a_number_is_worth_a_word(monkeypatch, caplog):
    monkeypatch.setitem(__import__("sys").modules, "threadpoolctl", None)
    blas.limit(None)
    assert caplog.text == ""
    blas.limit(1)
    assert "pip install threadpoolctl" in caplog.text
    assert blas.threads() is None


@pytest.mark.parametrize(
    ("load", "threads", "said"), [(3.0, 2, True), (0.1, 2, False), (3.0, 1, False), (1.0, 2, False)]
)
def test_a_busy_machine_is_told_of_once_where_it_matters(load, threads, said, monkeypatch, caplog):
    monkeypatch.setattr("os.getloadavg", lambda: (load, 0.0, 0.0))
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    caplog.set_level("INFO", logger="fasts2s")
    blas._say_once_if_crowded.cache_clear()
    with blas.libraries().limit(limits=threads):
        blas.limit(3)
        blas.limit(3)
        assert bool(blas.crowded()) is said
    assert caplog.text.count("FASTS2S_NUM_THREADS=1") == int(said)
    assert ("load is 3.0 on 3 cores" in caplog.text) is said


def test_a_wrong_number_is_refused_by_the_drop_in_as_by_the_layers():
    done = run_python("import fasts2s; fasts2s.patch()", FASTS2S_NUM_THREADS="two")
    assert "ValueError: FASTS2S_NUM_THREADS is 'two'" in done.stderr
