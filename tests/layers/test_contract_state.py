"""States, dtypes, losses and random draws: the promises to the book's code that belong to single layers."""

import inspect

import numpy as np
import pytest

import fasts2s
from fasts2s import layers, models
from fasts2s.evaluation import eval_seq2seq
from fasts2s.testing import assert_close
from tests.records import HOST, LAYERS, valid

CELLS = ("TimeRNN", "TimeGRU", "TimeLSTM")
N, T, D, H, V = 3, 7, 5, 11, 13


@pytest.fixture(autouse=True, params=HOST)
def _backend(request):
    with fasts2s.use_backend(request.param):
        yield


@pytest.fixture(params=CELLS)
def cell(request):
    """Makes a layer of one of the recurrent classes, always with the same weights."""
    gates = {"TimeRNN": 1, "TimeGRU": 3, "TimeLSTM": 4}[request.param]

    def make(dtype=np.float32, **options):
        rng = np.random.default_rng(2)
        weights = (rng.standard_normal(s).astype(dtype) for s in ((D, gates * H), (H, gates * H), (gates * H,)))
        return getattr(layers, request.param)(*weights, **options)

    return make


def xs_of(rng, *shape):
    return rng.standard_normal(shape, dtype=np.float32)


def states(layer):
    return [getattr(layer, name) for name in inspect.signature(layer.set_state).parameters]


def test_a_stateful_layer_goes_on_where_it_stopped(cell, rng):
    xs, whole, halves = xs_of(rng, N, T, D), cell(stateful=True), cell(stateful=True)
    hs = whole.forward(xs)
    found = np.concatenate((halves.forward(xs[:, :3]), halves.forward(xs[:, 3:])), axis=1)
    assert_close("hs", found, hs)
    for a, b in zip(states(halves), states(whole), strict=True):
        assert_close("state", a, b)


def test_gradients_of_two_halves_are_those_of_the_whole(cell, rng):
    # The state's gradient, handed from the second half to the first, makes truncation exact.
    xs, dhs = xs_of(rng, N, T, D), xs_of(rng, N, T, H)
    whole, halves = cell(stateful=True), [cell(stateful=True), cell(stateful=True)]
    whole.forward(xs)
    dxs = whole.backward(dhs)
    halves[0].forward(xs[:, :3])
    halves[1].set_state(*states(halves[0]))
    halves[1].forward(xs[:, 3:])
    second = halves[1].backward(dhs[:, 3:])
    lasts = [g for g in (halves[1].dh, getattr(halves[1], "dc", None)) if g is not None]
    first = halves[0].backward(dhs[:, :3], *lasts)
    assert_close("dxs", np.concatenate((first, second), axis=1), dxs, "gradient float32")
    for name, g, a, b in zip(("dWx", "dWh", "db"), whole.grads, halves[0].grads, halves[1].grads, strict=True):
        assert_close(name, a + b, g, "gradient float32")


def test_a_layer_without_state_starts_at_zero_but_leaves_its_state(cell, rng):
    xs, layer = xs_of(rng, N, T, D), cell()
    hs = layer.forward(xs)
    assert_close("h", layer.h, hs[:, -1])
    assert all(s.shape == (N, H) for s in states(layer))
    assert_close("hs again", layer.forward(xs), hs, 0)
    layer.set_state(np.ones((N, H), "f"))
    assert_close("hs after set_state", layer.forward(xs), hs, 0)


def test_set_state_reset_state_and_dh(cell, rng):
    xs, h = xs_of(rng, N, T, D), xs_of(rng, N, H)
    layer, other = cell(stateful=True), cell(stateful=True)
    assert [layer.h, layer.dh, layer.stateful, layer.layers] == [None, None, True, None]
    first = layer.forward(xs)
    layer.set_state(h)
    other.set_state(h)
    assert layer.h is h
    hs = layer.forward(xs)
    assert_close("hs", hs, other.forward(xs), 0)
    assert not np.allclose(hs, first)
    layer.backward(np.ones_like(hs))
    assert layer.dh.shape == (N, H)
    layer.reset_state()
    assert states(layer) == [None] * len(states(layer))
    assert_close("hs after reset_state", layer.forward(xs), first, 0)


def test_set_state_without_c_drops_the_old_c(rng):
    build, xs, h = LAYERS["TimeLSTM"].build, xs_of(rng, N, T, 7), xs_of(rng, N, H)
    layer, other = build(stateful=True), build(stateful=True)
    layer.forward(xs)
    layer.set_state(h)
    assert layer.c is None
    other.set_state(h, np.zeros((N, H), "f"))
    assert_close("hs", layer.forward(xs), other.forward(xs), 0)


