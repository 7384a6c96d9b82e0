"""``%load_ext fasts2s`` in a real shell of IPython, each in a process of its own."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fasts2s
from tests.dropin.conftest import BOOK, known_forms

#: Runs cells, given on stdin with what is known, and prints for each what came out and how it ended.
_SHELL = """
import json, re, sys
from fasts2s.dropin.recognise import book_code
known, file_names, cells = json.loads(sys.stdin.read())
book_code._known = lambda: known
from fasts2s.dropin.settings import settings; settings.all_sizes = True
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
shell = InteractiveShell.instance()
if file_names == "kernel":  # as a kernel names its cells: files that are not there
    shell.compile.get_code_name = lambda raw, code, number: f"/tmp/ipykernel_7/{abs(hash(code))}.py"
answers = []
for cell in cells:
    with capture_output() as seen:
        result = shell.run_cell(cell, store_history=True)
    error = result.error_before_exec or result.error_in_exec
    out = re.sub(r"\\x1b\\[[\\d;]*m", "", seen.stdout)  # the colours of a traceback
    answers.append({"out": out, "err": seen.stderr, "error": type(error).__name__ if error else ""})
print(json.dumps(answers))
"""


@pytest.fixture
def cells(book, tmp_path):
    """Return cells(*texts, file_names=): what a shell answers to each, with the library on its path."""

    def run(*texts, file_names="shell"):
        path = [str(book), *(p for p in sys.path if p)]
        variables = {**os.environ, "PYTHONPATH": os.pathsep.join(path), "IPYTHONDIR": str(tmp_path / "ipython")}
        variables |= {"FASTS2S_BACKEND": "numpy", "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [sys.executable, "-c", _SHELL], input=json.dumps([known_forms(), file_names, texts]), env=variables,
            cwd=book, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


def _text(file):
    return (BOOK / "common" / file).read_text(encoding="utf-8")


FUNCTIONS, LAYERS, TIME_LAYERS = (_text(name) for name in ("functions.py", "layers.py", "time_layers.py"))
LOAD = "%load_ext fasts2s"
#: A step of two layers; prints everything that came out of it.
STEP = """
def step():
    rng = np.random.default_rng(3)
    Wx, Wh, b = (rng.normal(0, 0.3, s).astype("f") for s in ((5, 16), (4, 16), (16,)))
    lstm, loss = TimeLSTM(Wx, Wh, b), TimeSoftmaxWithLoss()
    value = loss.forward(lstm.forward(rng.normal(size=(3, 6, 5)).astype("f")), rng.integers(0, 4, (3, 6)))
    dxs = lstm.backward(loss.backward())
    return [float(value), *(float(x) for a in (dxs, lstm.h, *lstm.grads) for x in np.ravel(a))]
