"""The device array."""

import builtins
import operator
import sys
import weakref

import numpy as np

from cupy._memory import allocate, on_device, root
from cupy._own import index_of, is_array, over_own, own, wrap
from cupy._state import counts

_package = sys.modules["cupy"]


class _Flags:
    """As CuPy's: three facts, and no attribute that says whether the array may be written."""

    __slots__ = ("c_contiguous", "f_contiguous", "owndata")

    def __init__(self, a):
        self.c_contiguous, self.f_contiguous = a._a.flags.c_contiguous, a._a.flags.f_contiguous
        self.owndata = a._a.base is root(a._a)

    @property
    def forc(self):
        return self.c_contiguous or self.f_contiguous

    @property
    def fnc(self):
        return self.f_contiguous and not self.c_contiguous

    def __getitem__(self, name):
        return getattr(self, {"C_CONTIGUOUS": "c_contiguous", "F_CONTIGUOUS": "f_contiguous"}.get(name, name.lower()))


class _Pointer:
    """Where an array begins."""

    __slots__ = ("ptr",)
    device_id = 0

    def __init__(self, ptr):
        self.ptr = ptr

    def __int__(self):
        return self.ptr


def _shared_with_numpy(name):
    return property(operator.attrgetter(f"_a.{name}"))


class ndarray:
    """An array in the memory of the stand-in; ``_a`` is the NumPy array that it is."""

    __slots__ = ("__weakref__", "_a", "_viewed")
    __array_priority__ = 100
    __hash__ = None
    __module__ = "cupy"

    def __init__(self, shape, dtype=float, memptr=None, strides=None, order="C"):
        if memptr is not None or strides is not None:
            raise NotImplementedError("memptr and strides: take a view")
        self._a = allocate(shape, dtype, order)
        self._remember()

    @classmethod
    def _of(cls, a):
        self = cls.__new__(cls)
        self._a = a
        self._remember()
        return self

    def _remember(self):
        # A view holds the array that it is one of, so that base can hand it out.
        memory = root(self._a)
        owner = memory.owner() if memory.owner is not None else None
        if self._a.base is memory and owner is None:
            memory.owner = weakref.ref(self)
        elif owner is not None:
            self._viewed = owner

    shape, dtype, ndim, size = map(_shared_with_numpy, ("shape", "dtype", "ndim", "size"))
    strides, nbytes, itemsize = map(_shared_with_numpy, ("strides", "nbytes", "itemsize"))
    flags = property(_Flags)
    data = property(lambda self: _Pointer(self._a.ctypes.data))
    device = property(lambda self: _package.cuda.Device())
    T = property(lambda self: ndarray._of(self._a.T))

    @property
    def base(self):
        """The array that this one is a view of, or None."""
        memory = root(self._a)
        if self._a.base is memory:
            return None
        owner = memory.owner()
        return ndarray._of(_whole_of(self._a)) if owner is None else owner

    def get(self, stream=None, order="C", out=None, blocking=True):
        counts.fetches += 1
        if out is None:
            return self._a.copy("K" if order == "A" else order)
        if (
            out.dtype != self.dtype
            or out.shape != self.shape
            or not (out.flags.c_contiguous or out.flags.f_contiguous)
        ):
            raise ValueError(f"out is {out.dtype} {out.shape}, expected contiguous {self.dtype} {self.shape}")
        np.copyto(out, self._a)
        return out

    def set(self, arr, stream=None):
        if not isinstance(arr, np.ndarray):
            raise TypeError("Only numpy.ndarray can be set to cupy.ndarray")
        if arr.dtype != self.dtype:
            raise TypeError(f"{arr.dtype} array cannot be set to {self.dtype} array")
        if arr.shape != self.shape:
            raise ValueError(f"Shape mismatch. Old shape: {self.shape}, new shape: {arr.shape}")
        if not self.flags.forc:
            raise RuntimeError("Cannot set to non-contiguous array")
        counts.uploads += 1
        np.copyto(self._a, arr)

    def item(self, *index):
        counts.fetches += 1
        return self._a.item(*index)

    def tolist(self):
        counts.fetches += 1
        return self._a.tolist()

    def tobytes(self, order="C"):
        counts.fetches += 1
        return self._a.tobytes(order)

    def fill(self, value):
        if isinstance(value, np.ndarray) and value.shape:
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        counts.operations += 1
        self._a.fill(own(value) if isinstance(value, ndarray) else value)

    def astype(self, dtype, order="K", casting=None, subok=None, copy=True):
        kept = {"K": True, "A": True, "C": self._a.flags.c_contiguous, "F": self._a.flags.f_contiguous}[order]
        if not copy and np.dtype(dtype) == self.dtype and kept:
            return self
        counts.operations += 1
        return wrap(self._a.astype(dtype, order=order, **({"casting": casting} if casting else {})))

    def copy(self, order="C"):
        counts.operations += 1
        return ndarray._of(on_device(self._a.copy(order)))

    def view(self, dtype=None):
        return ndarray._of(self._a.view(dtype) if dtype is not None else self._a.view())

    def __reduce__(self):
        return _package.array, (self.get(),)

    def __deepcopy__(self, memo):
        return self.copy()

    def __copy__(self):
        return self.copy()

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. "
            "Please use `.get()` to construct a NumPy array explicitly."
        )

    def __array_ufunc__(self, function, method, *inputs, out=(), **kwargs):
        known = getattr(_package, function.__name__, None)
        if known is None or method != "__call__":
            return NotImplemented
        return known(*inputs, **kwargs, **({"out": out[0]} if out else {}))

    def __array_function__(self, function, types, args, kwargs):
        known = getattr(_package, function.__name__, None)
        if known is None or not builtins.all(issubclass(t, ndarray | np.ndarray) for t in types):
            return NotImplemented
        return known(*args, **kwargs)

    def __getitem__(self, index):
        found = index_of(index, self.shape)
        copies = any(is_array(p) for p in found)
        counts.operations += copies
        result = self._a[found]
        if not isinstance(result, np.ndarray):  # a number: here it stays an array, and a view
            result = self._a[(*found, Ellipsis)]
        return wrap(result.copy() if copies and root(result) is not None else result)

    def __setitem__(self, index, value):
        if isinstance(value, np.ndarray) and value.shape:  # a list of ids as index takes one; the book has none
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        counts.operations += 1
        self._a[index_of(index, self.shape)] = own(value) if isinstance(value, ndarray) else value

    def __iter__(self):
        if not self.ndim:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    def __len__(self):
        if not self.ndim:
            raise TypeError("len() of unsized object")
        return len(self._a)


