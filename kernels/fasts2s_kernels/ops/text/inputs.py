"""Validation for ``lstm_text``; see :mod:`fasts2s_kernels.checks`."""

from typing import Any, NamedTuple

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks import as_array, as_float, as_mask, integer, recurrent_weights, weight
from fasts2s_kernels.ops.decoding.reference import checked_uniforms


class Lstm(NamedTuple):
    """Weights of one LSTM, and its part of h and c."""

    Wx: Array
    Wh: Array
    b: Array
    part: slice


class Inputs(NamedTuple):
    """Checked inputs of ``lstm_text``."""

    W: Array
    word: int
    lstms: list[Lstm]
    W_out: Array
    b_out: Array | None
    h: Array
    c: Array
    uniforms: Array
    banned: Array | None
    stop: int  # -1: never


def checked(
    W: Any, start_id: Any, layers: Any, W_out: Any, b_out: Any, h: Any, c: Any, uniforms: Any, banned: Any,
    stop_id: Any,
) -> Inputs:  # fmt: skip
    """Return checked inputs; the word comes back in 0 .. V - 1."""
    W = weight("W", W, "(V, D)", 2)
    V = W.shape[0]
    lstms, H = _lstms(W, layers)
    W_out = weight("W_out", W_out, "(H, V)", 2)
    if W_out.dtype != W.dtype or W_out.shape != (H, V):
        raise ValueError(f"W_out is {W_out.dtype} {W_out.shape}, expected {W.dtype} (H, V) = {(H, V)}")
    if V == 0:
        raise ValueError(f"W has shape {W.shape}, expected (V, D) with V >= 1: nothing to choose from")
    word, stop = integer("start_id", start_id), integer("stop_id", stop_id)
    if not -V <= word < V:
        raise IndexError(f"start_id is {word}, expected an id from {-V} to {V - 1} (V = {V})")
    K = lstms[-1].part.stop if lstms else 0
    uniforms = as_array("uniforms", uniforms, "a float64 array (T,)")
    return Inputs(
        W, word % V, lstms, W_out,
        b_out=None if b_out is None else as_float("b_out", b_out, W.dtype, (V,), "(V,)"),
        h=as_float("h", h, W.dtype, (K,), "(K,)"),
        c=as_float("c", c, W.dtype, (K,), "(K,)"),
        uniforms=checked_uniforms(uniforms, uniforms.size, "(T,)"),
        banned=None if banned is None else as_mask("banned", banned, (V,), "(V,)"),
        stop=stop if 0 <= stop < V else -1,
    )  # fmt: skip


def _lstms(W: Array, layers: Any) -> tuple[list[Lstm], int]:
    """Return the LSTMs on an embedding W, and how many numbers the last of them gives."""
    if not isinstance(layers, list | tuple):
        raise ValueError(f"layers is of type {type(layers).__name__}, expected a list of arrays")
    if len(layers) % 3:
        raise ValueError(f"layers holds {len(layers)} arrays, expected three of every LSTM: Wx, Wh, b")
    lstms: list[Lstm] = []
    D, K = W.shape[1], 0
    for k in range(0, len(layers), 3):
        Wx, Wh, b = recurrent_weights(4, *layers[k : k + 3])
        name, H = f"layers[{k}], a Wx,", Wh.shape[0]
        if Wx.shape[0] != D or Wx.dtype != W.dtype:
            raise ValueError(f"{name} is {Wx.dtype} {Wx.shape}, expected {W.dtype} {(D, 4 * H)}, for what is below")
        if b is None:
            raise ValueError(
                f"layers[{k + 2}] is None, expected the bias (4H,) = {(4 * H,)}: zeros, where there is none"
            )
        lstms.append(Lstm(Wx, Wh, b, slice(K, K + H)))
        D, K = H, K + H
    return lstms, D
