"""Classes that a reader has edited: never replaced, unless he says so; and what --verify finds out about them."""

import importlib
import re

import numpy as np
import pytest

import fasts2s
from fasts2s.dropin import FallbackError

#: What was edited -> file, old text, new text, classes that must be left alone, whether the results are the same.
MUTATIONS = {
    "order of the gates": (
        "common/time_layers.py",
        "sigmoid(a[:, :H]), sigmoid(a[:, 2 * H : 3 * H])",
        "sigmoid(a[:, 2 * H : 3 * H]), sigmoid(a[:, :H])",
        {"TimeLSTM"},
        False,
    ),
    "no bias": ("common/time_layers.py", "x @ Wx + h @ Wh + b", "x @ Wx + h @ Wh", {"TimeLSTM"}, None),
    "another activation": ("common/time_layers.py", "g = np.tanh(", "g = np.sin(", {"TimeLSTM"}, False),
    "a renamed attribute": ("common/time_layers.py", "self.h", "self.hidden", {"TimeLSTM"}, None),
    "print in forward": (
        "common/time_layers.py",
        "self.layers = [LSTM(",
        "print(xs.shape)\n        self.layers = [LSTM(",
        {"TimeLSTM"},
        True,
    ),
    "another sigmoid": (
        "common/functions.py",
        "return 1 / (e + 1)",
        "return 0.5 / (e + 1)",
        {"TimeLSTM"},
        False,
    ),
    "another softmax": (
        "common/functions.py",
        "powers = np.exp(x ",
        "powers = np.exp(2 * x ",
        {"TimeSoftmaxWithLoss", "Softmax", "TimeAttention"},
        False,
    ),
    "a sum in place of a mean": (
        "common/time_layers.py",
        "* counted) / counted.sum()",
        "* counted)",
        {"TimeSoftmaxWithLoss"},
        False,
    ),
    "the same, said otherwise": (
        "common/time_layers.py",
        "later = c * f + g * i",
        "later = f * c + i * g",
        {"TimeLSTM"},
        True,
    ),
    "a statement moved out of a loop": (
        "common/time_layers.py",
        "            total = total + layer.grads[0]",
        "        total = total + layer.grads[0]",
        {"TimeEmbedding"},
        False,
    ),
    "a gradient that is not set": (
        "common/time_layers.py",
        "        self.grads[1][...] = douts.sum(axis=0)\n",
        "",
        {"TimeAffine"},
        False,
    ),
    "another rule of learning": (
        "common/optimizer.py",
        "p -= self.lr * g",
        "p -= self.lr * np.sign(g)",
        {"SGD"},
        False,
    ),
}


def _edit(book, file, old, new):
    text = (book / file).read_text(encoding="utf-8")
    assert old in text
    (book / file).write_text(text.replace(old, new), encoding="utf-8")


def _step():
    np.random.seed(2)
    model = importlib.import_module("seq2seq").Seq2seq(13, 6, 16)
    rng = np.random.default_rng(4)
    x, t = rng.integers(0, 13, (8, 5)), rng.integers(0, 13, (8, 4))
    loss = model.forward(x, t)
    model.backward()
    importlib.import_module("common.optimizer").SGD(0.1).update(model.params, model.grads)
    return [float(loss), *(p.copy() for p in model.params)]


@pytest.mark.parametrize("name", MUTATIONS)
def test_an_edited_class_is_left_alone(book, name, capsys):
    file, old, new, left, _ = MUTATIONS[name]
    _edit(book, file, old, new)
    expected = _step()
    printed = capsys.readouterr().out
    with fasts2s.patched("numpy", only_book=True):
        importlib.import_module("attention_seq2seq")
        found = _step()
        report = fasts2s.status()
    assert capsys.readouterr().out == printed
    assert set(report.names("left as is")) >= left & set(report.names("left as is") + report.names("replaced"))
    assert left & set(report.names("replaced")) == set()
    for a, b in zip(found, expected, strict=True):
        assert np.allclose(a, b, rtol=1e-4, atol=1e-6)
    (reason, *_) = [e.reason for e in report.entries if e.name in left and e.reason]
    assert re.search(r"is not the book's|is nothing of the book's", reason)


