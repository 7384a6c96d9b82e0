"""Between device arrays and the NumPy arrays inside them."""

import sys

import numpy as np

from cupy._memory import on_device
from cupy._state import counts

_package = sys.modules["cupy"]
#: Decorator of what computes: a device makes no warning of NaN and infinity.
quiet = np.errstate(all="ignore")
#: What NumPy's reductions take beyond those of CuPy.
_NOT_OF_CUPY = ("where", "initial", "like")


def own(x):
    """Return the NumPy array inside, or a number; refuse NumPy arrays, as CuPy does."""
    if isinstance(x, _package.ndarray):
        return x._a
    if isinstance(x, list | tuple):
        return type(x)(map(own, x))
    if isinstance(x, np.ndarray):
        raise TypeError(f"Unsupported type {type(x)}")
    return x


def wrap(result):
    """Return a result of NumPy as device arrays."""
    if isinstance(result, np.ndarray | np.generic | bool):
        return _package.ndarray._of(on_device(np.asarray(result)))
    return type(result)(map(wrap, result)) if isinstance(result, list | tuple) else result


def over_own(function):
    """Return a function of NumPy as one of device arrays. What is given as out comes back, as it is."""

    @quiet
    def call(*args, **kwargs):
        if not kwargs.keys().isdisjoint(_NOT_OF_CUPY):
            raise TypeError(f"{function.__name__}() got an unexpected keyword argument, one of {_NOT_OF_CUPY}")
        counts.operations += 1
        result = function(*map(own, args), **{name: own(value) for name, value in kwargs.items()})
        out = kwargs.get("out")
        return out if out is not None else wrap(result)

    return call


def is_array(x):
    return isinstance(x, _package.ndarray | np.ndarray | list)


def index_of(index, shape):
    """Return an index for NumPy. Arrays of NumPy are taken; numbers in arrays are wrapped, as CuPy does."""
    parts = index if isinstance(index, tuple) else (index,)
    found = [np.asarray(p._a if isinstance(p, _package.ndarray) else p) if is_array(p) else p for p in parts]
    takes = [p.ndim if is_array(p) and p.dtype.kind == "b" else 0 if p is None or p is Ellipsis else 1 for p in found]
    axis = 0
    for i, p in enumerate(found):
        if p is Ellipsis:
            axis = len(shape) - sum(takes[i:])
        elif is_array(p) and p.dtype.kind in "iu":
            if not shape[axis] and p.size:
                raise IndexError("cannot do a non-empty take from an empty axis.")
            found[i] = p % shape[axis] if p.size else p
        elif is_array(p) and p.dtype.kind == "b":
            counts.fetches += 1  # how many there are decides the shape
        axis += takes[i]
    return tuple(found)
