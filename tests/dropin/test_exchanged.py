"""What a reader exchanges after patching counts, as in plain python: names, methods, functions of NumPy, layers."""

import importlib
import sys

import numpy as np
import pytest

import fasts2s
from fasts2s.dropin import FallbackError

X, T = np.arange(40).reshape(8, 5) % 13, np.arange(32).reshape(8, 4) % 11


def _module(name):
    return importlib.import_module(name)


def _model(kind=("seq2seq", "Seq2seq")):
    np.random.seed(2)
    return getattr(_module(kind[0]), kind[1])(13, 6, 16)


def _numbers(model):
    """Return all that a step and an answer of a model give."""
    losses = []
    for _ in range(2):
        losses.append(float(model.forward(X, T)))
        model.backward()
        for p, g in zip(model.params, model.grads, strict=True):
            p -= 0.1 * g
    return [losses, *(g.copy() for g in model.grads), [int(i) for i in model.generate(X[:1], 7, 6)]]


def _my_sigmoid(x):
    return 0.5 / (np.exp(-x) + 1)


def _my_softmax(x):
    e = np.exp(0.5 * (x - x.max(axis=-1, keepdims=True)))
    return e / e.sum(axis=-1, keepdims=True)


def _my_lstm(monkeypatch):
    layers = _module("common.time_layers")

    class MyLSTM(layers.LSTM):
        def forward(self, x, h, c):
            return super().forward(2 * x, h, c)

    monkeypatch.setattr(layers, "LSTM", MyLSTM)


def _forward_of_lstm(monkeypatch):
    lstm = _module("common.time_layers").LSTM
    old = lstm.forward
    monkeypatch.setattr(lstm, "forward", lambda self, x, h, c: old(self, x, 0.5 * h, c))


def _numpy_of_the_module(monkeypatch):
    class Mine:
        tanh = staticmethod(np.sin)

        def __getattr__(self, name):
            return getattr(np, name)

    monkeypatch.setattr(_module("common.time_layers"), "np", Mine())


def _halves_the_state(monkeypatch):
    lstm = _module("common.time_layers").TimeLSTM

    def set_state(self, h, c=None):
        self.h, self.c = 0.5 * h, c

    monkeypatch.setattr(lstm, "set_state", set_state)


def _doubles(module, kind, method):
    def exchange(monkeypatch):
        found = getattr(_module(module), kind)
        old = getattr(found, method)
        monkeypatch.setattr(found, method, lambda self, *args: 2 * old(self, *args))

    return exchange


def _property(name, change):
    def exchange(monkeypatch):
        lstm = _module("common.time_layers").TimeLSTM
        held = {}
        own = property(lambda self: held.get(id(self)), lambda self, value: held.update({id(self): change(value)}))
        monkeypatch.setattr(lstm, name, own, raising=False)

    return exchange


def _backwards(layers):
    return layers and layers[::-1]


