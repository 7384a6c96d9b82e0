"""Validation shared by the kernel entries of every backend: nothing unchecked reaches a kernel.

A compiled kernel has no bounds check, so a wrong shape or id would read foreign memory without an error. Every
function returns normalised arrays or raises ValueError or IndexError that names the argument, what came and what
was expected.

Arrays of CuPy are refused, except inside :class:`device_arrays`: then shapes and dtypes are checked by the same text,
which NumPy's dispatch carries over. Functions that look at values (:func:`as_ids`, :func:`as_labels`) are for arrays
of the host alone: a look at values on a device waits for it.
"""

from typing import Any, NamedTuple, NoReturn

import numpy as np

from fasts2s_kernels.contract import Array
from fasts2s_kernels.scalars import clip_rate, flag, integer, integers, norm_limit, number
from fasts2s_kernels.sides import device_arrays, device_arrays_pass, is_cupy

__all__ = [
    "Sequence",
    "array_list",
    "as_array",
    "as_float",
    "as_ids",
    "as_integers",
    "as_labels",
    "as_mask",
    "bias_buffer",
    "buffer",
    "clip_rate",
    "device_arrays",
    "flag",
    "floating",
    "gradients",
    "id_sequence",
    "inexact",
    "integer",
    "integers",
    "is_cupy",
    "norm_limit",
    "number",
    "recurrent_weights",
    "require_real",
    "saved",
    "sequence",
    "state",
    "step",
    "table_of_gates",
    "update_lists",
    "weight",
]

_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def as_array(name: str, a: Any, expected: str) -> Array:
    """Return a as a plain array, or raise ValueError if it is no array at all (or a masked one).

    An array of CuPy is a ValueError too, except inside :class:`device_arrays`.
    """
    if isinstance(a, np.ma.MaskedArray):
        raise ValueError(f"{name} is a masked array, whose mask would be ignored; expected {expected}")
    if type(a) is np.ndarray:
        return a
    if is_cupy(a):
        if device_arrays_pass():
            return a
        raise ValueError(f"{name} is a cupy.ndarray, expected {expected} of NumPy: move it with to_cpu()")
    if isinstance(a, np.ndarray | np.generic):
        return np.asarray(a)
    raise ValueError(f"{name} is of type {type(a).__name__}, expected {expected}: convert it with numpy.asarray")


def as_float(name: str, a: Any, dtype: Any, shape: tuple[int, ...], letters: str) -> Array:
    """Return a as an array of the given dtype and shape; ``letters`` name the shape in the message."""
    if type(a) is np.ndarray and a.dtype is dtype and a.shape == shape:
        return a  # the usual case, without a message being made
    a = as_array(name, a, f"a float array {letters} = {shape}")
    if a.shape != shape:
        raise ValueError(f"{name} has shape {a.shape}, expected {letters} = {shape}")
    return _cast(name, a, dtype)


def _cast(name: str, a: Array, dtype: Any) -> Array:
    if a.dtype == dtype:
        # An array of foreign byte order is equal to none of the native dtypes, so it goes through astype.
        return a
    require_real(name, a)
    # Quiet, because a float64 beyond the range of float32 becomes infinite and shows in the result.
    with np.errstate(over="ignore"):
        return a.astype(dtype)


def require_real(name: str, a: Array) -> None:
    """Raise ValueError unless the elements are real numbers: floats, integers or bools."""
    if a.dtype.kind not in "fiub":
        raise ValueError(f"{name} has dtype {a.dtype}, expected a real number type such as float32")


def inexact(name: str, a: Any, letters: str) -> Array:
    """Return an array of any float dtype as it is, of other real numbers as float32."""
    a = as_array(name, a, f"a float array {letters}")
    return a if a.dtype.kind == "f" else _cast(name, a, np.dtype(np.float32))


def floating(name: str, a: Any, letters: str, ndim: int) -> Array:
    """Return an input that sets the dtype of a kernel: float32 and float64 (of any byte order) stay, the rest becomes
    float32."""
    a = as_array(name, a, f"a float array {letters}")
    if a.ndim != ndim:
        raise ValueError(f"{name} has shape {a.shape}, expected {letters}")
    return _cast(name, a, np.dtype(np.float64 if a.dtype.kind == "f" and a.dtype.itemsize == 8 else np.float32))


def weight(name: str, a: Any, letters: str, ndim: int | None) -> Array:
    """Return a as a weight array: float32 or float64 with ndim dimensions (any number where None)."""
    if type(a) is np.ndarray and a.dtype is _FLOATS[0] and (ndim is None or a.ndim == ndim):
        return a
    a = as_array(name, a, f"a float32 or float64 array {letters}")
    if ndim is not None and a.ndim != ndim:
        raise ValueError(f"{name} has shape {a.shape}, expected {letters}")
    if a.dtype not in _FLOATS:
        raise ValueError(f"{name} has dtype {a.dtype}, expected float32 or float64: use astype")
    return a


