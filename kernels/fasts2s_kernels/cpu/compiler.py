"""Numba at work: from the text of a kernel to machine code. Imported when something is compiled, and never before.

No ``fastmath``: it deletes the checks for NaN. ``error_model="numpy"``: a kernel cannot raise.
"""

from collections.abc import Callable
from typing import Any

import numba
from numba.core import types
from numba.core.ccallback import CFunc

from fasts2s_kernels.cpu.code import Object
from fasts2s_kernels.cpu.numba_types import of

_OPTIONS: dict[str, Any] = {"error_model": "numpy"}
#: Numba's, untyped: its own annotations describe functions as they are before decoration.
_njit: Any = numba.njit


def build(function: Callable[..., Any], kinds: tuple[Any, ...]) -> Any:
    """Return what Numba makes of a function that takes values of these kinds and returns nothing."""
    built = CFunc(function, (tuple(map(of, kinds)), types.void), {}, dict(_OPTIONS))
    built.compile()
    return built


def compile_kernel(function: Callable[..., Any], kinds: tuple[Any, ...]) -> Object:
    """Compile a function, see :func:`build`."""
    built = build(function, kinds)
    module = built._library._final_module
    named = [*module.functions, *module.global_variables]
    needs = sorted(x.name for x in named if x.is_declaration and not x.name.startswith("llvm."))
    return Object(built.native_name, tuple(needs), built._library._get_compiled_object())


def inlined(function: Callable[..., Any]) -> Any:
    """Return what Numba makes of a function that is compiled into each of its callers."""
    return _njit(forceinline=True, no_cpython_wrapper=True, nogil=True, **_OPTIONS)(function)


def external(name: str, result: Any, kinds: tuple[Any, ...]) -> Any:
    """Return the type of a function that is called by its name."""
    return types.ExternalFunction(name, of(result)(*map(of, kinds)))
