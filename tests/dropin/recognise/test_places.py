"""Wherever a reader keeps his layers, they are found: any module, the script itself, a text on the command line."""

import importlib
import os
import subprocess
import sys

import numpy as np
import pytest

import fasts2s
from fasts2s.dropin import FallbackError
from fasts2s.dropin.book import models as book_models
from fasts2s.dropin.recognise import kept, verdicts
from fasts2s.dropin.settings import installed
from tests.dropin.recognise.conftest import PLAIN, entries
from tests.dropin.recognise.variations import varied

_STEP = """
rng = np.random.default_rng(1)
lstm = TimeLSTM(*(rng.normal(size=s).astype("f") for s in ((5, 16), (4, 16), (16,))))
hs = lstm.forward(rng.normal(size=(3, 6, 5)).astype("f"))
dxs = lstm.backward(hs)
print("%.4f %.4f" % (np.abs(hs).sum(), np.abs(dxs).sum()))
import fasts2s, json
print(json.dumps([[e.name, e.status, e.calls] for e in fasts2s.status().entries if e.name == "TimeLSTM"]))
"""
_START = "from fasts2s.dropin.settings import settings; settings.all_sizes = True\nimport sys\nfrom fasts2s.dropin.run import launch\nsys.exit(launch.main())"


@pytest.mark.parametrize("name", ["utils", "network_2", "anything"])
def test_a_module_of_any_name(reader, name):
    reader(PLAIN, name)
    assert entries()["TimeLSTM"].status == "replaced"


def test_a_package_of_another_name(reader, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "__init__.py").write_text("")
    (tmp_path / "mine" / "functions.py").write_text(PLAIN[: PLAIN.index("class RNN")])
    layers = "import numpy as np\nfrom mine import functions\n" + PLAIN[PLAIN.index("class RNN") :]
    layers = layers.replace("sigmoid(", "functions.sigmoid(").replace(" softmax(", " functions.softmax(")
    (tmp_path / "mine" / "layers.py").write_text(layers)
    fasts2s.patch("numpy")
    importlib.import_module("mine.layers")
    found = entries()
    for name in ("mine", "mine.functions", "mine.layers"):
        del sys.modules[name]
    assert {found[name].status for name in ("TimeLSTM", "TimeSoftmaxWithLoss", "TimeAffine")} == {"replaced"}


def test_a_module_that_was_imported_before(reader):
    reader(PLAIN)
    fasts2s.unpatch()
    fasts2s.patch("numpy")
    assert entries()["TimeLSTM"].status == "replaced"


def test_a_class_of_another_name(reader):
    module = reader(PLAIN.replace("TimeLSTM", "Recurrent").replace("TimeAffine", "Dense3d"))
    assert installed[module.Recurrent] == "TimeLSTM"
    assert installed[module.Dense3d] == "TimeAffine"
    assert entries()["Recurrent"].by_meaning
    assert module.LSTM not in installed


@pytest.mark.parametrize(("encoding", "word"), [("shift_jis", "層"), ("euc_kr", "계층")])
def test_a_file_in_another_encoding(reader, encoding, word):
    reader(f"# -*- coding: {encoding} -*-\n# {word}\n{PLAIN}", encoding=encoding)
    assert entries()["TimeLSTM"].status == "replaced"


def _run(tmp_path, *arguments, stdin=""):
    variables = {**os.environ, "FASTS2S_CACHE_DIR": str(tmp_path / "kept"), "FASTS2S_BACKEND": "numpy"}
    variables |= {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", _START, *arguments], cwd=tmp_path, env=variables, input=stdin, capture_output=True,
        text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1], done.stderr


def test_the_script_itself(tmp_path):
    (tmp_path / "script.py").write_text(PLAIN + _STEP)
    found, said = _run(tmp_path, "script.py")
    assert found == '[["TimeLSTM", "replaced", 2]]'
    assert "TimeLSTM of script.py computes what the book's computes: replaced" in said


def test_a_class_without_a_constructor(tmp_path):
    mine = "class Adam:\n    def update(self, params, grads):\n        print('mine')\n\n\nAdam().update([], [])\n"
    mine += "class SGD:\n    def update(self, params, grads):\n        pass\n\n\n"
    mine += "import fasts2s\nfasts2s.unpatch()\nprint(Adam.__init__ is SGD.__init__ is object.__init__, SGD())\n"
    (tmp_path / "script.py").write_text(mine)
    assert _run(tmp_path, "script.py")[0].startswith("True <__main__.SGD object")


