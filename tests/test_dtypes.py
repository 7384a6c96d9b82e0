"""float64: what stays so, what the book makes float32, and what is said of it."""

import numpy as np
import pytest

import fasts2s
from fasts2s import layers, models
from fasts2s.testing import check_gradients, numerical_gradient
from tests.fresh_python import run_python
from tests.records import HOST, LAYERS, OPTIONS, valid

WEIGHTED = [name for name in LAYERS if getattr(LAYERS[name].build(), "params", [])]
#: The book allocates what these return and hand back as float32, whatever their weights are.
FORCED = {"TimeRNN", "TimeGRU", "TimeLSTM", "TimeBiLSTM", "TimeEmbedding"}

DOUBLE = """
import numpy as np
import fasts2s
from fasts2s import layers, models, optimizers

def double(*shape):
    return np.ones(shape)

with fasts2s.use_backend("numba"):
    {body}
    {body}
print("done")
"""
BODIES = {
    "rnn": "layers.TimeRNN(double(3, 5), double(5, 5), double(5)).forward(double(2, 4, 3))",
    "gru": "layers.TimeGRU(double(3, 15), double(5, 15), double(15)).forward(double(2, 4, 3))",
    "lstm": "layers.LSTM(double(3, 20), double(5, 20), double(20)).forward(double(2, 3), double(2, 5), double(2, 5))",
    "affine": "layers.Affine(double(3, 5), double(5)).forward(double(2, 3))",
    "embedding": "layers.Embedding(double(3, 5)).forward(np.array([0, 2]))",
    "attention": "layers.TimeAttention().forward(double(2, 3, 5), double(2, 4, 5))",
    "loss": "layers.TimeSoftmaxWithLoss().forward(double(2, 3, 5), np.array([[0, 1, 2], [2, 1, 0]]))",
    "optimizer": "optimizers.Adam().update([double(2, 3)], [double(2, 3)])",
    "clipping": "optimizers.clip_grads([double(2, 3)], 1.0)",
    "greedy": "models.Seq2seq(5, 3, 7, backend=fasts2s.get_backend('numba', dtype='float64'))"
    ".generate_batch(np.array([[1, 2]]), 1, 3)",
}


@pytest.mark.parametrize("name", BODIES)
def test_that_float64_leaves_the_fast_kernels_is_said_once(name):
    done = run_python(DOUBLE.format(body=BODIES[name]))
    assert done.stdout == "done\n", done.stderr
    said = [line for line in done.stderr.splitlines() if "float64" in line]
    assert len(said) == 1, done.stderr
    assert "NumPy" in said[0]
    assert 'astype("f")' in said[0]
    assert 'use_backend("numpy"' in said[0]


@pytest.mark.parametrize(("backend", "dtype"), [("numba", "float32"), ("numpy", "float64")])
def test_what_is_fast_or_asked_for_says_nothing(backend, dtype):
    code = DOUBLE.replace("np.ones(shape)", f"np.ones(shape, {dtype!r})").replace('"numba"', repr(backend))
    done = run_python(code.format(body=BODIES["rnn"]))
    assert (done.stdout, "float64" in done.stderr) == ("done\n", False), done.stderr


# ---- layers ------------------------------------------------------------------------------------------------------


def _double(a):
    return a.astype(np.float64) if isinstance(a, np.ndarray) and a.dtype == np.float32 else a


def _built(name):
    """The layer with its weights in float64."""
    layer = LAYERS[name].build()
    parts = [_double(p) for p in getattr(layer, "params", [])]
    if name.startswith("Simple_TimeAffine"):
        parts = [_double(layer.W), _double(layer.b)]
    return getattr(layers, name)(*parts, **OPTIONS.get(name, {}))


def _arrays(result):
    return [a for a in (result if isinstance(result, tuple) else (result,)) if isinstance(a, np.ndarray)]


def _run(name, xdtype=np.float64):
    record, layer = LAYERS[name], _built(name)
    inputs = {k: _double(a) for k, a in valid(record.forward).items()}
    inputs = {k: a.astype(xdtype) if getattr(a, "dtype", None) == np.float64 else a for k, a in inputs.items()}
    out = layer.forward(**inputs)
    back = layer.backward(**{k: _double(a) for k, a in valid(record.backward).items()})
    states = [v for k, v in vars(layer).items() if k in ("h", "c", "dh", "dc", "attention_weight", "dW", "db")]
    return layer, _arrays(out) + _arrays(back), [*getattr(layer, "grads", []), *states]


@pytest.mark.parametrize("backend", HOST)
@pytest.mark.parametrize("name", LAYERS)
def test_float64_stays_float64_but_for_what_the_book_allocates(name, backend):
    with fasts2s.use_backend(backend):
        _, given, held = _run(name)
    assert {a.dtype for a in held} <= {np.dtype(np.float64)}
    assert {a.dtype for a in given} <= {np.dtype(np.float32 if name in FORCED else np.float64)}


@pytest.mark.parametrize("backend", HOST)
@pytest.mark.parametrize("name", WEIGHTED)
def test_float64_weights_decide_over_float32_inputs(name, backend):
    with fasts2s.use_backend(backend):
        _, given, held = _run(name, np.float32)
    assert {a.dtype for a in held} <= {np.dtype(np.float64)}
    assert {a.dtype for a in given} <= {np.dtype(np.float32 if name in FORCED else np.float64)}