def test_a_state_of_another_batch_size_is_an_error_that_says_so(cell, rng):
    layer = cell(stateful=True)
    for old, new in ((N, N + 2), (1, N), (N, 1)):
        layer.reset_state()
        layer.forward(xs_of(rng, old, T, D))
        kept = [s.copy() for s in states(layer)]
        with pytest.raises(ValueError, match=r"state h0 has shape .* expected \(N, H\).*reset_state"):
            layer.forward(xs_of(rng, new, T, D))
        for a, b in zip(states(layer), kept, strict=True):
            assert_close("state", a, b, 0)


def test_a_state_is_never_written_and_survives_later_calls(cell, rng):
    xs, h = xs_of(rng, N, T, D), xs_of(rng, N, H)
    h.setflags(write=False)
    layer = cell(stateful=True)
    layer.set_state(h)
    layer.forward(xs)
    held = states(layer)  # references, as get_state of the models hands them out
    kept = [s.copy() for s in held]
    layer.backward(np.ones((N, T, H), "f"))
    layer.forward(xs)
    for a, b in zip(held, kept, strict=True):
        assert_close("state", a, b, 0)


def test_get_state_of_a_language_model_survives_later_calls(rng):
    for cls in (models.RnnlmGen, models.BetterRnnlmGen):
        model = cls(V, H, H)
        model.predict(rng.integers(0, V, (N, T)))
        held = np.array(model.get_state())
        state = model.get_state()
        model.predict(rng.integers(0, V, (N, T)))
        assert_close("state", np.array(state), held, 0)


def test_float64_weights_give_float32_outputs_and_float64_states(cell, rng):
    layer = cell(np.float64, stateful=True)
    hs = layer.forward(xs_of(rng, N, T, D))
    dxs = layer.backward(xs_of(rng, N, T, H))
    for a in (hs, dxs):
        assert a.dtype == np.float32
        assert a.flags.c_contiguous
    assert all(a.dtype == np.float64 for a in (*states(layer), layer.dh, *layer.grads))
    assert_close("hs", hs, cell().forward(xs_of(np.random.default_rng(20260101), N, T, D)))


def test_float64_weights_of_an_embedding_and_in_float64_mode(rng):
    W, ids = rng.standard_normal((V, D)), rng.integers(0, V, (N, T))
    out = layers.TimeEmbedding(W).forward(ids)
    assert out.dtype == np.float32
    assert out.flags.c_contiguous
    with fasts2s.use_backend("numpy", dtype="float64"):
        assert layers.TimeEmbedding(W).forward(ids).dtype == np.float64
        layer = layers.TimeLSTM(*(rng.standard_normal(s) for s in ((D, 4 * H), (H, 4 * H), (4 * H,))))
    assert layer.forward(rng.standard_normal((N, T, D))).dtype == np.float64


def test_gru_takes_the_arguments_of_both_editions(rng):
    Wx, Wh, b = (xs_of(rng, *s) for s in ((D, 3 * H), (H, 3 * H), (3 * H,)))
    xs, zero = xs_of(rng, N, T, D), np.zeros(3 * H, "f")
    plain, korean = layers.TimeGRU(Wx, Wh, zero, True), layers.TimeGRU(Wx, Wh, True)
    assert [korean.stateful, len(korean.params), len(korean.grads)] == [True, 2, 2]
    assert_close("hs", korean.forward(xs), plain.forward(xs))
    assert not np.allclose(layers.TimeGRU(Wx, Wh, b).forward(xs), plain.forward(xs))
    dhs = xs_of(rng, N, T, H)
    for layer in (plain, korean):
        layer.reset_state()
        layer.forward(xs)
    assert_close("dxs", korean.backward(dhs), plain.backward(dhs), "gradient float32")
    for name, a, g in zip(("dWx", "dWh"), korean.grads, plain.grads, strict=False):
        assert_close(name, a, g, "gradient float32")
    x, h = xs_of(rng, N, D), xs_of(rng, N, H)
    assert_close("h", layers.GRU(Wx, Wh).forward(x, h), layers.GRU(Wx, Wh, zero).forward(x, h))


def test_eval_seq2seq_knows_both_spellings_of_verbose(rng, capsys):
    model, xs, ts = models.Seq2seq(V, D, H), rng.integers(0, V, (1, T)), rng.integers(0, V, (1, 4))
    letters = {i: chr(97 + i) for i in range(V)}
    texts = []
    for options in ({"verbose": True}, {"verbos": True}):
        eval_seq2seq(model, xs, ts, letters, **options)
        texts.append(capsys.readouterr().out)
    eval_seq2seq(model, xs, ts, letters, True)
    texts.append(capsys.readouterr().out)
    assert texts[0]
    assert texts == texts[:1] * 3
    eval_seq2seq(model, xs, ts, letters)
    assert not capsys.readouterr().out


