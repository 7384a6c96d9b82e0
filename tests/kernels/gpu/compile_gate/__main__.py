"""Print what every kernel takes of a multiprocessor: ``python -m tests.kernels.gpu.compile_gate --arch 90``."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

# The package of the kernels imports CuPy, which compiling does not need: the stand-in of the tests will do.
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "stand_in"))

from fasts2s_kernels.gpu.sources import PARTS
from tests.kernels.gpu.compile_gate import catalogue, ptxas_log
from tests.kernels.gpu.compile_gate.gate import problems
from tests.kernels.gpu.compile_gate.nvrtc import Nvrtc, library
from tests.kernels.gpu.compile_gate.ptxas_log import Usage

ROW = "{:<18} {:<46} {:>4} {:<22} {:>7} {:>9} {:>6} {:>6} {:>6}  {}"
HEAD = ("module", "constants", "arch", "kernel", "threads", "registers", "smem", "stack", "spills", "verdict")


def rows(nvrtc: Nvrtc, arch: int, module: str | None, whole: bool) -> Iterator[tuple[object, ...]]:
    """Yield the row of every kernel."""
    for wanted, compiled in catalogue.compile_all(nvrtc, arch, catalogue.chosen(arch, module, whole=whole)):
        wrong, usages = problems(wanted, compiled), ptxas_log.usages(compiled.log)
        constants = " ".join(define.removeprefix("-D") for define in wanted.defines)
        for kernel in wanted.kernels:
            usage = usages.get(kernel, Usage())
            spills = (usage.spill_stores or 0) + (usage.spill_loads or 0)
            numbers = (wanted.threads, usage.registers or "?", usage.smem, usage.stack or 0, spills)
            mine = [line for line in wrong if line.startswith(f"{kernel}: ") or not line.startswith(wanted.kernels)]
            yield wanted.module, constants, arch, kernel, *numbers, "; ".join(mine).replace("\n", " | ") or "ok"


def main() -> int:
    """Print the table; return 1 where the gate is closed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--arch", type=int, nargs="+", default=catalogue.ARCHITECTURES, help="such as 90; all by default"
    )
    parser.add_argument("--module", choices=PARTS, help="all by default")
    parser.add_argument("--whole", action="store_true", help="every hidden size, not only those that are telling")
    parser.add_argument("--wrong", action="store_true", help="only what the gate refuses")
    parser.add_argument(
        "--library", type=Path, help="another libnvrtc.so, such as that of CUDA 12; the wheel's by default"
    )
    arguments = parser.parse_args()
    nvrtc = Nvrtc(arguments.library or library())
    sys.stdout.write("NVRTC {}.{}\n{}\n".format(*nvrtc.version(), ROW.format(*HEAD)))
    refused = 0
    for arch in arguments.arch:
        for row in rows(nvrtc, arch, arguments.module, arguments.whole):
            refused += row[-1] != "ok"
            if row[-1] != "ok" or not arguments.wrong:
                sys.stdout.write(ROW.format(*row) + "\n")
    sys.stdout.write(f"{refused} refused\n")
    return int(refused > 0)


if __name__ == "__main__":
    sys.exit(main())
