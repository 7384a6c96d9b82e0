"""An embedding and the LSTM on it as one, put together from other kernels: the same text for every backend.

Which trick pays is decided in :mod:`fasts2s_kernels.ops.embedded_lstm.plan`. Results are those of the two layers, in
sums of another order: with a table, gradients are summed by id before they meet Wx; where rows begin alike, the
gradient of a state that they share is the sum over them.

``constant`` (N, C) is an input that does not change over time, which stands before the word at every step (a decoder
that peeks at the source). The first C rows of Wx meet it: ``(constant, x) Wx = constant Wx[:C] + x Wx[C:]``, and
the first part is computed once.
"""

from typing import Any, NamedTuple

import numpy as np

from fasts2s_kernels.arrays import AnyArray, Array, Kernels
from fasts2s_kernels.checks import either
from fasts2s_kernels.ops.affine import with_constant
from fasts2s_kernels.ops.embedded_lstm import plan


class Saved(NamedTuple):
    """What forward keeps for backward.

    Attributes
    ----------
    ids : (N, T), where there was no table.
    words : (V, D), where there was one: W as it was, whatever becomes of the weights. The words are small.
    phases : the phases of rows that begin alike; [] where every row was read for itself.
    cache : of the LSTM; where there are phases, a list of one for each.
    constant : (N, C), or None.
    """

    ids: Array | None
    words: Array | None
    phases: list[plan.Phase]
    cache: Any
    constant: Array | None


class _Weights(NamedTuple):
    """Weights of one dtype: an embedding W (V, D), the rows of Wx that meet a constant and a word, Wh, b."""

    W: Array
    of_constant: Array
    of_word: Array
    Wh: Array
    b: Array | None


def _weights(W: Any, Wx: Any, Wh: Any, b: Any, C: int | None) -> _Weights:
    """Check weights; C rows of Wx meet a constant, or where C is None all those that no word meets."""
    W = either.weight("W", W, "(V, D)", 2)
    Wx, Wh, b = either.recurrent_weights(4, Wx, Wh, b)
    C = max(Wx.shape[0] - W.shape[1], 0) if C is None else C
    if Wx.shape[0] - C != W.shape[1] or Wx.dtype != W.dtype:
        wanted = f"{W.dtype} (D, 4H) with D = {W.shape[1] + C}"
        raise ValueError(f"Wx is {Wx.dtype} {Wx.shape}, expected {wanted}, for the embedding W {W.shape}")
    return _Weights(W, Wx[:C], Wx[C:], Wh, b)


def forward(
    kernels: Kernels,
    W: AnyArray,
    ids: AnyArray,
    Wx: AnyArray,
    Wh: AnyArray,
    b: AnyArray | None,
    *,
    h0: AnyArray | None = None,
    constant: AnyArray | None = None,
    mask: AnyArray | None = None,
) -> tuple[Array, Array, Array, Saved]:
    """Read sequences of ids.

    Parameters
    ----------
    kernels : Kernels
        Of the backend.
    W : (V, D)
    ids : (N, T) integers, -V to V - 1; else IndexError
    Wx : (D, 4H), or (C + D, 4H) with a constant; Wh : (H, 4H), b : (4H,) or None
    h0 : (N, H) or None
        State before the first step; None is zero, as c is.
    constant : (N, C) or None
    mask : (N, T) bool or None
        As for ``lstm_forward``.

    Returns
    -------
    hs : (N, T, H); h, c : (N, H), the state after the last step; what :func:`backward` needs.

    Raises
    ------
    ValueError, IndexError
        Wrong type, dtype or shape; an id out of range.
    """
    if constant is not None:
        constant = either.weight("constant", constant, "(N, C)", 2).copy()  # later changes of it do not matter
    w = _weights(W, Wx, Wh, b, 0 if constant is None else constant.shape[1])
    ids = either.own_ids("xs", ids, w.W)
    row_bias = None
    if constant is not None:
        if constant.shape[0] != ids.shape[0]:
            raise ValueError(f"constant has shape {constant.shape}, expected (N, C) with N = {ids.shape[0]}, as xs")
        row_bias = kernels.affine_forward(constant, w.of_constant, None)
    V, H, options = w.W.shape[0], w.Wh.shape[0], {"h0": h0, "row_bias": row_bias, "mask": mask}
    if not plan.table_pays(V, ids.size):
        xs = kernels.embedding_forward(w.W, ids)
        hs, h, c, cache = kernels.lstm_forward(xs, w.of_word, w.Wh, w.b, **options)
        return hs, h, c, Saved(ids, None, [], cache, constant)
    table = kernels.affine_forward(w.W, w.of_word, w.b)
    # Rows that differ by what else they are given have nothing to share. On a device sharing does not pay: that is
    # bound by the number of launches, which phases multiply.
    alike = kernels.xp is np and h0 is None and row_bias is None and mask is None
    phases = plan.phases(ids, V, H) if alike else []
    if phases:
        hs, h, c, cache = _forward_in_phases(kernels, phases, table, ids, w.Wh)
    else:
        hs, h, c, cache = kernels.lstm_ids_forward(table, ids, w.Wh, **options)
    return hs, h, c, Saved(None, w.W.copy(), phases, cache, constant)


