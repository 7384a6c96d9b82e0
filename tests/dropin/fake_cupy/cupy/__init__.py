"""A stand-in for CuPy on machines without a GPU: behaves as CuPy 14 where the book meets it, and computes with NumPy.

Written after reading ``_core/core.pyx``, ``_core/_scalar.pyx`` and ``_core/_routines_indexing.pyx`` of CuPy 15.0.0a1
and trying the wheel of CuPy 14.2.0 without a device. Arrays are not NumPy's: they do not become NumPy arrays unasked,
do not mix with them in arithmetic, keep zero dimensions, and wrap indices out of range. Stricter than CuPy on
purpose: ``cupy.random`` and ``cuda.set_allocator`` fail, for nothing may use them.
"""

import builtins
import operator
import os
from types import ModuleType, SimpleNamespace

import numpy as np

__version__ = "14.2.0"
float16, float32, float64, int32, int64, bool_ = np.float16, np.float32, np.float64, np.int32, np.int64, np.bool_
newaxis, pi, inf = None, np.pi, np.inf


def _own(x):
    """Return the NumPy array inside, or a number; refuse NumPy arrays, as CuPy does."""
    if isinstance(x, ndarray):
        return x._a
    if isinstance(x, list | tuple):
        return type(x)(map(_own, x))
    if isinstance(x, np.ndarray):
        raise TypeError(f"Unsupported type {type(x)}")
    return x


def _wrap(result):
    if isinstance(result, np.ndarray | np.generic):
        return ndarray(np.asarray(result))
    return type(result)(map(_wrap, result)) if isinstance(result, list | tuple) else result


def _over_own(function):
    def call(*args, **kwargs):
        return _wrap(function(*map(_own, args), **{name: _own(value) for name, value in kwargs.items()}))

    return call


class ufunc:
    """One of NumPy's ufuncs over arrays of this module; like CuPy's it takes no attributes."""

    __slots__ = ("_of",)

    def __init__(self, name):
        self._of = getattr(np, name)

    def __call__(self, *args, **kwargs):
        out = kwargs.pop("out", None)
        if out is None:
            return _over_own(self._of)(*args, **kwargs)
        self._of(*map(_own, args), out=out._a, **kwargs)
        return out

    def at(self, a, indices, values):
        self._of.at(a._a, _index(indices, a.shape), _own(values))


def _index(index, shape):
    """Return an index for NumPy. Arrays of NumPy are taken; numbers in arrays are wrapped, as CuPy does."""
    parts = index if isinstance(index, tuple) else (index,)
    found = [np.asarray(p._a if isinstance(p, ndarray) else p) if _is_array(p) else p for p in parts]
    for axis, p in enumerate(found):
        if _is_array(p) and p.dtype.kind in "iu":
            found[axis] = p % shape[axis]
    return tuple(found)


def _is_array(x):
    return isinstance(x, ndarray | np.ndarray | list)


class ndarray:
    __array_priority__ = 100
    __hash__ = None

    def __init__(self, a):
        self._a = a

    shape, dtype, ndim, size = (property(operator.attrgetter(f"_a.{n}")) for n in ("shape", "dtype", "ndim", "size"))
    T = property(lambda self: ndarray(self._a.T))

    def get(self):
        return self._a.copy()

    def item(self):
        return self._a.item()

    def tolist(self):
        return self._a.tolist()

    def fill(self, value):
        if isinstance(value, np.ndarray) and value.shape:
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        self._a.fill(_own(value) if isinstance(value, ndarray) else value)

    def __reduce__(self):
        return array, (self.get(),)

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. "
            "Please use `.get()` to construct a NumPy array explicitly."
        )

    def __array_ufunc__(self, function, method, *inputs, out=(), **kwargs):
        known = globals().get(function.__name__)
        if known is None or method != "__call__":
            return NotImplemented
        return known(*inputs, **kwargs, **({"out": out[0]} if out else {}))

    def __array_function__(self, function, types, args, kwargs):
        known = globals().get(function.__name__)
        if known is None or not builtins.all(issubclass(t, ndarray | np.ndarray) for t in types):
            return NotImplemented
        return known(*args, **kwargs)

    def __getitem__(self, index):
        return _wrap(self._a[_index(index, self.shape)])

    def __setitem__(self, index, value):
        if isinstance(value, np.ndarray) and value.shape:  # a list of ids as index takes one; the book has none
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        self._a[_index(index, self.shape)] = _own(value) if isinstance(value, ndarray) else value

    def __iter__(self):
        if not self.ndim:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    def __len__(self):
        if not self.ndim:
            raise TypeError("len() of unsized object")
        return len(self._a)


