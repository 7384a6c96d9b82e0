"""Validation of the inputs of recurrent kernels; see :mod:`fasts2s_kernels.checks`."""

from typing import Any, NamedTuple

import numpy as np

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks.arrays import as_array, as_float, as_ids, as_mask, bias_buffer, buffer, cast, weight


class Sequence(NamedTuple):
    """Checked inputs of a recurrent kernel; ``states`` are h0 (and c0) in the weights' dtype, None for zeros."""

    xs: Array
    Wx: Array
    Wh: Array
    b: Array | None
    states: list[Array | None]
    row_bias: Array | None
    mask: Array | None

    def initial(self) -> list[Array]:
        """Return the states, zeros (N, H) for None."""
        return or_zeros(self.states, self.Wh, len(self.xs))


def or_zeros(states: list[Array | None], Wh: Array, N: int) -> list[Array]:
    """Return states, or gradients of them, with zeros (N, H) for None."""
    return [np.zeros_like(Wh, shape=(N, Wh.shape[0])) if a is None else a for a in states]


def _blocks(gates: int) -> str:
    return "H" if gates == 1 else f"{gates}H"


def recurrent_weights(gates: int, Wx: Any, Wh: Any, b: Any) -> tuple[Array, Array, Array | None]:
    """Check Wx (D, gH), Wh (H, gH) and b (gH,) or None against one another; one dtype for all."""
    gH = _blocks(gates)
    Wx, Wh = weight("Wx", Wx, f"(D, {gH})", 2), weight("Wh", Wh, f"(H, {gH})", 2)
    H = Wh.shape[0]
    if Wh.shape[1] != gates * H:
        raise ValueError(f"Wh has shape {Wh.shape}, expected (H, {gH}) = {(H, gates * H)}")
    if Wx.shape[1] != gates * H:
        raise ValueError(f"Wx has shape {Wx.shape}, expected (D, {gH}) = {(Wx.shape[0], gates * H)}")
    if Wh.dtype != Wx.dtype:
        raise ValueError(f"Wh has dtype {Wh.dtype}, expected that of Wx, {Wx.dtype}")
    return Wx, Wh, None if b is None else as_float("b", b, Wx.dtype, (gates * H,), f"({gH},)")


def state(name: str, a: Any, like: Array, shape: tuple[int, int]) -> Array | None:
    """Return a state (N, H) in the dtype of ``like``, None for None, or raise ValueError."""
    if a is None:
        return None
    a = as_array(name, a, f"a float array (N, H) = {shape}")
    if a.shape != shape:
        raise ValueError(
            f"the state {name} has shape {a.shape}, expected (N, H) = {shape}: "
            "a stateful layer keeps its state between calls, see reset_state() and set_state()"
        )
    return cast(name, a, like.dtype)


def sequence(
    gates: int, xs: Any, Wx: Any, Wh: Any, b: Any, states: dict[str, Any], row_bias: Any, mask: Any
) -> Sequence:
    """Check the inputs of a recurrent forward call; padded steps of xs come back as zeros."""
    weights = recurrent_weights(gates, Wx, Wh, b)
    return _inputs(gates, "xs", xs, "(N, T, D)", weights, states, row_bias, mask)


def _inputs(
    gates: int, name: str, xs: Any, letters: str, weights: Any, states: dict[str, Any], row_bias: Any, mask: Any
) -> Sequence:
    """Check what belongs to the rows: inputs, with or without steps, states, row_bias and mask."""
    Wx, Wh, b = weights
    D, H = Wx.shape[0], Wh.shape[0]
    ndim = letters.count(",") + 1
    if type(xs) is not np.ndarray:
        xs = as_array(name, xs, f"a float array {letters} with D = {D}")
    if xs.ndim != ndim or xs.shape[-1] != D:
        raise ValueError(f"{name} has shape {xs.shape}, expected {letters} with D = {D}")
    xs = cast(name, xs if ndim == 3 else xs[:, None, :], Wx.dtype)
    N, T, _ = xs.shape
    held = [state(name, a, Wx, (N, H)) for name, a in states.items()]
    if row_bias is not None:
        row_bias = as_float("row_bias", row_bias, Wx.dtype, (N, gates * H), f"(N, {_blocks(gates)})")
    if mask is not None:
        mask = as_mask("mask", mask, (N, T), "(N, T)")
        xs = np.where(mask[:, :, None], xs, xs.dtype.type(0))
    return Sequence(xs, Wx, Wh, b, held, row_bias, mask)


