"""Layers that must agree: one step and a sequence, a part and the whole, the simple form and the fused one."""

import numpy as np
import pytest

import fasts2s
from fasts2s import layers
from fasts2s.testing import assert_close
from tests.records import HOST

N, T, S, D, H, M, V = 3, 7, 9, 5, 11, 17, 13


@pytest.fixture(autouse=True, params=HOST)
def _backend(request):
    with fasts2s.use_backend(request.param):
        yield


@pytest.fixture
def f(rng):
    """Makes float32 arrays."""
    return lambda *shape: rng.standard_normal(shape, dtype=np.float32)


def weights(f, gates):
    return f(D, gates * H) / 2, f(H, gates * H) / 3, f(gates * H)


@pytest.mark.parametrize(
    ("step", "sequence", "gates", "states"),
    [("RNN", "TimeRNN", 1, 1), ("GRU", "TimeGRU", 3, 1), ("LSTM", "TimeLSTM", 4, 2)],
)
def test_steps_one_by_one_are_the_sequence(f, step, sequence, gates, states):
    cell, xs, dhs = weights(f, gates), f(N, T, D), f(N, T, H)
    start, last = [f(N, H) for _ in range(states)], [f(N, H) for _ in range(states)]
    whole = getattr(layers, sequence)(*cell, stateful=True)
    whole.set_state(*start)
    hs, dxs = whole.forward(xs), whole.backward(dhs, *last)

    steps, state = [getattr(layers, step)(*cell) for _ in range(T)], start
    for t in range(T):
        out = steps[t].forward(xs[:, t], *state)
        state = out if isinstance(out, tuple) else (out,)
        assert_close(f"h at {t}", state[0], hs[:, t])
    assert_close("h", state[0], whole.h)
    total, d = [np.zeros_like(w) for w in cell], last
    for t in reversed(range(T)):
        dx, *d = steps[t].backward(d[0] + dhs[:, t], *d[1:])
        assert_close(f"dx at {t}", dx, dxs[:, t], "gradient float32")
        total = [a + g for a, g in zip(total, steps[t].grads, strict=True)]
    assert_close("dh", d[0], whole.dh, "gradient float32")
    for name, a, g in zip(("dWx", "dWh", "db"), total, whole.grads, strict=True):
        assert_close(name, a, g, "gradient float32")


def test_the_book_starts_its_loops_with_a_gradient_of_zero(f):
    layer, other = layers.LSTM(*weights(f, 4)), f(N, H)
    layer.forward(f(N, D), f(N, H), f(N, H))
    for name, a, b in zip(
        ("dx", "dh", "dc"), layer.backward(other, 0), layer.backward(other, 0 * other), strict=True
    ):
        assert_close(name, a, b, 0)


def test_bidirectional_lstm_is_two_lstms(f):
    one, two, xs, dhs = weights(f, 4), weights(f, 4), f(N, T, D), f(N, T, 2 * H)
    layer, ahead, back = layers.TimeBiLSTM(*one, *two), layers.TimeLSTM(*one), layers.TimeLSTM(*two)
    reverse = lambda a: np.ascontiguousarray(a[:, ::-1])
    out, mirrored = layer.forward(xs), reverse(xs)
    assert_close("left", out[:, :, :H], ahead.forward(xs), 0)
    assert_close("right", out[:, :, H:], reverse(back.forward(mirrored)))
    dxs = layer.backward(dhs)
    assert_close("dxs", dxs, ahead.backward(dhs[:, :, :H]) + reverse(back.backward(reverse(dhs[:, :, H:]))))
    for k, (a, g) in enumerate(zip(layer.grads, ahead.grads + back.grads, strict=True)):
        assert_close(f"gradient {k}", a, g)
    assert layer.params[3] is layer.backward_lstm.params[0]
    assert layer.grads[3] is layer.backward_lstm.grads[0]


