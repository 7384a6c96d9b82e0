"""Parameter updates against formulas on single numbers, and clipping."""

import math

import numpy as np
import pytest

from fasts2s.testing import assert_close
from fasts2s_kernels.backends import numpy as reference

SHAPES = [(3, 5), (7,), (), (0, 4), (2, 3, 5)]
STEPS = 7

# Each rule takes one number p, its slots, its gradient g and the step from 1; it returns p and changes the slots.


def _sgd(p, slots, g, step, lr):
    return p - lr * g


def _momentum(p, slots, g, step, lr, momentum):
    slots[0] = momentum * slots[0] - lr * g
    return p + slots[0]


def _nesterov(p, slots, g, step, lr, momentum):
    slots[0] = momentum * slots[0] - lr * g
    return p + momentum**2 * slots[0] - (1 + momentum) * lr * g


def _adagrad(p, slots, g, step, lr):
    slots[0] += g * g
    return p - lr * g / (math.sqrt(slots[0]) + 1e-7)


def _rmsprop(p, slots, g, step, lr, decay_rate):
    slots[0] = decay_rate * slots[0] + (1 - decay_rate) * g * g
    return p - lr * g / (math.sqrt(slots[0]) + 1e-7)


def _adam(p, slots, g, step, lr, beta1, beta2):
    slots[0] += (1 - beta1) * (g - slots[0])
    slots[1] += (1 - beta2) * (g * g - slots[1])
    rate = lr * math.sqrt(1 - beta2**step) / (1 - beta1**step)
    return p - rate * slots[0] / (math.sqrt(slots[1]) + 1e-7)


RULES = {
    "sgd": (_sgd, 0, {"lr": 0.1}),
    "momentum": (_momentum, 1, {"lr": 0.1, "momentum": 0.8}),
    "nesterov": (_nesterov, 1, {"lr": 0.1, "momentum": 0.8}),
    "adagrad": (_adagrad, 1, {"lr": 0.1}),
    "rmsprop": (_rmsprop, 1, {"lr": 0.1, "decay_rate": 0.95}),
    "adam": (_adam, 2, {"lr": 0.1, "beta1": 0.8, "beta2": 0.95}),
}


@pytest.fixture(params=RULES)
def name(request):
    return request.param


def _start(rng, name, dtype=np.float64, shapes=SHAPES):
    params = [np.asarray(rng.standard_normal(s), dtype=dtype) for s in shapes]
    return params, [[np.zeros_like(p) for p in params] for _ in range(RULES[name][1])]


def _gradients(rng, params):
    return [np.asarray(rng.standard_normal(p.shape) * 10.0 ** rng.integers(-3, 2), dtype=p.dtype) for p in params]


def _update(kernels, name, params, grads, slots, step, **more):
    keywords = RULES[name][2] | ({"step": step} if name == "adam" else {}) | more
    getattr(kernels, f"{name}_update")(params, grads, *slots, **keywords)


def _put(kernels, arrays):
    return [kernels.asarray(a.copy()) for a in arrays]


def _expected(name, params, slots, all_grads):
    rule, _, keywords = RULES[name]
    params, slots = [p.copy() for p in params], [[s.copy() for s in group] for group in slots]
    for step, grads in enumerate(all_grads, 1):
        for k, p in enumerate(params):
            for index in np.ndindex(p.shape):
                own = [float(group[k][index]) for group in slots]
                p[index] = rule(float(p[index]), own, float(grads[k][index]), step, **keywords)
                for group, value in zip(slots, own, strict=True):
                    group[k][index] = value
    return params, slots


def test_several_steps_of_the_reference(rng, name):
    params, slots = _start(rng, name)
    all_grads = [_gradients(rng, params) for _ in range(STEPS)]
    moved, held = _put(reference, params), [_put(reference, group) for group in slots]
    for step, grads in enumerate(all_grads, 1):
        _update(reference, name, moved, _put(reference, grads), held, step)
    expected, expected_slots = _expected(name, params, slots, all_grads)
    for k, shape in enumerate(SHAPES):
        assert_close(f"parameter {shape}", moved[k], expected[k], 1e-13)
        for s, group in enumerate(expected_slots):
            assert_close(f"slot {s} of {shape}", held[s][k], group[k], 1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [0.1, 1.0])