def table_of_gates(gates: int, table: Any, Wh: Any) -> tuple[Array, Array]:
    """Check a table (V, gH) of what ids bring to the gates, against Wh (H, gH)."""
    table, Wh = weight("table", table, f"(V, {_blocks(gates)})", 2), weight("Wh", Wh, f"(H, {_blocks(gates)})", 2)
    if table.shape[1] != Wh.shape[1] or table.dtype != Wh.dtype:
        wanted = f"{Wh.dtype} (V, {_blocks(gates)}) with {Wh.shape[1]} columns, as Wh"
        raise ValueError(f"table is {table.dtype} {table.shape}, expected {wanted}")
    return table, Wh


def id_sequence(
    gates: int, table: Any, ids: Any, Wh: Any, states: dict[str, Any], row_bias: Any, mask: Any
) -> tuple[Sequence, Array, Array]:
    """Check the inputs of a recurrent forward call whose inputs are ids of rows of a table (V, gH).

    Returns a sequence with D = 0, the table, and the ids in 0 .. V - 1.
    """
    table, Wh = table_of_gates(gates, table, Wh)
    ids = as_ids("ids", ids, table.shape[0], "(N, T)")
    if ids.ndim != 2:
        raise ValueError(f"ids has shape {ids.shape}, expected (N, T)")
    xs, Wx = np.zeros_like(table, shape=(*ids.shape, 0)), table[:0]
    return sequence(gates, xs, Wx, Wh, None, states, row_bias, mask), table, ids


def id_step(
    gates: int, table: Any, ids: Any, Wh: Any, states: dict[str, Any], row_bias: Any
) -> tuple[Sequence, Array, Array]:
    """Check the inputs of a single recurrent step whose inputs are ids (N,) of rows of a table (V, gH).

    Returns a sequence of one step with D = 0, the table, and the ids in 0 .. V - 1.
    """
    table, Wh = table_of_gates(gates, table, Wh)
    ids = as_ids("ids", ids, table.shape[0], "(N,)")
    if ids.ndim != 1:
        raise ValueError(f"ids has shape {ids.shape}, expected (N,)")
    x, Wx = np.zeros_like(table, shape=(len(ids), 0)), table[:0]
    return step(gates, x, Wx, Wh, None, states, row_bias), table, ids


def step(gates: int, x: Any, Wx: Any, Wh: Any, b: Any, states: dict[str, Any], row_bias: Any) -> Sequence:
    """Check the inputs of a single recurrent step, x (N, D); the result has a sequence of one step."""
    return _inputs(gates, "x", x, "(N, D)", recurrent_weights(gates, Wx, Wh, b), states, row_bias, None)


def saved(cache: Any) -> Any:
    """Return the cache of a forward call, or raise ValueError if there was none."""
    if cache is None:
        raise ValueError("backward() before forward(): there is nothing to differentiate yet")
    return cache


def gradients(
    gates: int,
    dhs: Any,
    seq: Sequence,
    Wx: Any,
    Wh: Any,
    lasts: dict[str, Any],
    buffers: tuple[Any, Any, Any],
) -> tuple[Array | None, Array, Array, list[Array | None], tuple[Array, Array, Array | None]]:
    """Check the inputs of a recurrent backward call: dhs, Wx, Wh, the gradients of the last states, buffers.

    Of the gradients of the last states None stays None: it stands for zeros.
    """
    Wx, Wh, _ = recurrent_weights(gates, Wx, Wh, None)
    if Wx.shape != seq.Wx.shape or Wh.shape != seq.Wh.shape:
        raise ValueError(
            f"Wx, Wh have shapes {Wx.shape}, {Wh.shape}, expected those of the forward call, "
            f"{seq.Wx.shape}, {seq.Wh.shape}: call forward() again"
        )
    if Wx.dtype != seq.Wx.dtype:
        raise ValueError(f"Wx has dtype {Wx.dtype}, expected that of the forward call, {seq.Wx.dtype}")
    (N, T, _), H = seq.xs.shape, Wh.shape[0]
    if dhs is not None:
        dhs = as_float("dhs", dhs, Wx.dtype, (N, T, H), "(N, T, H)")
    last = [None if a is None else as_float(name, a, Wx.dtype, (N, H), "(N, H)") for name, a in lasts.items()]
    dWx, dWh, db = buffers
    gH = _blocks(gates)
    dWx, dWh = buffer("dWx", dWx, Wx, f"(D, {gH})"), buffer("dWh", dWh, Wh, f"(H, {gH})")
    if (db is None) != (seq.b is None):
        raise ValueError(f"db is {type(db).__name__}, expected a buffer exactly where the forward call had b")
    if seq.b is not None:
        db = bias_buffer(db, seq.b.shape, f"({gH},)")
    return dhs, Wx, Wh, last, (dWx, dWh, db)
