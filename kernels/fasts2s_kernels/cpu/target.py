"""The processor that kernels are compiled for: its name, its vector width, and the tile that fits its registers."""

from typing import Any, NamedTuple

from numba.core.registry import cpu_target


class Target(NamedTuple):
    """What the kernels need to know of a processor.

    Attributes
    ----------
    name : str
        Instruction set, for people: ``AVX-512``, ``AVX2``, ``NEON`` or ``plain``.
    lanes : int
        float32 numbers in one vector register.
    tile_rows : tuple of int
        Entry v - 1: rows of the register tile that is v vectors wide. Accumulators (rows times v), the v vectors
        of B and one broadcast must fit the register file, and there must be enough accumulators to hide the
        latency of a fused multiply-add (8 on current x86). Without a fourth entry four vectors are two tiles of two.
    """

    name: str
    lanes: int
    tile_rows: tuple[int, ...]


_WIDE = Target("AVX-512", 16, (12, 12, 8, 6))  # 32 registers
_AVX2 = Target("AVX2", 8, (12, 6, 4))  # 16 registers: 3 rows by 4 vectors would spill, at 40 % of the speed
_NEON = Target("NEON", 4, (12, 12, 8, 6))  # 32 registers
_PLAIN = Target("plain", 4, (8, 4, 3, 2))  # SSE2: 16 registers, and no fused multiply-add


def compile_target() -> tuple[str, str, str]:
    """Return triple, name and features of the processor Numba compiles for (NUMBA_CPU_NAME and the like count)."""
    context: Any = cpu_target.target_context  # a property that type checkers do not see through
    names: tuple[str, str, str] = context.codegen().magic_tuple()
    return names


def choose(triple: str, features: str) -> Target:
    """Return the target for an LLVM triple and a feature string such as ``+avx2,-avx512f``."""
    has = set(features.split(","))
    if triple.startswith(("aarch64", "arm64")):
        return _NEON
    if {"+avx512f", "+avx512dq", "+avx512vl"} <= has:
        return _WIDE
    if {"+avx2", "+fma"} <= has:
        return _AVX2
    return _PLAIN


_triple, CPU_NAME, CPU_FEATURES = compile_target()
TARGET = choose(_triple, CPU_FEATURES)
LANES = TARGET.lanes