def test_attention_is_its_weights_and_their_sum(f):
    hs, h, dout = f(N, S, H), f(N, H), f(N, H)
    layer, weight, total = layers.Attention(), layers.AttentionWeight(), layers.WeightSum()
    a = weight.forward(hs, h)
    assert_close("context", layer.forward(hs, h), total.forward(hs, a), 0)
    assert_close("weights", layer.attention_weight, a, 0)
    scores = np.einsum("nsh,nh->ns", hs, h)
    assert_close("softmax", a, layers.softmax(scores))
    dhs0, da = total.backward(dout)
    dhs1, dh = weight.backward(da)
    found = layer.backward(dout)
    assert_close("dhs", found[0], dhs0 + dhs1, 0)
    assert_close("dh", found[1], dh, 0)


def test_attention_over_time_is_attention_step_by_step(f):
    hs_enc, hs_dec, dout = f(N, S, H), f(N, T, H), f(N, T, H)
    layer, steps = layers.TimeAttention(), [layers.Attention() for _ in range(T)]
    out, (denc, ddec) = layer.forward(hs_enc, hs_dec), layer.backward(dout)
    total = np.zeros_like(hs_enc)
    for t, step in enumerate(steps):
        assert_close(f"context at {t}", step.forward(hs_enc, hs_dec[:, t]), out[:, t])
        assert_close(f"weights at {t}", layer.attention_weights[t], step.attention_weight)
        dhs, dh = step.backward(dout[:, t])
        total += dhs
        assert_close(f"dhs_dec at {t}", ddec[:, t], dh, "gradient float32")
    assert_close("dhs_enc", denc, total, "gradient float32")


def test_time_affine_is_affine_on_rows_and_the_simple_form_agrees(f):
    W, b, xs, dout = f(D, M), f(M), f(N, T, D), f(N, T, M)
    whole, rows, simple = layers.TimeAffine(W, b), layers.Affine(W, b), layers.Simple_TimeAffine(W, b)
    out, dx = whole.forward(xs), whole.backward(dout)
    assert_close("rows", rows.forward(xs.reshape(N * T, D)), out.reshape(N * T, M))
    assert_close("dx of rows", rows.backward(dout.reshape(N * T, M)), dx.reshape(N * T, D))
    assert_close("simple", simple.forward(xs), out, 0)
    assert_close("dx of simple", simple.backward(dout), dx, 0)
    for name, a, c, g in zip(("dW", "db"), (simple.dW, simple.db), rows.grads, whole.grads, strict=True):
        assert_close(f"{name} of simple", a, g, 0)
        assert_close(f"{name} of rows", c, g)


def test_mat_mul_is_affine_without_a_bias(f):
    W, x, dout = f(D, M), f(N, D), f(N, M)
    product, affine = layers.MatMul(W), layers.Affine(W, np.zeros(M, "f"))
    assert_close("out", product.forward(x), affine.forward(x))
    assert_close("dx", product.backward(dout), affine.backward(dout))
    assert_close("dW", product.grads[0], affine.grads[0])


def test_time_embedding_is_embedding(f, rng):
    W, ids, dout = f(V, D), rng.integers(0, V, (N, T)), f(N, T, D)
    time, plain = layers.TimeEmbedding(W), layers.Embedding(W)
    assert_close("out", time.forward(ids), plain.forward(ids), 0)
    assert time.backward(dout) is plain.backward(dout) is None
    assert_close("dW", time.grads[0], plain.grads[0], 0)


def test_time_softmax_with_loss_is_the_mean_over_its_steps(f, rng):
    xs, ts = f(N, T, V), rng.integers(0, V, (N, T))
    fused, simple = layers.TimeSoftmaxWithLoss(), layers.Simple_TimeSoftmaxWithLoss()
    steps = [layers.SoftmaxWithLoss() for _ in range(T)]
    loss = fused.forward(xs, ts)
    assert_close("simple", simple.forward(xs, ts), loss)
    mean = np.mean([step.forward(xs[:, t], ts[:, t]) for t, step in enumerate(steps)])
    assert_close("steps", mean, loss, 1e-5)  # the book adds 1e-7 inside the logarithm of a step
    dxs = fused.backward(3)
    assert_close("dxs of simple", simple.backward(3), dxs)
    assert_close("dxs of steps", np.stack([s.backward(3 / T) for s in steps], axis=1), dxs, "gradient float32")


