"""Random inputs of the kernel cases, by the names that the contract gives to arguments.

A case has the same numbers everywhere: they are drawn from a seed that its name gives. Weights are scaled so that
sums are of order 1 at every size. Where ids come out, no choice is so close that rounding decides.
"""

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from fasts2s.bench.cases import Case
from fasts2s.bench.kernel_cases import GATES, optional, parameter_shapes, place
from fasts2s.bench.peer import Arrays, numbered
from fasts2s_kernels import load

#: Two scores that are closer than this are too close for a choice, and so are the two ends of an id that is drawn.
CLEAR = 1e-4, 2e-5

#: Update -> its slots; the last of them are squares where the update takes a root.
SLOTS = {
    "sgd_update": (),
    **dict.fromkeys(("momentum_update", "nesterov_update"), ("v",)),
    **dict.fromkeys(("adagrad_update", "rmsprop_update"), ("h",)),
    "adam_update": ("m", "v"),
}
ROOTS = ("adagrad_update", "rmsprop_update", "adam_update")

#: Update -> its numbers, the book's. The scale is what clipping folds into an update. Whatever a case computes stays
#: finite over any number of repetitions.
NUMBERS: dict[str, dict[str, Any]] = {
    "sgd_update": {"lr": 0.01, "scale": 0.5},
    "momentum_update": {"lr": 0.01, "momentum": 0.9, "scale": 0.5},
    "nesterov_update": {"lr": 0.01, "momentum": 0.9, "scale": 0.5},
    "adagrad_update": {"lr": 0.01, "scale": 0.5},
    "rmsprop_update": {"lr": 0.01, "decay_rate": 0.99, "scale": 0.5},
    "adam_update": {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "step": 10, "scale": 0.5},
}

#: Gradients that only a backward pass is given.
OF_BACKWARD = ("dhs", "dh_last", "dout")

Rng = np.random.Generator


def inputs(case: Case) -> Arrays:
    """Return the inputs of a case, host arrays by name: floats are float32 (uniforms float64), ids are int64.

    Lists of parameters, gradients and slots are numbered: ``params_00``, ``grads_00``, ``v_00``. What belongs to a
    backward pass alone begins with a d: ``dhs`` (N, T, H), ``dh_last`` (N, H), ``dout``.
    """
    found = _MAKERS[case.kind](case, np.random.default_rng(zlib.crc32(case.name.encode())))
    if case.kind.endswith("forward"):
        return {name: a for name, a in found.items() if name not in OF_BACKWARD}
    return found


def doubled(arrays: Arrays) -> Arrays:
    """Return copies of arrays of any shape, float32 in float64."""
    return {name: a.astype(np.float64) if a.dtype == np.float32 else a.copy() for name, a in arrays.items()}


def _draw(rng: Rng, *shape: int) -> Any:
    return rng.standard_normal(shape, np.float32)


def _weights(rng: Rng, **shapes: tuple[int, ...]) -> Arrays:
    """Return matrices over the root of what is summed, and biases of order 0.1."""
    scales = {name: shape[0] ** -0.5 if len(shape) > 1 else 0.1 for name, shape in shapes.items()}
    return {name: _draw(rng, *shape) * np.float32(scales[name]) for name, shape in shapes.items()}


def _options(case: Case, rng: Rng) -> Arrays:
    N, H, gates = case["N"], case["H"], GATES[case.kind.rpartition("_")[0]]
    shapes = {"h0": (N, H), "c0": (N, H), "row_bias": (N, gates * H)}
    return {name: np.float32(0.5) * _draw(rng, *shapes[name]) for name in optional(case)}


def _recurrent(case: Case, rng: Rng) -> Arrays:
    N, T, D, H = (case[letter] for letter in "NTDH")
    G = GATES[case.kind.rpartition("_")[0]] * H
    weights = _weights(rng, Wx=(D, G), Wh=(H, G), b=(G,))
    return {"xs": _draw(rng, N, T, D), **weights, **_options(case, rng), "dhs": _draw(rng, N, T, H)}


