"""Gradients of another dtype than what forward returned: the book goes on in the wider one."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import numpy as np

Method = Callable[..., Any]
#: The dtype of what forward returned, a gradient -> the backward for it, or why there is none of ours.
Ways = Callable[[Any, Any], tuple[Method, str]]


def ways(ours: Method, widened: tuple[str, ...]) -> Ways:
    """Return what chooses a backward; see :func:`_in_single`."""
    in_single = _in_single(ours, widened)

    def way(dtype: Any, gradient: Any) -> tuple[Method, str]:
        given = gradient.dtype if getattr(gradient, "ndim", 0) else dtype  # a number multiplies, whatever it is
        if given is dtype or given == dtype:
            return ours, ""
        if given == np.float64 and dtype == np.float32:
            return in_single, ""
        return ours, f"the gradient is {given}, expected {dtype}"

    return way


def _in_single(ours: Method, widened: tuple[str, ...]) -> Method:
    """Return a backward that takes a double gradient of what is single.

    What comes out is double, as the book's is, and as exact as all that is single; so are the attributes ``widened``.
    """
    places = [path.rpartition(".") for path in widened]

    def backward(self: Any, *args: Any, **kwargs: Any) -> Any:
        (gradient,) = (*args, *kwargs.values())
        with np.errstate(over="ignore"):
            given = gradient.astype(np.float32)
        if not np.isfinite(given).all():
            raise ValueError("the gradient has numbers that are too large for float32")
        out = ours(self, given)
        for path, _, name in places:
            owner = attrgetter(path)(self)
            setattr(owner, name, _wide(getattr(owner, name)))
        return tuple(map(_wide, out)) if isinstance(out, tuple) else _wide(out)

    return backward


def _wide(a: Any) -> Any:
    return a if a is None else a.astype(np.float64)