import json
"""
SAY = "print(json.dumps(step()))"
FOUND = """
import fasts2s
print(json.dumps([[e.module, e.name, e.status, e.calls, e.reason] for e in fasts2s.status().entries]))
"""


def _numbers(answer):
    assert (answer["error"], answer["err"]) == ("", ""), answer
    return json.loads(answer["out"])


def _found(answer):
    assert answer["error"] == "", answer
    return {(module, name): rest for module, name, *rest in json.loads(answer["out"])}


# ---- classes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file_names", ["shell", "kernel"])
def test_typed_classes_are_replaced_and_compute_the_same(cells, file_names):
    everything = [FUNCTIONS, LAYERS, TIME_LAYERS.replace("from common.functions import sigmoid, softmax\n", "")]
    *_, plain, loaded, first, second, found = cells(
        *everything, STEP, SAY, LOAD, SAY, SAY, FOUND, file_names=file_names
    )
    expected = _numbers(plain)
    assert (loaded["out"], loaded["err"], loaded["error"]) == ("", "", "")
    assert first["err"] == f"[fasts2s] {fasts2s.__version__}, numpy: 6 classes and functions replaced\n"
    assert len(expected) > 100
    assert np.allclose(json.loads(first["out"]), expected, rtol=1e-4, atol=1e-6)
    assert _numbers(second) == json.loads(first["out"])
    entries = _found(found)
    assert entries["__main__", "TimeLSTM"] == ["replaced", 4, ""]
    assert entries["__main__", "TimeSoftmaxWithLoss"] == ["replaced", 4, ""]
    assert entries["__main__", "TimeAffine"] == ["replaced", 0, ""]


def test_typed_classes_call_what_was_imported(cells):
    """Typed after loading; sigmoid and softmax are the imported ones, and so is Embedding."""
    *_, found = cells(LOAD, TIME_LAYERS, STEP, SAY, FOUND)
    entries = _found(found)
    assert entries["__main__", "TimeLSTM"] == ["replaced", 2, ""]
    assert entries["common.layers", "Embedding"][0] == "replaced"
    assert len([name for module, name in entries if name == "Embedding"]) == 1


def test_what_was_typed_before_is_replaced_within_the_cell_that_loads(cells):
    *_, found = cells(TIME_LAYERS, STEP, f"{LOAD}\n{SAY}", FOUND)
    assert _found(found)["__main__", "TimeLSTM"] == ["replaced", 2, ""]


def test_features_of_the_future_hold_in_later_cells(cells):
    *_, found = cells("from __future__ import annotations", LOAD, TIME_LAYERS, STEP, SAY, FOUND)
    assert _found(found)["__main__", "TimeLSTM"] == ["replaced", 2, ""]


def test_an_edited_class_is_left_alone_and_named_once(cells):
    edited = TIME_LAYERS.replace("g = np.tanh(", "g = np.sin(")
    assert edited != TIME_LAYERS
    *_, plain = cells(edited, STEP, SAY)
    _, typed, _, said, empty, found = cells(LOAD, edited, STEP, SAY, "1", FOUND)
    line = "[fasts2s] TimeLSTM left as it is: LSTM.forward is not the book's (__main__:6); the output differs\n"
    assert typed["err"] == line
    assert line not in said["err"]
    assert empty["err"] == ""
    assert np.allclose(json.loads(said["out"]), _numbers(plain), rtol=1e-4, atol=1e-6)
    assert _found(found)["__main__", "TimeLSTM"][:2] == ["left as is", 0]
    assert _found(found)["__main__", "TimeSoftmaxWithLoss"][:2] == ["replaced", 2]


def test_a_cell_with_an_import_of_its_own(cells):
    """Names that are imported beside a class change what it is compiled to."""
    own = Path(__file__).parent / "recognise" / "plain_layers.py"
    *_, said, found = cells(LOAD, own.read_text(encoding="utf-8"), STEP, SAY, FOUND)
    assert "TimeLSTM, TimeSoftmaxWithLoss" in said["err"].replace("TimeEmbedding, TimeAffine, ", "")
    assert _found(found)["__main__", "TimeLSTM"] == ["replaced", 2, ""]


def test_what_a_recognised_class_calls_may_be_typed_again_but_not_in_another_way(cells):
    own = (Path(__file__).parent / "recognise" / "plain_layers.py").read_text(encoding="utf-8")
    functions, layers = own[: own.index("class RNN")], own[own.index("class RNN") :]
    other = functions.replace("1 / (1 + np.exp(-z))", "0.5 / (1 + np.exp(-z))")
    status = "print([e.status for e in fasts2s.status().entries if e.name == 'TimeLSTM'])"
    *_, before, _, again, _, changed = cells(
        LOAD, "import fasts2s", functions, layers, status, functions, status, other, status
    )
    assert before["out"] == again["out"] == "['replaced']\n"
    assert changed["out"] == "['left as is']\n"


def test_a_class_defined_anew_is_offered_anew(cells):
    edited = TIME_LAYERS.replace("g = np.tanh(", "g = np.sin(")
    status = "print([e.status for e in fasts2s.status().entries if e.name == 'TimeLSTM'])"
    _, _, _, one, _, two, _, three = cells(
        LOAD, "import fasts2s", edited, status, "def nothing(): pass", status, TIME_LAYERS, status
    )
    assert one["out"] == two["out"] == "['left as is']\n"
    assert three["out"] == "['left as is', 'replaced']\n"


def test_a_changed_function_takes_a_replaced_class_back(cells):
    """A class whose sigmoid a later cell defines otherwise runs the reader's code from then on."""
    changed = "def sigmoid(x):\n    return np.tanh(x) / 2 + 0.25"
    *_, plain = cells(TIME_LAYERS, STEP, changed, SAY)
    *_, before, same, also, cell, after, found = cells(
        TIME_LAYERS, STEP, LOAD, SAY, FUNCTIONS, SAY, changed, SAY, FOUND
    )
    assert same["err"] == ""
    assert _numbers(also) == json.loads(before["out"])
    assert cell["err"] == "[fasts2s] TimeLSTM left as it is: sigmoid is not the book's (__main__:1)\n"
    assert not np.allclose(_numbers(after), json.loads(before["out"]), rtol=1e-3)
    assert np.allclose(_numbers(after), _numbers(plain), rtol=1e-4, atol=1e-6)
    assert _found(found)["__main__", "TimeLSTM"][:2] == ["left as is", 4]


