"""What the recurrent kernels have in common: states, padding, row_bias, single steps.

Each backend computes in the dtype that it is made for: numba and cupy in float32.
"""

import numpy as np
import pytest

from fasts2s_kernels.calling import Call
from fasts2s_kernels.cases import functions
from tests.kernels.helpers import CLASSES, assert_results, compute, draw

SIZES = (3, 7, 5, 11)  # N T D H
STATES = {"lstm": "hc", "gru": "h", "rnn": "h"}


@pytest.fixture(params=STATES)
def cell(request):
    return request.param


@pytest.fixture
def dtype(backend):
    return np.float64 if backend == "numpy" else np.float32


@pytest.fixture
def limits(dtype):
    """Tolerances of results that need not be the same bits."""
    return CLASSES if dtype is np.float32 else {"out": 1e-13, "grad": 1e-13}


@pytest.fixture
def inputs(cell, rng, dtype):
    """Everything that is optional, with the gradients of all results."""
    return draw(f"{cell}_backward", rng, *SIZES, dtype=dtype)


@pytest.fixture
def run(cell, kernels):
    """Outputs and gradients for some inputs."""
    return lambda given: compute(kernels, f"{cell}_backward", given)


def _without(given, *names):
    return {name: a for name, a in given.items() if name not in names}


def _zeros(given, *names):
    return given | {name: np.zeros_like(given[name]) for name in names if name in given}


def test_absent_arguments_are_zero(run, inputs, limits):
    names = ("b", "h0", "c0")
    wanted = _without(run(_zeros(inputs, *names)), "grad_b")
    assert_results("absent", run(_without(inputs, *names)), wanted, limits)


@pytest.mark.parametrize("dropped", ["dhs", "dh_last", "dhs dh_last", "dhs dh_last dc_last"])
def test_absent_gradients_are_zero(run, inputs, limits, dropped):
    names = dropped.split()
    assert_results("absent", run(_without(inputs, *names)), run(_zeros(inputs, *names)), limits)


def test_last_state_is_the_last_row_of_hs(run, inputs):
    found = run(inputs)
    assert np.array_equal(found["out_h"], found["out_hs"][:, -1])


def test_mask_of_ones_is_no_mask(run, inputs, limits):
    inputs["mask"] = np.ones(SIZES[:2], dtype=bool)
    assert_results("mask", run(inputs), run(_without(inputs, "mask")), limits)


def test_padded_row_passes_states_and_gradients_through(run, cell, inputs, limits):
    inputs["mask"] = np.ones(SIZES[:2], dtype=bool)
    inputs["mask"][1] = False
    found = run(inputs)
    for s in STATES[cell]:
        assert np.array_equal(found[f"out_{s}"][1], inputs[f"{s}0"][1])
    assert np.array_equal(found["out_hs"][1], np.tile(inputs["h0"][1], (SIZES[1], 1)))
    assert not found["grad_xs"][1].any()
    assert not found["grad_row_bias"][1].any()
    passed = inputs["dh_last"][1] + inputs["dhs"][1].sum(axis=0)
    assert_results("gradients", {"grad_h0": found["grad_h0"][1]}, {"grad_h0": passed}, limits)
    if "c" in STATES[cell]:
        assert np.array_equal(found["grad_c0"][1], inputs["dc_last"][1])


def test_padding_is_not_read(run, inputs):
    inputs["mask"][:2] = [[1, 1, 0, 0, 1, 0, 1], [0] * 7]
    poisoned = inputs | {"xs": np.where(inputs["mask"][:, :, None], inputs["xs"], np.nan).astype(inputs["xs"].dtype)}
    found, wanted = run(poisoned), run(inputs)
    for name, a in wanted.items():
        assert np.array_equal(found[name], a), name
    assert not found["grad_xs"][~inputs["mask"]].any()


@pytest.mark.parametrize("junk", [np.nan, np.inf, -np.inf])
def test_junk_stays_in_its_row_and_after_its_step(run, inputs, limits, junk):
    inputs = _without(inputs, "mask")
    clean = run(inputs)["out_hs"]
    inputs["xs"][1, 2, 3] = junk
    hs = run(inputs)["out_hs"]
    assert not np.isnan(junk) or np.isnan(hs[1, 2:]).all()
    hs[1, 2:] = clean[1, 2:]
    assert_results("junk", {"out_hs": hs}, {"out_hs": clean}, limits)