def test_scale_is_that_of_the_gradients(kernels, rng, name, dtype, scale):
    params, slots = _start(rng, name, dtype)
    grads = _gradients(rng, params)
    moved, given, held = _put(kernels, params), _put(kernels, grads), [_put(kernels, group) for group in slots]
    wanted, kept = _put(kernels, params), [_put(kernels, group) for group in slots]
    for step in (1, 2):
        _update(kernels, name, moved, given, held, step, scale=scale)
        _update(kernels, name, wanted, _put(kernels, [g * g.dtype.type(scale) for g in grads]), kept, step)
    for found, expected in zip([moved, *held], [wanted, *kept], strict=True):
        for a, b in zip(found, expected, strict=True):
            # In the kernels a product and a sum may be rounded once.
            assert_close("parameter or slot", kernels.to_numpy(a), kernels.to_numpy(b), 16 * np.finfo(dtype).eps)
    assert all(np.array_equal(kernels.to_numpy(g), before) for g, before in zip(given, grads, strict=True))


def test_update_is_in_place_and_leaves_the_gradients(kernels, rng, name):
    params, slots = _start(rng, name)
    grads = _gradients(rng, params)
    moved, given, held = _put(kernels, params), _put(kernels, grads), [_put(kernels, group) for group in slots]
    views = [p[...] for p in moved]
    lists = moved[:]
    _update(kernels, name, moved, given, held, 1)
    assert all(a is b for a, b in zip(moved, lists, strict=True))
    for p, view, before in zip(moved, views, params, strict=True):
        assert np.array_equal(kernels.to_numpy(view), kernels.to_numpy(p))
        assert before.size == 0 or not np.array_equal(kernels.to_numpy(p), before)
    for g, before in zip(given, grads, strict=True):
        assert np.array_equal(kernels.to_numpy(g), before)


def test_memory_order_does_not_matter(kernels, rng, name):
    # The output matrix of tied weights is the transposed view of the embedding, so it comes in Fortran order.
    params, slots = _start(rng, name, shapes=[(3, 5)])
    grads = _gradients(rng, params)
    moved, held = _put(kernels, params), [_put(kernels, group) for group in slots]
    _update(kernels, name, moved, _put(kernels, grads), held, 1)
    memory = kernels.asarray(np.ascontiguousarray(params[0].T))
    given = [kernels.asarray(np.ascontiguousarray(grads[0].T)).T]
    _update(kernels, name, [memory.T], given, [_put(kernels, group) for group in slots], 1)
    assert_close("parameter", kernels.to_numpy(memory).T, kernels.to_numpy(moved[0]), 1e-15)


def test_nothing_to_update(kernels, name):
    _update(kernels, name, [], [], [[] for _ in range(RULES[name][1])], 1)


def test_lists_that_do_not_match_are_refused_before_anything_changes(kernels, rng, name):
    params, slots = _start(rng, name, shapes=[(3, 5), (7,)])
    moved = _put(kernels, params)
    held = [_put(kernels, group) for group in slots]
    for wrong in ([np.ones((3, 5))], [np.ones((3, 5)), np.ones(1)], [np.ones((5, 3)), np.ones(7)]):
        with pytest.raises(ValueError, match="grads"):
            _update(kernels, name, moved, _put(kernels, wrong), held, 1)
    for p, before in zip(moved, params, strict=True):
        assert np.array_equal(kernels.to_numpy(p), before)


def test_integer_parameters_are_a_value_error(kernels, name):
    slots = [_put(kernels, [np.zeros(3)]) for _ in range(RULES[name][1])]
    with pytest.raises(ValueError, match="params"):
        _update(kernels, name, _put(kernels, [np.arange(3)]), _put(kernels, [np.ones(3)]), slots, 1)


# ---- clip_grads -----------------------------------------------------------------------------------------


def _clip(kernels, grads, max_norm):
    given = _put(kernels, grads)
    norm = kernels.clip_grads(given, max_norm)
    # On a device the number stays there until somebody wants it.
    assert type(norm) is float or (norm.shape == () and norm.dtype == np.float64)
    return float(norm), [kernels.to_numpy(g) for g in given]