def test_a_function_that_the_script_types(tmp_path):
    function = "def clip_grads(grads, max_norm):\n    return 3\n"
    (tmp_path / "script.py").write_text(function + PLAIN + _STEP)
    assert "clip_grads left as it is: clip_grads is not the book's" in _run(tmp_path, "script.py")[1]


def test_a_text_on_the_command_line_and_on_standard_input(tmp_path):
    assert _run(tmp_path, "-c", PLAIN + _STEP)[0] == '[["TimeLSTM", "replaced", 2]]'
    assert _run(tmp_path, "-", stdin=PLAIN + _STEP)[0] == '[["TimeLSTM", "replaced", 2]]'


def test_a_script_that_patches_itself(tmp_path):
    (tmp_path / "script.py").write_text("import fasts2s.auto\n" + PLAIN + _STEP)
    code = "from fasts2s.dropin.settings import settings; settings.all_sizes = True\nimport runpy, sys\n"
    code += "sys.argv = ['script.py']; exec(compile(open('script.py').read(), 'script.py', 'exec'))"
    variables = {**os.environ, "FASTS2S_CACHE_DIR": str(tmp_path / "kept"), "FASTS2S_BACKEND": "numpy"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=variables, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == '[["TimeLSTM", "replaced", 2]]'


def test_only_the_books_text(reader, monkeypatch):
    reader(PLAIN)
    fasts2s.patch("numpy", only_book=True)
    assert entries()["TimeLSTM"].status == "left as is"
    assert not any(e.by_meaning for e in entries().values())


def test_strict_refuses_what_differs_only(reader):
    reader(PLAIN, "good")
    fasts2s.patch("numpy", strict=True)
    assert entries()["TimeLSTM"].status == "replaced"
    fasts2s.unpatch()
    reader(varied(PLAIN, ("gain = np.tanh(", "gain = np.sin(")), "bad")
    with pytest.raises(FallbackError, match=r"TimeLSTM was left as it is: .*the output differs"):
        fasts2s.patch("numpy", strict=True)


def test_nothing_outside_changes(reader, capsys):
    state = np.random.get_state()
    with np.errstate(all="raise"):
        reader(PLAIN)
        assert np.geterr()["over"] == "raise"
    after = np.random.get_state()
    assert all(np.array_equal(a, b) for a, b in zip(state, after, strict=True))
    assert capsys.readouterr() == ("", "")


def test_a_callee_that_is_exchanged_later(reader):
    module = reader(PLAIN)
    layer = module.TimeLSTM(*(np.ones(s, "f") for s in ((2, 12), (3, 12), (12,))))
    xs = np.ones((2, 4, 2), "f")
    before = layer.forward(xs)
    module.sigmoid = lambda z: 0.5 / (1 + np.exp(-z))
    assert not np.allclose(layer.forward(xs), before)
    assert list(entries()["TimeLSTM"].fallbacks) == ["my_layers.sigmoid was exchanged"]


def test_the_same_callee_typed_again(reader):
    module = reader(PLAIN)
    old = module.sigmoid
    importlib.reload(module)
    module.TimeLSTM.forward.__globals__["sigmoid"] = old
    layer = module.TimeLSTM(*(np.ones(s, "f") for s in ((2, 12), (3, 12), (12,))))
    layer.forward(np.ones((2, 4, 2), "f"))
    assert [e.fallbacks for e in fasts2s.status().entries if e.calls] == [{}]


def test_an_edited_set_state_is_heard_by_encoders(reader):
    edited = varied(PLAIN, ("        self.h, self.c = h, c\n", "        self.h, self.c = 0.5 * h, c\n"))
    module = reader(edited)
    lstm = module.TimeLSTM(*(np.ones(s, "f") for s in ((2, 12), (3, 12), (12,))))
    assert installed[module.TimeLSTM] == "TimeLSTM"
    assert book_models.exchanged_in(type(lstm)) == "TimeLSTM.set_state is not the book's"


@pytest.mark.parametrize("text", ["{", "[]", '{"x": 3}'])
def test_a_damaged_cache_is_no_cache(reader, tmp_path, monkeypatch, text):
    monkeypatch.setenv("FASTS2S_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "cache" / "recognised").mkdir(parents=True)
    (tmp_path / "cache" / "recognised" / "verdicts.json").write_text(f"{kept._seal(text)}\n{text}")
    verdicts.forget()
    reader(PLAIN[: PLAIN.index("class LSTM")])
    assert entries()["TimeRNN"].status == "replaced"


def test_a_folder_that_cannot_be_written(reader, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FASTS2S_CACHE_DIR", str(tmp_path / "file"))
    verdicts.forget()
    reader(PLAIN[: PLAIN.index("class LSTM")])
    assert entries()["TimeRNN"].status == "replaced"


def test_verdicts_are_kept(reader, tmp_path, monkeypatch, caplog):
    from fasts2s.dropin.recognise import probe  # noqa: PLC0415

    monkeypatch.setenv("FASTS2S_CACHE_DIR", str(tmp_path / "cache"))
    verdicts.forget()
    text = PLAIN[: PLAIN.index("class LSTM")]
    reader(text)
    fasts2s.unpatch()
    verdicts.forget()

    def never(*args):
        raise AssertionError("it is tried again")

    monkeypatch.setattr(probe, "compare", never)
    fasts2s.patch("numpy")
    assert entries()["TimeRNN"].status == "replaced"
    fasts2s.unpatch()
    reader(varied(text, ("after * after", "after**2")), "another")
    assert "it is tried again" in caplog.text


def test_weights_of_two_names_are_the_same_array_or_the_readers_own_code_runs(reader):
    module = reader(PLAIN)
    embed = module.TimeEmbedding(np.arange(12.0).reshape(4, 3).astype("f"))
    embed.W = embed.W + 100
    assert embed.forward(np.array([[1, 2]]))[0, 0, 0] == 103
    (reason,) = entries()["TimeEmbedding"].fallbacks
    assert reason == "its W is another array than params[0]"


def test_a_part_that_is_exchanged_runs_the_readers_own_code(reader):
    made = "        self.ignore_label = -1\n"
    text = varied(
        PLAIN,
        (made, made + "        self.softmax = Softmax()\n"),
        ("shares = softmax(scores)", "shares = self.softmax.forward(scores)"),
    )
    module = reader(text)
    loss = module.TimeSoftmaxWithLoss()
    xs, ts = np.random.normal(size=(2, 3, 5)).astype("f"), np.array([[1, 2, 3], [0, 1, 4]])
    plain = loss.forward(xs, ts)

    class Even:
        def forward(self, x):
            return np.full_like(x, 0.2)

    loss.softmax = Even()
    assert loss.forward(xs, ts) == pytest.approx(np.log(5))
    assert entries()["TimeSoftmaxWithLoss"].reason == ""
    assert entries()["TimeSoftmaxWithLoss"].fallbacks == {"its softmax is another one": 1}
    assert plain != pytest.approx(np.log(5))


def test_a_constant_of_the_class_that_is_exchanged(reader):
    text = varied(
        PLAIN,
        ("class TimeRNN:\n", "class TimeRNN:\n    factor = 1\n\n"),
        (
            '            outputs[:, t, :] = self.h\n            self.steps.append(step)\n        return outputs\n\n    def backward(self, d_outputs):\n        batch, length, size = d_outputs.shape\n        d_inputs = np.zeros((batch, length, self.params[0].shape[0]), dtype="f")\n        dh = 0\n        sums = [0, 0, 0]\n        for t in reversed(range(length)):\n            d_inputs[:, t, :], dh = ',
            '            outputs[:, t, :] = self.factor * self.h\n            self.steps.append(step)\n        return outputs\n\n    def backward(self, d_outputs):\n        batch, length, size = d_outputs.shape\n        d_inputs = np.zeros((batch, length, self.params[0].shape[0]), dtype="f")\n        dh = 0\n        sums = [0, 0, 0]\n        for t in reversed(range(length)):\n            d_inputs[:, t, :], dh = ',
        ),
    )
    module = reader(text)
    assert entries()["TimeRNN"].status == "replaced"
    layer = module.TimeRNN(*(np.full(s, 0.1, "f") for s in ((2, 3), (3, 3), (3,))))
    xs = np.ones((2, 4, 2), "f")
    before = layer.forward(xs)
    module.TimeRNN.factor = 3
    assert np.allclose(layer.forward(xs), 3 * before)


def test_the_same_text_with_other_names_behind_it_is_another_class(reader):
    own = PLAIN[: PLAIN.index("class LSTM")].replace("np.tanh(", "bent(")
    reader("from numpy import tanh as bent\n" + own, "good")
    assert entries()["TimeRNN"].status == "replaced"
    fasts2s.unpatch()
    reader("from numpy import sin as bent\n" + own, "bad")
    assert {e.module: e.status for e in fasts2s.status().entries if e.name == "TimeRNN"} == {
        "good": "replaced", "bad": "left as is"
    }  # fmt: skip


def test_the_larger_of_two_by_another_name_is_refused(reader):
    text = varied(
        PLAIN,
        ("import numpy as np", "import numpy as np\nfrom numpy import max"),
        ("after = np.tanh(", "before = before / max([1.0, 2.0])\n        after = np.tanh("),
    )
    reader(text)
    assert "the larger of several values" in entries()["TimeRNN"].reason