@pytest.mark.parametrize("name", MUTATIONS)
def test_verify_tells_edited_classes_that_compute_the_same_from_others(book, name, capsys):
    file, old, new, left, same = MUTATIONS[name]
    _edit(book, file, old, new)
    expected = _step()
    with fasts2s.patched("numpy", verify=True, only_book=True):
        found = _step()
        entries = {e.name: e for e in fasts2s.status().entries}
    for a, b in zip(found, expected, strict=True):
        assert np.allclose(a, b, rtol=1e-4, atol=1e-6)
    watched = [entries[n] for n in left if n in {"TimeLSTM", "TimeAffine", "TimeEmbedding", "TimeSoftmaxWithLoss"}]
    for entry in watched:
        assert entry.checked or entry.verdict
        if same is not None:
            assert (not entry.verdict and entry.difference < 1e-4) is same, (entry.verdict, entry.difference)
            assert ("computed the same in all of them" in repr(fasts2s.dropin.Report([entry]))) is same


def test_an_edited_class_that_computes_the_same_is_replaced(book):
    file, old, new, (name,), same = MUTATIONS["the same, said otherwise"]
    _edit(book, file, old, new)
    with fasts2s.patched("numpy", verify=True):
        _step()
        found = {e.name: e for e in fasts2s.status().entries}
    assert same
    assert (found[name].status, found[name].by_meaning, found[name].verdict) == ("replaced", True, "")
    assert found["Encoder"].checked


def test_who_vouches_for_a_class_has_it_replaced(book):
    _edit(book, *MUTATIONS["the same, said otherwise"][:3])
    with fasts2s.patched("numpy", trust=["TimeLSTM"]):
        _step()
        assert "TimeLSTM" in fasts2s.status().names("replaced")


def test_strict_refuses_an_edited_class(book):
    _edit(book, *MUTATIONS["no bias"][:3])
    with fasts2s.patched("numpy", strict=True), pytest.raises(FallbackError, match="TimeLSTM was left as it is"):
        importlib.import_module("common.time_layers")


def test_a_method_replaced_at_run_time_is_left_alone(book):
    layers = importlib.import_module("common.time_layers")
    layers.TimeLSTM.forward = lambda self, xs: xs
    with fasts2s.patched("numpy"):
        (entry,) = [e for e in fasts2s.status().entries if e.name == "TimeLSTM"]
        assert entry.status == "left as is"
        assert "source text" in entry.reason


def test_a_changed_file_is_not_what_was_loaded(book):
    importlib.import_module("common.time_layers")
    _edit(book, "common/time_layers.py", "class TimeLSTM", "X = 1\n\n\nclass TimeLSTM")
    with fasts2s.patched("numpy"):
        (entry,) = [e for e in fasts2s.status().entries if e.name == "TimeLSTM"]
        assert entry.status == "left as is"


def test_a_decoder_with_a_layer_of_its_own_runs_as_it_is(book):
    module = importlib.import_module("seq2seq")
    with fasts2s.patched("numpy"):

        class Doubled(importlib.import_module("common.time_layers").TimeAffine):
            def forward(self, x):
                return 2 * super().forward(x)

        model = module.Seq2seq(13, 6, 16)
        model.decoder.affine = Doubled(*model.decoder.affine.params)
        scores = model.decoder.forward(np.array([[1, 2]]), np.zeros((1, 16), "f"))
        (entry,) = [e for e in fasts2s.status().entries if e.name == "Decoder"]
        assert entry.fallbacks == {"its affine is a Doubled that was left as it is": 1}
        # Now it is known, and only counted, for as long as it is there.
        assert np.array_equal(model.decoder.forward(np.array([[1, 2]]), np.zeros((1, 16), "f")), scores)
        assert entry.fallbacks == {"its affine is a Doubled that was left as it is": 2}
        model.generate(np.array([[1, 2]]), 1, 3)
        (whole,) = [e for e in fasts2s.status().entries if e.name == "Seq2seq"]
        assert list(whole.fallbacks.values()) == [1]
        calls = entry.calls
        model.decoder.affine = importlib.import_module("common.time_layers").TimeAffine(*model.decoder.affine.params)
        assert np.allclose(scores, 2 * model.decoder.forward(np.array([[1, 2]]), np.zeros((1, 16), "f")))
        assert entry.calls == calls + 1


