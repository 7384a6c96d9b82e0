"""The rules of the contract that hold for every kernel with a gradient."""

import numpy as np
import pytest

from fasts2s.testing import assert_close
from tests.kernels.ops import NO_FLOATS, OPS, cast, gradients, host, projection

SIZES = {"affine": (7, 5, 11), "embedding": (3, 7, 11, 5), "softmax_loss": (7, 11)}
LAYOUTS = {
    "Fortran order": np.asfortranarray,
    "negative strides": lambda a: np.flip(np.flip(a).copy()),
    "every second": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "inside of more": lambda a: np.pad(a, 1)[(slice(1, -1),) * a.ndim],
}
WEIGHTS = ("table", "Wx", "Wh", "W")


@pytest.fixture(params=OPS, ids=lambda op: op.name)
def op(request):
    return request.param


def _case(op, rng, dtype=np.float64):
    """Inputs with all optional ones and projections, as dicts."""
    inputs = cast(op.case(rng, SIZES.get(op.name, (3, 7, 5, 11))), dtype)
    shapes = {"hs": (3, 7, 11), "h": (3, 11), "c": (3, 11), "context": (3, 7, 11), "loss": ()}
    shapes["out"] = (7, 11) if op.name == "affine" else (3, 7, 5)
    return inputs, {name: np.asarray(rng.standard_normal(shapes[name]), dtype) for name in op.outputs}


def _change(arrays, function, names):
    return {name: function(a) if name in names and a.ndim else a for name, a in arrays.items()}


def _assert_close(actual, expected, limit):
    assert actual.keys() == expected.keys()
    for name in expected:
        assert_close(name, actual[name], expected[name], limit)


def _all(op, kernels, inputs, douts):
    """Outputs and gradients, by name."""
    outputs = host(kernels, op.run(kernels, inputs)[0])
    return outputs | {f"d{k}": g for k, g in gradients(op, kernels, inputs, douts).items()}


def test_results_own_their_memory(op, kernels, rng):
    inputs, douts = _case(op, rng)
    outputs, cache = op.run(kernels, inputs)
    found = op.back(kernels, inputs, cache, douts)
    results = {**outputs, **{f"d{k}": g for k, g in found.items()}}
    results = {k: kernels.to_numpy(a) for k, a in results.items()}
    others = {f"input {k}": a for k, a in inputs.items()} | {f"d{k} given": a for k, a in douts.items()}
    for name, a in results.items():
        for other, b in {**others, **results}.items():
            assert name == other or not np.shares_memory(a, b), f"{name} shares memory with {other}"


def test_writing_into_results_changes_no_gradient(op, kernels, rng):
    inputs, douts = _case(op, rng)
    expected = gradients(op, kernels, inputs, douts)
    outputs, cache = op.run(kernels, inputs)
    for a in outputs.values():
        if np.ndim(a):
            a[...] = np.nan
    first = op.back(kernels, inputs, cache, douts)
    _assert_close(host(kernels, first), expected, 0)
    for g in first.values():
        g[...] = np.nan
    _assert_close(host(kernels, op.back(kernels, inputs, cache, douts)), expected, 0)


def test_inputs_are_never_written(op, kernels, rng):
    inputs, douts = _case(op, rng)
    before = {k: a.copy() for k, a in {**inputs, **douts}.items()}
    expected = _all(op, kernels, inputs, douts)
    for a in (*inputs.values(), *douts.values()):
        a.setflags(write=False)
    _assert_close(_all(op, kernels, inputs, douts), expected, 0)
    for name, a in {**inputs, **douts}.items():
        assert np.array_equal(a, before[name]), f"{name} was written to"


def test_backward_twice_gives_the_same_bits(op, kernels, rng):
    for dtype in (np.float32, np.float64):
        inputs, douts = _case(op, rng, dtype)
        _, cache = op.run(kernels, inputs)
        first = host(kernels, op.back(kernels, inputs, cache, douts))
        op.back(kernels, inputs, cache, {k: d * 3 for k, d in douts.items()})
        _assert_close(host(kernels, op.back(kernels, inputs, cache, douts)), first, 0)


