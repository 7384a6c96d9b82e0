"""Register tiles keep no sum on the stack, whatever the processor, and run at its peak by its model."""

import platform

import pytest

from tests.kernels.cpu.other_processors import PROCESSORS, all_tiles, inner_loops, model_program, spills
from tests.kernels.cpu.processes import separate

#: The least share of the peak by width in vectors. Narrow tiles have a load for each multiply-add or two; SSE2 copies
#: a register before each multiplication.
LEAST = {
    "AVX2": (0.7, 0.9, 0.9),
    "AVX512": (0.8, 0.9, 0.9, 0.9),
    "NEON": (0.9,) * 4,
    "PLAIN": (0.75, 0.75, 0.85, 0.9),
}


@pytest.mark.skipif(platform.machine().lower() not in {"x86_64", "amd64"}, reason="compiles on x86-64 for others")
@pytest.mark.parametrize("kind", PROCESSORS)
def test_no_tile_spills_and_models_see_them_at_their_peak(kind: str) -> None:
    found = separate(all_tiles, kind, timeout=120, NUMBA_OPT="0").result
    expected = found.pop("expected")
    assert list(found) == [processor.name for processor in PROCESSORS[kind]]
    for name, tiles in found.items():
        assert tiles["work"] == expected, name
        assert tiles["spills"] == [], name
        assert tiles["called"] == [], name  # fmaf for each lane, where there is no fused multiply-add
        least = {tile: LEAST[kind][int(tile.split("x")[1][0]) - 1] for tile in tiles["shares"]}
        assert {tile: share for tile, share in tiles["shares"].items() if share < least[tile]} == {}, name
    if model_program():
        assert all(bool(found[processor.name]["shares"]) != bool(processor.wrong) for processor in PROCESSORS[kind])


def test_a_spill_is_found() -> None:
    text = ".L1:\n\tvfmadd231ps (%rax), %ymm1, %ymm2\n\tvmovups %ymm2, 16(%rsp)\n\tjne\t.L1\n.L2:\n\tjne\t.L2\n"
    assert [spills(body) for body in inner_loops(text)] == [["vmovups %ymm2, 16(%rsp)"]]
    text = ".L1:\n\tfmla v0.4s, v1.4s, v2.s[0]\n\tstr q0, [sp, #16]\n\tcbnz x8, .L1\n"
    assert [spills(body) for body in inner_loops(text)] == [["str q0, [sp, #16]"]]
