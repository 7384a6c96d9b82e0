"""The processor that kernels are compiled for."""

from typing import Any

from numba.core.registry import cpu_target

from fasts2s_kernels.cpu.tuning import AVX2, AVX512, NEON, PLAIN, Target


def compile_target() -> tuple[str, str, str]:
    """Return triple, name and features of the processor Numba compiles for (NUMBA_CPU_NAME and the like count)."""
    context: Any = cpu_target.target_context  # a property that type checkers do not see through
    names: tuple[str, str, str] = context.codegen().magic_tuple()
    return names


def choose(triple: str, features: str) -> Target:
    """Return the target for an LLVM triple and a feature string such as ``+avx2,-avx512f``."""
    has = set(features.split(","))
    if triple.startswith(("aarch64", "arm64")):
        return NEON
    if {"+avx512f", "+avx512dq", "+avx512vl"} <= has:
        return AVX512
    if {"+avx2", "+fma"} <= has:
        return AVX2
    return PLAIN


_triple, CPU_NAME, CPU_FEATURES = compile_target()
TARGET = choose(_triple, CPU_FEATURES)
LANES = TARGET.lanes