def backward(
    kernels: Kernels,
    dhs: AnyArray | None,
    W: AnyArray,
    Wx: AnyArray,
    Wh: AnyArray,
    saved: Saved | None,
    *,
    dh_last: AnyArray | None = None,
    dW: Array,
    dWx: Array,
    dWh: Array,
    db: Array | None,
) -> tuple[Array | None, Array | None, Array | None]:
    """Gradients of :func:`forward`; dW, dWx, dWh, db are overwritten.

    Parameters
    ----------
    dhs : (N, T, H) or None, dh_last : (N, H) or None
        Gradients of hs and of the last h; None is zero.
    W, Wx, Wh
        The weights of the forward call.
    saved
        What forward returned.

    Returns
    -------
    dh0, dc0 : (N, H), or None where rows were shared: there is none for each row
    dconstant : (N, C), or None where there was no constant

    Raises
    ------
    ValueError
        Wrong type, dtype or shape; no forward before. Nothing has been written then.
    """
    ids, words, phases, cache, constant = either.saved(saved)
    C = 0 if constant is None else constant.shape[1]
    w = _weights(W, Wx, Wh, None, C)
    # All before anything is computed: a refused call has written nothing.
    dW, dWh = either.buffer("dW", dW, w.W, "(V, D)"), either.buffer("dWh", dWh, w.Wh, "(H, 4H)")
    dWx = either.buffer("dWx", dWx, either.weight("Wx", Wx, "(D, 4H)", 2), "(D, 4H)")
    db = None if db is None else either.bias_buffer(db, w.Wh.shape[1:], "(4H,)")
    lasts, dh0, dc0, drow = {"dh_last": dh_last, "dWh": dWh}, None, None, None
    if words is None:
        dxs, dh0, dc0, drow = kernels.lstm_backward(dhs, w.of_word, w.Wh, cache, **lasts, dWx=dWx[C:], db=db)
        kernels.embedding_backward(dxs, ids, dW=dW)
    else:
        dtable = np.empty_like(w.W, shape=(w.W.shape[0], w.Wh.shape[1]))
        if phases:
            _backward_in_phases(kernels, phases, cache, dhs, w.Wh, **lasts, dtable=dtable)
        else:
            dh0, dc0, drow = kernels.lstm_ids_backward(dhs, w.Wh, cache, **lasts, dtable=dtable)
        dW[...] = kernels.affine_backward(dtable, words, w.of_word, dW=dWx[C:], db=db)
    if constant is None:
        return dh0, dc0, None
    return dh0, dc0, kernels.affine_backward(drow, constant, w.of_constant, dW=dWx[:C], db=None)


def _forward_in_phases(
    kernels: Kernels, phases: list[plan.Phase], table: Array, ids: Array, Wh: Array
) -> tuple[Array, Array, Array, Any]:
    """As ``lstm_ids_forward`` of the kernels, from a state of zeros: hs (N, T, H), last h and c (N, H), a cache."""
    hs = np.empty_like(Wh, shape=(*ids.shape, Wh.shape[0]))
    caches: list[Any] = []
    h = c = np.empty_like(hs[:, 0])
    for phase in phases:
        state = {"h0": h[phase.parents], "c0": c[phase.parents]} if phase.start else {}
        part, h, c, cache = kernels.lstm_ids_forward(table, ids[phase.rows, phase.start : phase.stop], Wh, **state)
        hs[:, phase.start : phase.stop] = part[phase.groups]
        caches.append(cache)
    last = phases[-1].groups
    return hs, h[last], c[last], caches


