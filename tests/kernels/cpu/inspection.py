"""What a fresh process finds in the code that Numba hands to LLVM."""

import re
from typing import Any

import numba

import fasts2s_kernels.backends.numba  # noqa: F401 - defines all kernels
from fasts2s_kernels.cpu import compiler, jit

#: Flags that let LLVM assume that there is no NaN or infinity; ``fast`` means all flags. Attributes say the same.
_FORBIDDEN = re.compile(r'\b(?:nnan|ninf|fast)\b|"(?:no-nans|no-infs|unsafe)-fp-math"="?true')


def _code(library: Any) -> str:
    return library.get_llvm_str()


def forbidden(text: str) -> list[str]:
    """Return the lines that forbid NaN or infinity; names and the debug information behind ``!`` do not count."""
    lines = (re.sub(r'@"[^"]*"|![^ ]*', "", line) for line in text.splitlines())
    return [line.strip() for line in lines if _FORBIDDEN.search(line)]


def all_kernels() -> dict[str, Any]:
    """Compile everything; return the functions with a forbidden flag, and those without code."""
    found: dict[str, list[str]] = {}
    operations = 0
    for k, compiled in enumerate(jit.REGISTRY):
        for needed in compiled.needs():
            needed.ensure()
        text = _code(compiler.build(compiled.function, compiled.kinds)._library)
        operations += len(re.findall(r"\bf(?:add|mul|sub|div)\b", text))
        lines = forbidden(text) if "define" in text else ["no code to look at"]
        if lines:
            found[f"{k} {compiled.function.__module__}.{compiled.name}"] = lines[:3]
    return {"count": len(jit.REGISTRY), "operations": operations, "found": found}


def fast_function() -> list[str]:
    """Return what is found in a function that is compiled with fastmath: the test of the test."""
    compiled = numba.cfunc("float32(float32, float32)", fastmath=True)(lambda a, b: a * b + a)
    return forbidden(_code(compiled._library))
