"""Calls of the functions that the ops describe, with arguments by name, and their float64 reference.

>>> import numpy as np
>>> from fasts2s_kernels import load
>>> from fasts2s_kernels.calling import Call
>>> from fasts2s_kernels.cases import functions
>>> from fasts2s_kernels.drawing import values
>>> from fasts2s_kernels.letters import SIZES
>>> backward = functions()["affine_backward"]
>>> call = Call(load("numpy"), backward, values(backward, np.random.default_rng(0), SIZES))
>>> sorted(call())
['grad_W', 'grad_b', 'grad_x']
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from fasts2s_kernels.arrays import Array, Cache, Kernels
from fasts2s_kernels.backends import numpy as exact
from fasts2s_kernels.cases import Function
from fasts2s_kernels.drawing import Values, cast

#: Results by name, see :attr:`fasts2s_kernels.cases.Function.results`; arrays of any shape.
Results = dict[str, Array]
#: Brings an array of the host to a backend; the second argument says whether the call will write to it.
Put = Callable[[Array, bool], Array]


class Call:
    """A function of a backend with its arguments, made ready: everything is done that does not belong to the call.

    Calling it calls the function once and returns the results by name, on the side of the backend. Gradient buffers,
    and what is updated in place, are results too, and the same arrays every time.

    Parameters
    ----------
    kernels
        Of any backend.
    function : Function
    given : dict
        Inputs by name, on the host, see :func:`fasts2s_kernels.drawing.values`. They are not written to.
    cache
        For a backward pass: of an earlier forward pass on these inputs; None: one is made.
    put : callable
        None: what is written to is a copy, everything else as ``kernels.asarray`` has it.

    Attributes
    ----------
    arguments : dict
        What the function is called with.
    cache
        What the last call returned for a backward pass.
    """

    def __init__(
        self, kernels: Kernels, function: Function, given: Values, cache: Cache = None, put: Put | None = None
    ) -> None:
        self.function, self.cache = function, None
        self._call, self._put = getattr(kernels, function.name), put or _usual_put(kernels)
        self._count, self._changing = 0, {name: value for name, value in given.items() if callable(value)}
        # A number that has a default in the contract is left out, everything else that is absent is None.
        left_out = {name for name, a in function.arguments.items() if name not in given and a.usual is not None}
        self.arguments = {name: self._argument(given, name) for name in function.arguments if name not in left_out}
        if "cache" in self.arguments:
            self.arguments["cache"] = _cache(kernels, function, given, put) if cache is None else cache
        self._own = self._written()
        self._names = tuple(function.results)
        self._single = self._names[0] if len(self._names) == 1 and not (self._own or function.cached) else ""

    def _argument(self, given: Values, name: str) -> Any:
        a = self.function.arguments[name]
        if a.role == "buffer":
            return self._put(_buffer(self.function, given, a.of), True) if a.of in given else None
        value: Any = given.get(name)
        if a.kind == "list":
            return [self._put(one, a.written) for one in value]
        return self._put(value, a.written) if isinstance(value, np.ndarray) else value

    def _written(self) -> Results:
        """Return the results that the function does not return but writes."""
        found = {f"grad_{of}": self.arguments[name] for name, of in self.function.buffers.items()}
        for name, a in self.function.arguments.items():
            value = self.arguments.get(name) if a.written else None
            if isinstance(value, list):
                found |= {f"out_{name}_{k:02d}": one for k, one in enumerate(value)}
            else:
                found[f"out_{name}"] = value
        return {name: a for name, a in found.items() if a is not None}

    def __call__(self) -> Results:
        """Call the function; return its results by name."""
        if self._changing:
            self.arguments |= {name: changing(self._count) for name, changing in self._changing.items()}
            self._count += 1
        found = self._call(**self.arguments)
        if found is None:
            return self._own
        if self._single:
            return {self._single: found}
        if self.function.cached:
            self.cache = found[-1]
        elif not isinstance(found, tuple):
            found = (found,)
        # zip leaves out the cache, and the None of a function that only writes.
        return {name: a for name, a in zip(self._names, found, strict=False) if a is not None} | self._own


def _usual_put(kernels: Kernels) -> Put:
    return lambda a, written: kernels.asarray(np.array(a) if written else a)


def _buffer(function: Function, given: Values, of: str) -> Array:
    # NaN, because backward overwrites: what stood there before must not matter. In the dtype of the weights.
    dtype = next(given[name].dtype for name, a in function.inputs.items() if a.role == "weight")
    return np.full_like(given[of], np.nan, dtype=dtype)


def _cache(kernels: Kernels, function: Function, given: Values, put: Put | None) -> Cache:
    assert function.forward is not None
    forward = Call(kernels, function.forward, given, put=put)
    forward()
    return forward.cache


def host(kernels: Kernels, results: Results) -> Results:
    """Return copies of results on the host: a second call may write into the first one's arrays."""
    return {name: np.array(kernels.to_numpy(a)) for name, a in results.items()}


def everything(kernels: Kernels, function: Function, given: Values, put: Put | None = None) -> Results:
    """Call a function once; a backward pass after its forward pass, whose results are then among those returned."""
    if function.forward is None:
        return Call(kernels, function, given, put=put)()
    forward = Call(kernels, function.forward, given, put=put)
    outputs = forward()
    return outputs | Call(kernels, function, given, forward.cache, put)()


def reference(function: Function, given: Values) -> Results:
    """Return everything by name, on the host, computed by the reference kernels in float64."""
    return host(exact, everything(exact, function, cast(function, given, np.float64)))