def buffer(name: str, a: Any, like: Array, letters: str) -> Array:
    """Return a gradient buffer that can be overwritten in place: shape and dtype of its weight, writable."""
    if type(a) is np.ndarray and a.dtype is like.dtype and a.shape == like.shape and a.flags.writeable:
        return a
    a = as_array(name, a, f"a writable array {letters} = {like.shape}")
    if a.shape != like.shape or a.dtype != like.dtype:
        raise ValueError(f"{name} is {a.dtype} {a.shape}, expected {like.dtype} {letters} = {like.shape}")
    if not getattr(a.flags, "writeable", True):
        raise ValueError(f"{name} is read-only, expected a writable array {letters}: copy it")
    return a


def bias_buffer(db: Any, shape: tuple[int, ...], letters: str) -> Array:
    """Return db, the gradient buffer of a bias; its dtype may be the bias's own, unlike that of the weights."""
    db = weight("db", db, letters, 1)
    if db.shape != shape:
        raise ValueError(f"db has shape {db.shape}, expected {letters} = {shape}")
    return buffer("db", db, db, letters)


def as_mask(name: str, a: Any, shape: tuple[int, ...], letters: str) -> Array:
    """Return a as a bool array of the given shape."""
    a = as_array(name, a, f"a bool array {letters} = {shape}")
    if a.shape != shape:
        raise ValueError(f"{name} has shape {a.shape}, expected {letters} = {shape}")
    if a.dtype.kind != "b":
        raise ValueError(f"{name} has dtype {a.dtype}, expected bool: use {name}.astype(bool)")
    return a


def _out_of_range(name: str, a: Array, position: Any, allowed: str) -> NoReturn:
    where = tuple(int(k) for k in np.unravel_index(int(position), a.shape))
    raise IndexError(f"{name} holds {int(a[where])} at position {where}, expected {allowed}")


def as_integers(name: str, a: Any, letters: str, ndim: int | None = None) -> Array:
    """Return an integer array as int64, with ndim dimensions (any number where None); bool and float are refused.

    Converted before anything is compared: NumPy up to 2.2 crashes when an unsigned array meets a Python int beyond
    its range. IndexError for an element that int64 cannot hold; on a device, where nobody looks, it becomes negative.
    """
    a = as_array(name, a, f"an integer array {letters}")
    if ndim is not None and a.ndim != ndim:
        raise ValueError(f"{name} has shape {a.shape}, expected {letters}")
    if a.dtype.kind not in "iu":
        raise ValueError(f"{name} has dtype {a.dtype}, expected an integer type: use astype(int)")
    if a.dtype.kind == "u" and type(a) is np.ndarray and a.size and int(a.max()) >= 2**63:
        _out_of_range(name, a, a.argmax(), "integers below 2**63")
    return a.astype(np.int64, copy=False)


def as_ids(name: str, a: Any, size: int, letters: str, ndim: int | None = None) -> Array:
    """Return ids as int64 in 0 .. size-1; -size .. -1 count from the end. Else IndexError."""
    ids = as_integers(name, a, letters, ndim)
    # As unsigned numbers negative ones are the largest: one look at all of them, where none is negative.
    if ids.size == 0 or ids.view(np.uint64).max() < size:
        return ids
    low, high = int(ids.min()), int(ids.max())
    if low < -size or high >= size:
        position = ids.argmin() if low < -size else ids.argmax()
        _out_of_range(name, ids, position, f"ids from {-size} to {size - 1} (V = {size})")
    return np.where(ids < 0, ids + size, ids) if low < 0 else ids


def as_labels(name: str, a: Any, rows: int, size: int, ignore_label: int) -> tuple[Array, Array | None]:
    """Return labels (R,) as int64 and the bool rows that count (None: all of them)."""
    labels = as_integers(name, a, "(R,)", 1)
    if labels.shape != (rows,):
        raise ValueError(f"{name} has shape {labels.shape}, expected (R,) = ({rows},)")
    ignore = integer("ignore_label", ignore_label)
    if labels.size and (ignore < 0 or ignore >= size) and int(labels.min()) >= 0 and int(labels.max()) < size:
        return labels, None  # the usual case: a label that is in range cannot be the ignored one
    counted = labels != ignore
    wrong = counted & ((labels < 0) | (labels >= size))
    if wrong.any():
        allowed = f"labels from 0 to {size - 1} (V = {size}) or ignore_label = {ignore}"
        _out_of_range(name, labels, wrong.argmax(), allowed)
    return labels, None if counted.all() else counted


class Sequence(NamedTuple):
    """Checked inputs of a recurrent kernel; ``states`` are h0 (and c0) in the dtype of the weights."""

    xs: Array
    Wx: Array
    Wh: Array
    b: Array | None
    states: list[Array]
    row_bias: Array | None
    mask: Array | None


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


