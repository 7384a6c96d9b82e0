"""What every layer promises the book's code: arrays that live for ever, fresh results, any layout, copies."""

import copy
import pickle

import numpy as np
import pytest

import fasts2s
from fasts2s import layers
from fasts2s.testing import assert_close, check_layer
from tests.records import HOST, LAYERS, SIZES, classes, valid

RANDOM = ("Dropout", "TimeDropout")
WITH_PARAMS = [n for n, record in LAYERS.items() if getattr(record.build(), "params", None)]
LAYOUTS = {
    "Fortran order": np.asfortranarray,
    "negative strides": lambda a: np.flip(np.flip(a).copy()),
    "every second": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "inside of more": lambda a: np.pad(a, 1)[(slice(1, -1),) * a.ndim],
}


@pytest.fixture(autouse=True, params=HOST)
def _backend(request):
    with fasts2s.use_backend(request.param):
        yield


@pytest.fixture(params=LAYERS)
def name(request):
    return request.param


def parts(result):
    """The arrays of a result as a list, without None."""
    return [p for p in (result if isinstance(result, tuple) else (result,)) if p is not None]


def grads(layer):
    return layer.grads if hasattr(layer, "grads") else [layer.dW, layer.db]


def run(layer, name, forward=None, backward=None):
    """Outputs, gradients of the inputs and of the weights, as copies; random draws are always the same."""
    np.random.seed(9)
    out = parts(layer.forward(**(forward or valid(LAYERS[name].forward))))
    out = [np.array(a) for a in out]
    back = parts(layer.backward(**(backward or valid(LAYERS[name].backward))))
    return [np.array(a) for a in (*out, *back, *grads(layer))]


def change(arguments, function):
    return {k: function(v) if isinstance(v, np.ndarray) else v for k, v in arguments.items()}


def assert_same(actual, expected):
    assert len(actual) == len(expected)
    for k, (a, b) in enumerate(zip(actual, expected, strict=True)):
        assert a.dtype == b.dtype, k
        np.testing.assert_array_equal(a, b, err_msg=f"array {k}")


class Pair:
    """A layer of two gradients as one of a single argument, for check_layer."""

    def __init__(self, layer):
        self.layer, self.grads = layer, layer.grads

    def forward(self, *inputs):
        return np.stack(self.layer.forward(*inputs))

    def backward(self, dout):
        return self.layer.backward(*dout)


def test_every_layer_has_a_record():
    assert set(LAYERS) == classes(layers)


def test_check_layer(name):
    record = LAYERS[name]
    layer, forward, backward = record.build(), valid(record.forward), valid(record.backward)
    if name in RANDOM:
        layer.train_flg = False
        forward = {k: False if k == "train_flg" else v for k, v in forward.items()}
    if len(backward) > 1 and not name.startswith("Time"):
        layer, backward = Pair(layer), {"dout": np.stack(list(backward.values()))}
    if name == "Simple_TimeAffine":
        layer.grads = []  # the book's class has none: dW and db are made by backward
    check_layer(layer, list(forward.values()), next(iter(backward.values())))


def test_grads_are_the_same_arrays_for_life_and_overwritten(name):
    layer = LAYERS[name].build()
    held = list(grads(layer))
    first = run(layer, name)
    for g in grads(layer):
        g[...] = np.nan
    assert_same(run(layer, name), first)
    if name != "Simple_TimeAffine":
        assert all(a is b for a, b in zip(held, grads(layer), strict=True))


def test_params_and_grads_are_lists_of_the_given_arrays():
    W, b = np.ones((3, 5), "f"), np.zeros(5, "f")
    layer = layers.TimeAffine(W, b)
    assert isinstance(layer.params, list)
    assert isinstance(layer.grads, list)
    assert layer.params[0] is W
    assert layer.params[1] is b


@pytest.mark.parametrize("name", WITH_PARAMS)
def test_weights_changed_in_place_are_seen(name):
    changed, expected = LAYERS[name].build(), LAYERS[name].build()
    run(changed, name)  # whatever could be kept from the old weights is kept now
    for p, q in zip(changed.params, expected.params, strict=True):
        p *= 1.5
        q *= 1.5
    assert_same(run(changed, name), run(expected, name))


@pytest.mark.parametrize("name", [n for n in WITH_PARAMS if n not in ("TimeEmbedding", "TimeBiLSTM")])
def test_replaced_params_are_seen(name):
    replaced, expected = LAYERS[name].build(), LAYERS[name].build()
    run(replaced, name)
    for i, q in enumerate(expected.params):
        q *= 1.5
        replaced.params[i] = q.copy()
    assert_same(run(replaced, name), run(expected, name))


def test_time_embedding_reads_the_attribute_w_and_simple_time_affine_too(rng):
    V, D = SIZES["V"], SIZES["D"]
    ids, W, other = rng.integers(0, V, (3, 5)), rng.random((V, D), "f"), rng.random((V, D), "f")
    layer = layers.TimeEmbedding(W)
    layer.params[0] = other
    assert_close("params[0] replaced", layer.forward(ids), W[ids], 0)
    layer.W = other
    assert_close("W replaced", layer.forward(ids), other[ids], 0)
    affine, xs = layers.Simple_TimeAffine(W, np.zeros(D, "f")), rng.random((3, 5, V), "f")
    affine.W = other
    assert_close("W replaced", affine.forward(xs), xs @ other)


