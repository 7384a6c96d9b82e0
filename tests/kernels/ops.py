"""Every differentiable kernel behind one interface, so that a rule of the contract is tested on all of them.

Inputs are dicts of host arrays by name; an absent name is an argument left at None. Gradients carry the names of the
inputs they belong to.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from fasts2s_kernels.contract import Array, Cache, Kernels
from tests.kernels.helpers import SHAPES, batch_and_time, cases, check_shape, random_mask, two_sizes

Arrays = dict[str, Array]

#: What the contract fixes as integers or bools; all other inputs are floats.
NO_FLOATS = ("mask", "ids", "ts")


class Op(NamedTuple):
    """case(rng, sizes, scale) makes inputs; run gives outputs and a cache; back gives the gradients for douts."""

    name: str
    case: Callable[..., Arrays]
    run: Callable[[Kernels, Arrays], tuple[Arrays, Cache]]
    back: Callable[[Kernels, Arrays, Cache, Arrays], Arrays]
    outputs: tuple[str, ...]  # those that have a gradient


def projection(rng: np.random.Generator, op: Op, outputs: Arrays, dtype: Any = np.float64) -> Arrays:
    """Random gradients of the outputs: the scalar under test is the sum of outputs times these."""
    return {name: rng.standard_normal(np.shape(outputs[name])).astype(dtype) for name in op.outputs}


def scalar(op: Op, kernels: Kernels, inputs: Arrays, douts: Arrays) -> float:
    """Run op and project its outputs."""
    outputs, _ = op.run(kernels, inputs)
    return float(sum((kernels.to_numpy(outputs[name]) * d).sum() for name, d in douts.items()))


def gradients(op: Op, kernels: Kernels, inputs: Arrays, douts: Arrays) -> Arrays:
    """Run op and go back; the gradients on the host, in memory of their own."""
    _, cache = op.run(kernels, inputs)
    return host(kernels, op.back(kernels, inputs, cache, douts))


def host(kernels: Kernels, arrays: Arrays) -> Arrays:
    """Copies of the arrays on the host."""
    return {name: np.array(kernels.to_numpy(a)) for name, a in arrays.items()}


def prove(op: Op, kernels: Kernels, seed: int) -> float:
    """Compare all gradients with central differences on many random shapes; return the worst error."""
    worst = 0.0
    # A quarter of the shapes where kernels run thread by thread, on the stand-in for a device.
    for rng, every_element in cases(seed, SHAPES if kernels.xp is np else SHAPES // 4):
        inputs = op.case(rng)
        outputs, cache = op.run(kernels, inputs)
        douts = projection(rng, op, outputs)
        if len(douts) > 1:  # dhs, dh_last and dc_last are each None now and then
            douts = {name: d for name, d in douts.items() if rng.random() < 0.8}
        found = host(kernels, op.back(kernels, inputs, cache, douts))
        function = partial(scalar, op, kernels, inputs, douts)
        worst = max(worst, check_shape(function, floats(inputs), found, rng, every_element))
    return worst


def floats(inputs: Arrays) -> Arrays:
    """The inputs that have a gradient."""
    return {name: a for name, a in inputs.items() if name not in NO_FLOATS}


def cast(inputs: Arrays, dtype: Any) -> Arrays:
    """The inputs with all floats in another dtype."""
    return {name: a if name in NO_FLOATS else a.astype(dtype) for name, a in inputs.items()}


def _put(kernels: Kernels, inputs: Arrays, name: str) -> Any:
    return kernels.asarray(inputs[name]) if name in inputs else None


def _buffer(kernels: Kernels, inputs: Arrays, name: str) -> Any:
    # NaN, because backward overwrites: what stood there before must not matter. In the dtype of the weights.
    if name not in inputs:
        return None
    weight = inputs["Wx"] if "Wx" in inputs else inputs["W"]
    return kernels.asarray(np.full_like(inputs[name], np.nan, dtype=weight.dtype))


# ---- recurrent layers -----------------------------------------------------------------------------------


def _recurrent_case(
    gates: int,
    states: tuple[str, ...],
    rng: np.random.Generator,
    sizes: tuple[int, int, int, int] | None = None,
    scale: float = 1.0,
) -> Arrays:
    """Random inputs of random sizes, with a random choice of optional ones; of the given sizes with all of them."""
    N, T, D, H = sizes or (*batch_and_time(rng), *two_sizes(rng))
    draw = rng.standard_normal
    inputs = {
        "xs": draw((N, T, D)),
        "Wx": draw((D, gates * H)) * scale / max(D, 1) ** 0.5,
        "Wh": draw((H, gates * H)) * scale / max(H, 1) ** 0.5,
    }
    optional = {"b": draw(gates * H), "row_bias": draw((N, gates * H)), "mask": random_mask(rng, N, T)}
    optional |= {name: draw((N, H)) for name in states}
    chosen = {name: a for name, a in optional.items() if sizes or rng.random() < 0.7}
    return inputs | chosen


def _recurrent_run(name: str, states: tuple[str, ...], kernels: Kernels, inputs: Arrays) -> tuple[Arrays, Cache]:
    put = partial(_put, kernels, inputs)
    forward = getattr(kernels, f"{name}_forward")
    keywords = {k: put(k) for k in (*states, "row_bias", "mask")}
    *outputs, cache = forward(put("xs"), put("Wx"), put("Wh"), put("b"), **keywords)
    return dict(zip(("hs", *(s[0] for s in states)), outputs, strict=True)), cache


def _recurrent_back(
    name: str, states: tuple[str, ...], kernels: Kernels, inputs: Arrays, cache: Cache, douts: Arrays
) -> Arrays:
    buffers = {f"d{w}": _buffer(kernels, inputs, w) for w in ("Wx", "Wh", "b")}
    lasts = {f"d{s[0]}_last": _put(kernels, douts, s[0]) for s in states}
    Wx, Wh = _put(kernels, inputs, "Wx"), _put(kernels, inputs, "Wh")
    backward = getattr(kernels, f"{name}_backward")
    results = backward(_put(kernels, douts, "hs"), Wx, Wh, cache, **lasts, **buffers)
    gradients = dict(zip(("xs", *states, "row_bias"), results, strict=True))
    gradients |= {w: buffers[f"d{w}"] for w in ("Wx", "Wh", "b")}
    assert (gradients["row_bias"] is None) == ("row_bias" not in inputs), "drow_bias comes exactly with row_bias"
    return {k: g for k, g in gradients.items() if g is not None}


def _recurrent(name: str, gates: int, states: tuple[str, ...]) -> Op:
    return Op(
        name,
        partial(_recurrent_case, gates, states),
        partial(_recurrent_run, name, states),
        partial(_recurrent_back, name, states),
        ("hs", *(s[0] for s in states)),
    )


LSTM = _recurrent("lstm", 4, ("h0", "c0"))
GRU = _recurrent("gru", 3, ("h0",))
RNN = _recurrent("rnn", 1, ("h0",))


def _ids_case(rng: np.random.Generator, sizes: tuple[int, ...] | None = None, scale: float = 1.0) -> Arrays:
    """Inputs of the LSTM on ids: D of the other recurrent cases is V here."""
    inputs = _recurrent_case(4, ("h0", "c0"), rng, sizes, scale)
    N, T, V = inputs.pop("xs").shape
    H4 = inputs.pop("Wx").shape[1]
    inputs.pop("b", None)
    ids = rng.integers(-V, V, size=(N, T)) if V else np.zeros((N, 0), dtype=np.int64)
    return inputs | {"table": rng.standard_normal((V, H4)) * scale, "ids": ids}


def _ids_run(kernels: Kernels, inputs: Arrays) -> tuple[Arrays, Cache]:
    put = partial(_put, kernels, inputs)
    keywords = {k: put(k) for k in ("h0", "c0", "row_bias", "mask")}
    *outputs, cache = kernels.lstm_ids_forward(put("table"), put("ids"), put("Wh"), **keywords)
    return dict(zip(("hs", "h", "c"), outputs, strict=True)), cache


def _ids_back(kernels: Kernels, inputs: Arrays, cache: Cache, douts: Arrays) -> Arrays:
    buffers = {f"d{w}": kernels.asarray(np.full_like(inputs[w], np.nan)) for w in ("table", "Wh")}
    lasts = {f"d{s}_last": _put(kernels, douts, s) for s in ("h", "c")}
    dhs, Wh = _put(kernels, douts, "hs"), _put(kernels, inputs, "Wh")
    results = kernels.lstm_ids_backward(dhs, Wh, cache, **lasts, **buffers)
    gradients = dict(zip(("h0", "c0", "row_bias"), results, strict=True))
    assert (gradients["row_bias"] is None) == ("row_bias" not in inputs), "drow_bias comes exactly with row_bias"
    return {k: g for k, g in gradients.items() if g is not None} | {w: buffers[f"d{w}"] for w in ("table", "Wh")}


LSTM_IDS = Op("lstm_ids", _ids_case, _ids_run, _ids_back, ("hs", "h", "c"))

# ---- layers without state -------------------------------------------------------------------------------


def _affine_case(rng: np.random.Generator, sizes: tuple[int, ...] | None = None, scale: float = 1.0) -> Arrays:
    R, D, M = sizes or (int(rng.choice([2, 3, 5, 7])), *two_sizes(rng))
    W = rng.standard_normal((M, D)).T if rng.random() < 0.5 else rng.standard_normal((D, M))
    inputs = {"x": rng.standard_normal((R, D)), "W": W * scale}
    return inputs | ({"b": rng.standard_normal(M)} if sizes or rng.random() < 0.6 else {})


def _affine_run(kernels: Kernels, inputs: Arrays) -> tuple[Arrays, Cache]:
    put = partial(_put, kernels, inputs)
    return {"out": kernels.affine_forward(put("x"), put("W"), put("b"))}, None


def _affine_back(kernels: Kernels, inputs: Arrays, cache: Cache, douts: Arrays) -> Arrays:
    dW, db = _buffer(kernels, inputs, "W"), _buffer(kernels, inputs, "b")
    x, W = _put(kernels, inputs, "x"), _put(kernels, inputs, "W")
    dx = kernels.affine_backward(_put(kernels, douts, "out"), x, W, dW=dW, db=db)
    return {"x": dx, "W": dW} | ({} if db is None else {"b": db})


def _embedding_case(rng: np.random.Generator, sizes: tuple[int, ...] | None = None, scale: float = 1.0) -> Arrays:
    N, T, V, D = sizes or (*batch_and_time(rng), *two_sizes(rng))
    ids = rng.integers(-V, V, size=(N, T)) if V else np.zeros((N, T), dtype=np.int64)
    return {"W": rng.standard_normal((V, D)) * scale, "ids": ids}


def _embedding_run(kernels: Kernels, inputs: Arrays) -> tuple[Arrays, Cache]:
    return {"out": kernels.embedding_forward(_put(kernels, inputs, "W"), _put(kernels, inputs, "ids"))}, None


def _embedding_back(kernels: Kernels, inputs: Arrays, cache: Cache, douts: Arrays) -> Arrays:
    dW = _buffer(kernels, inputs, "W")
    assert kernels.embedding_backward(_put(kernels, douts, "out"), _put(kernels, inputs, "ids"), dW=dW) is None
    return {"W": dW}


def _softmax_case(rng: np.random.Generator, sizes: tuple[int, ...] | None = None, scale: float = 1.0) -> Arrays:
    R, V = sizes or two_sizes(rng, low=2)
    ts = rng.integers(-1, V, size=R) if V else np.full(R, -1)
    return {"xs": rng.standard_normal((R, V)) * 3 * scale, "ts": ts}


def _softmax_run(kernels: Kernels, inputs: Arrays) -> tuple[Arrays, Cache]:
    loss, cache = kernels.softmax_loss_forward(
        _put(kernels, inputs, "xs"), _put(kernels, inputs, "ts"), ignore_label=-1
    )
    return {"loss": loss}, cache


def _softmax_back(kernels: Kernels, inputs: Arrays, cache: Cache, douts: Arrays) -> Arrays:
    return {"xs": kernels.softmax_loss_backward(float(douts["loss"]), cache)}


def _attention_case(rng: np.random.Generator, sizes: tuple[int, ...] | None = None, scale: float = 1.0) -> Arrays:
    N, T, S, H = sizes or (*batch_and_time(rng), *two_sizes(rng))
    inputs = {"hs_enc": rng.standard_normal((N, S, H)) * scale, "hs_dec": rng.standard_normal((N, T, H)) * scale}
    mask = random_mask(rng, N, S)
    return inputs | ({"mask": mask} if sizes or rng.random() < 0.7 else {})


def _attention_run(kernels: Kernels, inputs: Arrays) -> tuple[Arrays, Cache]:
    put = partial(_put, kernels, inputs)
    context, weights, cache = kernels.attention_forward(put("hs_enc"), put("hs_dec"), mask=put("mask"))
    return {"context": context, "weights": weights}, cache


def _attention_back(kernels: Kernels, inputs: Arrays, cache: Cache, douts: Arrays) -> Arrays:
    gradients = kernels.attention_backward(_put(kernels, douts, "context"), cache)
    return dict(zip(("hs_enc", "hs_dec"), gradients, strict=True))


AFFINE = Op("affine", _affine_case, _affine_run, _affine_back, ("out",))
EMBEDDING = Op("embedding", _embedding_case, _embedding_run, _embedding_back, ("out",))
SOFTMAX_LOSS = Op("softmax_loss", _softmax_case, _softmax_run, _softmax_back, ("loss",))
ATTENTION = Op("attention", _attention_case, _attention_run, _attention_back, ("context",))

RECURRENT = (LSTM, GRU, RNN)
OPS = (*RECURRENT, LSTM_IDS, AFFINE, EMBEDDING, SOFTMAX_LOSS, ATTENTION)
