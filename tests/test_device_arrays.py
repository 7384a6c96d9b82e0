"""Arrays of CuPy given to layers: beside arrays of the host a clear ValueError, else the results of the host."""

import numpy as np
import pytest

import fasts2s
from fasts2s import layers, models
from fasts2s.backend import get_backend, to_cpu, use_backend
from fasts2s.optimizers import SGD, Adam
from fasts2s.testing import assert_close, check_layer
from tests.device_cases import (
    BOTH,
    HOST,
    LAYERS,
    D,
    H,
    N,
    S,
    T,
    V,
    device,
    draw,
    layers_with_inputs,
    losses_with_inputs,
)  # fmt: skip

pytestmark = pytest.mark.usefixtures("shim")

KERNELLESS = {"Softmax", "Sigmoid", "Dropout", "TimeDropout"}


def mixtures(given, weights_on):
    """The inputs, each time with another one on the other side than the weights."""
    own, other = (device, HOST) if weights_on == "cupy" else (HOST, device)
    for wrong in given:
        yield wrong, [other(a) if name == wrong else own(a) for name, a in given.items()]


@pytest.mark.parametrize("name", ["auto", "numpy", "cupy"])
@pytest.mark.parametrize("kind", LAYERS)
def test_an_input_of_the_other_side_is_a_value_error_that_names_both(kind, name):
    # Never TypeError, which the book's eval_perplexity takes for a model without train_flg.
    for side in (HOST, device):
        where = "cupy" if side is device else "numpy"
        if name not in {"auto", where}:
            continue
        with use_backend(name):
            layer, given, _ = layers_with_inputs(side)[kind]
        if kind in KERNELLESS and (name == "auto" or kind in {"Softmax", "Sigmoid"}):
            continue  # one input, no weights: it decides
        for wrong, inputs in mixtures(given, where):
            with pytest.raises(ValueError, match=BOTH):
                layer.forward(*inputs)
            assert wrong


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("side", [HOST, device], ids=["host", "device"])
def test_a_gradient_of_the_other_side_is_a_value_error_that_names_both(kind, side):
    layer, given, dout = layers_with_inputs(side)[kind]
    layer.forward(*map(side, given.values()))
    wrong = HOST(dout) if side is device else device(dout)
    douts = (wrong, 0) if kind == "LSTM" else (wrong,)
    with pytest.raises(ValueError, match=BOTH):
        layer.backward(*douts)


@pytest.mark.parametrize("kind", ["TimeLSTM", "TimeGRU", "TimeRNN"])
@pytest.mark.parametrize("side", [HOST, device], ids=["host", "device"])
def test_a_state_of_the_other_side_is_a_value_error_that_names_both(kind, side):
    layer, given, dout = layers_with_inputs(side)[kind]
    f, _ = draw()
    layer.stateful = True
    layer.set_state(f(N, H) if side is device else device(f(N, H)))
    with pytest.raises(ValueError, match=BOTH):
        layer.forward(*map(side, given.values()))
    layer.reset_state()
    layer.forward(*map(side, given.values()))
    with pytest.raises(ValueError, match=BOTH):
        layer.backward(side(dout), dh_last=f(N, H) if side is device else device(f(N, H)))


@pytest.mark.parametrize("kind", losses_with_inputs())
def test_labels_come_from_either_side_but_not_to_scores_of_the_host(kind):
    layer, xs, ts = losses_with_inputs()[kind]
    expected = layer.forward(xs, ts)
    gradient = layer.backward()
    for labels in (ts, device(ts)):
        loss = layer.forward(device(xs), labels)
        assert loss.shape == ()
        assert float(loss) == pytest.approx(expected, rel=1e-6)
        assert_close("dx", layer.backward(), gradient, 1e-5)
    with pytest.raises(ValueError, match=BOTH):
        layer.forward(xs, device(ts))


@pytest.mark.parametrize("kind", ["Embedding", "TimeEmbedding"])
def test_ids_come_from_either_side_but_not_to_a_table_of_the_host(kind):
    f, rng = draw()
    W, ids, dout = f(V, D), rng.integers(-V, V, (N, T)), f(N, T, D)
    layer = getattr(layers, kind)(device(W))
    for given in (ids, device(ids), device(ids.astype(np.uint8) % V)):
        host_ids = to_cpu(given).astype(int)
        np.testing.assert_array_equal(to_cpu(layer.forward(given)), W[host_ids])
        layer.backward(device(dout))
        expected = np.zeros_like(W)
        np.add.at(expected, host_ids, dout)
        assert_close("dW", layer.grads[0], expected)
    for name in ("auto", "numpy"):
        with pytest.raises(ValueError, match=BOTH):
            getattr(layers, kind)(W, backend=name).forward(device(ids))


