"""Malformed values."""

import decimal
import fractions
import warnings
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.records import SIZES

V = SIZES["V"]
#: Ids around every edge: of the vocabulary, of int32, of int64, of uint64.
EDGES = [-V - 1, -V, -1, 0, V - 1, V, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63), 2**64 - 1]
NUMBERS: list[Any] = [np.nan, np.inf, -np.inf, 0, -1, 1.5, True, 10**400, -(10**400), 1 + 2j, 1e308, 5e-324]
_NUMERIC = ["?", "i1", "u1", "i2", "i4", "i8", "u8", "f2", "f8", "g", ">f4", ">f8", ">i4", ">i8"]
_DTYPES = [*_NUMERIC, "F", "D", "O", "U", "S", "M8[s]", "m8[s]", "V3", "T"]


class _Unconvertible:
    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise RuntimeError("this object cannot be converted")


class _Duck:
    """Something that NumPy would convert, as data frames and the tensors of other libraries are."""

    shape, dtype, ndim = (3, 5), np.dtype(np.float32), 2

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.ones(self.shape, self.dtype)


def _structured() -> Any:
    return np.zeros((SIZES["N"], SIZES["T"]), dtype=[("a", "f4"), ("b", "i8")])


JUNK: list[Callable[[], Any]] = [
    lambda: None, list, tuple, dict, set, object, str, _Unconvertible, _Duck, _structured,
    lambda: "text", lambda: b"bytes", lambda: "1", lambda: bytearray(8), lambda: memoryview(b"12345678"),
    lambda: [1, 2], lambda: [[1.0, 2.0], [3.0]], lambda: [None], lambda: ["a"], lambda: {"xs": 1}, lambda: {1, 2},
    lambda: len, lambda: int, lambda: (lambda x: x), lambda: (k for k in range(3)), lambda: iter([1]),
    lambda: range(3), lambda: slice(None), lambda: Ellipsis, lambda: NotImplemented, lambda: ValueError("x"),
    lambda: decimal.Decimal("1.5"), lambda: fractions.Fraction(1, 3), lambda: Path("x"), lambda: np,
    lambda: array("f", [1.0, 2.0]), lambda: np.float32(1), lambda: np.int64(1), lambda: np.bool_(True),
    lambda: np.str_("x"), lambda: np.datetime64("2020-01-01"), lambda: np.timedelta64(1, "s"), lambda: np.dtype("f4"),
    lambda: np.float32,
    lambda: np.ma.masked, lambda: np.array(1.0), lambda: np.array(None), lambda: np.array("x"), lambda: np.array([]),
    lambda: np.array({}), lambda: np.zeros((1,) * 9), lambda: np.ma.masked_array([1.0, 2.0], [True, False]),
    lambda: np.array([[1, 2], None], dtype=object), lambda: np.random.default_rng(1),
]  # fmt: skip


def _axis(a: Any, rng: np.random.Generator) -> int:
    return int(rng.integers(a.ndim))


def _resized(a: Any, rng: np.random.Generator) -> Any:
    # Repeating keeps ids and labels in range: nothing but the size is wrong.
    axis, length = _axis(a, rng), int(rng.choice([-1, 1, 0, -99, 7]))
    length = {0: 0, -99: 1}.get(length, a.shape[axis] + length)
    return np.take(a, np.arange(length), axis=axis, mode="wrap")


_SHAPES: list[Callable[[Any, Any], Any]] = [
    _resized, _resized, _resized,
    lambda a, rng: a[None],
    lambda a, rng: a[..., None],
    lambda a, rng: a[0],
    lambda a, rng: a[..., 0],
    lambda a, rng: a.ravel(),
    lambda a, rng: a.T,
    lambda a, rng: np.swapaxes(a, 0, _axis(a, rng)),
    lambda a, rng: np.array(a.flat[0]),
    lambda a, rng: a.flat[0],
    lambda a, rng: a.flat[0].item(),
    lambda a, rng: a.tolist(),
    lambda a, rng: list(a),
    lambda a, rng: np.concatenate((a, a), axis=_axis(a, rng)),
]  # fmt: skip


