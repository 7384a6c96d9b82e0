"""What the recurrent kernels have in common: states, padding, row_bias, single steps, zero sizes."""

import numpy as np
import pytest

from fasts2s.testing import assert_close
from tests.kernels.ops import RECURRENT, gradients, host, projection

SIZES = (3, 7, 5, 11)
EMPTY = [(0, 3, 5, 2), (3, 0, 5, 2), (3, 4, 0, 2), (3, 4, 5, 0), (0, 0, 5, 2), (0, 0, 0, 0)]


@pytest.fixture(params=RECURRENT, ids=lambda op: op.name)
def op(request):
    return request.param


def _states(op):
    return [f"{name}0" for name in op.outputs if name != "hs"]


def _without(inputs, *names):
    return {name: a for name, a in inputs.items() if name not in names}


def _both(op, kernels, inputs, douts):
    return host(kernels, op.run(kernels, inputs)[0]), gradients(op, kernels, inputs, douts)


def _assert_same(first, second):
    for one, other in zip(first, second, strict=True):
        for name in one:
            assert np.array_equal(one[name], other[name]), name


def _douts(op, rng, sizes=SIZES):
    N, T, _, H = sizes
    return {"hs": rng.standard_normal((N, T, H))} | {s[0]: rng.standard_normal((N, H)) for s in _states(op)}


def test_absent_arguments_are_zero(op, kernels, rng):
    names = ("b", *_states(op))
    inputs, douts = op.case(rng, SIZES), _douts(op, rng)
    zeros = {name: np.zeros_like(inputs[name]) for name in names}
    absent, present = _both(op, kernels, _without(inputs, *names), douts), _both(op, kernels, inputs | zeros, douts)
    for one, other in zip(absent, present, strict=True):
        for name in one:
            assert_close(name, one[name], other[name], 1e-14)


@pytest.mark.parametrize("dropped", [("hs",), ("h",), ("hs", "h"), ("hs", "h", "c")])
def test_absent_gradients_are_zero(op, kernels, rng, dropped):
    inputs, douts = op.case(rng, SIZES), _douts(op, rng)
    zeros = {name: np.zeros_like(d) for name, d in douts.items() if name in dropped}
    absent = gradients(op, kernels, inputs, _without(douts, *dropped))
    present = gradients(op, kernels, inputs, douts | zeros)
    for name in present:
        assert_close(name, absent[name], present[name], 1e-14)


def test_last_state_is_the_last_row_of_hs(op, kernels, rng):
    outputs = host(kernels, op.run(kernels, op.case(rng, SIZES))[0])
    assert np.array_equal(outputs["h"], outputs["hs"][:, -1])


def test_mask_of_ones_is_no_mask(op, kernels, rng):
    inputs, douts = op.case(rng, SIZES), _douts(op, rng)
    inputs["mask"] = np.ones(SIZES[:2], dtype=bool)
    with_mask, without = _both(op, kernels, inputs, douts), _both(op, kernels, _without(inputs, "mask"), douts)
    for one, other in zip(with_mask, without, strict=True):
        for name in one:
            assert_close(name, one[name], other[name], 1e-14)


def test_padded_row_passes_states_and_gradients_through(op, kernels, rng):
    inputs, douts = op.case(rng, SIZES), _douts(op, rng)
    inputs["mask"] = np.ones(SIZES[:2], dtype=bool)
    inputs["mask"][1] = False
    outputs, found = _both(op, kernels, inputs, douts)
    for state in _states(op):
        assert np.array_equal(outputs[state[0]][1], inputs[state][1])
    assert np.array_equal(outputs["hs"][1], np.tile(inputs["h0"][1], (SIZES[1], 1)))
    assert not found["xs"][1].any()
    assert not found["row_bias"][1].any()
    assert_close("dh0", found["h0"][1], douts["h"][1] + douts["hs"][1].sum(axis=0), 1e-14)
    if "c0" in found:
        assert np.array_equal(found["c0"][1], douts["c"][1])


