"""Language models of any layers: step by step as all at once, and no layer passed over."""

import numpy as np
import pytest

from fasts2s import initial_weights as init
from fasts2s.backend import get_backend, to_cpu
from fasts2s.generation import greedy
from fasts2s.layers import (
    Simple_TimeAffine,
    TimeAffine,
    TimeBiLSTM,
    TimeDropout,
    TimeEmbedding,
    TimeGRU,
    TimeLSTM,
    TimeRNN,
)
from fasts2s.models import Rnnlm
from fasts2s.testing import assert_close
from tests.sides import fetch, put

V, D, H, N, T = 13, 5, 7, 3, 6
GATES = {TimeRNN: 1, TimeGRU: 3, TimeLSTM: 4}


class Doubled:
    """A reader's own layer: twice its input, and the sum of what it saw."""

    def __init__(self, stateful=True):
        self.params, self.grads, self.stateful, self.seen = [], [], stateful, 0

    def forward(self, xs):
        self.seen = xs.sum(axis=1) + self.seen
        return 2 * xs

    def backward(self, dout):
        return 2 * dout


class Stepping(Doubled):
    def step(self, x, state):
        return 2 * x, x if state is None else state + x

    def reset_state(self):
        self.seen = 0


def model_of(make, backend, *more):
    be = get_backend(backend)
    weights = init.recurrent(GATES.get(make, 4), D, H, be)
    if make is TimeBiLSTM:
        middle, wide = TimeBiLSTM(*weights, *init.recurrent(4, D, H, be), True, backend=be), 2 * H
    else:
        middle, wide = make(*weights, stateful=True, backend=be), H
    embed = TimeEmbedding(init.embedding(V, D, be), backend=be)
    model = Rnnlm(V, D, H, backend=be)
    model.layers = [embed, middle, TimeDropout(backend=be), *more, TimeAffine(*init.affine(wide, V, be), backend=be)]
    model.layers[2].train_flg = False
    model.params = [p for layer in model.layers for p in layer.params]
    for p in model.params:
        p *= 3
    return model


@pytest.mark.parametrize("more", [(), (Stepping,)], ids=["own layers", "a reader's too"])
@pytest.mark.parametrize("make", GATES)
def test_single_steps_give_the_scores_of_the_whole(make, more, backend, rng):
    model, ids = model_of(make, backend, *(layer() for layer in more)), rng.integers(0, V, (N, T))
    expected, state = to_cpu(model.predict(ids)), None
    held = fetch([model.layers[1].h])[0]
    for t in range(T):
        scores, state = model.step(ids[:, t], state)
        assert_close(f"scores {t}", scores, expected[:, t], 1e-5)
    assert np.array_equal(fetch([model.layers[1].h])[0], held)  # beside the layers


@pytest.mark.parametrize("make", GATES)
def test_reset_state_resets_every_layer_that_has_a_state(make, backend, rng):
    model, ids = model_of(make, backend, Stepping()), rng.integers(0, V, (N, T))
    first = to_cpu(model.predict(ids))
    assert not np.array_equal(to_cpu(model.predict(ids)), first)
    model.reset_state()
    assert np.array_equal(to_cpu(model.predict(ids)), first)
    model.reset_state()
    assert isinstance(model.layers[3].seen, int)


def test_a_layer_that_reads_backwards_has_a_state_but_no_step(backend, rng):
    model, ids = model_of(TimeBiLSTM, backend), rng.integers(0, V, (N, T))
    first = to_cpu(model.predict(ids))
    model.reset_state()
    assert np.array_equal(to_cpu(model.predict(ids)), first)
    with pytest.raises(ValueError, match="a TimeBiLSTM has no single step: it reads the text backwards too"):
        model.step(ids[:, 0], None)
    with pytest.raises(ValueError, match="a TimeBiLSTM has no single step"):
        greedy(model.step, None, ids[:, 0], 3)


def test_a_layer_of_a_reader_without_these_methods_is_named(rng):
    model = model_of(TimeGRU, "numpy", Doubled())
    missing = (
        r"layers\[3\] is a Doubled, which has no step\(x, state\), expected.*Add step\(self, x, state\) to Doubled"
    )
    with pytest.raises(ValueError, match=missing):
        greedy(model.step, None, np.zeros(N, int), 3)
    with pytest.raises(ValueError, match=r"layers\[3\] is a Doubled, stateful, but has no reset_state\(\), expected"):
        model.reset_state()
    model.layers[3].stateful = False
    model.reset_state()