def _ids(case: Case, rng: Rng) -> Arrays:
    N, T, V, H = (case[letter] for letter in "NTVH")
    last = place(case) == "addition"  # an encoder of which the decoder gets the last h alone
    given = {"dh_last": _draw(rng, N, H)} if last else {"dhs": _draw(rng, N, T, H)}
    table = {"table": _draw(rng, V, 4 * H), "ids": rng.integers(0, V, (N, T))}
    return {**table, **_weights(rng, Wh=(H, 4 * H)), **_options(case, rng), **given}


def _step(case: Case, rng: Rng) -> Arrays:
    N, D, H = (case[letter] for letter in "NDH")
    G = GATES[case.kind.removesuffix("_step")] * H
    states = {name: np.float32(0.5) * _draw(rng, N, H) for name in ("h", "c")[: 2 if case.kind[0] == "l" else 1]}
    return {"x": _draw(rng, N, D), **_weights(rng, Wx=(D, G), Wh=(H, G), b=(G,)), **states}


def _encode(case: Case, rng: Rng) -> Arrays:
    N, T, V, D, H = (case[letter] for letter in "NTVDH")
    weights = _weights(rng, Wx=(D, 4 * H), Wh=(H, 4 * H), b=(4 * H,))
    return {"W": _draw(rng, V, D), "ids": rng.integers(0, V, (N, T)), **weights}


def _greedy(case: Case, rng: Rng) -> Arrays:
    """Draw more rows than are asked, and keep those whose every choice is clear."""
    N, V, D, H = (case[letter] for letter in "NVDH")
    drawn = N + N // 4 + 8
    weights = _weights(rng, Wx=(D, 4 * H), Wh=(H, 4 * H), b=(4 * H,), W_out=(H, V), b_out=(V,))
    weights |= {"W": _draw(rng, V, D)}
    rows = {"start_ids": rng.integers(0, V, drawn), "h": np.float32(0.5) * _draw(rng, drawn, H)}
    if "row_bias" in optional(case):  # what the peeky decoder adds at every step; its bias is in score_bias
        del weights["b_out"]
        rows |= {"row_bias": 0.5 * _draw(rng, drawn, 4 * H), "score_bias": 0.5 * _draw(rng, drawn, V)}
    kept = np.flatnonzero(_clear_rows(case, weights, rows))[:N]
    if kept.size < N:
        raise ValueError(f"{case.name}: {kept.size} of {drawn} rows are clear, expected {N}")
    return {**weights, **{name: a[kept] for name, a in rows.items()}}


def _clear_rows(case: Case, weights: Arrays, rows: Arrays) -> Any:
    """Return (N,) whether the two best scores are far enough apart at every step, in float64."""
    kernels, w = load("numpy"), doubled(weights)
    r = doubled(rows)
    ids, h, c = r["start_ids"], r["h"], np.zeros_like(r["h"])
    clear = np.ones(len(ids), bool)
    for _ in range(case["T"]):
        h, c = kernels.lstm_step(w["W"][ids], w["Wx"], w["Wh"], w["b"], h=h, c=c, row_bias=r.get("row_bias"))
        scores = kernels.affine_forward(h, w["W_out"], w.get("b_out")) + r.get("score_bias", 0.0)
        two = np.sort(scores, axis=1)[:, -2:]
        clear &= two[:, 1] - two[:, 0] > CLEAR[0]
        ids = scores.argmax(axis=1)
    return clear


def _affine(case: Case, rng: Rng) -> Arrays:
    R, D, M = (case[letter] for letter in "RDM")
    W = _weights(rng, W=(D, M))["W"]
    # A matrix tied to an embedding (M, D) is its transpose, and stays one.
    W = np.asfortranarray(W) if place(case) == "BetterRnnlm" else W
    return {"x": _draw(rng, R, D), "W": W, **_weights(rng, b=(M,)), "dout": _draw(rng, R, M)}


