"""Functions of device arrays: those of NumPy on the arrays inside."""

import numpy as np

from cupy._array import ndarray
from cupy._own import index_of, over_own, own, quiet, wrap
from cupy._state import counts


class ufunc:
    """One of NumPy's ufuncs over arrays of this module; like CuPy's it takes no attributes."""

    __slots__ = ("_of",)

    def __init__(self, name):
        self._of = getattr(np, name)

    @quiet
    def __call__(self, *args, out=None, dtype=None, casting="same_kind"):
        counts.operations += 1
        given = {"casting": casting} | ({} if dtype is None else {"dtype": dtype})
        if isinstance(out, tuple):
            (out,) = out
        if out is None:
            return wrap(self._of(*map(own, args), **given))
        self._of(*map(own, args), out=own(out), **given)
        return out

    def at(self, a, indices, values):
        counts.operations += 1
        self._of.at(a._a, index_of(indices, a.shape), own(values))


_OPERATORS = {
    "add": "add", "subtract": "sub", "multiply": "mul", "true_divide": "truediv", "power": "pow",
    "floor_divide": "floordiv", "remainder": "mod", "bitwise_and": "and", "bitwise_or": "or", "bitwise_xor": "xor",
}  # fmt: skip
_COMPARISONS = {
    "less": "lt",
    "less_equal": "le",
    "greater": "gt",
    "greater_equal": "ge",
    "equal": "eq",
    "not_equal": "ne",
}
_UFUNCS = (
    "exp", "expm1", "log", "log2", "log1p", "tanh", "sqrt", "abs", "absolute", "fabs", "maximum", "minimum", "fmax",
    "fmin", "isnan", "isfinite", "isinf", "negative", "sign", "square", "reciprocal", "sin", "cos", "floor", "ceil",
    "rint", "logical_and", "logical_or", "logical_not", "logical_xor", "invert", "copysign", "hypot",
)  # fmt: skip
_FUNCTIONS = (
    "sum", "max", "min", "amax", "amin", "mean", "argmax", "argmin", "argsort", "sort", "all", "any", "concatenate",
    "hstack", "vstack", "stack", "split", "array_split", "repeat", "tile", "expand_dims", "ravel", "reshape",
    "transpose", "swapaxes", "moveaxis", "squeeze", "broadcast_to", "broadcast_arrays", "take", "take_along_axis",
    "cumsum", "clip", "prod", "var", "std", "outer", "inner", "tensordot", "einsum", "flip", "roll", "where",
    "array_equal", "allclose", "isclose", "count_nonzero", "bincount", "searchsorted", "diff", "tril", "triu",
    "nan_to_num", "trace", "round", "unravel_index", "atleast_1d", "atleast_2d", "diag", "rollaxis",
)  # fmt: skip
#: These wait for the device in CuPy, for a value decides the shape of the result.
_FETCHING = ("nonzero", "flatnonzero", "argwhere", "unique")


def _fetching(name):
    function = over_own(getattr(np, name))

    def call(*args, **kwargs):
        counts.fetches += 1
        return function(*args, **kwargs)

    return call


def _give_operators():
    for name, suffix in {**_OPERATORS, **_COMPARISONS, "matmul": "matmul"}.items():
        f = globals()[name]
        setattr(ndarray, f"__{suffix}__", lambda self, other, f=f: f(self, other))
        setattr(ndarray, f"__r{suffix}__", lambda self, other, f=f: f(other, self))
        if name not in _COMPARISONS:
            setattr(ndarray, f"__i{suffix}__", lambda self, other, f=f: f(self, other, out=self))


@quiet
def _product(function, a, b, out):
    # CuPy writes into an out of the result's dtype in C order; others it refuses or copies.
    counts.operations += 1
    if out is None:
        return wrap(function(own(a), own(b)))
    expected = np.result_type(own(a), own(b))
    if out.dtype != expected or not out.flags.c_contiguous:
        raise ValueError(f"out is {out.dtype} with strides {out.strides}, expected {expected} in C order")
    result = function(own(a), own(b))
    if result.shape != out.shape:
        raise ValueError(f"out has shape {out.shape}, expected {result.shape}")
    np.copyto(out._a, result)
    return out


def matmul(x1, x2, /, out=None):
    return _product(np.matmul, x1, x2, out)


def dot(a, b, out=None):
    return _product(np.dot, a, b, out)


def copyto(dst, src, casting="same_kind", where=None):
    counts.operations += 1
    np.copyto(own(dst), own(src), casting=casting, where=True if where is None else own(where))


def result_type(*arguments):
    return np.result_type(*map(own, arguments))


def can_cast(from_, to, casting="safe"):
    return np.can_cast(getattr(from_, "dtype", from_), to, casting)


def may_share_memory(a, b, max_work=None):
    return np.may_share_memory(own(a), own(b))


def shares_memory(a, b, max_work=None):
    return np.shares_memory(own(a), own(b))


def shape(a):
    return np.shape(own(a))


def ndim(a):
    return np.ndim(own(a))


def size(a, axis=None):
    return np.size(own(a), axis)


class _Columns:
    def __getitem__(self, parts):
        return wrap(np.c_[own(parts)])


def _argsort(a, axis=-1):
    return np.argsort(a, axis=axis, kind="stable")  # CuPy has no other kind


c_ = _Columns()
globals().update({name: ufunc(name) for name in (*_OPERATORS, *_COMPARISONS, *_UFUNCS)})
globals().update({name: over_own(getattr(np, name)) for name in _FUNCTIONS})
globals().update({name: _fetching(name) for name in _FETCHING})
argsort = over_own(_argsort)
divide, mod, add = globals()["true_divide"], globals()["remainder"], globals()["add"]
_give_operators()
ndarray.dot = dot
_NAMES = (*_OPERATORS, *_COMPARISONS, *_UFUNCS, *_FUNCTIONS, *_FETCHING)
__all__ = [  # noqa: PLE0604 - names, all of them
    "c_", "can_cast", "copyto", "divide", "dot", "matmul", "may_share_memory", "mod", "ndim", "result_type", "shape",
    "shares_memory", "size", "ufunc", *_NAMES,
]  # fmt: skip