def _backward_in_phases(
    kernels: Kernels, phases: list[plan.Phase], caches: Any, dhs: Any, Wh: Array, *, dh_last: Any,
    dtable: Array, dWh: Array,
) -> None:  # fmt: skip
    """As ``lstm_ids_backward`` of the kernels; the gradient of the initial state, which is none, is not computed."""
    dh = None if dh_last is None else _summed(kernels, dh_last, phases[-1])
    dc: Array | None = None
    dtable[...], dWh[...] = 0, 0
    own = {"dtable": np.empty_like(dtable), "dWh": np.empty_like(dWh)}
    for k in reversed(range(len(phases))):
        phase = phases[k]
        part = None if dhs is None else _summed(kernels, dhs[:, phase.start : phase.stop], phase)
        dh, dc, _ = kernels.lstm_ids_backward(part, Wh, caches[k], dh_last=dh, dc_last=dc, **own)
        dtable += own["dtable"]
        dWh += own["dWh"]
        if k:
            into = phases[k - 1]._replace(groups=phase.parents)
            dh, dc = _summed(kernels, dh, into), _summed(kernels, dc, into)


def _summed(kernels: Kernels, rows: Array, phase: plan.Phase) -> Array:
    """Return rows (N, ...) summed by the group that each belongs to: (R, ...)."""
    out = np.empty_like(rows, shape=(len(phase.rows), *rows.shape[1:]))
    kernels.embedding_backward(rows.reshape(len(rows), -1), phase.groups, dW=out.reshape(len(out), -1))
    return out


def step(
    kernels: Kernels, W: AnyArray, ids: AnyArray, Wx: AnyArray, Wh: AnyArray, b: AnyArray | None, *,
    h: AnyArray | None, c: AnyArray | None = None, row_bias: AnyArray | None = None,
) -> tuple[Array, Array]:  # fmt: skip
    """One step for inference: ids (N,), h, c (N, H) or None for zero -> next h, c (N, H).

    row_bias : (N, 4H), what :func:`of_constant` returned, or None.
    """
    w = _weights(W, Wx, Wh, b, 0 if row_bias is None else None)
    xs = kernels.embedding_forward(w.W, ids)
    return kernels.lstm_step(xs, w.of_word, w.Wh, w.b, h=h, c=c, row_bias=row_bias)


def of_constant(kernels: Kernels, constant: AnyArray, Wx: AnyArray) -> Array:
    """Return what a constant (N, C) adds to the gates at every step, ``constant Wx[:C]``: (N, 4H)."""
    Wx = either.weight("Wx", Wx, "(C + D, 4H)", 2)
    return kernels.affine_forward(constant, Wx[: constant.shape[1]], None)


def answer(
    kernels: Kernels, W: AnyArray, start_ids: AnyArray, length: int, Wx: AnyArray, Wh: AnyArray, b: AnyArray | None,
    W_out: AnyArray, b_out: AnyArray | None, *, h: AnyArray, constant: AnyArray | None = None,
) -> Array:  # fmt: skip
    """Choose whole answers greedily: ids (N, length), see ``lstm_greedy`` of the contract.

    A constant (N, C) stands before the hidden state at the output too: Wx is then (C + D, 4H), W_out (C + H, V).
    """
    if constant is None:
        return kernels.lstm_greedy(W, start_ids, length, Wx, Wh, b, W_out, b_out, h=h)
    C = either.weight("constant", constant, "(N, C)", 2).shape[1]
    Wx, W_out = either.weight("Wx", Wx, "(C + D, 4H)", 2), either.weight("W_out", W_out, "(C + H, V)", 2)
    return kernels.lstm_greedy(
        W, start_ids, length, Wx[C:], Wh, b, W_out[C:], None, h=h,
        row_bias=of_constant(kernels, constant, Wx), score_bias=with_constant.bias(kernels, constant, W_out, b_out),
    )  # fmt: skip