def test_padding_is_not_read(op, kernels, rng):
    inputs, douts = op.case(rng, SIZES), _douts(op, rng)
    inputs["mask"][:2] = [[1, 1, 0, 0, 1, 0, 1], [0] * 7]
    poisoned = inputs | {"xs": np.where(inputs["mask"][:, :, None], inputs["xs"], np.nan)}
    _assert_same(_both(op, kernels, poisoned, douts), _both(op, kernels, inputs, douts))
    assert not gradients(op, kernels, poisoned, douts)["xs"][~inputs["mask"]].any()


@pytest.mark.parametrize("junk", [np.nan, np.inf, -np.inf])
def test_junk_stays_in_its_row_and_after_its_step(op, kernels, rng, junk):
    inputs = _without(op.case(rng, SIZES), "mask")
    clean = host(kernels, op.run(kernels, inputs)[0])["hs"]
    inputs["xs"][1, 2, 3] = junk
    hs = host(kernels, op.run(kernels, inputs)[0])["hs"]
    assert not np.isnan(junk) or np.isnan(hs[1, 2:]).all()
    hs[1, 2:] = clean[1, 2:]
    assert_close("hs", hs, clean, 1e-14)


def test_row_bias_is_a_constant_input(op, kernels, rng):
    # The same as columns of xs that do not change over time, with their own rows of Wx.
    inputs, douts = op.case(rng, SIZES), _douts(op, rng)
    constant, Wc = rng.standard_normal((3, 2)), rng.standard_normal((2, inputs["Wx"].shape[1]))
    repeated = np.repeat(constant[:, None, :], SIZES[1], axis=1)
    wide = _without(inputs, "row_bias")
    wide |= {"xs": np.concatenate((inputs["xs"], repeated), axis=2), "Wx": np.concatenate((inputs["Wx"], Wc))}
    inputs["row_bias"] = constant @ Wc
    outputs, found = _both(op, kernels, inputs, douts)
    expected, wanted = _both(op, kernels, wide, douts)
    for name in outputs:
        assert_close(name, outputs[name], expected[name], 1e-13)
    assert_close("dWc", constant.T @ found["row_bias"], wanted["Wx"][5:], 1e-13)
    assert_close("dconstant", found["row_bias"] @ Wc.T, wanted["xs"][:, :, 5:].sum(axis=1), 1e-13)


def test_two_halves_with_the_state_carried_are_the_whole(op, kernels, rng):
    inputs, douts = op.case(rng, SIZES), _douts(op, rng)
    outputs, found = _both(op, kernels, inputs, douts)
    first = inputs | {k: inputs[k][:, :3] for k in ("xs", "mask")}
    middle, cache = op.run(kernels, first)
    second = inputs | {k: inputs[k][:, 3:] for k in ("xs", "mask")}
    second |= {state: kernels.to_numpy(middle[state[0]]) for state in _states(op)}
    after, later = _both(op, kernels, second, douts | {"hs": douts["hs"][:, 3:]})
    back = {"hs": douts["hs"][:, :3]} | {state[0]: later[state] for state in _states(op)}
    earlier = host(kernels, op.back(kernels, first, cache, back))
    assert_close("hs", np.concatenate((kernels.to_numpy(middle["hs"]), after["hs"]), axis=1), outputs["hs"], 1e-14)
    assert_close("dxs", np.concatenate((earlier["xs"], later["xs"]), axis=1), found["xs"], 1e-14)
    for name in ("Wx", "Wh", "b", "row_bias"):
        assert_close(name, earlier[name] + later[name], found[name], 1e-13)
    for state in _states(op):
        assert_close(state, earlier[state], found[state], 1e-13)


