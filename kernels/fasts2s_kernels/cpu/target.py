"""The processor that kernels are compiled for."""

import llvmlite.binding as llvm

from fasts2s_kernels.cpu import environment
from fasts2s_kernels.cpu.tuning import AVX2, AVX512, NEON, PLAIN, Target


def compile_target() -> tuple[str, str, str]:
    """Return triple, name and features of the processor Numba compiles for; it need not be imported for that.

    ``NUMBA_CPU_NAME`` and ``NUMBA_CPU_FEATURES`` count, as they do for Numba.
    """
    name = llvm.get_host_cpu_name() if environment.CPU_NAME is None else environment.CPU_NAME
    features = _host_features() if environment.CPU_FEATURES is None else environment.CPU_FEATURES
    return llvm.get_process_triple(), name, features


def _host_features() -> str:
    try:
        return str(llvm.get_host_cpu_features().flatten())
    except RuntimeError:  # LLVM cannot tell on this processor
        return ""


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


TRIPLE, CPU_NAME, CPU_FEATURES = compile_target()
TARGET = choose(TRIPLE, CPU_FEATURES)
LANES = TARGET.lanes
