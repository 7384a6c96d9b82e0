"""An embedding and the LSTM on it as one: what the two layers compute one after the other, whichever way it goes."""

import itertools

import numpy as np
import pytest

from fasts2s.testing import assert_close
from fasts2s_kernels import load
from fasts2s_kernels.ops.affine import with_constant
from fasts2s_kernels.ops.embedded_lstm import composed, plan
from tests.sides import fetch, put

D, H, C = 5, 11, 7
exact = load("numpy")
#: N, T, V: a table pays, it does not, ids are all different, and sizes of one.
SIZES = [(6, 9, 7), (3, 4, 13), (1, 1, 50), (1, 30, 2), (40, 6, 3)]
OPTIONS = [s for n in range(4) for s in itertools.combinations(("h0", "constant", "mask"), n)]


def inputs(rng, N, T, V, options):
    """Everything in float64: weights, ids, what is optional, and gradients of the outputs."""
    rows = D + (C if "constant" in options else 0)
    shapes = {"W": (V, D), "Wx": (rows, 4 * H), "Wh": (H, 4 * H), "b": (4 * H,), "h0": (N, H), "constant": (N, C)}
    shapes |= {"dhs": (N, T, H), "dh_last": (N, H)}
    given = {name: rng.standard_normal(s) / s[0] ** 0.5 for name, s in shapes.items()}
    given["ids"] = rng.integers(-V, V, (N, T))
    given["ids"][:, : T // 2] = given["ids"][0, : T // 2]  # many begin alike
    given["mask"] = rng.random((N, T)) < 0.7
    return {k: a for k, a in given.items() if k not in {"h0", "constant", "mask"} - set(options)}


def apart(a):
    """What the book's layers compute: rows of W, with the constant before them at every step, through the LSTM."""
    T = a["ids"].shape[1]
    xs, C = exact.embedding_forward(a["W"], a["ids"]), a["Wx"].shape[0] - D
    if C:
        xs = np.concatenate((np.repeat(a["constant"][:, None], T, axis=1), xs), axis=2)
    hs, h, c, cache = exact.lstm_forward(xs, a["Wx"], a["Wh"], a["b"], h0=a.get("h0"), mask=a.get("mask"))
    grads = {f"d{name}": np.full_like(a[name], np.nan) for name in ("W", "Wx", "Wh", "b")}
    buffers = {"dWx": grads["dWx"], "dWh": grads["dWh"], "db": grads["db"]}
    dxs, dh0, dc0, _ = exact.lstm_backward(a["dhs"], a["Wx"], a["Wh"], cache, dh_last=a["dh_last"], **buffers)
    exact.embedding_backward(dxs[:, :, C:], a["ids"], dW=grads["dW"])
    return {"hs": hs, "h": h, "c": c}, {**grads, "dh0": dh0, "dc0": dc0, "dconstant": dxs[:, :, :C].sum(axis=1)}


def as_one(backend, a, dtype):
    kernels = load(backend)
    names = list(a)
    a = dict(
        zip(names, put(backend, *(v.astype(dtype) if v.dtype.kind == "f" else v for v in a.values())), strict=True)
    )
    weights = a["W"], a["ids"], a["Wx"], a["Wh"], a["b"]
    *outputs, saved = composed.forward(kernels, *weights, **{k: a.get(k) for k in ("h0", "constant", "mask")})
    if "constant" in a:
        a["constant"][...] = 7  # whoever gave it may use the memory again
    if isinstance(a["ids"], np.ndarray):
        a["ids"][...] = 0
    grads = {f"d{name}": kernels.xp.full_like(a[name], np.nan) for name in ("W", "Wx", "Wh", "b")}
    more = composed.backward(kernels, a["dhs"], a["W"], a["Wx"], a["Wh"], saved, dh_last=a["dh_last"], **grads)
    found = dict(zip(("hs", "h", "c"), fetch(outputs), strict=True))
    made = {**grads, **dict(zip(("dh0", "dc0", "dconstant"), more, strict=True))}
    return found, {name: fetch([g])[0] for name, g in made.items() if g is not None}, saved


@pytest.fixture(params=["as they cost", "free"])
def phases(request, monkeypatch):
    """Phases as they pay, and wherever they may."""
    if request.param == "free":
        monkeypatch.setattr(plan, "_PHASE_COST", 0.0)
    return request.param


@pytest.mark.parametrize(("dtype", "forward", "backward"), [("float32", 2e-6, 1e-5), ("float64", 1e-13, 1e-12)])
@pytest.mark.parametrize("options", OPTIONS, ids="-".join)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_it_computes_what_the_two_layers_do(backend, rng, phases, sizes, options, dtype, forward, backward):
    N, T, V = sizes
    a = inputs(rng, N, T, V, options)
    expected, gradients = apart(a)
    found, grads, saved = as_one(backend, a, dtype)
    assert (saved.ids is None) == (2 * V <= N * T)
    if saved.phases:
        assert not options
        assert backend != "cupy"
        del gradients["dh0"], gradients["dc0"]  # there is none for each row
    if "constant" not in options:
        del gradients["dconstant"]
    for name, wanted in expected.items():
        assert_close(name, found[name], wanted, forward)
    assert grads.keys() == gradients.keys()
    for name, wanted in gradients.items():
        assert_close(name, grads[name], wanted, backward)


def test_every_way_was_gone(rng, monkeypatch):
    """The sizes above go by table and without one, in phases and every row for itself."""
    monkeypatch.setattr(plan, "_PHASE_COST", 0.0)
    ways = set()
    for (N, T, V), options in itertools.product(SIZES, OPTIONS):
        saved = as_one("numpy", inputs(rng, N, T, V, options), "float64")[2]
        ways.add((saved.ids is None, len(saved.phases) > 1))
    assert ways == {(False, False), (True, False), (True, True)}


@pytest.mark.parametrize("constant", [False, True])
def test_a_step_and_an_answer_are_those_of_the_whole(backend, rng, constant):
    N, T, V = 6, 5, 9
    kernels, a = load(backend), inputs(rng, N, T, V, ("h0", "constant") if constant else ("h0",))
    out = rng.standard_normal(((C if constant else 0) + H, V)), rng.standard_normal(V)
    names = ("W", "Wx", "Wh", "b", "h0")
    W, Wx, Wh, b, h0 = put(backend, *(a[name].astype("f") for name in names))
    W_out, b_out = put(backend, *(w.astype("f") for w in out))
    given = put(backend, a["constant"].astype("f")) if constant else None
    starts = rng.integers(0, V, N)
    ids = composed.answer(kernels, W, starts, T, Wx, Wh, b, W_out, b_out, h=h0, constant=given)
    row_bias = composed.of_constant(kernels, given, Wx) if constant else None
    h, c, last, chosen = h0, None, starts, []
    for _ in range(T):
        h, c = composed.step(kernels, W, last, Wx, Wh, b, h=h, c=c, row_bias=row_bias)
        if constant:
            scores = with_constant.step(kernels, h, W_out, with_constant.bias(kernels, given, W_out, b_out))
        else:
            scores = kernels.affine_forward(h, W_out, b_out)
        last = kernels.argmax(scores)
        chosen.append(fetch([last])[0])
    assert np.array_equal(fetch([ids])[0], np.stack(chosen, axis=1))
    read = np.concatenate((starts[:, None], np.stack(chosen, axis=1)), axis=1)[:, :-1]
    hs = composed.forward(kernels, W, read, Wx, Wh, b, h0=h0, constant=given)[0]
    assert_close("last h", h, hs[:, -1], 1e-5)


@pytest.mark.parametrize("bad", [7, -8])
def test_an_id_out_of_range_is_told_with_its_place(backend, rng, bad, phases):
    a = inputs(rng, 6, 9, 7, ())
    a["ids"][4, 8] = bad
    weights = put(backend, *(a[name] for name in ("W", "Wx", "Wh", "b")))
    with pytest.raises(
        IndexError, match=rf"xs holds {bad} at position \(4, 8\), expected ids from -7 to 6 \(V = 7\)"
    ):
        composed.forward(load(backend), weights[0], a["ids"], *weights[1:])


WRONG = {
    "W": (lambda a: a[:, :-1], "Wx is float64"),
    "Wx": (lambda a: a[:-1], r"Wx is float64 .*, expected float64 \(D, 4H\) with D = 12, for the embedding W"),
    "Wh": (lambda a: a[:-1], r"Wh has shape .*, expected \(H, 4H\)"),
    "b": (lambda a: a[:-1], "b has shape"),
    "h0": (lambda a: a[:-1], "the state h0 has shape"),
    "constant": (lambda a: a[:-1], r"constant has shape .*, expected \(N, C\) with N = 6"),
    "mask": (lambda a: a[:, :-1], "mask has shape"),
    "ids": (lambda a: a[0], r"xs has shape .*, expected \(N, T\)"),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("V", [7, 50], ids=["a table", "no table"])
def test_what_does_not_fit_is_refused_by_name(rng, name, V):
    a = inputs(rng, 6, 9, V, ("h0", "constant", "mask"))
    change, told = WRONG[name]
    a[name] = change(a[name])
    options = {k: a[k] for k in ("h0", "constant", "mask")}
    with pytest.raises(ValueError, match=told):
        composed.forward(exact, a["W"], a["ids"], a["Wx"], a["Wh"], a["b"], **options)


@pytest.mark.parametrize("name", ["dhs", "dh_last", "dW", "dWx", "dWh", "db", "saved"])
@pytest.mark.parametrize("V", [7, 50], ids=["a table", "no table"])
def test_a_backward_that_does_not_fit_writes_nothing(rng, name, V):
    a = inputs(rng, 6, 9, V, ("constant",))
    saved = composed.forward(exact, a["W"], a["ids"], a["Wx"], a["Wh"], a["b"], constant=a["constant"])[3]
    buffers = {f"d{k}": np.full_like(a[k], 5) for k in ("W", "Wx", "Wh", "b")}
    given = {"dhs": a["dhs"], "saved": saved, "dh_last": a["dh_last"], **buffers}
    given[name] = None if name == "saved" else given[name][:-1]
    dhs, kept = given.pop("dhs"), given.pop("saved")
    with pytest.raises(ValueError, match="before forward" if name == "saved" else name):
        composed.backward(exact, dhs, a["W"], a["Wx"], a["Wh"], kept, **given)
    assert all((buffer == 5).all() for buffer in buffers.values())


def test_an_affine_layer_with_a_constant_is_that_of_both_side_by_side(backend, rng):
    N, T, M = 4, 3, 6
    constant, xs, W, b, dout = (rng.standard_normal(s) for s in ((N, C), (N, T, D), (C + D, M), (M,), (N, T, M)))
    rows = np.concatenate((np.repeat(constant[:, None], T, axis=1), xs), axis=2).reshape(N * T, -1)
    wanted = exact.affine_forward(rows, W, b).reshape(N, T, M)
    grads = {"dW": np.empty_like(W), "db": np.empty_like(b)}
    drows = exact.affine_backward(dout.reshape(N * T, M), rows, W, **grads).reshape(N, T, -1)
    kernels, given = load(backend), put(backend, constant, xs, W, b, dout)
    assert_close("out", with_constant.forward(kernels, *given[:4]), wanted, 1e-13)
    own = {k: kernels.xp.full_like(w, np.nan) for k, w in zip(("dW", "db"), given[2:4], strict=True)}
    dconstant, dxs = with_constant.backward(kernels, given[4], given[0], given[1], given[2], **own)
    assert_close("dconstant", dconstant, drows[:, :, :C].sum(axis=1), 1e-13)
    assert_close("dxs", dxs, drows[:, :, C:], 1e-13)
    for name, wanted in grads.items():
        assert_close(name, own[name], wanted, 1e-13)