@pytest.mark.parametrize("optional", [(), ("b",), ("row_bias",), ("b", "row_bias")])
@pytest.mark.parametrize("N", [1, 3])
def test_steps_are_the_sequence(op, kernels, rng, optional, N):
    inputs = op.case(rng, (N, *SIZES[1:]))
    inputs = {k: a for k, a in inputs.items() if k in ("xs", "Wx", "Wh", *_states(op), *optional)}
    expected = host(kernels, op.run(kernels, inputs)[0])
    step, put = getattr(kernels, f"{op.name}_step"), kernels.asarray
    weights = [None if k not in inputs else put(inputs[k]) for k in ("Wx", "Wh", "b")]
    row_bias = None if "row_bias" not in inputs else put(inputs["row_bias"])
    states = [put(inputs[k]) for k in _states(op)]
    for t in range(SIZES[1]):
        keywords = {name[0]: s for name, s in zip(_states(op), states, strict=True)}
        result = step(put(inputs["xs"][:, t]), *weights, row_bias=row_bias, **keywords)
        states = list(result) if isinstance(result, tuple) else [result]
        assert_close(f"h of step {t}", kernels.to_numpy(states[0]), expected["hs"][:, t], 1e-14)
    for name, state in zip(_states(op), states, strict=True):
        assert_close(name, kernels.to_numpy(state), expected[name[0]], 1e-14)


def test_step_reads_its_inputs_only(op, kernels, rng):
    inputs = op.case(rng, SIZES)
    given = {k: a.copy() for k, a in inputs.items() if k in ("Wx", "Wh", "b", "row_bias", *_states(op))}
    given["x"] = inputs["xs"][:, 0]
    for a in given.values():
        a.setflags(write=False)
    put = {k: kernels.asarray(a) for k, a in given.items()}
    states = {name[0]: put[name] for name in _states(op)}
    step = getattr(kernels, f"{op.name}_step")
    results = step(put["x"], put["Wx"], put["Wh"], put["b"], row_bias=put["row_bias"], **states)
    for result in results if isinstance(results, tuple) else (results,):
        assert not any(np.shares_memory(kernels.to_numpy(result), a) for a in given.values())
    for name in ("Wx", "Wh", "b", "row_bias", *_states(op)):
        assert np.array_equal(given[name], inputs[name]), f"{name} was written to"


@pytest.mark.parametrize("sizes", EMPTY, ids=str)
def test_zero_sizes(op, kernels, rng, sizes):
    N, T, _, H = sizes
    inputs, douts = op.case(rng, sizes), _douts(op, rng, sizes)
    outputs, found = _both(op, kernels, inputs, douts)
    assert outputs["hs"].shape == (N, T, H)
    assert outputs["h"].shape == (N, H)
    for name, g in found.items():
        assert g.shape == inputs[name].shape
        assert np.isfinite(g).all(), f"d{name} was not written"


def test_no_steps_hand_on_a_copy_of_the_state(op, kernels, rng):
    sizes = (3, 0, 5, 2)
    inputs, douts = op.case(rng, sizes), _douts(op, rng, sizes)
    outputs, cache = op.run(kernels, inputs)
    found = op.back(kernels, inputs, cache, douts)
    for state in _states(op):
        h, dh = kernels.to_numpy(outputs[state[0]]), kernels.to_numpy(found[state])
        assert np.array_equal(h, inputs[state])
        assert not np.shares_memory(h, inputs[state])
        assert np.array_equal(dh, douts[state[0]])
        assert not np.shares_memory(dh, douts[state[0]])
    for name in ("Wx", "Wh", "b", "row_bias"):
        assert not kernels.to_numpy(found[name]).any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_weights_stay_finite(op, kernels, rng, dtype):
    inputs = {k: a if k == "mask" else a.astype(dtype) for k, a in op.case(rng, SIZES, scale=1e4).items()}
    outputs, cache = op.run(kernels, inputs)
    douts = projection(rng, op, outputs, dtype)
    found = host(kernels, op.back(kernels, inputs, cache, douts))
    assert all(np.isfinite(a).all() for a in host(kernels, outputs).values())
    assert np.abs(kernels.to_numpy(outputs["hs"])).max() <= max(1, np.abs(inputs["h0"]).max())
    assert all(np.isfinite(g).all() for g in found.values())
