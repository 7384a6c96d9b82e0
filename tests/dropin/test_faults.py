"""What a reader sees of the drop-in where something goes wrong: nothing of ours stands in its way."""

import importlib
import inspect
import sys
import warnings

import numpy as np
import pytest

import fasts2s
from fasts2s.dropin import FallbackWarning
from fasts2s.dropin.replace import beside
from tests.dropin.test_notebook import LOAD, cells
from tests.dropin.test_run import library

__all__ = ["cells", "library"]  # fixtures
#: A negative label: ours refuses it, the book's code counts from the end.
NEGATIVE = np.array([[0, 1, -2], [3, 2, 1]])
SCORES = np.arange(24, dtype="f").reshape(2, 3, 4)
WRONG = {
    "a layer": "from common.time_layers import TimeSoftmaxWithLoss\nimport numpy as np\n\n\ndef ask():\n"
    "    TimeSoftmaxWithLoss().forward(np.ones((2, 3, 4), 'f'), np.full((2, 3), 9))\n\n\nask()\n",
    "a function": "from common.util import clip_grads\n\nclip_grads([1, 2], 'x')\n",
    "caused": "from common.util import clip_grads\n\ntry:\n    clip_grads([1, 2], 'x')\n"
    "except AttributeError as error:\n    raise KeyError('k') from error\n",
    "an import": "import sys\n\nsys.path.insert(0, 'lib')\nimport common.layers\n",
}


@pytest.mark.parametrize("what", WRONG)
def test_no_frame_of_ours_is_in_a_traceback(run, library, what):
    (library / "wrong.py").write_text(WRONG[what])
    broken = library / "lib" / "common"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("")
    (broken / "layers.py").write_text("def f():\n    return 1 / 0\n\n\nf()\n")
    found = run("-q", "--backend", "numpy", "wrong.py", cwd=library)
    plain = run("wrong.py", cwd=library, plain=True)
    assert found.stderr == plain.stderr
    assert found.returncode == plain.returncode == 1


def test_the_answer_of_strict_is_a_line_of_the_script(run, library):
    (library / "wrong.py").write_text(WRONG["a layer"].replace("9", "-2"))
    found = run("-q", "--strict", "--backend", "numpy", "wrong.py", cwd=library)
    assert "FallbackError: TimeSoftmaxWithLoss: the book's own code runs instead" in found.stderr
    assert found.stderr.count("File ") == 2
    assert "dropin/" not in found.stderr


def test_no_frame_of_ours_is_shown_under_a_cell(cells):
    wrong = WRONG["a layer"]
    _, answer, _, plain = cells(LOAD, wrong, "%unload_ext fasts2s", wrong)
    assert answer["error"] == plain["error"] == "IndexError"
    assert "dropin" not in answer["out"]
    assert answer["out"].count("common/") == plain["out"].count("common/") > 0


def _loss():
    return importlib.import_module("common.time_layers").TimeSoftmaxWithLoss()


def test_a_warning_names_the_line_that_has_called(book):
    loss = _loss()
    with fasts2s.patched("numpy"), pytest.warns(FallbackWarning) as said:
        loss.forward(SCORES, NEGATIVE)
        loss.forward(SCORES, NEGATIVE)
    (one,) = said
    here = inspect.getsourcelines(test_a_warning_names_the_line_that_has_called)
    assert one.filename == __file__
    assert "loss.forward" in here[0][one.lineno - here[1]]


@pytest.mark.filterwarnings("default::fasts2s.FallbackWarning")
def test_who_makes_all_warnings_errors_gets_the_books_answer(book, caplog):
    loss = _loss()
    expected = loss.forward(SCORES, NEGATIVE)
    with fasts2s.patched("numpy"), warnings.catch_warnings():
        warnings.resetwarnings()
        warnings.simplefilter("error")
        assert loss.forward(SCORES, NEGATIVE) == expected
        assert "the book's own code runs instead" in caplog.text
    with fasts2s.patched("numpy"), warnings.catch_warnings():
        warnings.simplefilter("error", FallbackWarning)
        with pytest.raises(FallbackWarning):
            loss.forward(SCORES, NEGATIVE)


