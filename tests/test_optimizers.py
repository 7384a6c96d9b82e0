"""Optimisers, clipping, and the merging of shared weights."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from fasts2s.backend import use_backend
from fasts2s.models import BetterRnnlm
from fasts2s.optimizers import (
    SGD,
    AdaGrad,
    Adam,
    Momentum,
    Nesterov,
    RMSprop,
    clip_grads,
    clip_rate,
    remove_duplicate,
    takes_scale,
)
from fasts2s.testing import assert_close
from tests.sides import fetch, put


@pytest.fixture(autouse=True)
def _seed():
    np.random.seed(20260101)


# Each rule once more, for one number, with hyper-parameters of its own: (p, g, slots, step, lr) -> p, slots.


def sgd(p, g, slots, step, lr):
    return p - lr * g, {}


def momentum(p, g, slots, step, lr):
    v = 0.7 * slots.get("v", 0.0) - lr * g
    return p + v, {"v": v}


def nesterov(p, g, slots, step, lr):
    v = 0.7 * slots.get("v", 0.0) - lr * g
    return p + 0.49 * v - 1.7 * lr * g, {"v": v}


def adagrad(p, g, slots, step, lr):
    h = slots.get("h", 0.0) + g * g
    return p - lr * g / (math.sqrt(h) + 1e-7), {"h": h}


def rmsprop(p, g, slots, step, lr):
    h = 0.8 * slots.get("h", 0.0) + 0.2 * g * g
    return p - lr * g / (math.sqrt(h) + 1e-7), {"h": h}


def adam(p, g, slots, step, lr):
    m = 0.7 * slots.get("m", 0.0) + 0.3 * g
    v = 0.95 * slots.get("v", 0.0) + 0.05 * g * g
    rate = lr * math.sqrt(1 - 0.95**step) / (1 - 0.7**step)
    return p - rate * m / (math.sqrt(v) + 1e-7), {"m": m, "v": v}


RULES = {SGD: sgd, Momentum: momentum, Nesterov: nesterov, AdaGrad: adagrad, RMSprop: rmsprop, Adam: adam}
OPTIONS = {
    Momentum: {"momentum": 0.7},
    Nesterov: {"momentum": 0.7},
    RMSprop: {"decay_rate": 0.8},
    Adam: {"beta1": 0.7, "beta2": 0.95},
}
SHAPES = [(3, 5), (7,), (5, 3)]


def random_arrays(rng, dtype, shapes=SHAPES):
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("make", RULES, ids=lambda make: make.__name__)
def test_update_follows_its_rule_over_several_steps(make, dtype, backend, rng):
    params = random_arrays(rng, dtype)
    params[2] = np.asfortranarray(params[2])  # as the gradient of a tied matrix is
    wanted = [p.astype(float) for p in params]
    params = put(backend, *params)
    held = list(params)
    slots = [{} for p in params for _ in range(p.size)]
    optimizer = make(**OPTIONS.get(make, {}), backend=backend)
    for step in range(1, 6):
        optimizer.lr = 0.02 / step  # scripts assign it between updates
        grads = random_arrays(rng, dtype)
        given = put(backend, *(g.copy() for g in grads))
        optimizer.update(params, given)
        k = 0
        for p, g in zip(wanted, grads, strict=True):
            for index in np.ndindex(p.shape):
                p[index], slots[k] = RULES[make](p[index], float(g[index]), slots[k], step, optimizer.lr)
                k += 1
        assert all(np.array_equal(a, b) for a, b in zip(grads, fetch(given), strict=True))
    assert all(a is b for a, b in zip(params, held, strict=True))
    for i, (p, expected) in enumerate(zip(params, wanted, strict=True)):
        assert p.dtype == dtype
        assert_close(f"params[{i}]", p, expected, 1e-6 if dtype is np.float32 else 1e-13)


@pytest.mark.parametrize("max_norm", [0.5, None])
@pytest.mark.parametrize("make", RULES, ids=lambda make: make.__name__)
def test_scale_stands_for_clipped_gradients(make, max_norm, backend, rng):
    params = put(backend, *random_arrays(rng, np.float32))
    grads = put(backend, *random_arrays(rng, np.float32))
    wanted, clipped = [p.copy() for p in params], [g.copy() for g in grads]
    folded, plain = make(backend=backend), make(backend=backend)
    for _ in range(3):
        folded.update(params, grads, scale=clip_rate(clip_grads(grads, None), max_norm))
        clip_grads(clipped, max_norm)
        plain.update(wanted, clipped)
        clipped = [g.copy() for g in grads]
    for p, expected in zip(params, wanted, strict=True):
        assert_close("parameter", p, expected, 1e-6)


def test_only_the_updates_of_this_package_are_given_a_scale():
    class Louder(SGD):
        def update(self, params, grads):
            super().update(params, [2 * g for g in grads])

    class Renamed(Adam):
        pass

    assert takes_scale(SGD())
    assert takes_scale(Renamed())
    assert not takes_scale(Louder())
    assert not takes_scale(SimpleNamespace(update=lambda params, grads: None))


def test_defaults_are_the_books():
    assert [make().lr for make in RULES] == [0.01, 0.01, 0.01, 0.01, 0.01, 0.001]
    assert (Momentum().momentum, Nesterov().momentum, RMSprop().decay_rate) == (0.9, 0.9, 0.99)
    assert (Adam().beta1, Adam().beta2, Adam().iter) == (0.9, 0.999, 0)
    assert SGD(0.5).lr == Momentum(0.5, 0.1).lr == Adam(0.5, 0.1, 0.2).lr == 0.5


@pytest.mark.parametrize("make", RULES, ids=lambda make: make.__name__)
def test_a_refused_update_changes_nothing(make, rng):
    params, grads = random_arrays(rng, np.float32), random_arrays(rng, np.float32)
    before = [p.copy() for p in params]
    optimizer, fresh = make(), make()
    for wrong in (grads[:2], [*grads[:2], grads[0]], [*grads, grads[0]]):
        with pytest.raises(ValueError, match=r"grads"):
            optimizer.update(params, wrong)
    assert all(np.array_equal(a, b) for a, b in zip(params, before, strict=True))
    optimizer.update(params, grads)
    fresh.update(before, grads)
    assert all(np.array_equal(a, b) for a, b in zip(params, before, strict=True))


def test_slots_are_by_position(rng):
    params, optimizer = random_arrays(rng, np.float32), Adam()
    for count in (1, 2):
        optimizer.update(params, random_arrays(rng, np.float32))
        assert optimizer.iter == count
        assert [m.shape for m in optimizer.m] == [v.shape for v in optimizer.v] == SHAPES
    with pytest.raises(ValueError, match="m holds 3 arrays, expected 2"):
        optimizer.update(params[:2], params[:2])


# ---- clipping ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1], [0, 0, 2], [1, 2, 1, 0]], ids=str)
@pytest.mark.parametrize("max_norm", [None, 0.25, 1e3, 0])
def test_clip_grads_scales_the_whole_list(order, max_norm, backend, rng):
    grads = random_arrays(rng, np.float32)
    grads[2] = np.asfortranarray(grads[2])
    grads[0] = grads[0][::-1]
    listed = [grads[k] for k in order]
    wanted = [g.astype(float) for g in grads]
    norm = math.sqrt(sum((wanted[k] ** 2).sum() for k in order))
    if max_norm is not None and max_norm / (norm + 1e-6) < 1:
        for k in order:  # what stands twice is scaled twice, as in the book
            wanted[k] *= max_norm / (norm + 1e-6)
    with use_backend(backend):
        came = clip_grads(listed, max_norm)
    assert type(came) is float
    assert came == pytest.approx(norm, rel=1e-6)
    for k, g in enumerate(grads):
        assert_close(f"grads[{k}]", g, wanted[k])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_clip_grads_leaves_nonfinite_gradients_to_the_caller(bad, backend, rng):
    grads = random_arrays(rng, np.float32)
    grads[1][2] = bad
    before = [g.tobytes() for g in grads]
    with use_backend(backend):
        assert not math.isfinite(clip_grads(grads, 0.1))
    assert [g.tobytes() for g in grads] == before


def test_clip_grads_of_huge_gradients_does_not_overflow(backend):
    grads = [np.full((3, 5), 1e30, np.float32)]
    with use_backend(backend):
        assert clip_grads(grads, 1.0) == pytest.approx(1e30 * math.sqrt(15), rel=1e-6)
    assert_close("grads[0]", grads[0], np.full((3, 5), 1 / math.sqrt(15)))


def test_clip_grads_of_nothing():
    assert clip_grads([], 1.0) == 0.0


# ---- shared weights ----------------------------------------------------------------------------------------------


def merged_by_value(params, grads):
    """Positions of the parameters that stay, and sums: every later parameter goes to the first one it is equal to."""
    stay, sums = [], []
    for i, (p, g) in enumerate(zip(params, grads, strict=True)):
        for k, first in enumerate(stay):
            kept = params[first]
            if kept is p:
                sums[k] = sums[k] + g
                break
            if kept.ndim == p.ndim == 2 and kept.shape == p.shape[::-1] and (kept == p.T).all():
                sums[k] = sums[k] + g.T
                break
        else:
            stay.append(i)
            sums.append(g.copy())
    return stay, sums


def shared_lists(rng):
    W, S = rng.standard_normal((3, 5)), rng.standard_normal((5, 5))
    b, Z = rng.standard_normal(5), np.zeros((3, 3))
    return {
        "nothing shared": [W, S, b, W * 2],
        "the same array": [W, b, W, S, b, W],
        "a transposed view": [W, b, W.T],
        "the view first": [W.T, S, W],
        "equal values in other memory": [b, W, W.T.copy(), S],
        "equal but not transposed": [W, W.copy(), S, S.copy()],
        "zero squares": [Z, b, np.zeros((3, 3)), np.zeros((3, 5)), np.zeros((5, 3))],
        "a symmetric matrix twice": [S + S.T, (S + S.T).copy()],
        "equal vectors": [b, b.copy()],
        "one element apart": [W, W.T + np.eye(5, 3) * (np.arange(5) == 4)[:, None] + 1e-9],
        "three of a kind": [W, W.T, W, S, W.T.copy()],
        "one": [W],
        "none": [],
    }


@pytest.mark.parametrize("case", shared_lists(np.random.default_rng(0)))
def test_remove_duplicate_merges_what_has_the_same_values(case, rng):
    params = shared_lists(rng)[case]
    grads = [rng.standard_normal(p.shape) for p in params]
    given = (list(params), list(grads))
    stay, sums = merged_by_value(params, grads)
    got_params, got_grads = remove_duplicate(params, grads)
    assert [id(p) for p in got_params] == [id(params[k]) for k in stay]
    for k, (g, expected) in enumerate(zip(got_grads, sums, strict=True)):
        assert_close(f"grads[{k}]", g, expected, 1e-14)
    # The lists come back as copies, the sums stand in the very arrays of the layers.
    assert [id(g) for g in got_grads] == [id(grads[k]) for k in stay]
    assert ([id(p) for p in params], [id(g) for g in grads]) == tuple([id(a) for a in list_] for list_ in given)
    assert got_params is not params
    assert got_grads is not grads


@pytest.mark.parametrize("turned", [False, True])
def test_remove_duplicate_sums_many_large_gradients_in_their_order(rng, turned):
    """More numbers than are summed up at once: the same bits as one sum after the other."""
    W, grads = np.ones((500, 201), np.float32), [rng.standard_normal((500, 201)).astype(np.float32) for _ in range(5)]
    params = [W] * 5
    if turned:
        params[2], grads[2] = W.T, np.ascontiguousarray(grads[2].T)
    wanted = grads[0].copy()
    for g in grads[1:]:
        wanted += g if g.shape == wanted.shape else g.T
    others = [g.copy() for g in grads[1:]]
    (param,), (found,) = remove_duplicate(params, grads)
    assert param is W
    assert found is grads[0]
    assert np.array_equal(found, wanted)
    assert all(map(np.array_equal, grads[1:], others))


@pytest.mark.parametrize("order", "CF")
def test_adam_of_many_numbers_is_that_of_one(rng, order):
    """The reference works piece by piece: to the bit what the whole array gives at once."""
    p, g = (np.asarray(rng.standard_normal((300, 251)).astype(np.float32), order=order) for _ in range(2))
    wanted, m, v = p.copy(), np.zeros_like(p), np.zeros_like(p)
    m += (1 - 0.9) * (g - m)
    v += (1 - 0.999) * (g**2 - v)
    wanted -= 0.001 * np.sqrt(1.0 - np.float64(0.999) ** 1) / (1.0 - np.float64(0.9) ** 1) * m / (np.sqrt(v) + 1e-7)
    with use_backend("numpy"):
        Adam().update([p], [g])
    assert np.array_equal(p, wanted)


def test_remove_duplicate_keeps_a_tie_that_holds_nan(rng):
    W = rng.standard_normal((7, 5)).astype(np.float32)
    W[3, 2] = np.nan
    dW, dWt = rng.standard_normal((7, 5)), rng.standard_normal((5, 7))
    wanted = dW + dWt.T
    params, grads = remove_duplicate([W, W.T], [dW, dWt])
    assert len(params) == 1
    assert_close("dW", grads[0], wanted, 1e-15)


def test_remove_duplicate_does_not_take_other_views_of_one_memory_for_a_tie(rng):
    memory = rng.standard_normal((6, 5))
    params = [memory[:5], memory[1:].T, memory[:5, ::-1].T]
    assert len(remove_duplicate(params, [np.zeros((5, 5)) for _ in params])[0]) == 3


def test_remove_duplicate_ties_the_output_of_better_rnnlm_to_its_embedding(rng):
    model = BetterRnnlm(11, 7, 7, dropout_ratio=0.0)
    model.forward(rng.integers(0, 11, (3, 5)), rng.integers(0, 11, (3, 5)))
    model.backward()
    before = [g.copy() for g in model.grads]
    params, grads = remove_duplicate(model.params, model.grads)
    assert (len(model.params), len(params)) == (9, 8)
    assert_close("embed_W", grads[0], before[0] + before[7].T)
    assert grads[0] is model.grads[0]


def test_the_factor_of_a_norm(backend):
    with use_backend(backend):
        assert clip_rate(2.0, 0.5) == pytest.approx(0.25, rel=1e-6)
        assert [clip_rate(norm, 0.5) for norm in (0.4, 0.0, float("inf"), float("nan"))] == [1.0] * 4
        with pytest.raises(ValueError, match=r"norm is -13\.0, expected a number >= 0"):
            clip_rate(-13, None)