def test_a_backward_after_its_class_was_taken_back(cells):
    forward = "lstm = TimeLSTM(*[np.full(s, 0.1, 'f') for s in ((3, 8), (2, 8), (8,))])\n"
    forward += "hs = lstm.forward(np.ones((2, 4, 3), 'f'))"
    backward = "print(json.dumps([float(x) for x in np.ravel(lstm.backward(np.ones((2, 4, 2), 'f')))]))"
    renamed = "def sigmoid(x):\n    return 1.0 / (np.exp(-x) + 1.0)"  # the same function in another text
    *_, plain = cells(TIME_LAYERS, STEP, forward, backward)
    *_, cell, found = cells(TIME_LAYERS, STEP, LOAD, forward, renamed, backward)
    assert "TimeLSTM left as it is" in cell["err"]
    assert np.allclose(_numbers(found), _numbers(plain), rtol=1e-4, atol=1e-6)


def test_other_classes_of_that_name_are_left(cells):
    other = "class Affine:\n    def forward(self, x):\n        return 3 * x"
    typed, value, alias, imported = cells(
        f"{LOAD}\n{other}", "print(Affine().forward(2))", "TimeLSTM = Affine; Softmax = 3",
        "from collections import OrderedDict as Adam",
    )  # fmt: skip
    assert typed["err"].startswith("[fasts2s] Affine left as it is: Affine.")
    assert (value["out"], value["err"]) == ("6\n", "")
    assert alias["err"] == imported["err"] == ""


def test_unload_puts_every_method_back(cells):
    note = """
import common.time_layers, common.functions
kinds = [c for c in [*globals().values(), *vars(common.time_layers).values()] if isinstance(c, type)]
before = [dict(vars(c)) for c in kinds]
"""
    same = "print([dict(vars(c)) for c in kinds] == before, 'fasts2s' in sys.modules and fasts2s.is_patched())"
    magics = "print([n for kind in get_ipython().magics_manager.magics.values() for n in kind if 'fasts2s' in n])"
    *_, inside, listed, unloaded, outside, gone, after, again, last = cells(
        TIME_LAYERS, STEP + "import sys, fasts2s", note, LOAD, same, magics,
        "%unload_ext fasts2s", same, magics, SAY, LOAD, same,
    )  # fmt: skip
    assert inside["out"] == "False True\n"
    assert listed["out"] == "['fasts2s.backend', 'fasts2s.profile']\n"
    assert (unloaded["err"], unloaded["error"]) == ("", "")
    assert outside["out"] == "True False\n"
    assert gone["out"] == "[]\n"
    assert after["err"] == again["err"] == ""
    assert last["out"] == "False True\n"