@pytest.mark.parametrize("backend", HOST)
@pytest.mark.parametrize("name", LAYERS)
def test_in_float64_mode_everything_is_float64(name, backend):
    with fasts2s.use_backend(backend, dtype="float64"):
        _, given, held = _run(name)
    assert {a.dtype for a in given + held} <= {np.dtype(np.float64)}


# ---- check_gradients ---------------------------------------------------------------------------------------------


def _loss(layer, xs, weight):
    return lambda: float(np.sum(layer.forward(xs) * weight))


def _lstm(rng, dtype="float64"):
    return layers.TimeLSTM(*(rng.standard_normal(s).astype(dtype) for s in ((3, 20), (5, 20), (20,))))


def _check(layer, xs, weight):
    layer.forward(xs)
    dxs = layer.backward(weight)
    arrays = dict(zip(("Wx", "Wh", "b"), layer.params, strict=False)) | {"xs": xs}
    grads = dict(zip(("Wx", "Wh", "b"), layer.grads, strict=False)) | {"xs": dxs}
    return check_gradients(_loss(layer, xs, weight), arrays, grads)


@pytest.mark.parametrize("backend", HOST)
def test_a_sound_layer_that_rounds_to_float32_is_not_called_wrong(backend, rng):
    xs, weight = rng.standard_normal((2, 4, 3)), rng.standard_normal((2, 4, 5))
    with fasts2s.use_backend(backend):
        layer = _lstm(rng)
        with pytest.raises(ValueError, match=r"rounds to float32.*use_backend\(\"numpy\", dtype=\"float64\"\)"):
            _check(layer, xs, weight)
    with fasts2s.use_backend("numpy", dtype="float64"):
        assert _check(layers.TimeLSTM(*layer.params), xs, weight) < 1e-7


@pytest.mark.parametrize("make", [np.float32, np.float16, int])
def test_arrays_that_are_not_float64_are_refused_by_name(make, rng):
    xs = rng.standard_normal((2, 4, 3))
    layer = _lstm(rng, "f")
    with pytest.raises(ValueError, match=r"Wx is float32.*expected float64.*use_backend\(\"numpy\", dtype"):
        _check(layer, xs, rng.standard_normal((2, 4, 5)))
    a = np.ones(3).astype(make)
    with pytest.raises(ValueError, match=f"a is {a.dtype}.*expected float64"):
        check_gradients(lambda: float(a.sum()), {"a": a}, {"a": np.ones(3)})
    with pytest.raises(ValueError, match=f"x is {a.dtype}.*expected float64"):
        numerical_gradient(lambda: float(a.sum()), a)


FLOAT32_LAYERS = {
    "an embedding": (lambda rng: layers.TimeEmbedding(rng.standard_normal((7, 3))), (2, 4, 3)),
    "a GRU": (lambda rng: layers.TimeGRU(*(rng.standard_normal(s) for s in ((3, 15), (5, 15), (15,)))), (2, 4, 5)),
    "an RNN": (lambda rng: layers.TimeRNN(*(rng.standard_normal(s) for s in ((3, 5), (5, 5), (5,)))), (2, 4, 5)),
}


@pytest.mark.parametrize("name", FLOAT32_LAYERS)
def test_every_kind_of_layer_that_rounds_is_known_by_it(name, rng):
    make, out = FLOAT32_LAYERS[name]
    layer, weight = make(rng), rng.standard_normal(out)
    xs = rng.integers(0, 7, (2, 4)) if "embedding" in name else rng.standard_normal((2, 4, 3))
    layer.forward(xs)
    layer.backward(weight)
    with pytest.raises(ValueError, match="rounds to float32"):
        check_gradients(_loss(layer, xs, weight), {"p": layer.params[0]}, {"p": layer.grads[0]})


WRONG = {
    "tanh": (lambda x: float(np.tanh(x).sum()), lambda x: 1.001 * (1 - np.tanh(x) ** 2)),
    "a large sum that cancels": (lambda x: float(1e4 * np.sin(x).sum()), lambda x: 1e4 * np.cos(x) + 1),
    "relu": (lambda x: float(np.maximum(x, 0).sum()), lambda x: (x > 0.5) * 1.0),
    "absolute": (lambda x: float(np.abs(x).sum()), lambda x: -np.sign(x)),
    "softmax": (lambda x: float((np.exp(x) / np.exp(x).sum())[0]), lambda x: x),
    "constant": (lambda x: 3.0, np.ones_like),
    "nan": (lambda x: float("nan"), np.ones_like),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_gradient_in_float64_is_still_called_wrong(name, rng):
    function, gradient = WRONG[name]
    x = rng.standard_normal(50)
    with pytest.raises(AssertionError, match="gradient of x is off by"):
        check_gradients(lambda: function(x), {"x": x}, {"x": gradient(x)})


def test_models_are_checked_in_float64_mode_and_refused_outside_it(rng):
    xs, ts = rng.integers(0, 5, (2, 4)), rng.integers(0, 5, (2, 4))
    model = models.Seq2seq(5, 3, 4)
    model.forward(xs, ts)
    model.backward()
    with pytest.raises(ValueError, match="expected float64"):
        check_gradients(lambda: model.forward(xs, ts), {"W": model.params[0]}, {"W": model.grads[0]})
    with fasts2s.use_backend("numpy", dtype="float64"):
        model = models.Seq2seq(5, 3, 4)
    model.forward(xs, ts)
    model.backward()
    assert check_gradients(lambda: model.forward(xs, ts), {"W": model.params[0]}, {"W": model.grads[0]}) < 1e-7
