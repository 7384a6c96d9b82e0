"""Host or device: where an array lies, and whether the checks let arrays of the device pass. CuPy is not imported."""

from collections.abc import Callable
from contextvars import ContextVar, Token
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

from fasts2s_kernels.arrays import Array

P = ParamSpec("P")
Result = TypeVar("Result")

_pass: ContextVar[bool] = ContextVar("fasts2s_device_arrays", default=False)
#: Whether arrays of CuPy pass the checks here, see :class:`device_arrays`.
device_arrays_pass = _pass.get


def is_cupy(a: object) -> bool:
    """Whether a is a CuPy array, told by the name of its type's module: CuPy is not imported for it."""
    return type(a).__module__.partition(".")[0] == "cupy"


class device_arrays:
    """``with device_arrays():`` or ``@device_arrays()``: arrays of CuPy pass the checks inside, in this thread alone.

    Whether arrays that meet lie on the same side is for others to find out: :func:`require_same_side`.
    """

    __slots__ = ("_token",)
    _token: Token[bool]

    def __enter__(self) -> None:
        """Let arrays of CuPy pass."""
        self._token = _pass.set(True)

    def __exit__(self, *_: object) -> None:
        """Do as before."""
        _pass.reset(self._token)

    def __call__(self, function: Callable[P, Result]) -> Callable[P, Result]:
        """Return a function that runs inside; it may call itself, and be called by several threads."""

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> Result:
            token = _pass.set(True)
            try:
                return function(*args, **kwargs)
            finally:
                _pass.reset(token)

        return call


def require_same_side(**arrays: Any) -> None:
    """Raise ValueError, by name, unless all arrays lie on the host, or all on the device."""
    first, *others = arrays.items()
    for name, a in others:
        if type(a) is not type(first[1]) and is_cupy(a) != is_cupy(first[1]):
            device, host = (name, first[0]) if is_cupy(a) else (first[0], name)
            raise ValueError(
                f"{host} is a numpy.ndarray, but {device} is a cupy.ndarray: "
                f"move {host} with to_gpu(), or {device} with to_cpu()"
            )


def beside(like: Any, a: Any) -> Array:
    """Return an array of the host (a mask, labels) in the memory where ``like`` is; all else as it is."""
    if type(a) is np.ndarray and is_cupy(like):
        return np.asarray(a, like=like)  # NumPy's dispatch: an upload
    return a