@pytest.mark.parametrize("name", ["Embedding", "TimeEmbedding"])
def test_ids_out_of_range_are_index_errors_and_minus_one_is_the_last_row(name, rng):
    W = xs_of(rng, V, D)
    layer = getattr(layers, name)(W)
    ids = rng.integers(0, V, (N, T))
    for wrong in (V, -V - 1, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63)):
        ids[1, 2] = wrong
        with pytest.raises(IndexError, match=rf"{wrong} at position \(1, 2\), expected ids from -13 to 12"):
            layer.forward(ids)
    ids[1, 2] = -1
    assert_close("row", layer.forward(ids)[1, 2], W[V - 1], 0)
    ids[1, 2] = -V
    assert_close("row", layer.forward(ids)[1, 2], W[0], 0)


def test_bools_and_floats_are_no_ids(rng):
    for dtype in (bool, np.float32, np.float64):
        ids = np.ones((N, T), dtype)
        for name in ("Embedding", "TimeEmbedding"):
            with pytest.raises(ValueError, match=r"has dtype .*, expected an integer type"):
                getattr(layers, name)(xs_of(rng, V, D)).forward(ids)
        with pytest.raises(ValueError, match=r"has dtype .*, expected an integer type"):
            layers.TimeSoftmaxWithLoss().forward(xs_of(rng, N, T, V), ids)


def test_a_batch_of_ids_may_be_reused_before_backward(rng):
    ids, dout = rng.integers(0, V, (N, T)), xs_of(rng, N, T, D)
    layer, other = (layers.TimeEmbedding(np.zeros((V, D), "f")) for _ in range(2))
    layer.forward(ids)
    other.forward(ids.copy())
    ids[...] = 0
    layer.backward(dout)
    other.backward(dout)
    assert_close("dW", layer.grads[0], other.grads[0], 0)


def test_tied_weights(rng):
    embed_W, b = xs_of(rng, V, H), xs_of(rng, V)
    tied, free = layers.TimeAffine(embed_W.T, b), layers.TimeAffine(embed_W.T.copy(), b.copy())
    embed = layers.TimeEmbedding(embed_W)
    xs, dout, ids = xs_of(rng, N, T, H), xs_of(rng, N, T, V), rng.integers(0, V, (N, T))
    assert np.shares_memory(tied.params[0], embed.params[0])
    assert tied.grads[0].flags.f_contiguous
    assert not np.shares_memory(tied.grads[0], embed.grads[0])
    assert_close("out", tied.forward(xs), free.forward(xs))
    assert_close("dx", tied.backward(dout), free.backward(dout), "gradient float32")
    embed.forward(ids)
    embed.backward(np.ones((N, T, H), "f"))  # must not touch the gradient of the other layer
    for name, a, g in zip(("dW", "db"), tied.grads, free.grads, strict=True):
        assert_close(name, a, g, "gradient float32")
    embed_W *= 0.5
    assert_close("out after a step", tied.forward(xs) - b, (free.forward(xs) - b) / 2, 1e-5)


def test_attention_weights_are_a_list_that_an_array_can_be_made_of(rng):
    layer, dout = layers.TimeAttention(), xs_of(rng, N, T, H)
    layer.forward(xs_of(rng, N, 9, H), xs_of(rng, N, T, H))
    expected = layer.backward(dout)
    assert isinstance(layer.attention_weights, list)
    weights = np.array(layer.attention_weights)
    assert weights.shape == (T, N, 9)
    assert_close("sums", weights.sum(axis=2), np.ones((T, N)))
    for a in layer.attention_weights:
        a[...] = np.nan  # to look at, not to compute with
    for name, a, b in zip(("dhs_enc", "dhs_dec"), layer.backward(dout), expected, strict=True):
        assert_close(name, a, b, 0)


def test_writing_into_the_gradient_of_the_encoder_states_is_harmless(rng):
    # As the book's AttentionDecoder does: denc_hs[:, -1] += dh.
    encoder, layer = models.AttentionEncoder(V, D, H), layers.TimeAttention()
    enc_hs = encoder.forward(rng.integers(0, V, (N, 9)))
    layer.forward(enc_hs, xs_of(rng, N, T, H))
    kept, dout = enc_hs.copy(), xs_of(rng, N, T, H)
    denc_hs, ddec_hs = layer.backward(dout)
    expected = denc_hs.copy()
    denc_hs[:, -1] += 7
    ddec_hs += 7
    assert_close("enc_hs", enc_hs, kept, 0)
    assert_close("denc_hs", layer.backward(dout)[0], expected, 0)


def test_backward_before_forward_is_a_value_error():
    for record in LAYERS.values():
        with pytest.raises(ValueError, match="before forward"):
            record.build().backward(**valid(record.backward))
