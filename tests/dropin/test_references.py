"""What the book keeps by reference, the replacements keep by reference: arrays that change before backward.

Every replaced class that has a backward, plain and replaced. Between forward and backward one array is changed in
place: an input, a weight, a state, the output, what is read from an attribute. With FASTS2S_BOOK also the
classes of that checkout.
"""

import importlib
import os
import sys
import warnings

import numpy as np
import pytest

import fasts2s
from fasts2s.dropin.replace.targets import every
from fasts2s.dropin.settings import settings

REAL = os.environ.get("FASTS2S_BOOK", "")
N, T, D, H = 4, 5, 3, 6
BACKENDS = ("numpy", "numba")


@pytest.fixture(params=["small", "real"])
def library(request, monkeypatch):
    """The small library, or a checkout of the book's code, on the path."""
    if request.param == "small":
        request.getfixturevalue("book")
        yield
        return
    if not REAL:
        pytest.skip("FASTS2S_BOOK names no checkout of the book's code")
    before = set(sys.modules)
    monkeypatch.setattr(settings, "all_sizes", True)
    monkeypatch.chdir(f"{REAL}/ch07")
    for folder in ("", "/ch08", "/ch07"):
        monkeypatch.syspath_prepend(REAL + folder)
    yield
    fasts2s.unpatch()
    for name in set(sys.modules) - before:
        if name.partition(".")[0] not in {"fasts2s", "fasts2s_kernels", "numba", "llvmlite"}:  # loaded once for all
            del sys.modules[name]


def _rng():
    return np.random.default_rng(7)


def floats(*shape):
    return (0.5 * _rng().standard_normal(shape)).astype("f")


def ids(V, *shape):
    return _rng().integers(0, V, shape)


def labels(V):
    found = ids(V, N, T)
    found[found == 2] = -1  # not counted
    return found


def _recurrent(gates):
    return floats(D, gates * H), floats(H, gates * H), floats(gates * H)


def _gru(kind):
    Wx, Wh, b = _recurrent(3)
    try:
        return kind(Wx, Wh, b, True)
    except TypeError:  # the Korean edition has no bias
        return kind(Wx, Wh, True)


def _with_state(layer, *state):
    layer.set_state(*state)
    return layer


#: Name -> module, how it is made from its class, inputs, what goes into backward. V is 7 or 60: fused models read a
#: small vocabulary in another way.
CASES = {
    "MatMul": ("common.layers", lambda k, V: k(floats(D, H)), lambda V: [floats(N, D)], floats(N, H)),
    "Affine": ("common.layers", lambda k, V: k(floats(D, H), floats(H)), lambda V: [floats(N, D)], floats(N, H)),
    "Embedding": ("common.layers", lambda k, V: k(floats(V, D)), lambda V: [ids(V, N)], floats(N, D)),
    "TimeRNN": (
        "common.time_layers", lambda k, V: _with_state(k(*_recurrent(1), True), floats(N, H)),
        lambda V: [floats(N, T, D)], floats(N, T, H),
    ),
    "TimeLSTM": (
        "common.time_layers", lambda k, V: _with_state(k(*_recurrent(4), True), floats(N, H), floats(N, H)),
        lambda V: [floats(N, T, D)], floats(N, T, H),
    ),
    "TimeGRU": (
        "common.time_layers", lambda k, V: _with_state(_gru(k), floats(N, H)),
        lambda V: [floats(N, T, D)], floats(N, T, H),
    ),
    "TimeBiLSTM": (
        "common.time_layers", lambda k, V: k(*_recurrent(4), *_recurrent(4)),
        lambda V: [floats(N, T, D)], floats(N, T, 2 * H),
    ),
    "TimeEmbedding": ("common.time_layers", lambda k, V: k(floats(V, D)), lambda V: [ids(V, N, T)], floats(N, T, D)),
    "TimeAffine": (
        "common.time_layers", lambda k, V: k(floats(D, H), floats(H)), lambda V: [floats(N, T, D)], floats(N, T, H),
    ),
    "TimeDropout": ("common.time_layers", lambda k, V: k(), lambda V: [floats(N, T, D)], floats(N, T, D)),
    "TimeSoftmaxWithLoss": (
        "common.time_layers", lambda k, V: k(), lambda V: [floats(N, T, V), labels(V)], 1,
    ),
    "TimeSigmoidWithLoss": ("common.time_layers", lambda k, V: k(), lambda V: [floats(N, T), ids(2, N, T)], 1),
    "TimeAttention": (
        "attention_layer", lambda k, V: k(), lambda V: [floats(N, T + 1, H), floats(N, T, H)], floats(N, T, H),
    ),
    "Encoder": ("seq2seq", lambda k, V: k(V, D, H), lambda V: [ids(V, N, T)], floats(N, H)),
    "Decoder": (
        "seq2seq", lambda k, V: k(V, D, H), lambda V: [ids(V, N, T), floats(N, H)], lambda V: floats(N, T, V),
    ),
    "PeekyDecoder": (
        "peeky_seq2seq", lambda k, V: k(V, D, H), lambda V: [ids(V, N, T), floats(N, H)], lambda V: floats(N, T, V),
    ),
    "AttentionEncoder": ("attention_seq2seq", lambda k, V: k(V, D, H), lambda V: [ids(V, N, T)], floats(N, T, H)),
    "AttentionDecoder": (
        "attention_seq2seq", lambda k, V: k(V, D, H), lambda V: [ids(V, N, T), floats(N, T + 1, H)],
        lambda V: floats(N, T, V),
    ),
    "Seq2seq": ("seq2seq", lambda k, V: k(V, D, H), lambda V: [ids(V, N, T), ids(V, N, T - 1)], 1),
    "PeekySeq2seq": ("peeky_seq2seq", lambda k, V: k(V, D, H), lambda V: [ids(V, N, T), ids(V, N, T - 1)], 1),
    "AttentionSeq2seq": ("attention_seq2seq", lambda k, V: k(V, D, H), lambda V: [ids(V, N, T), ids(V, N, T - 1)], 1),
}  # fmt: skip


