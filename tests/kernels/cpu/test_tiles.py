"""No register tile keeps a sum on the stack, on no processor that it may be compiled for."""

import platform

import pytest

from tests.kernels.cpu.processes import separate
from tests.kernels.cpu.tile_loops import all_tiles, inner_loops, spills

_AVX2 = "+avx2,+fma,+bmi,+bmi2,+f16c,+sse4.2,+popcnt"
_AVX512 = f"{_AVX2},+avx512f,+avx512dq,+avx512vl,+avx512bw,+avx512cd"


@pytest.mark.skipif(platform.machine().lower() not in {"x86_64", "amd64"}, reason="compiles for x86-64")
@pytest.mark.parametrize(
    ("name", "features", "target"),
    [
        ("haswell", _AVX2, "AVX2"),
        ("alderlake", _AVX2, "AVX2"),
        ("znver3", _AVX2, "AVX2"),
        ("skylake-avx512", _AVX512, "AVX-512"),
        ("znver4", _AVX512, "AVX-512"),
    ],
)
def test_no_tile_spills(name: str, features: str, target: str) -> None:
    found = separate(all_tiles, timeout=120, NUMBA_CPU_NAME=name, NUMBA_CPU_FEATURES=features).result
    assert found["target"] == target
    assert found["sizes"] == found["expected"]
    assert found["spills"] == []


def test_a_spill_is_found() -> None:
    text = ".L1:\n\tvfmadd231ps (%rax), %ymm1, %ymm2\n\tvmovups %ymm2, 16(%rsp)\n\tjne\t.L1\n.L2:\n\tjne\t.L2\n"
    assert [spills(body) for body in inner_loops(text)] == [["vmovups %ymm2, 16(%rsp)"]]