def _whole_of(a):
    memory = root(a)
    while isinstance(a.base, np.ndarray) and a.base is not memory:
        a = a.base
    return a


def _number_of(name):
    # float(), printing and the like: each waits for the device.
    function = operator.index if name == "index" else getattr(builtins, name)

    def call(self, *args):
        counts.fetches += 1
        return function(self._a, *args)

    return call


for _name in ("bool", "int", "float", "complex", "repr", "str", "format", "index"):
    setattr(ndarray, f"__{_name}__", _number_of(_name))
for _name in (
    "sum", "max", "min", "mean", "argmax", "argmin", "argsort", "flatten", "repeat", "dot", "all", "any", "take",
    "cumsum", "clip", "prod", "var", "std", "round", "__neg__", "__pos__", "__abs__", "__invert__",
):  # fmt: skip
    setattr(ndarray, _name, over_own(getattr(np.ndarray, _name)))


def _view_of(function):
    def call(self, *args, **kwargs):
        result = function(self._a, *args, **kwargs)
        counts.operations += root(result) is None
        return wrap(result)

    return call


for _name in ("reshape", "ravel", "transpose", "swapaxes", "squeeze", "diagonal"):
    setattr(ndarray, _name, _view_of(getattr(np.ndarray, _name)))


def _nonzero(self):
    counts.fetches += 1
    return wrap(self._a.nonzero())


ndarray.nonzero = _nonzero