@pytest.mark.parametrize("made", [np.zeros((2, H), "f"), [1, 2], None, (1, 2, 3)], ids=["array", "list", "None", "3"])
def test_a_step_that_returns_no_pair_is_named(made):
    class Wrong(Doubled):
        def step(self, x, state):
            return made

    model = model_of(TimeGRU, "numpy", Wrong())
    with pytest.raises(ValueError, match=r"step\(\) of layers\[3\], a Wrong, returned a .*, expected a pair"):
        model.step(np.zeros(2, int), None)


@pytest.mark.parametrize("make", GATES)
def test_words_drawn_by_steps_are_those_drawn_by_the_whole(make, backend, rng):
    """What :mod:`fasts2s.generation` chooses is what the model itself scores best, word after word."""
    model, starts = model_of(make, backend, Stepping()), rng.integers(0, V, N)
    chosen = np.array(greedy(model.step, None, starts, T))
    model.reset_state()
    ids = np.concatenate((starts[:, None], chosen), axis=1)[:, :-1]
    best = to_cpu(model.predict(ids)).argmax(axis=2)
    assert np.array_equal(chosen, best)
    assert len({tuple(row) for row in chosen.tolist()}) > 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("make", [*GATES, TimeEmbedding, TimeAffine])
def test_a_step_has_the_dtype_of_forward(make, dtype, backend, rng):
    def array(*shape):
        return put(backend, rng.standard_normal(shape).astype(dtype))

    if make is TimeEmbedding:
        layer, xs = make(array(V, D), backend=backend), rng.integers(0, V, (N, T))
    elif make is TimeAffine:
        layer, xs = make(array(D, V), array(V), backend=backend), array(N, T, D)
    else:
        g = GATES[make] * H
        layer, xs = make(array(D, g), array(H, g), array(g), True, backend=backend), array(N, T, D)
    out, state = layer.step(xs[:, 0], None)
    wanted = layer.forward(xs)
    assert out.dtype == wanted.dtype
    assert_close("out", out, wanted[:, 0])
    if make in GATES:  # the state keeps the digits that the output has not
        assert (state[0] if isinstance(state, tuple) else state).dtype == layer.h.dtype == dtype


def test_a_simple_affine_steps(rng):
    W, b, x = (rng.standard_normal(s).astype("f") for s in ((H, V), (V,), (N, H)))
    out, state = Simple_TimeAffine(W, b).step(x, None)
    assert_close("out", out, x @ W + b)
    assert state is None


def test_the_states_of_both_directions_are_set_and_forgotten(backend, rng):
    def layer():
        np.random.seed(4)
        be = get_backend(backend)
        return TimeBiLSTM(*init.recurrent(4, D, H, be), *init.recurrent(4, D, H, be), True, backend=be)

    made, xs = layer(), put(backend, rng.standard_normal((N, T, D)).astype("f"))
    states = [tuple(put(backend, *(rng.standard_normal((N, H)).astype("f") for _ in "hc"))) for _ in range(2)]
    fresh = to_cpu(made.forward(xs))
    made.set_state(*states)
    found = to_cpu(made.forward(xs))
    apart = layer()
    for part, state in zip((apart.forward_lstm, apart.backward_lstm), states, strict=True):
        part.set_state(*state)
    assert np.array_equal(found, to_cpu(apart.forward(xs)))
    assert not np.array_equal(found, fresh)
    made.set_state(None, None)
    assert np.array_equal(to_cpu(made.forward(xs)), fresh)
    made.reset_state()
    assert np.array_equal(to_cpu(made.forward(xs)), fresh)
    with pytest.raises(ValueError, match=r"backward is .*, expected a pair \(h, c\)"):
        made.set_state(states[0], states[1][0])
    with pytest.raises(ValueError, match=r"reset_state\(\)"):
        made.forward(xs[:1])
    made.reset_state()
    assert made.forward(xs[:1]).shape == (1, T, 2 * H)