def test_a_failed_download_is_said_once(run, library):
    (library / "load.py").write_text("from dataset import ptb\nptb._download('ptb.train.txt')\n")
    found = run("-q", "load.py", cwd=library, FASTS2S_PTB_DIR="")
    plain = run("load.py", cwd=library, plain=True)
    assert found.stdout == plain.stdout == "Downloading ptb.train.txt ... \n"
    assert found.returncode == plain.returncode == 1
    assert "ConnectionError" in found.stderr


def test_equal_objects_without_a_hash_are_two(book):
    kind = importlib.import_module("common.time_layers").TimeLSTM

    class Comparable(kind):  # noqa: PLW1641 - that is what is tried
        def __eq__(self, other):
            return isinstance(other, Comparable)

    weights = [np.full(s, 0.1, "f") for s in ((3, 8), (2, 8), (8,))]
    xs, dhs = np.ones((1, 2, 3), "f"), np.ones((1, 2, 2), "f")

    def states():
        layers = [Comparable(*weights), Comparable(*weights)]
        hs = [layer.forward(k * xs) for k, layer in enumerate(layers)]
        return [*hs, *(layer.backward(dhs) for layer in layers)]

    expected = states()
    with fasts2s.patched("numpy"):
        found = states()
        counts = {entry.name: entry.calls for entry in fasts2s.status().entries}
        assert counts["TimeLSTM"] == 4
        assert not beside.everything  # what is kept goes with the objects
    for a, b in zip(expected, found, strict=True):
        assert np.allclose(a, b)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_an_lstm_has_the_attributes_of_the_book(book, backend):
    weights = [np.full(s, 0.1, "f") for s in ((3, 8), (2, 8), (8,))]
    kind = importlib.import_module("common.time_layers").TimeLSTM

    def names():
        layer = kind(*weights)
        layer.forward(np.ones((1, 2, 3), "f"))
        layer.backward(np.ones((1, 2, 2), "f"))
        assert not hasattr(layer, "dc")
        return set(vars(layer))

    expected = names()
    with fasts2s.patched(backend):
        assert names() == expected


@pytest.mark.parametrize("name", ["clip_grads", "eval_seq2seq"])
def test_the_source_text_of_a_function_is_the_books(book, name):
    function = getattr(importlib.import_module("common.util"), name)
    expected = inspect.getsource(function), inspect.getsourcefile(function), inspect.signature(function)
    with fasts2s.patched("numpy"):
        found = inspect.getsource(function), inspect.getsourcefile(function), inspect.signature(function)
        assert found == expected
        assert function.__code__.co_firstlineno > 1


OVERFLOWS = {
    "clip_grads": ("common.util", lambda f: f([np.full((3, 3), 1e30, "f")], 1.0)),
    "SGD": ("common.optimizer", lambda kind: kind(1e30).update([np.ones(3, "f")], [np.full(3, 1e30, "f")])),
    "Affine": ("common.layers", lambda kind: kind(*(np.full(s, 1e30, "f") for s in ((3, 3), 3))).forward(
        np.full((2, 3), 1e30, "f"))),
}  # fmt: skip


@pytest.mark.parametrize("name", OVERFLOWS)
def test_who_asks_numpy_for_errors_gets_them(book, name):
    module, call = OVERFLOWS[name]
    found = getattr(importlib.import_module(module), name)
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        call(found)
    with fasts2s.patched("numpy"), np.errstate(all="raise"), pytest.raises(FloatingPointError):
        call(found)


def test_the_last_objects_die_when_the_names_of_the_module_are_gone(monkeypatch):
    """So it is at the end of a process."""

    class Layer:
        pass

    layer, said = Layer(), []
    beside.of(layer)
    everything, identity = beside.everything, id(layer)
    monkeypatch.setattr(sys, "unraisablehook", said.append)
    monkeypatch.setattr(beside, "everything", None)
    del layer
    assert not said
    assert identity not in everything
