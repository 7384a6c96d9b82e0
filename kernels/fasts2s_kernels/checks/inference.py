"""Validation for ``lstm_encode``, ``lstm_greedy`` and ``attention_greedy``; see :mod:`fasts2s_kernels.checks`."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks import as_array, as_float, as_ids, as_mask, integer, recurrent_weights, state, weight

# Half a gigabyte of ids, in one call that nothing can interrupt: more is a mistake in the length.
_MOST_IDS = 2**26


#: (name, ids, V, letters) -> ids in 0 .. V - 1: :func:`fasts2s_kernels.checks.as_ids`, or what a device has for it.
Look: TypeAlias = Callable[[str, Any, int, str], Array]


class Encoding(NamedTuple):
    """Checked inputs of ``lstm_encode``."""

    W: Array
    ids: Array
    Wx: Array
    Wh: Array
    b: Array | None
    mask: Array | None


def _table(W: Any, Wx: Array) -> Array:
    """Return the table W (V, D) of an embedding whose rows are the inputs of Wx (D, .)."""
    W = weight("W", W, "(V, D)", 2)
    if W.shape[1] != Wx.shape[0] or W.dtype != Wx.dtype:
        wanted = f"{Wx.dtype} (V, D) with D = {Wx.shape[0]}"
        raise ValueError(f"W is {W.dtype} {W.shape}, expected {wanted}, as Wx has it")
    return W


def encoding(W: Any, ids: Any, Wx: Any, Wh: Any, b: Any, mask: Any, look: Look = as_ids) -> Encoding:
    """Check the inputs of ``lstm_encode``; ids come back in 0 .. V - 1, looked at by ``look``."""
    Wx, Wh, b = recurrent_weights(4, Wx, Wh, b)
    W = _table(W, Wx)
    ids = look("ids", ids, W.shape[0], "(N, T)")
    if ids.ndim != 2:
        raise ValueError(f"ids has shape {ids.shape}, expected (N, T)")
    return Encoding(W, ids, Wx, Wh, b, None if mask is None else as_mask("mask", mask, ids.shape, "(N, T)"))


class Answering(NamedTuple):
    """Checked inputs of ``lstm_greedy``, and of ``attention_greedy``: that alone has hs_enc."""

    W: Array
    ids: Array
    length: int
    Wx: Array
    Wh: Array
    b: Array | None
    W_out: Array
    b_out: Array | None
    h: Array
    c: Array | None
    row_bias: Array | None = None
    score_bias: Array | None = None
    hs_enc: Array | None = None
    mask: Array | None = None


def attending(
    W: Any, ids: Any, length: Any, Wx: Any, Wh: Any, b: Any, W_out: Any, b_out: Any, h: Any, c: Any,
    hs_enc: Any, mask: Any, look: Look = as_ids,
) -> Answering:  # fmt: skip
    """Check the inputs of ``attention_greedy``; ids come back in 0 .. V - 1, looked at by ``look``."""
    a = answering(W, ids, length, Wx, Wh, b, W_out, b_out, h, c, None, None, look, features=2)
    N, H = a.h.shape
    hs_enc = as_array("hs_enc", hs_enc, f"a float array (N, S, H) with N, H = {N, H}")
    if hs_enc.ndim != 3 or (hs_enc.shape[0], hs_enc.shape[2]) != (N, H):
        raise ValueError(f"hs_enc has shape {hs_enc.shape}, expected (N, S, H) with N, H = {N, H}")
    hs_enc = as_float("hs_enc", hs_enc, a.Wx.dtype, hs_enc.shape, "(N, S, H)")
    return a._replace(hs_enc=hs_enc, mask=None if mask is None else as_mask("mask", mask, hs_enc.shape[:2], "(N, S)"))


def answering(
    W: Any, ids: Any, length: Any, Wx: Any, Wh: Any, b: Any, W_out: Any, b_out: Any, h: Any, c: Any,
    row_bias: Any, score_bias: Any, look: Look = as_ids, features: int = 1,
) -> Answering:  # fmt: skip
    """Check the inputs of ``lstm_greedy``; ids come back in 0 .. V - 1, looked at by ``look``.

    ``features`` is how many times H numbers the scores are made from.
    """
    Wx, Wh, b = recurrent_weights(4, Wx, Wh, b)
    W = _table(W, Wx)
    ids = look("start_ids", ids, W.shape[0], "(N,)")
    if ids.ndim != 1:
        raise ValueError(f"start_ids has shape {ids.shape}, expected (N,)")
    N, H, V = ids.size, Wh.shape[0], W.shape[0]
    letters = "(H, V)" if features == 1 else f"({features}H, V)"
    W_out = as_float("W_out", weight("W_out", W_out, letters, 2), Wx.dtype, (features * H, V), letters)
    if V == 0:
        raise ValueError(f"W has shape {W.shape}, expected (V, D) with V >= 1: nothing to choose from")
    held = [state(name, a, Wx, (N, H)) for name, a in (("h", h), ("c", c))]
    optional = [
        None if a is None else as_float(name, a, Wx.dtype, shape, letters)
        for name, a, shape, letters in (
            ("b_out", b_out, (V,), "(V,)"),
            ("row_bias", row_bias, (N, 4 * H), "(N, 4H)"),
            ("score_bias", score_bias, (N, V), "(N, V)"),
        )
    ]
    if held[0] is None:
        raise ValueError(f"h is None, expected a float array (N, H) = {(N, H)}")
    steps = integer("length", length, 0)
    if steps * N >= _MOST_IDS:
        raise ValueError(f"length is {steps} for {N} rows, expected fewer than {_MOST_IDS} ids in all")
    return Answering(W, ids, steps, Wx, Wh, b, W_out, optional[0], held[0], held[1], optional[1], optional[2])