def test_every_replaced_class_with_a_backward_is_a_case():
    assert {t.name for t in every() if "backward" in t.methods} <= CASES.keys()


def change(array):
    """Change an array in place, ids to other ids."""
    if array.dtype.kind in "iu":
        array[...] = (array + 1) % (array.max() + 1)
    else:
        array[...] = 0.1 - 0.7 * array


def _arrays_of(layer):
    """Return the arrays that are given out as attributes, of the layer and its parts, by name."""
    found = {}
    for name in ("h", "c", "out", "y", "mask", "attention_weights"):
        value = vars(layer).get(name)
        for k, array in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(array, np.ndarray):
                found[f"{name} {k}"] = array
    for name, part in list(vars(layer).items()):
        if hasattr(part, "forward"):
            found |= {f"{name}.{key}": array for key, array in _arrays_of(part).items()}
    return found


def places(layer, inputs, state, out):
    """Return everything that can be changed between forward and backward, by name."""
    found = {f"input {k}": a for k, a in enumerate(inputs)}
    found |= {f"param {k}": p for k, p in enumerate(getattr(layer, "params", []))}
    found |= {f"{name} before": a for name, a in state.items()}
    found |= {f"{name} after": a for name, a in _arrays_of(layer).items()}
    return found | ({"output": out} if isinstance(out, np.ndarray) else {})


def build(name, V):
    module, make, inputs, dout = CASES[name]
    kind = getattr(importlib.import_module(module), name, None)
    if kind is None:
        pytest.skip(f"the small library has no {name}")
    np.random.seed(3)
    return make(kind, V), inputs(V), dout(V) if callable(dout) else dout


def _frozen(value):
    """Return results as they are now."""
    if isinstance(value, list | tuple):
        return [_frozen(v) for v in value]
    return value.copy() if isinstance(value, np.ndarray) else value


def observe(name, V, changed):
    """Return what can be seen of forward, a change, and two backwards; and the names of all places."""
    layer, inputs, dout = build(name, V)
    state, seen, found = _arrays_of(layer), [], {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            out = layer.forward(*inputs)
            seen.append(_frozen(out))
            found = places(layer, inputs, state, out)
            if changed:
                for place in changed:
                    change(found[place])
            for _ in range(2):
                seen.append(_frozen(layer.backward(dout)))
                seen.append(_frozen(getattr(layer, "grads", [])))
                seen.append(_frozen(list(_arrays_of(layer).values())))
        except Exception as error:
            seen.append(type(error))
    return seen, list(found)


def alike(a, b):
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(alike, a, b))
    if isinstance(a, np.ndarray | np.floating | float):
        return np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=2e-4, atol=2e-6, equal_nan=True)
    return a is b


@pytest.mark.parametrize("V", [7, 60])
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", CASES)
def test_what_changes_between_forward_and_backward(library, name, backend, V):
    _, names = observe(name, V, [])
    assert names
    changes = [[], *([place] for place in names), [place for place in names if "param" not in place]]
    plain = [observe(name, V, changed)[0] for changed in changes]
    wrong = []
    for changed, expected in zip(changes, plain, strict=True):
        with fasts2s.patched(backend):
            found = observe(name, V, changed)[0]
            entries = [e for e in fasts2s.status().entries if e.status == "replaced"]
        assert any(e.calls for e in entries) or name == "TimeDropout"
        assert changed or not any(e.fallbacks for e in entries)
        if not alike(expected, found):
            wrong.append(changed)
    assert wrong == []