def test_options_that_were_asked_for_stay(cells):
    strict = "import fasts2s; fasts2s.patch('numpy', strict=True)"
    *_, typed, seen = cells(
        strict, LOAD, TIME_LAYERS.replace("g = np.tanh(", "g = np.sin("),
        "from fasts2s.dropin.settings import settings; print(settings.strict)",
    )  # fmt: skip
    assert (typed["error"], typed["out"]) == ("", "")
    assert "TimeLSTM left as it is" in typed["err"]
    assert seen["out"] == "True\n"


def test_after_unpatch_and_patch_typed_classes_are_offered_again(cells):
    status = "print([e.name for e in fasts2s.status().entries if e.name == 'TimeLSTM'])"
    *_, nothing, patched, again = cells(
        LOAD, "import fasts2s", TIME_LAYERS, "fasts2s.unpatch()", status, "fasts2s.patch()\nfasts2s.patch();", status
    )
    assert nothing["out"] == "[]\n"
    assert patched["out"] == patched["err"] == ""
    assert again["out"] == "['TimeLSTM']\n"


def test_a_fault_of_ours_does_not_break_a_cell(cells):
    broken = """
from fasts2s.dropin.replace import patching
def _install(*args):
    raise RuntimeError("a fault")
patching._install = _install
"""
    *_, typed, value, first, second = cells(
        LOAD, "import common.layers", broken, TIME_LAYERS, STEP + SAY, "patching.entries = None\nprint(1)", "print(2)"
    )
    assert (typed["error"], typed["out"]) == ("", "")
    assert "[fasts2s] TimeLSTM, TimeEmbedding, TimeAffine, " in typed["err"]
    assert " left as they are: RuntimeError: a fault\n" in typed["err"]
    assert value["error"] == ""
    assert len(json.loads(value["out"])) > 100
    assert (first["error"], first["out"]) == ("", "1\n")
    assert first["err"].startswith("[fasts2s] what is typed left as it is: TypeError: ")
    assert (second["error"], second["out"], second["err"]) == ("", "2\n", "")


# ---- magics ------------------------------------------------------------------------------------------------------


def test_profile_counts_the_cell_alone(cells):
    *_, profiled, again, found = cells(
        LOAD, TIME_LAYERS, STEP, "x = step()",
        "%%fasts2s.profile\nfor _ in range(3):\n    x = step()\nprint('mine')\nx[0]",
        "%%fasts2s.profile\nx = 1", FOUND,
    )  # fmt: skip
    assert profiled["error"] == ""
    out = profiled["out"].splitlines()
    assert out[0] == "mine"
    assert out[1].startswith("Out[")
    rows = {line.split()[0]: line.split()[1:] for line in profiled["err"].splitlines()}
    assert rows["__main__.TimeLSTM"][0] == rows["__main__.TimeSoftmaxWithLoss"][0] == "6"
    assert float(rows["everything"][0]) >= float(rows["__main__.TimeLSTM"][1]) >= 0
    assert "TimeAffine" in rows["replaced"]
    assert "__main__.TimeLSTM" not in again["err"]
    assert "everything" in again["err"]
    assert _found(found)["__main__", "TimeLSTM"] == ["replaced", 8, ""]


def test_profile_counts_the_fallbacks_of_the_cell(cells):
    strange = "loss = TimeSoftmaxWithLoss()\nloss.forward(np.ones((2, 3, 4), 'f'), np.full((2, 3), -2));"
    *_, profiled, found = cells(
        LOAD, TIME_LAYERS, f"import warnings; warnings.simplefilter('ignore')\n{strange}",
        f"%%fasts2s.profile\n{strange}\n{strange}",
        "import fasts2s; print([list(e.fallbacks.values()) for e in fasts2s.status().entries if e.fallbacks])",
    )  # fmt: skip
    assert "2 times the book's own code: IndexError: " in profiled["err"]
    assert found["out"] == "[[3]]\n"