def test_models_refuse_what_lies_on_the_other_side():
    _, rng = draw()
    ids = rng.integers(0, V, (N, T))
    for name in ("auto", "numpy"):
        with pytest.raises(ValueError, match=BOTH):
            models.Rnnlm(V, D, H, backend=name).predict(device(ids))
        with pytest.raises(ValueError, match=BOTH):
            models.Seq2seq(V, D, H, backend=name).forward(device(ids), device(ids))
        with pytest.raises(ValueError, match=BOTH):
            models.AttentionSeq2seq(V, D, H, backend=name).generate_batch(device(ids), 1, 4)


def test_a_backend_named_otherwise_is_a_value_error():
    with pytest.raises(ValueError, match=r"the backend is numpy, .*cupy\.ndarray.*to_cpu"):
        get_backend("numpy").kernels_for(np.zeros(3), device(np.zeros(3)))
    for kind in (SGD, Adam):
        with pytest.raises(ValueError, match=BOTH):
            kind(backend="cupy").update([np.ones(3)], [np.ones(3)])
        with pytest.raises(ValueError, match=BOTH):
            kind(backend="numpy").update([device(np.ones(3))], [device(np.ones(3))])
        with pytest.raises(ValueError, match=BOTH):
            kind().update([device(np.ones(3))], [np.ones(3)])


# ---- the same results ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["auto", "cupy"])
@pytest.mark.parametrize("kind", LAYERS)
def test_a_layer_computes_what_it_computes_on_the_host(kind, name):
    results = []
    for side, where in ((HOST, "numpy"), (device, name)):
        with use_backend(where):
            layer, given, dout = layers_with_inputs(side)[kind]
        np.random.seed(3)  # of dropout: drawn on the host
        out = layer.forward(*map(side, given.values()))
        douts = (side(dout), 0) if kind == "LSTM" else (side(dout),)
        found = [out, layer.backward(*douts)]
        flat = [a for f in found for a in (f if isinstance(f, tuple) else (f,))] + list(layer.grads)
        results.append(flat)
    for k, (expected, came) in enumerate(zip(*results, strict=True)):
        assert type(came).__module__ == "cupy"
        assert came.dtype == expected.dtype
        assert_close(f"result {k}", came, expected, 1e-5)


@pytest.mark.parametrize("kind", ["TimeLSTM", "TimeGRU", "TimeAffine", "TimeAttention", "Affine"])
def test_a_layer_keeps_the_rules_on_a_device(kind):
    layer, given, dout = layers_with_inputs(device)[kind]
    check_layer(layer, [device(a) for a in given.values()], device(dout))


def test_masks_come_from_either_side():
    f, rng = draw()
    mask = rng.random((N, T)) < 0.6
    for kind in ("TimeLSTM", "TimeGRU", "TimeRNN", "TimeBiLSTM"):
        host, given, _ = layers_with_inputs(HOST)[kind]
        layer, _, _ = layers_with_inputs(device)[kind]
        expected = host.forward(*given.values(), mask)
        for m in (mask, device(mask)):
            assert_close("hs", layer.forward(*map(device, given.values()), m), expected, 1e-5)
        with pytest.raises(ValueError, match=BOTH):
            host.forward(*given.values(), device(mask))
    out = layers.TimeAttention().forward(f(N, T, H), f(N, S, H), mask)
    f, _ = draw()
    again = layers.TimeAttention().forward(device(f(N, T, H)), device(f(N, S, H)), mask)
    assert out.shape == again.shape


def test_dropout_draws_the_mask_of_the_seed_and_no_more():
    f, _ = draw()
    xs = f(N, T, D)
    for kind in (layers.TimeDropout, layers.Dropout):
        masks, after = [], []
        for a in (xs, device(xs)):
            np.random.seed(11)
            layer = kind(0.3)
            layer.forward(a)
            masks.append(to_cpu(layer.mask))
            after.append(np.random.random_sample())
        np.testing.assert_array_equal(*masks)
        assert after[0] == after[1]
    layer = layers.TimeDropout()
    layer.train_flg = False
    np.testing.assert_array_equal(to_cpu(layer.forward(device(xs))), xs)
    np.testing.assert_array_equal(to_cpu(layer.backward(device(xs))), xs)


def test_functions_take_device_arrays():
    f, rng = draw()
    x, t = f(N, V), rng.integers(0, V, N)
    for function in (layers.sigmoid, layers.relu, layers.softmax):
        assert_close(function.__name__, function(device(x)), function(x), 1e-6)
    y = layers.softmax(x)
    one_hot = np.eye(V)[t]
    for labels in (t, device(t), device(one_hot)):
        assert float(layers.cross_entropy_error(device(y), labels)) == pytest.approx(
            layers.cross_entropy_error(y, t), rel=1e-6
        )
    with pytest.raises(IndexError, match=f"holds {V}"):
        layers.cross_entropy_error(device(y), device(t * 0 + V))


def test_to_cpu_and_to_gpu():
    host = np.arange(6.0).reshape(2, 3)
    assert fasts2s.to_cpu(host) is host
    assert fasts2s.to_cpu([1, 2]).tolist() == [1, 2]
    there = fasts2s.to_gpu(host)
    assert fasts2s.to_gpu(there) is there
    np.testing.assert_array_equal(fasts2s.to_cpu(there), host)
