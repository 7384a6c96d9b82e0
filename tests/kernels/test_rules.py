"""Rules of the contract for every function: the memory of results, what is written, what does not matter."""

import numpy as np
import pytest

from fasts2s.testing import assert_close
from fasts2s_kernels.calling import Call, everything, host
from fasts2s_kernels.cases import pairs, whole
from fasts2s_kernels.drawing import values
from fasts2s_kernels.letters import SIZES

LAYOUTS = {
    "Fortran order": np.asfortranarray,
    "negative strides": lambda a: np.flip(np.flip(a).copy()),
    "every second": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "inside of more": lambda a: np.pad(a, 1)[(slice(1, -1),) * a.ndim],
}


@pytest.fixture(params=whole(), ids=lambda function: function.name)
def function(request):
    return request.param


@pytest.fixture(params=pairs(), ids=lambda function: function.name)
def backward(request):
    return request.param


def _given(function, dtype=np.float64, seed=1):
    """Inputs with all optional ones."""
    return values(function, np.random.default_rng(seed), SIZES, dtype=dtype, given=function.inputs)


def _change(given, how, names):
    """Arrays of some dimensions, and those in lists, in another form."""

    def changed(value):
        if isinstance(value, list):
            return [changed(one) for one in value]
        return how(value) if isinstance(value, np.ndarray) and value.ndim else value

    return {name: changed(value) if name in names else value for name, value in given.items()}


def _assert_close(actual, expected, limit, text=""):
    assert actual.keys() == expected.keys()
    for name in expected:
        assert_close(f"{text} {name}", actual[name], expected[name], limit)


def _leaves(arguments):
    """The arrays among arguments: (name, array), those of lists too."""
    for name, value in arguments.items():
        for one in value if isinstance(value, list) else [value]:
            if hasattr(one, "dtype") and np.ndim(one) and name != "cache":
                yield name, one


def _there_and_back(kernels, backward, given, put=None):
    """Both calls, and the results of both."""
    forward = Call(kernels, backward.forward, given, put=put)
    outputs = forward()
    back = Call(kernels, backward, given, forward.cache, put)
    return forward, back, outputs, back()


def _both(kernels, function, given, put=None):
    """The calls of a function, which are two for a backward pass, and all results."""
    if function.forward is None:
        call = Call(kernels, function, given, put=put)
        return [call], call()
    *calls, outputs, gradients = _there_and_back(kernels, function, given, put)
    return calls, outputs | gradients


def test_results_own_their_memory(function, kernels):
    calls, results = _both(kernels, function, _given(function))
    results = [(name, a) for name, a in results.items() if np.ndim(a)]
    others = [*results, *(leaf for call in calls for leaf in _leaves(call.arguments))]
    for name, a in results:
        for other, b in others:
            shared = np.shares_memory(kernels.to_numpy(a), kernels.to_numpy(b))
            assert a is b or not shared, f"{name} shares memory with {other}"


def test_inputs_are_never_written(function, kernels):
    def put(a, written):
        if written:
            return kernels.asarray(np.array(a))
        a = np.array(a)
        a.flags.writeable = False
        return kernels.asarray(a)

    given = _given(function)
    expected = host(kernels, everything(kernels, function, given))
    calls, found = _both(kernels, function, given, put)
    _assert_close(host(kernels, found), expected, 0)
    for call in calls:
        kept = {name: given[name] for name in call.arguments if name in given and name not in call.function.written}
        after = _leaves({name: call.arguments[name] for name in kept})
        for (name, before), (_, a) in zip(_leaves(kept), after, strict=True):
            assert np.array_equal(kernels.to_numpy(a), before), f"{name} was written to"


def test_writing_into_results_changes_no_gradient(backward, kernels):
    given = _given(backward)
    forward, back, outputs, gradients = _there_and_back(kernels, backward, given)
    expected = host(kernels, gradients)
    for a in outputs.values():
        if np.ndim(a):
            a[...] = np.nan
    _assert_close(host(kernels, back()), expected, 0)
    for g in back().values():
        g[...] = np.nan
    _assert_close(host(kernels, Call(kernels, backward, given, forward.cache)()), expected, 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_backward_twice_gives_the_same_bits(backward, kernels, dtype):
    given = _given(backward, dtype)
    forward, back, _, gradients = _there_and_back(kernels, backward, given)
    first = host(kernels, gradients)
    names = {name for name, a in backward.arguments.items() if a.role == "gradient"}
    tripled = {name: value * 3 if name in names else value for name, value in given.items()}
    Call(kernels, backward, tripled, forward.cache)()
    _assert_close(host(kernels, back()), first, 0)


def test_a_second_forward_leaves_the_first_cache_alone(backward, kernels):
    _, back, _, gradients = _there_and_back(kernels, backward, _given(backward))
    expected = host(kernels, gradients)
    Call(kernels, backward.forward, _given(backward, seed=2))()
    _assert_close(host(kernels, back()), expected, 0)


def test_strides_do_not_matter(function, kernels):
    given = _given(function)
    expected = host(kernels, everything(kernels, function, given))
    for layout, how in LAYOUTS.items():

        def put(a, _, how=how):
            return kernels.asarray(how(np.array(a)) if a.ndim else np.array(a))

        _assert_close(host(kernels, everything(kernels, function, given, put)), expected, 1e-14, layout)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_byte_order_does_not_matter(function, kernels, dtype):
    # Weights apart: their gradient buffers must have exactly their dtype, so both must be native.
    given = _given(function, dtype)
    names = {name for name, a in function.inputs.items() if a.role != "weight" and a.kind != "list"}
    swapped = _change(given, lambda a: a.astype(a.dtype.newbyteorder()), names)
    expected, found = (host(kernels, everything(kernels, function, g)) for g in (given, swapped))
    _assert_close(found, expected, 0)
    assert {name: np.dtype(a.dtype) for name, a in found.items()} == {name: a.dtype for name, a in expected.items()}


def test_other_numbers_are_cast_to_the_dtype_of_the_weights(function, kernels):
    drawn = _given(function)
    names = {name for name, a in function.inputs.items() if a.kind == "float" and a.role in ("input", "gradient")}
    for other in (np.float16, np.float32, np.int32, np.int64, np.uint8):
        given = _change(drawn, lambda a, other=other: (a * 3 + 9).astype(other), names)
        native = _change(given, lambda a: a.astype(np.float64), names)
        expected, found = (host(kernels, everything(kernels, function, g)) for g in (native, given))
        _assert_close(found, expected, 1e-15, str(np.dtype(other)))