def test_row_bias_is_a_constant_input(run, inputs, rng, dtype, limits):
    # The same as columns of xs that do not change over time, with their own rows of Wx.
    constant, Wc = (rng.standard_normal(s).astype(dtype) for s in ((3, 2), (2, inputs["Wx"].shape[1])))
    repeated = np.repeat(constant[:, None, :], SIZES[1], axis=1)
    wide = _without(inputs, "row_bias")
    wide |= {"xs": np.concatenate((inputs["xs"], repeated), axis=2), "Wx": np.concatenate((inputs["Wx"], Wc))}
    found, wanted = run(inputs | {"row_bias": constant @ Wc}), run(wide)
    constants = {"grad_Wc": constant.T @ found["grad_row_bias"], "grad_c": found.pop("grad_row_bias") @ Wc.T}
    wanted |= {"grad_Wc": wanted["grad_Wx"][5:], "grad_c": wanted["grad_xs"][:, :, 5:].sum(axis=1)}
    wanted |= {"grad_Wx": wanted["grad_Wx"][:5], "grad_xs": wanted["grad_xs"][:, :, :5]}
    assert_results("row_bias", found | constants, wanted, limits)


def test_two_halves_with_the_state_carried_are_the_whole(run, cell, kernels, inputs, limits):
    states = STATES[cell]
    first = inputs | {k: inputs[k][:, :3] for k in ("xs", "mask", "dhs")}
    second = inputs | {k: inputs[k][:, 3:] for k in ("xs", "mask", "dhs")}
    middle = run(first)
    later = run(second | {f"{s}0": middle[f"out_{s}"] for s in states})
    earlier = run(first | {f"d{s}_last": later[f"grad_{s}0"] for s in states})
    found = {f"out_{s}": later[f"out_{s}"] for s in states} | {f"grad_{s}0": earlier[f"grad_{s}0"] for s in states}
    found |= {name: np.concatenate((earlier[name], later[name]), axis=1) for name in ("out_hs", "grad_xs")}
    found |= {name: earlier[name] + later[name] for name in ("grad_Wx", "grad_Wh", "grad_b", "grad_row_bias")}
    assert_results("halves", found, run(inputs), limits)


@pytest.mark.parametrize("given", ["", "b", "row_bias", "b row_bias"])
@pytest.mark.parametrize("N", [1, 3])
def test_steps_are_the_sequence(cell, kernels, rng, dtype, limits, given, N):
    states = STATES[cell]
    inputs = draw(f"{cell}_forward", rng, N, *SIZES[1:], given=[*given.split(), "h0", "c0"], dtype=dtype)
    expected = compute(kernels, f"{cell}_forward", inputs)
    held = {s: inputs[f"{s}0"] for s in states}
    rest, found = _without(inputs, "xs", "h0", "c0"), {}
    for t in range(SIZES[1]):
        found = compute(kernels, f"{cell}_step", {**rest, **held, "x": inputs["xs"][:, t]})
        held = {s: found[f"out_{s}"] for s in states}
        assert_results(f"step {t}", {"out_h": held["h"]}, {"out_h": expected["out_hs"][:, t]}, limits)
    assert_results("last", found, {name: expected[name] for name in found}, limits)


def test_no_steps_hand_on_a_copy_of_the_state(cell, kernels, rng, dtype):
    inputs = draw(f"{cell}_backward", rng, 3, 0, 5, 2, dtype=dtype)
    forward = Call(kernels, functions()[f"{cell}_forward"], inputs)
    outputs = forward()
    back = Call(kernels, functions()[f"{cell}_backward"], inputs, forward.cache)
    found = back()
    for s in STATES[cell]:
        handed_on = [(outputs[f"out_{s}"], forward.arguments[f"{s}0"])]
        handed_on += [(found[f"grad_{s}0"], back.arguments[f"d{s}_last"])]
        for result, given in (map(kernels.to_numpy, pair) for pair in handed_on):
            assert np.array_equal(result, given)
            assert not np.shares_memory(result, given)
    for name in ("Wx", "Wh", "b", "row_bias"):
        assert not kernels.to_numpy(found[f"grad_{name}"]).any()


@pytest.mark.parametrize("width", [np.float32, np.float64])
def test_huge_weights_stay_finite(cell, kernels, rng, width):
    inputs = draw(f"{cell}_backward", rng, *SIZES, scale=1e4, dtype=width)
    found = compute(kernels, f"{cell}_backward", inputs)
    assert all(np.isfinite(a).all() for a in found.values())
    assert np.abs(found["out_hs"]).max() <= max(1, np.abs(inputs["h0"]).max())