def test_a_profiled_cell_may_fail(cells):
    cell = "%%fasts2s.profile\nx = step()\n1 / 0\nx = 3"
    *_, failed, kept, wrong, text, last = cells(
        LOAD, TIME_LAYERS, STEP, cell, "print(len(x) > 100)", "%%fasts2s.profile\nif", "%%fasts2s.profile x\n1", "1",
    )  # fmt: skip
    assert failed["error"] == "ZeroDivisionError"
    assert failed["out"].count("ZeroDivisionError: division by zero") == 1
    assert "dropin" not in failed["out"]  # the traceback is that of the cell
    assert "__main__.TimeLSTM" in failed["err"]
    assert kept["out"] == "True\n"
    assert wrong["error"] == "SyntaxError"
    assert wrong["out"].count("SyntaxError") == 1
    assert (text["error"], text["out"]) == ("UsageError", "")
    assert text["err"] == "UsageError: %%fasts2s.profile stands alone in its line, and 'x' follows it\n"
    assert last["error"] == ""


def test_a_profiled_cell_is_patched_for_itself(cells):
    *_, profiled, after = cells(
        TIME_LAYERS, STEP, LOAD, "import fasts2s; fasts2s.unpatch()", "%%fasts2s.profile\nx = step()",
        "print(fasts2s.is_patched(), fasts2s.status().entries)",
    )  # fmt: skip
    assert "__main__.TimeLSTM" in profiled["err"]
    assert after["out"] == "False []\n"


def test_backend(cells):
    active = "from fasts2s.dropin.settings import active_backend; import fasts2s; "
    active += "print(active_backend().name, fasts2s.get_backend().name)"
    first, numba, named, wrong, after, free = cells(
        f"{LOAD}\n%fasts2s.backend", f"%fasts2s.backend numba\n{active}", "%fasts2s.backend",
        "%fasts2s.backend nonsense\nprint('not reached')", "%fasts2s.backend",
        "fasts2s.patch('numpy')\n%fasts2s.backend numba\nprint(active_backend().name)",
    )  # fmt: skip
    assert first["out"] == "numpy\n"
    assert numba["out"] == "numba numba\n"
    assert named["out"] == after["out"] == "numba\n"
    assert (wrong["error"], wrong["out"]) == ("UsageError", "")
    assert wrong["err"] == "UsageError: backend is 'nonsense', expected one of auto, numpy, numba, cupy\n"
    assert free["out"] == "numba\n"


# ---- without a shell ---------------------------------------------------------------------------------------------


def test_profile_is_filled_at_the_end(book):
    layers = importlib.import_module("common.time_layers")

    def run():
        layers.TimeAffine(np.ones((3, 4), "f"), np.ones(4, "f")).forward(np.ones((2, 5, 3), "f"))

    with fasts2s.profile() as found:
        assert fasts2s.is_patched()
        run()
        assert found.entries == []
    assert not fasts2s.is_patched()
    assert {e.name: e.calls for e in found.entries}["TimeAffine"] == 1
    assert found.total_seconds > 0
    with fasts2s.patched("numpy"):
        run()
        with pytest.raises(KeyError), fasts2s.profile() as found:
            run()
            run()
            raise KeyError
        assert fasts2s.is_patched()
        run()
        assert {e.name: e.calls for e in fasts2s.status().entries}["TimeAffine"] == 4
    assert {e.name: e.calls for e in found.entries}["TimeAffine"] == 2


def test_profile_leaves_accelerated_classes_as_they_are(book):
    layers = importlib.import_module("common.time_layers")

    fasts2s.accelerate(layers.TimeAffine)
    with fasts2s.profile() as found:
        layers.TimeAffine(np.ones((3, 4), "f"), np.ones(4, "f")).forward(np.ones((2, 5, 3), "f"))
    assert [(e.name, e.calls) for e in found.entries] == [("TimeAffine", 1)]
    assert "fasts2s" in layers.TimeAffine.forward.__code__.co_filename


def test_a_shell_without_it_is_left_alone():
    fasts2s.unload_ipython_extension(object())