def test_results_are_fresh_and_writing_into_them_is_harmless(name):
    record, layer = LAYERS[name], LAYERS[name].build()
    expected = run(record.build(), name)
    np.random.seed(9)
    outputs = parts(layer.forward(**valid(record.forward)))
    kept = [np.array(a) for a in outputs]
    for a in outputs:
        if np.ndim(a):
            a[...] = np.nan
    backward = valid(record.backward)
    for a in parts(layer.backward(**backward)):
        a[...] = np.nan
    again = [np.array(a) for a in parts(layer.backward(**backward))]
    assert_same([*kept, *again, *grads(layer)], expected)


def test_results_survive_later_calls(name):
    record, layer = LAYERS[name], LAYERS[name].build()
    results = [*parts(layer.forward(**valid(record.forward))), *parts(layer.backward(**valid(record.backward)))]
    kept = [np.array(a) for a in results]
    twice = change(valid(record.forward), lambda a: a * 2 if a.dtype.kind == "f" else a)
    layer.forward(**twice)
    layer.backward(**change(valid(record.backward), lambda a: a * 2))
    assert_same([np.asarray(a) for a in results], kept)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_strides_do_not_matter(name, layout):
    record = LAYERS[name]
    forward, backward = (change(valid(specs), LAYOUTS[layout]) for specs in (record.forward, record.backward))
    found, expected = run(record.build(), name, forward, backward), run(record.build(), name)
    for k, (a, b) in enumerate(zip(found, expected, strict=True)):
        assert_close(f"array {k}", a, b)


def test_read_only_inputs_and_weights_are_enough(name):
    record, layer = LAYERS[name], LAYERS[name].build()
    forward, backward = valid(record.forward), valid(record.backward)
    for a in (*forward.values(), *backward.values(), *getattr(layer, "params", [])):
        if isinstance(a, np.ndarray):
            a.setflags(write=False)
    assert_same(run(layer, name, forward, backward), run(record.build(), name))


@pytest.mark.parametrize("name", WITH_PARAMS)
def test_a_read_only_gradient_buffer_is_an_error_that_writes_nothing(name):
    layer = LAYERS[name].build()
    layer.forward(**valid(LAYERS[name].forward))
    layer.grads[-1].setflags(write=False)
    before = [g.copy() for g in layer.grads[:-1]]
    with pytest.raises(ValueError, match="read-only"):
        layer.backward(**valid(LAYERS[name].backward))
    if name != "TimeBiLSTM":  # two layers: the first of them has done its work
        assert_same(layer.grads[:-1], before)


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "i4", "u4", "i8", "u8"])
@pytest.mark.parametrize("name", [n for n, r in LAYERS.items() if "ids" in "".join(r.forward.values())])
def test_ids_of_any_integer_type(name, dtype):
    record = LAYERS[name]
    forward = change(valid(record.forward), lambda a: a.astype(dtype) if a.dtype.kind == "i" else a)
    assert_same(run(record.build(), name, forward), run(record.build(), name))


@pytest.mark.parametrize("name", [n for n in LAYERS if n.startswith("Time")])
def test_one_row_and_one_step(name):
    # The shapes of generation: N = T = 1.
    record = LAYERS[name]
    forward, backward = (valid(specs, N=1, T=1, S=1) for specs in (record.forward, record.backward))
    wanted = run(record.build(), name)
    found = run(record.build(), name, forward, backward)
    assert all(np.isfinite(a).all() for a in found)
    assert [a.ndim for a in found] == [a.ndim for a in wanted]


@pytest.mark.parametrize(
    ("name", "letter"),
    [
        (n, c)
        for n, r in LAYERS.items()
        for c in "NTS"
        if c in " ".join(r.forward.values()).replace("*", "N T").split()
    ],
)
def test_sizes_of_zero_give_empty_or_neutral_results(name, letter):
    record, layer = LAYERS[name], LAYERS[name].build()
    forward, backward = (valid(specs, **{letter: 0}) for specs in (record.forward, record.backward))
    wanted = run(record.build(), name)
    found = run(layer, name, forward, backward)
    assert [a.ndim for a in found] == [a.ndim for a in wanted]
    assert all(np.isfinite(a).all() for a in found)
    if letter != "S" and name not in RANDOM:
        assert not any(g.any() for g in grads(layer))
    # With nothing to compute it is tempting to hand an argument back.
    given = [a for a in (*forward.values(), *backward.values()) if isinstance(a, np.ndarray)]
    for result in (
        layer.forward(**forward),
        layer.backward(**backward),
        *([layer.dh] if hasattr(layer, "dh") else []),
    ):
        assert not any(np.may_share_memory(p, a) for p in parts(result) for a in given if np.ndim(p))


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
@pytest.mark.parametrize("moment", ["new", "after forward", "after backward"])
def test_copies_go_on_as_the_original_and_apart_from_it(name, duplicate, moment):
    record, layer = LAYERS[name], LAYERS[name].build()
    np.random.seed(9)
    if moment != "new":
        layer.forward(**valid(record.forward))
    if moment == "after backward":
        layer.backward(**valid(record.backward))
    twin = duplicate(layer)
    if moment == "after forward":  # the copy holds the cache, too
        assert_same(*([np.array(a) for a in parts(x.backward(**valid(record.backward)))] for x in (twin, layer)))
    expected = run(layer, name)
    for p in getattr(layer, "params", []):
        p[...] = 0
    assert_same(run(twin, name), expected)
