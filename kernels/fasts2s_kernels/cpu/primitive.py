"""What kernels are written with: each primitive is its plain Python, and beside it what the compiler makes of it.

Called from Python a primitive runs its plain text, on :class:`fasts2s_kernels.cpu.plain.Place` in place of addresses;
called from a compiled function it is what :meth:`Primitive.compiled` says.
"""

import functools
from collections.abc import Callable
from typing import Any

from fasts2s_kernels.cpu.later import Later

_numba_types: Any = Later("fasts2s_kernels.cpu.numba_types")


class Primitive:
    """A function of two texts: plain Python, and LLVM."""

    def __init__(self, plain: Callable[..., Any]) -> None:
        self._plain = plain
        self._typing: Any = None
        functools.update_wrapper(self, plain)

    def __call__(self, *args: Any) -> Any:
        """Run the plain text."""
        return self._plain(*args)

    def compiled(self, typing: Callable[..., Any]) -> Callable[..., Any]:
        """Take a function as Numba's ``intrinsic`` takes it: from types to a signature and a generator of code.

        The signature may be one of ``kinds``.
        """
        self._typing = typing
        return typing

    @functools.cached_property
    def _numba_type_(self) -> Any:
        return _numba_types.of_primitive(self._typing)
