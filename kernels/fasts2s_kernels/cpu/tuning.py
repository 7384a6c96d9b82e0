"""What kernels are made of on each kind of processor, with the figures that decided it.

Share of the peak that a tile's inner loop reaches by the model of llvm-mca 16, its data in the first-level cache;
``tests/kernels/cpu/test_tiles.py`` asks again where llvm-mca is installed. A tile that needs more registers than
there are keeps sums on the stack, which the tests refuse: 3 rows by 4 vectors on AVX2 ran at 40 % of the speed.
"""

from typing import NamedTuple


class Target(NamedTuple):
    """A kind of processor.

    Attributes
    ----------
    name : str
        Instruction set, for people: ``AVX-512``, ``AVX2``, ``NEON`` or ``plain``.
    lanes : int
        float32 numbers in one vector register.
    tile_rows : tuple of int
        Entry v - 1: rows of the register tile that is v vectors wide. Accumulators (rows times v), the v vectors
        of B and what holds elements of A must fit the register file, and there must be enough accumulators to hide
        the latency of a fused multiply-add (8 on current x86, 16 on Apple's). Without a fourth entry four vectors
        are two tiles of two.
    fused : bool
        Whether it has fused multiply-adds. Without, LLVM would call fmaf for every lane.
    by_lane : bool
        Whether a multiply-add takes one lane of a register for all: then four elements of A are one load.
    """

    name: str
    lanes: int
    tile_rows: tuple[int, ...]
    fused: bool = True
    by_lane: bool = False


AVX512 = Target("AVX-512", 16, (10, 10, 8, 6))  # 32 registers
AVX2 = Target("AVX2", 8, (12, 6, 4))  # 16 registers
NEON = Target("NEON", 4, (12, 8, 6, 5), by_lane=True)  # 32 registers
PLAIN = Target("plain", 4, (8, 4, 3, 2), fused=False)  # SSE2: 16 registers