for _name in ("bool", "int", "float", "repr", "str", "format"):
    setattr(ndarray, f"__{_name}__", lambda self, *args, _of=_name: getattr(builtins, _of)(self._a, *args))
for _name in ("reshape", "astype", "sum", "max", "min", "mean", "argmax", "argsort", "copy", "flatten", "ravel",
              "repeat", "dot", "transpose", "all", "any", "__neg__"):  # fmt: skip
    setattr(ndarray, _name, _over_own(getattr(np.ndarray, _name)))
for _name, _operator in {
    "add": "add", "subtract": "sub", "multiply": "mul", "true_divide": "truediv", "power": "pow", "matmul": "matmul",
    "floor_divide": "floordiv", "remainder": "mod", "less": "lt", "less_equal": "le", "greater": "gt",
    "greater_equal": "ge", "equal": "eq", "not_equal": "ne",
}.items():  # fmt: skip
    globals()[_name] = _f = ufunc(_name)
    setattr(ndarray, f"__{_operator}__", lambda self, other, _f=_f: _f(self, other))
    setattr(ndarray, f"__r{_operator}__", lambda self, other, _f=_f: _f(other, self))
    if _operator not in {"lt", "le", "gt", "ge", "eq", "ne"}:
        setattr(
            ndarray, f"__i{_operator}__", lambda self, other, _f=_f: _f(self, other, out=self, casting="same_kind")
        )
divide = globals()["true_divide"]
for _name in (
    "exp",
    "log",
    "log2",
    "tanh",
    "sqrt",
    "abs",
    "maximum",
    "minimum",
    "isnan",
    "isfinite",
    "negative",
    "sign",
):
    globals()[_name] = ufunc(_name)
for _name in ("zeros", "ones", "empty", "arange", "eye", "dot", "sum", "max",
              "min", "mean", "argmax", "argsort", "all", "any", "concatenate", "hstack", "vstack", "stack", "repeat",
              "where", "expand_dims", "ravel", "reshape", "transpose"):  # fmt: skip
    globals()[_name] = _over_own(getattr(np, _name))
for _name in ("zeros_like", "ones_like", "empty_like"):  # they take shape and dtype of whatever has them
    globals()[_name] = lambda a, _of=_name, **kwargs: _wrap(getattr(np, _of)(getattr(a, "_a", a), **kwargs))


def array(obj, dtype=None, copy=True):
    """Upload numbers and NumPy arrays, or join arrays of this module; lists of both are refused, as by CuPy."""
    leaves, waiting = [], [obj]
    while waiting:
        value = waiting.pop()
        waiting.extend(value) if isinstance(value, list | tuple) else leaves.append(value)
    ours = [x for x in leaves if isinstance(x, ndarray)]
    if ours:
        if len(ours) < len(leaves):
            np.asarray(ours[0])  # refuses
        obj = _own(obj)
    return ndarray(np.array(obj, dtype=dtype))


def asarray(obj, dtype=None):
    return obj if isinstance(obj, ndarray) and dtype in {None, obj.dtype} else array(obj, dtype)


def asnumpy(a):
    return a.get() if isinstance(a, ndarray) else np.asarray(a)


class _Columns:
    def __getitem__(self, parts):
        return _wrap(np.c_[_own(parts)])


c_ = _Columns()


class _Forbidden(ModuleType):
    def __getattr__(self, name):
        raise AssertionError(f"{self.__name__}.{name} was asked for")


random = _Forbidden("cupy.random")


class CUDARuntimeError(RuntimeError):
    pass


def _count():
    if os.environ.get("FAKE_CUPY_DEVICES") == "broken":
        raise CUDARuntimeError("cudaErrorInsufficientDriver: too old")
    return int(os.environ.get("FAKE_CUPY_DEVICES", "1"))


def _set_allocator(allocator=None):
    raise AssertionError("the book's allocator was set")


cuda = SimpleNamespace(
    runtime=SimpleNamespace(getDeviceCount=_count, CUDARuntimeError=CUDARuntimeError),
    set_allocator=_set_allocator,
    MemoryPool=lambda: SimpleNamespace(malloc=None),
)