EXCHANGES = {
    "LSTM": _my_lstm,
    "LSTM.forward": _forward_of_lstm,
    "sigmoid": lambda m: m.setattr(_module("common.time_layers"), "sigmoid", _my_sigmoid),
    "softmax of the time layers": lambda m: m.setattr(_module("common.time_layers"), "softmax", _my_softmax),
    "softmax of the layers": lambda m: m.setattr(_module("common.layers"), "softmax", _my_softmax),
    "np of the module": _numpy_of_the_module,
    "numpy.tanh": lambda m: m.setattr(np, "tanh", np.sin),
    "TimeLSTM.set_state": _halves_the_state,
    "TimeLSTM.forward": _doubles("common.time_layers", "TimeLSTM", "forward"),
    "TimeLSTM.backward": _doubles("common.time_layers", "TimeLSTM", "backward"),
    "TimeEmbedding.forward": _doubles("common.time_layers", "TimeEmbedding", "forward"),
    "Embedding.forward": _doubles("common.layers", "Embedding", "forward"),
    "TimeAffine.forward": _doubles("common.time_layers", "TimeAffine", "forward"),
    "TimeAttention.forward": _doubles("ch08.attention_layer", "TimeAttention", "forward"),
    "Encoder.forward": _doubles("ch07.seq2seq", "Encoder", "forward"),
    "AttentionEncoder.forward": _doubles("attention_seq2seq", "AttentionEncoder", "forward"),
    "a property h of TimeLSTM": _property("h", lambda h: h if h is None else h / 2),
    "a property layers of TimeLSTM": _property("layers", _backwards),
}
KINDS = [("ch07.seq2seq", "Seq2seq"), ("peeky_seq2seq", "PeekySeq2seq"), ("attention_seq2seq", "AttentionSeq2seq")]


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("name", EXCHANGES)
def test_what_is_exchanged_counts(book, monkeypatch, name, kind):
    sys.modules["seq2seq"] = _module("ch07.seq2seq")  # one Encoder for all chapters
    plain = _numbers(_model(kind))
    with monkeypatch.context() as patch:
        EXCHANGES[name](patch)
        expected = _numbers(_model(kind))
    with fasts2s.patched("numpy"):
        _numbers(_model(kind))  # it has run before
        with monkeypatch.context() as patch:
            EXCHANGES[name](patch)
            found = _numbers(_model(kind))
            told = repr(fasts2s.status())
        after = _numbers(_model(kind))
    for a, b in zip(found, expected, strict=True):
        assert np.allclose(a, b, rtol=1e-3, atol=1e-5)
    for a, b in zip(after, plain, strict=True):
        assert np.allclose(a, b, rtol=1e-3, atol=1e-5)
    changed = any(not np.allclose(a, b, rtol=1e-2, atol=1e-4) for a, b in zip(plain, expected, strict=True))
    assert changed <= ("was exchanged" in told), told


def test_a_wrapper_that_counts_is_called(book, monkeypatch):
    layers = _module("common.time_layers")
    calls = []
    with fasts2s.patched("numpy"):
        model = _model()
        model.forward(X, T)
        forward = layers.TimeLSTM.forward
        with monkeypatch.context() as patch:
            patch.setattr(layers.TimeLSTM, "forward", lambda self, xs: calls.append(xs.shape) or forward(self, xs))
            model.forward(X, T)
            assert calls == [(8, 5, 6), (8, 3, 6)]
            model.generate(X[:1], 7, 3)
            assert len(calls) == 6
            entries = {e.name: e for e in fasts2s.status().entries}
            assert entries["Encoder"].fallbacks == {"TimeLSTM.forward was exchanged": 2}
            assert entries["TimeLSTM"].fallbacks == {}  # the wrapper calls ours
            assert entries["TimeLSTM"].calls == 6


def test_an_exchange_is_said_once(book, monkeypatch, caplog):
    layers = _module("common.time_layers")
    with fasts2s.patched("numpy"), monkeypatch.context() as patch:
        patch.setattr(layers, "sigmoid", _my_sigmoid)
        _numbers(_model())
        said = [r.getMessage() for r in caplog.records if "exchanged" in r.getMessage()]
    assert said == ["common.time_layers.sigmoid was exchanged: what relies on it runs the book's own code"]


def test_strict_refuses_what_was_exchanged(book, monkeypatch):
    layers = _module("common.time_layers")
    with fasts2s.patched("numpy", strict=True), monkeypatch.context() as patch:
        patch.setattr(layers, "sigmoid", _my_sigmoid)
        with pytest.raises(FallbackError, match=r"time_layers\.sigmoid was exchanged"):
            _model().forward(X, T)


def test_what_is_deleted_is_missed_as_in_plain_python(book, monkeypatch):
    layers = _module("common.time_layers")
    with fasts2s.patched("numpy"), monkeypatch.context() as patch:
        patch.delattr(layers, "sigmoid")
        for _ in range(2):
            with pytest.raises(NameError, match="sigmoid"):
                _model().forward(X, T)