def test_a_second_forward_leaves_the_first_cache_alone(op, kernels, rng):
    inputs, douts = _case(op, rng)
    other, _ = _case(op, rng)
    _, cache = op.run(kernels, inputs)
    expected = host(kernels, op.back(kernels, inputs, cache, douts))
    op.run(kernels, other)
    _assert_close(host(kernels, op.back(kernels, inputs, cache, douts)), expected, 0)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_strides_do_not_matter(op, kernels, rng, layout):
    inputs, douts = _case(op, rng)
    expected = _all(op, kernels, inputs, douts)
    inputs, douts = _change(inputs, LAYOUTS[layout], inputs), _change(douts, LAYOUTS[layout], douts)
    _assert_close(_all(op, kernels, inputs, douts), expected, 1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_byte_order_does_not_matter(op, kernels, rng, dtype):
    # Weights apart: their gradient buffers must have exactly their dtype, so both must be native.
    inputs, douts = _case(op, rng, dtype)
    expected = _all(op, kernels, inputs, douts)
    swapped = _change(inputs, lambda a: a.astype(a.dtype.newbyteorder()), set(inputs) - set(WEIGHTS))
    douts = _change(douts, lambda a: a.astype(a.dtype.newbyteorder()), douts)
    found = _all(op, kernels, swapped, douts)
    _assert_close(found, expected, 0)
    assert {k: np.dtype(a.dtype) for k, a in found.items()} == {k: a.dtype for k, a in expected.items()}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_results_have_the_dtype_of_the_weights(op, kernels, rng, dtype):
    inputs, douts = _case(op, rng, dtype)
    for name, a in _all(op, kernels, inputs, douts).items():
        assert a.dtype == (np.float64 if name == "loss" else dtype), name


@pytest.mark.parametrize("other", [np.float16, np.float32, np.int32, np.int64, np.uint8])
def test_other_numbers_are_cast_to_the_dtype_of_the_weights(op, kernels, rng, other):
    inputs, douts = _case(op, rng)
    names = set(inputs) - {*NO_FLOATS, *WEIGHTS, "hs_enc", "xs" if op.name == "softmax_loss" else ""}
    inputs = _change(inputs, lambda a: (a * 3 + 9).astype(other), names)
    douts = _change(douts, lambda a: (a * 3 + 9).astype(other), douts)
    native = _change(inputs, lambda a: a.astype(np.float64), names)
    expected = _all(op, kernels, native, {k: d.astype(np.float64) for k, d in douts.items()})
    _assert_close(_all(op, kernels, inputs, douts), expected, 1e-15)


# Sizes and the factor on the weights. With large weights GRU and RNN are chaotic over many steps: there every
# rounding grows without bound, and no tolerance could tell a right kernel from a wrong one.
FLOAT32_CASES = {
    "lstm": [((3, 7, 5, 11), 1), ((3, 63, 5, 11), 1), ((3, 63, 5, 11), 4), ((5, 35, 33, 17), 4)],
    "lstm_ids": [((3, 7, 5, 11), 1), ((3, 63, 5, 11), 2), ((35, 9, 65, 17), 1)],
    "gru": [((3, 7, 5, 11), 1), ((3, 63, 5, 11), 1), ((3, 63, 5, 11), 2), ((3, 7, 5, 11), 4)],
    "rnn": [((3, 7, 5, 11), 1), ((3, 63, 5, 11), 1), ((3, 7, 5, 11), 2), ((3, 2, 5, 11), 4)],
    "affine": [((7, 5, 11), 1), ((63, 131, 33), 4)],
    "embedding": [((3, 7, 11, 5), 1), ((11, 63, 7, 5), 4)],
    "softmax_loss": [((7, 11), 1), ((63, 131), 4)],
    "attention": [((3, 7, 5, 11), 1), ((3, 7, 63, 33), 1)],
}


@pytest.mark.parametrize(
    ("op", "sizes", "scale"),
    [(op, sizes, scale) for op in OPS for sizes, scale in FLOAT32_CASES[op.name]],
    ids=lambda v: str(getattr(v, "name", v)).replace(", ", "-"),
)
def test_float32_is_close_to_float64(op, kernels, rng, sizes, scale):
    single = cast(op.case(rng, sizes, scale), np.float32)
    outputs, cache = op.run(kernels, single)
    douts = projection(rng, op, outputs, np.float32)
    exact = cast(single, np.float64)
    expected = host(kernels, op.run(kernels, exact)[0])
    outputs = host(kernels, outputs)
    for name in expected:
        assert_close(name, outputs[name], expected[name], "forward float32")
    wanted = gradients(op, kernels, exact, {k: d.astype(np.float64) for k, d in douts.items()})
    found = host(kernels, op.back(kernels, single, cache, douts))
    for name in wanted:
        assert_close(f"d{name}", found[name], wanted[name], "gradient float32")