def _embedding(case: Case, rng: Rng) -> Arrays:
    N, T, V, D = (case[letter] for letter in "NTVD")
    return {"W": _draw(rng, V, D), "ids": rng.integers(0, V, (N, T)), "dout": _draw(rng, N, T, D)}


def _loss(case: Case, rng: Rng) -> Arrays:
    R, V = case["R"], case["V"]
    return {"xs": _draw(rng, R, V), "ts": rng.integers(0, V, R)}


def _attention(case: Case, rng: Rng) -> Arrays:
    N, T, S, H = (case[letter] for letter in "NTSH")
    scale = np.float32(H**-0.25)  # scores of one order for every H
    sides = {"hs_enc": scale * _draw(rng, N, S, H), "hs_dec": scale * _draw(rng, N, T, H)}
    return {**sides, "dout": _draw(rng, N, T, H)}


def _argmax(case: Case, rng: Rng) -> Arrays:
    scores = _draw(rng, case["R"], case["V"])
    scores[np.arange(case["R"]), scores.argmax(axis=1)] += np.float32(0.01)
    return {"scores": scores}


def _sample(case: Case, rng: Rng) -> Arrays:
    """Draw every id from the probabilities that are not tiny, and its uniform number from the middle of its part."""
    R, V = case["R"], case["V"]
    scores = _draw(rng, R, V)
    p = np.exp(scores.astype(np.float64))
    p /= p.sum(axis=1, keepdims=True)
    likely = np.where(p > CLEAR[1], p, 0.0).cumsum(axis=1)
    ids = (likely <= rng.random((R, 1)) * likely[:, -1:]).sum(axis=1)
    rows = np.arange(R)
    return {"scores": scores, "uniforms": p.cumsum(axis=1)[rows, ids] - p[rows, ids] / 2}


def _gradients(case: Case, rng: Rng) -> Arrays:
    return numbered("grads", [_draw(rng, *shape) for shape in parameter_shapes(case)])


def _update(case: Case, rng: Rng) -> Arrays:
    """Parameters are of the order of their change, which shows in them then; slots are those of some step."""
    shapes, lr = parameter_shapes(case), np.float32(NUMBERS[case.kind]["lr"])
    found = numbered("params", [lr * _draw(rng, *shape) for shape in shapes])
    found |= numbered("grads", [_draw(rng, *shape) for shape in shapes])
    for slot in SLOTS[case.kind]:
        squares = case.kind in ROOTS and slot == SLOTS[case.kind][-1]
        made: list[Any] = [rng.uniform(0.5, 1.5, shape) if squares else rng.normal(0, 0.1, shape) for shape in shapes]
        found |= numbered(slot, [a.astype(np.float32) for a in made])
    return found


_RECURRENT = ("lstm_forward", "lstm_backward", "gru_forward", "gru_backward", "rnn_forward", "rnn_backward")

#: Function -> what makes its inputs.
_MAKERS: dict[str, Callable[[Case, Rng], Arrays]] = {
    **dict.fromkeys(_RECURRENT, _recurrent),
    **dict.fromkeys(("lstm_step", "gru_step", "rnn_step"), _step),
    **dict.fromkeys(("lstm_ids_forward", "lstm_ids_backward"), _ids),
    "lstm_encode": _encode,
    "lstm_greedy": _greedy,
    **dict.fromkeys(("affine_forward", "affine_backward"), _affine),
    **dict.fromkeys(("embedding_forward", "embedding_backward"), _embedding),
    **dict.fromkeys(("softmax_loss_forward", "softmax_loss_backward"), _loss),
    **dict.fromkeys(("attention_forward", "attention_backward"), _attention),
    "argmax": _argmax,
    "sample": _sample,
    **dict.fromkeys(("clip_grads", "clip_rate"), _gradients),
    **dict.fromkeys(SLOTS, _update),
}