def _cast(a: Any, rng: np.random.Generator) -> Any:
    name = str(rng.choice(_DTYPES))
    if name == "T":
        return a.astype(np.dtypes.StringDType()) if hasattr(np.dtypes, "StringDType") else a.astype("U")
    return (a * 3).astype(int).astype(name) if name[0] in "iuMmV>" else a.astype(name)


def _wrapped(a: Any, rng: np.random.Generator) -> Any:
    kind = int(rng.integers(4))
    if kind == 0:
        return np.ma.masked_array(a, rng.random(a.shape) < 0.5)
    if kind == 1 and a.ndim == 2:
        return a.view(np.matrix)
    if kind == 2:
        return a.view(np.recarray)
    record = np.zeros(a.shape, dtype=[("a", a.dtype), ("b", "i8")])
    record["a"] = a
    return record


def _layout(a: Any, rng: np.random.Generator) -> Any:
    kind, axis = int(rng.integers(5)), _axis(a, rng)
    if kind == 0:
        return np.asfortranarray(a)
    if kind == 1:
        return np.repeat(a, 2, axis=axis)[tuple(slice(None, None, 2 if k == axis else 1) for k in range(a.ndim))]
    if kind == 2:
        return np.flip(np.flip(a, axis).copy(), axis)
    if kind == 3:
        a.flags.writeable = False
        return a
    raw = np.frombuffer(b"\0" + a.tobytes(), dtype=np.uint8)[1:]  # odd address
    return raw.view(a.dtype).reshape(a.shape)


def _poisoned(a: Any, rng: np.random.Generator) -> Any:
    """Put values in that are out of range, in one place or everywhere."""
    if a.dtype.kind == "f":
        value = rng.choice([np.nan, np.inf, -np.inf, 3e38, 1e300, -1e30, 1e-45])
        a = a.astype(np.float64) if abs(value) == 1e300 or rng.random() < 0.2 else a
    elif a.dtype.kind in "iu":
        value = EDGES[rng.integers(len(EDGES))]
        a = a.astype(np.uint64 if value >= 2**63 else np.int64)
    else:
        return ~a
    if rng.random() < 0.3:
        a[...] = value
    elif a.size:
        a.flat[rng.integers(a.size)] = value
    return a


_MUTATIONS: list[tuple[float, Callable[[Any, Any], Any]]] = [
    (0.35, lambda a, rng: _SHAPES[rng.integers(len(_SHAPES))](a, rng)),
    (0.15, _cast),
    (0.10, _wrapped),
    (0.10, _layout),
    (0.15, _poisoned),
    (0.15, lambda a, rng: JUNK[rng.integers(len(JUNK))]()),
]


def malform(value: Any, rng: np.random.Generator) -> Any:
    """Return something in the place of a valid argument: often wrong, sometimes only unusual."""
    if isinstance(value, list | tuple) and value and rng.random() < 0.7:
        k = rng.integers(len(value))
        return type(value)(malform(v, rng) if i == k else v for i, v in enumerate(value))
    if isinstance(value, list | tuple) and rng.random() < 0.5:
        return [value[:-1], [*value, *value[:1]], value[::-1], dict(enumerate(value))][rng.integers(4)]
    if not isinstance(value, np.ndarray) or value.ndim == 0:
        pool: list[Any] = [*NUMBERS, *EDGES]
        return JUNK[rng.integers(len(JUNK))]() if rng.random() < 0.6 else pool[rng.integers(len(pool))]
    pick = rng.choice(len(_MUTATIONS), p=[weight for weight, _ in _MUTATIONS])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of making the value: only the calls are under test
        return _MUTATIONS[pick][1](value.copy(), rng)
