"""Share of a core's peak that the loops of the register tiles reach, with all their numbers in the first caches.

    python benchmarks/tiles.py [--processor avx2]

For every width in vectors the tile with the most rows; K as for H = 128 and H = 256 with D = 16. The peak is that of
multiply-adds between registers. Both run in turn, on one core: each round gives one share, and quartiles are shown.
"""

import argparse
import os
from time import perf_counter
from typing import Any

import numpy as np

from fasts2s.bench import machine
from fasts2s.bench.processor import PROCESSORS, environment

ROUNDS, FLOPS = 61, 2e8
DEPTHS = (144, 272)


def _tiles() -> Any:
    """Return the compiled loop that runs a tile again and again on its own numbers."""
    from fasts2s_kernels.cpu.jit import kernel  # noqa: PLC0415
    from fasts2s_kernels.cpu.kinds import Floats, Int  # noqa: PLC0415
    from fasts2s_kernels.cpu.target import LANES  # noqa: PLC0415
    from fasts2s_kernels.cpu.tile import any_tile  # noqa: PLC0415

    @kernel
    def tile_again(C: Floats, A: Floats, B: Floats, width: Int, rows: Int, K: Int, times: Int) -> None:
        row = width * LANES
        for _ in range(times):
            any_tile(width, rows, C, row, C, row, A, 1, rows, B, row, K)

    return tile_again.native


def shares(run: Any, width: int, rows: int, K: int) -> list[float]:
    """Return the share of the peak of every round."""
    from fasts2s_kernels.cpu import peak  # noqa: PLC0415
    from fasts2s_kernels.cpu.target import LANES  # noqa: PLC0415

    row, found = width * LANES, []
    C, A, B = (np.zeros(count, np.float32) for count in (rows * row, rows * K, row * K))
    times, turns = int(FLOPS / (2 * rows * row * K)), int(FLOPS / peak.FLOPS_PER_TURN)
    for _ in range(ROUNDS):
        started = perf_counter()
        run(C.ctypes.data, A.ctypes.data, B.ctypes.data, width, rows, K, times)
        middle = perf_counter()
        peak.spin(turns)
        ended = perf_counter()
        rates = 2 * rows * row * K * times / (middle - started), turns * peak.FLOPS_PER_TURN / (ended - middle)
        found.append(rates[0] / rates[1])
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--processor", choices=PROCESSORS, help="kernels as they are compiled for another processor")
    args = parser.parse_args()
    if args.processor:
        os.environ.update(environment(args.processor))
    print(machine.heading("Register tiles beside the peak of a core", "1 thread"))
    from fasts2s_kernels.cpu.target import LANES, TARGET  # noqa: PLC0415

    run = _tiles()
    for width, rows in enumerate(TARGET.tile_rows, start=1):
        for K in DEPTHS:
            low, middle, high = np.percentile(shares(run, width, rows, K), [25, 50, 75])
            print(f"{rows:2} rows x {width} vectors of {LANES}, K = {K}: {middle:.3f} ({low:.3f} to {high:.3f})")


if __name__ == "__main__":
    main()