def test_time_sigmoid_with_loss_is_the_mean_over_its_steps(f, rng):
    xs, ts = f(N, T), rng.integers(0, 2, (N, T))
    layer, steps = layers.TimeSigmoidWithLoss(), [layers.SigmoidWithLoss() for _ in range(T)]
    loss = layer.forward(xs, ts)
    assert_close("loss", loss, np.mean([s.forward(xs[:, t], ts[:, t]) for t, s in enumerate(steps)]))
    assert_close("dxs", layer.backward(3), np.stack([s.backward(3 / T) for s in steps], axis=1))


def test_losses_of_one_hot_labels_are_those_of_ids(f, rng):
    one_hot = np.eye(V, dtype=np.int32)
    for name, shape in (
        ("TimeSoftmaxWithLoss", (N, T)),
        ("Simple_TimeSoftmaxWithLoss", (N, T)),
        ("SoftmaxWithLoss", (N,)),
    ):
        xs, ts = f(*shape, V), rng.integers(0, V, shape)
        first, second = getattr(layers, name)(), getattr(layers, name)()
        assert_close(name, first.forward(xs, one_hot[ts]), second.forward(xs, ts), 0)
        assert_close(f"dxs of {name}", first.backward(), second.backward(), 0)


def test_loss_over_time_is_a_mean_over_the_labels_that_count(f, rng):
    xs, ts, layer = f(N, T, V), rng.integers(0, V, (N, T)), layers.TimeSoftmaxWithLoss()
    assert layer.ignore_label == -1
    counted = rng.random((N, T)) < 0.6
    loss = layer.forward(xs, np.where(counted, ts, -1))
    assert type(loss) is np.float64
    logits = xs[counted].astype(np.float64)
    terms = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(logits)), ts[counted]]
    assert_close("loss", loss, terms.mean())
    dxs = layer.backward()
    assert not dxs[~counted].any()
    assert_close("dxs", dxs[counted], (layers.softmax(logits) - np.eye(V)[ts[counted]]) / len(logits), 1e-5)
    assert_close("dxs twice", layer.backward(2.0), 2 * dxs)
    layer.ignore_label = 4
    assert_close(
        "another label",
        layer.forward(xs, np.where(counted, np.where(ts == 4, 5, ts), 4)),
        layer.forward(xs[counted][None], np.where(ts == 4, 5, ts)[counted][None]),
    )


def test_a_batch_that_does_not_count_has_no_loss_and_no_gradient(f):
    layer = layers.TimeSoftmaxWithLoss()
    xs = np.full((N, T, V), np.nan, "f")  # ignored rows are never read
    loss = layer.forward(xs, np.full((N, T), -1))
    assert type(loss) is np.float64
    assert loss == 0
    assert_close("dxs", layer.backward(), np.zeros((N, T, V)), 0)


@pytest.mark.parametrize("dtype", ["U1", "O", "D", "M8[s]"])
def test_one_hot_labels_of_no_numbers_are_an_error(dtype, f):
    one_hot = np.ones((N, T, V), int).astype(dtype)
    for name in ("TimeSoftmaxWithLoss", "Simple_TimeSoftmaxWithLoss"):
        with pytest.raises(ValueError, match=r"ts .*expected"):
            getattr(layers, name)().forward(f(N, T, V), one_hot)
    with pytest.raises(ValueError, match=r"t .*expected"):
        layers.SoftmaxWithLoss().forward(f(N, V), one_hot[:, 0])


@pytest.mark.parametrize("label", [-2, V, 2**31 - 1, 2**63 - 1])
def test_a_label_that_is_neither_a_class_nor_the_ignored_one_is_an_index_error(label, f, rng):
    ts = rng.integers(0, V, (N, T))
    ts[1, 2] = label
    for name in ("TimeSoftmaxWithLoss", "Simple_TimeSoftmaxWithLoss"):
        with pytest.raises(IndexError, match=f"holds {label}.* expected labels from 0"):
            getattr(layers, name)().forward(f(N, T, V), ts)
    with pytest.raises(IndexError, match=f"holds {label}, expected class ids from 0 to {V - 1}"):
        layers.SoftmaxWithLoss().forward(f(N, V), ts[:, 2])