@pytest.mark.parametrize("case", ["the same", "overlapping", "many"])
def test_parameters_that_share_memory_are_updated_one_after_the_other(kernels, rng, case):
    memory = rng.standard_normal(70_000).astype(np.float32)
    places = {"the same": [(0, 70_000)] * 2, "overlapping": [(0, 50_000), (20_000, 70_000)]}
    places["many"] = [(k, k + 20_000) for k in range(0, 50_000, 7_000)]
    grads = [rng.standard_normal(b - a).astype(np.float32) for a, b in places[case]]
    slots = [np.zeros_like(g) for g in grads]
    expected = memory.astype(np.float64)
    velocity = [np.zeros(g.size) for g in grads]
    for v, g, (a, b) in zip(velocity, grads, places[case], strict=True):
        v -= 0.5 * g
        expected[a:b] += v
    held = kernels.asarray(memory)
    views = [held[a:b] for a, b in places[case]]
    kernels.momentum_update(views, _put(kernels, grads), _put(kernels, slots), lr=0.5, momentum=0.9)
    assert_close("memory", kernels.to_numpy(held), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clip_scales_all_gradients_alike(kernels, rng, dtype):
    grads = [np.asarray(rng.standard_normal(s), dtype) for s in SHAPES]
    expected = math.sqrt(math.fsum(float(v) ** 2 for g in grads for v in g.ravel()))
    norm, clipped = _clip(kernels, grads, 0.25)
    assert abs(norm - expected) < 1e-14 * expected
    for g, before in zip(clipped, grads, strict=True):
        assert g.dtype == dtype
        assert_close("gradient", g, before.astype(np.float64) * (0.25 / (expected + 1e-6)), 1e-7)


@pytest.mark.parametrize("max_norm", [1e9, None, math.inf])
def test_clip_leaves_small_gradients_alone(kernels, rng, max_norm):
    grads = [rng.standard_normal(s) for s in ((3, 5), (7,))]
    norm, clipped = _clip(kernels, grads, max_norm)
    assert abs(norm - math.sqrt(sum((g**2).sum() for g in grads))) < 1e-14
    for g, before in zip(clipped, grads, strict=True):
        assert np.array_equal(g, before)


def test_clip_below_and_above_the_limit(kernels):
    grads = [np.array([3.0, 0.0]), np.array([[4.0]])]
    _, below = _clip(kernels, grads, 5.01)
    assert np.array_equal(below[0], grads[0])
    norm, above = _clip(kernels, grads, 4.99)
    assert norm == 5.0
    assert abs(math.hypot(above[0][0], above[1][0, 0]) - 4.99) < 2e-6


@pytest.mark.parametrize("junk", [np.nan, np.inf, -np.inf])
def test_clip_changes_nothing_where_the_norm_is_not_finite(kernels, rng, junk):
    grads = [rng.standard_normal(s) * 100 for s in ((3, 5), (7,))]
    grads[1][2] = junk
    norm, clipped = _clip(kernels, grads, 0.25)
    assert not math.isfinite(norm)
    for g, before in zip(clipped, grads, strict=True):
        assert np.array_equal(g, before, equal_nan=True)


@pytest.mark.parametrize("size", [1e25, 1e30, 1e-30])
def test_clip_measures_float32_beyond_the_range_of_its_squares(kernels, rng, size):
    grads = [(rng.uniform(0.5, 1, size=s) * size).astype(np.float32) for s in ((3, 5), (7,))]
    exact = math.sqrt(sum((g.astype(np.float64) ** 2).sum() for g in grads))
    norm, clipped = _clip(kernels, grads, 0.25)
    assert abs(norm - exact) < 1e-14 * exact
    after = math.sqrt(sum((g.astype(np.float64) ** 2).sum() for g in clipped))
    assert abs(after - min(0.25, exact)) < 1e-6 * min(0.25, exact)


def test_clip_of_nothing(kernels):
    assert _clip(kernels, [], 0.25) == (0.0, [])
    norm, clipped = _clip(kernels, [np.zeros((0, 3)), np.zeros(5)], 0.25)
    assert norm == 0.0
    assert not clipped[1].any()


def test_clip_of_integers_is_a_value_error(kernels):
    with pytest.raises(ValueError, match="grads"):
        _clip(kernels, [np.array([3, 4])], 1.0)