def test_a_model_whose_layers_have_other_names_answers_as_it_does(book):
    module = importlib.import_module("seq2seq")

    class Reader:
        def __init__(self, encoder):
            self.time_embed, self.time_lstm = encoder.embed, encoder.lstm

        def forward(self, xs):
            return self.time_lstm.forward(self.time_embed.forward(xs))[:, -1]

    model, xs = module.Seq2seq(13, 6, 16), np.array([[1, 2, 3]])
    expected = model.generate(xs, 1, 4)
    with fasts2s.patched("numpy"):
        model.encoder = Reader(model.encoder)
        assert [model.generate(xs, 1, 4) for _ in range(2)] == [expected] * 2
        (entry,) = [e for e in fasts2s.status().entries if e.name == "Seq2seq"]
        assert entry.fallbacks == {"it is made of Reader and Decoder": 2}


def test_verify_compares_every_call(book):
    with fasts2s.patched("numba", verify=True):
        _step()
        model = importlib.import_module("seq2seq").Seq2seq(13, 6, 16)
        model.generate(np.array([[1, 2, 3]]), 1, 4)
        entries = {e.name: e for e in fasts2s.status().entries}
    for name in ("Encoder", "Decoder", "TimeAffine", "TimeSoftmaxWithLoss", "SGD", "Seq2seq"):
        assert entries[name].checked, name
        assert entries[name].difference < 1e-4
        assert entries[name].speedup > 0
    assert "calls compared" in repr(fasts2s.dropin.Report(list(entries.values())))


def test_verify_stops_at_a_difference(book, monkeypatch):
    layers = importlib.import_module("common.time_layers")
    # As if our code had an error: the target is known, its replacement is wrong.
    target = fasts2s.dropin.replace.targets.named("TimeAffine")
    right = target.methods["forward"]
    monkeypatch.setitem(target.methods, "forward", lambda self, x: 1.01 * right(self, x))
    with fasts2s.patched("numpy", verify=True):
        layer = layers.TimeAffine(np.ones((3, 4), "f"), np.ones(4, "f"))
        with pytest.raises(fasts2s.VerificationError, match=r"TimeAffine: original and replacement differ by 9\.9"):
            layer.forward(np.ones((2, 5, 3), "f"))


def test_accelerate_finds_classes_in_a_model_and_in_a_namespace(book):
    layers = importlib.import_module("common.time_layers")
    module = importlib.import_module("seq2seq")
    model = module.Seq2seq(13, 6, 16)
    weights = model.encoder.lstm.params[0]
    report = fasts2s.accelerate(model)
    assert {"Seq2seq", "Encoder", "Decoder", "TimeLSTM", "TimeEmbedding", "TimeAffine"} <= set(
        report.names("replaced")
    )
    model.forward(np.array([[1, 2, 3]]), np.array([[1, 2, 3]]))
    assert {e.name: e.calls for e in report.entries}["Encoder"] == 1
    assert model.encoder.lstm.params[0] is weights
    assert "Affine" not in report.names("replaced")
    assert "Affine" in fasts2s.accelerate(vars(layers)).names("replaced")
    fasts2s.unpatch()
    assert "fasts2s" not in module.Encoder.forward.__code__.co_filename


def test_accelerate_leaves_what_is_not_the_books():
    class TimeLSTM:
        def forward(self, xs):
            return xs

        def backward(self, dhs):
            return dhs

    report = fasts2s.accelerate(TimeLSTM())
    assert report.names("left as is") == ["TimeLSTM"]
    assert TimeLSTM().forward(3) == 3
    fasts2s.unpatch()