@pytest.mark.parametrize("verify", [False, True], ids=["", "verify"])
@pytest.mark.parametrize("part", ["encoder.embed", "encoder.lstm", "decoder.embed", "decoder.lstm", "decoder.affine"])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_layer_of_a_model_that_is_replaced(book, kind, part, verify):
    def numbers():
        model = _model(kind)
        model.forward(X, T)
        model.backward()
        owner, name = getattr(model, part.partition(".")[0]), part.partition(".")[2]
        old = getattr(owner, name)
        more = {"stateful": True} if part == "decoder.lstm" else {}
        new = type(old)(*[0.5 * p for p in old.params], **more)
        setattr(owner, name, new)
        before = [g.copy() for g in old.grads]
        loss = float(model.forward(X, T))
        model.backward()
        assert all(map(np.array_equal, old.grads, before))
        return [loss, [int(i) for i in model.generate(X[:1], 7, 6)], *new.grads]

    expected = numbers()
    with fasts2s.patched("numba", verify=verify):
        found = numbers()
        assert not any(e.fallbacks for e in fasts2s.status().entries)
    for a, b in zip(found, expected, strict=True):
        assert np.allclose(a, b, rtol=1e-3, atol=1e-6)
        assert np.any(a)


EDITED = {
    "set_state": ("self.h, self.c = h, c", "self.h, self.c = h * 0.5, c"),
    "reset_state": ("self.h, self.c = None, None", "self.h, self.c = None, 0 * self.c"),
}


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("method", EDITED)
def test_an_edited_method_that_only_a_model_goes_past(book, method, kind):
    file = book / "common" / "time_layers.py"
    old, new = EDITED[method]
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    expected = _numbers(_model(kind))
    with fasts2s.patched("numpy"):
        found = _numbers(_model(kind))
        entries = {e.name: e for e in fasts2s.status().entries}
        assert entries["TimeLSTM"].status == "replaced"
        assert any(f"TimeLSTM.{method} is not the book's" in r for e in entries.values() for r in e.fallbacks)
    for a, b in zip(found, expected, strict=True):
        assert np.allclose(a, b, rtol=1e-3, atol=1e-5)


OWN_WAYS = {
    "a property": ("class TimeLSTM:\n", "class TimeLSTM:\n    h = property(lambda s: s._h, lambda s, h: s.keep(h))\n"
                   "    def keep(self, h):\n        self._h = None if h is None else 0.5 * h\n"),
    "a base class": ("class TimeLSTM:\n", "class Base:\n    def __getattribute__(self, name):\n"
                     "        found = object.__getattribute__(self, name)\n"
                     "        return found * 0.5 if name == 'h' and found is not None else found\n\n\n"
                     "class TimeLSTM(Base):\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", OWN_WAYS)
def test_a_class_with_its_own_ways_of_keeping_attributes_is_left_alone(book, name):
    file = book / "common" / "time_layers.py"
    file.write_text(file.read_text().replace(*OWN_WAYS[name]))
    expected = _numbers(_model())
    with fasts2s.patched("numpy"):
        found = _numbers(_model())
        assert "TimeLSTM" in fasts2s.status().names("left as is")
    for a, b in zip(found, expected, strict=True):
        assert np.allclose(a, b, rtol=1e-3, atol=1e-5)


def test_a_subclass_with_a_property(book):
    layers = _module("common.time_layers")

    class Halving(layers.TimeLSTM):
        h = property(lambda self: self._h, lambda self, h: setattr(self, "_h", None if h is None else 0.5 * h))

    weights = [np.full(s, 0.3, "f") for s in ((3, 8), (2, 8), (8,))]
    xs = np.ones((2, 4, 3), "f")
    expected = Halving(*weights).forward(xs)
    with fasts2s.patched("numpy"):
        assert np.allclose(Halving(*weights).forward(xs), expected)


def test_functions_and_optimisers(book, monkeypatch):
    util, optimizer = _module("common.util"), _module("common.optimizer")
    calls = []

    def counted(x):
        calls.append(1)
        return np.add(0, np.power(x, 0.5))

    with fasts2s.patched("numpy"):
        adam, p, g = optimizer.Adam(), [np.ones(3, "f")], [np.full(3, 9, "f")]
        adam.update(p, g)
        util.clip_grads(g, 0.5)
        with monkeypatch.context() as patch:
            patch.setattr(np, "sqrt", counted)
            adam.update(p, g)
            util.clip_grads(g, 0.1)
    assert len(calls) == 2
    assert np.isclose(np.sqrt(np.sum(g[0] ** 2)), 0.1)
