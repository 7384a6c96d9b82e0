"""A Numba that cannot be used, whatever the reason: ``auto`` takes numpy and says so in one line, a name is an error.

Every fault is planted into a process of its own, before anything of the package is imported.
"""

import re

import pytest

import fasts2s
from fasts2s_kernels.installed import TESTED_NUMBA, library_version
from tests.fresh_python import run_python

BROKEN_MODULE = """
import importlib.abc, importlib.machinery, sys
class Broken(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, self) if name == "{name}" else None
    def exec_module(self, module):
        raise {error}
sys.meta_path.insert(0, Broken())
"""
#: What is planted, and a part of the line that must tell of it.
FAULTS = {
    "not installed": ("import sys; sys.modules['numba'] = None", "numba is not installed (pip install 'numba"),
    "compiling is off": ("import os; os.environ['NUMBA_DISABLE_JIT'] = '1'", "NUMBA_DISABLE_JIT is set"),
    "a numba that does not import": (
        BROKEN_MODULE.format(name="numba", error="ImportError('Numba needs NumPy 2.2 or less')"),
        "ImportError: Numba needs NumPy 2.2 or less",
    ),
    "a broken llvmlite": (
        BROKEN_MODULE.format(name="llvmlite.binding", error="OSError('libllvmlite.so: cannot open')"),
        "OSError: libllvmlite.so: cannot open",
    ),
    "an llvmlite that says much": (
        BROKEN_MODULE.format(name="llvmlite.binding", error="RuntimeError('first\\n\\nsecond' + 3000 * 'x')"),
        "RuntimeError: first secondxxx",
    ),
    "a name that is gone": (
        "import numba; del numba.prange",
        "AttributeError: module 'numba' has no attribute 'prange'",
    ),
    "a part that is gone": (
        "import numba.core.cgutils; del numba.core.cgutils.get_or_insert_function",
        "has no attribute 'get_or_insert_function'",
    ),
    "an error in our modules": (
        BROKEN_MODULE.format(name="fasts2s_kernels.ops.lstm.cpu", error="TypeError('another signature')"),
        "TypeError: another signature",
    ),
    "wrong results": (
        "from fasts2s_kernels.ops.embedding import cpu; cpu.embedding_forward = lambda W, ids: W[ids] + 1",
        "a compiled kernel returned [[6.0, 7.0], [2.0, 3.0]], expected",
    ),
    "a module made by hand": (
        "import sys, types; sys.modules['numba'] = types.ModuleType('numba')",
        "numba unknown cannot be used: ",
    ),
}
ASK = """
import numpy as np
import fasts2s
print(fasts2s.get_backend().name)
model = fasts2s.models.Rnnlm(11, 5, 7)
print(round(float(model.forward(np.ones((2, 3), int), np.ones((2, 3), int))), 1))
model.backward()
fasts2s.get_backend("cpu"), fasts2s.models.Rnnlm(11, 5, 7)
print(fasts2s.backends()["numba"])
try:
    fasts2s.get_backend("numba")
except ImportError as error:
    print("by name:", error)
"""


@pytest.mark.parametrize("fault", FAULTS)
def test_auto_takes_numpy_with_one_line_and_a_name_is_an_error(fault, tmp_path):
    plant, told = FAULTS[fault]
    # A cache of its own: what was compiled before would run whatever has become of the compiler.
    done = run_python(plant + ASK, FASTS2S_BACKEND="", FASTS2S_CACHE_DIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    backend, loss, status, named = done.stdout.splitlines()
    assert (backend, loss) == ("numpy", "2.4")
    (line,) = done.stderr.splitlines()
    assert line.startswith("backend auto: numpy, right but slower: ")
    assert line.endswith("; FASTS2S_BACKEND=numpy says that it is meant")
    for text in (line, status, named):
        assert told in text.replace("\\'", "'")
        assert len(text) < 700
    assert status.startswith("BackendStatus(usable=False, reason=")
    assert re.match(r"by name: backend is 'numba', but .*; or choose numpy or auto$", named)


@pytest.mark.parametrize("fault", ["a broken llvmlite", "a part that is gone"])
def test_a_script_of_the_book_runs_all_the_same(fault, tmp_path):
    """Through the drop-in, which asks for the backend by itself; ``numba`` by name ends with the cause."""
    script = tmp_path / "script.py"
    script.write_text("import fasts2s\nprint(fasts2s.get_backend().name)\n", encoding="utf-8")
    plant, told = FAULTS[fault]
    code = f"{plant}\nimport sys\nfrom fasts2s.dropin.launch import main\nraise SystemExit(main(sys.argv[1:]))"
    ran = []
    for backend in ("auto", "numba"):
        argv = f"import sys; sys.argv[1:] = ['--backend', {backend!r}, {str(script)!r}]\n"
        ran.append(run_python(argv + code, FASTS2S_CACHE_DIR=str(tmp_path / backend), FASTS2S_BACKEND=""))
    auto, named = ran
    assert (auto.returncode, auto.stdout) == (0, "numpy\n"), auto.stderr
    assert sum(told in line for line in auto.stderr.splitlines()) == 1
    assert (named.returncode, named.stdout) == (2, ""), named.stderr
    assert told in named.stderr
    assert "Traceback" not in named.stderr


def test_what_works_is_not_spoken_of():
    code = "import fasts2s; fasts2s.models.Rnnlm(11, 5, 7); print(fasts2s.get_backend('numba').name)"
    done = run_python(code, FASTS2S_BACKEND="auto")
    assert (done.stdout, done.stderr) == ("numba\n", "")
    assert fasts2s.backends()["numba"].usable


def test_the_versions_that_were_tested_have_an_upper_end_which_is_the_installed_one():
    wanted = re.fullmatch(r"numba>=(\d+)\.(\d+),<(\d+)\.(\d+)", TESTED_NUMBA)
    assert wanted, TESTED_NUMBA
    low, high = [tuple(map(int, wanted.groups()[k : k + 2])) for k in (0, 2)]
    installed = tuple(map(int, library_version("numba").split(".")[:2]))
    assert low <= installed < high