def state(name: str, a: Any, like: Array, shape: tuple[int, int]) -> Array:
    """Return a state (N, H) in the dtype of ``like``, zeros for None, or raise ValueError."""
    if a is None:
        return np.zeros_like(like, shape=shape)
    a = as_array(name, a, f"a float array (N, H) = {shape}")
    if a.shape != shape:
        raise ValueError(
            f"the state {name} has shape {a.shape}, expected (N, H) = {shape}: "
            "a stateful layer keeps its state between calls, see reset_state() and set_state()"
        )
    return _cast(name, a, like.dtype)


def sequence(
    gates: int, xs: Any, Wx: Any, Wh: Any, b: Any, states: dict[str, Any], row_bias: Any, mask: Any
) -> Sequence:
    """Check the inputs of a recurrent forward call; padded steps of xs come back as zeros."""
    Wx, Wh, b = recurrent_weights(gates, Wx, Wh, b)
    D, H = Wx.shape[0], Wh.shape[0]
    xs = as_array("xs", xs, f"a float array (N, T, D) with D = {D}")
    if xs.ndim != 3 or xs.shape[2] != D:
        raise ValueError(f"xs has shape {xs.shape}, expected (N, T, D) with D = {D}")
    N, T, _ = xs.shape
    xs = _cast("xs", xs, Wx.dtype)
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


def step(gates: int, x: Any, Wx: Any, Wh: Any, b: Any, states: dict[str, Any], row_bias: Any) -> Sequence:
    """Check the inputs of a single recurrent step, x (N, D); ``xs`` of the result is (N, D)."""
    Wx, Wh, b = recurrent_weights(gates, Wx, Wh, b)
    x = as_array("x", x, f"a float array (N, D) with D = {Wx.shape[0]}")
    if x.ndim != 2:
        raise ValueError(f"x has shape {x.shape}, expected (N, D) with D = {Wx.shape[0]}")
    checked = sequence(gates, x[:, None, :], Wx, Wh, b, states, row_bias, None)
    return checked._replace(xs=checked.xs[:, 0])


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
) -> tuple[Array | None, Array, Array, list[Array], tuple[Array, Array, Array | None]]:
    """Check the inputs of a recurrent backward call: dhs, Wx, Wh, the gradients of the last states, buffers."""
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
    last = [
        np.zeros_like(Wx, shape=(N, H)) if a is None else as_float(name, a, Wx.dtype, (N, H), "(N, H)")
        for name, a in lasts.items()
    ]
    dWx, dWh, db = buffers
    gH = _blocks(gates)
    dWx, dWh = buffer("dWx", dWx, Wx, f"(D, {gH})"), buffer("dWh", dWh, Wh, f"(H, {gH})")
    if (db is None) != (seq.b is None):
        raise ValueError(f"db is {type(db).__name__}, expected a buffer exactly where the forward call had b")
    if seq.b is not None:
        db = bias_buffer(db, seq.b.shape, f"({gH},)")
    return dhs, Wx, Wh, last, (dWx, dWh, db)


def array_list(name: str, arrays: Any) -> list[Array]:
    """Return a list of float arrays that can be changed in place, or raise ValueError."""
    if not isinstance(arrays, list | tuple):
        raise ValueError(f"{name} is of type {type(arrays).__name__}, expected a list of arrays")
    checked = []
    for i, a in enumerate(arrays):
        part = f"{name}[{i}]"
        a = weight(part, a, "of any shape", None)
        checked.append(buffer(part, a, a, "of any shape"))
    return checked


def update_lists(params: Any, grads: Any, **slots: Any) -> tuple[list[Array], list[Array], dict[str, list[Array]]]:
    """Check the lists of an optimiser: equal lengths, and equal shapes position by position.

    Returns params, grads (in the dtype of the params) and the slots by name.
    """
    params = array_list("params", params)
    for name, arrays in {"grads": grads, **slots}.items():
        if not isinstance(arrays, list | tuple):
            raise ValueError(f"{name} is of type {type(arrays).__name__}, expected a list of arrays")
        if len(arrays) != len(params):
            raise ValueError(f"{name} holds {len(arrays)} arrays, expected {len(params)}, as many as params")
    cast = [
        as_float(f"grads[{i}]", g, p.dtype, p.shape, "its parameter's shape") for i, (g, p) in _pairs(grads, params)
    ]
    held = {
        name: [buffer(f"{name}[{i}]", a, p, "its parameter's shape") for i, (a, p) in _pairs(arrays, params)]
        for name, arrays in slots.items()
    }
    return params, cast, held


def _pairs(arrays: Any, params: list[Array]) -> Any:
    return enumerate(zip(arrays, params, strict=True))
