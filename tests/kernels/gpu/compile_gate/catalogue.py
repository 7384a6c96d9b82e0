"""Which specialisations the gate compiles: all the dispatch can ask for, or those of the sizes that are telling."""

import os
from concurrent.futures import ThreadPoolExecutor

from fasts2s_kernels.gpu.specialisations import Specialisation, all_specialisations
from tests.kernels.gpu.compile_gate.gate import compile_one
from tests.kernels.gpu.compile_gate.nvrtc import Compiled, Nvrtc

#: The architectures whose machine code differs, and sm_89, which gets that of sm_86 to the byte nearly everywhere.
ARCHITECTURES = (75, 80, 86, 89, 90, 100, 120)
#: All others of CUDA 13, each close to one of those: compiled when every size is.
RELATIVES = (87, 88, 103, 107, 110, 121)
#: Hidden sizes: the book's, powers of two and their neighbours, and around every change of registers and of limit.
SIZES = (64, 65, 96, 97, 100, 104, 108, 120, 124, 128, 129, 132, 136, 140, 144, 148, 152)
#: Sizes whose weights all fit the registers with many to spare. What can go wrong there (a loop of no turns, an empty
#: array) goes wrong in the compiler's front, which is the same for all architectures.
SMALL_SIZES = (1, 2, 3, 4, 7, 8, 11, 16, 31, 32, 33)
#: Rows of a group of ``lstm_slices``: the fewest, those of the book's language model, the most.
GROUPS = (1, 10, 20)
#: Where the small sizes are compiled too, and all groups: the oldest, the newest, and the fastest.
THOROUGH = (75, 90, 120)
#: On sm_89, see above.
FEW_SIZES = (64, 100, 128)
EVERYTHING = "FASTS2S_TEST_ALL_SPECIALISATIONS"


def everything() -> bool:
    """Return whether all sizes are wanted, not only those that are telling."""
    return os.environ.get(EVERYTHING, "") not in {"", "0"}


def constant(wanted: Specialisation, name: str) -> int | None:
    """Return a constant of a module, such as FS_H, None where it has none of that name."""
    begin = f"-D{name}="
    return next((int(define.removeprefix(begin)) for define in wanted.defines if define.startswith(begin)), None)


def chosen(arch: int, module: str | None = None, *, whole: bool = False) -> list[Specialisation]:
    """Return the specialisations of an architecture, of one module or of all; ``whole``: of every size."""
    of_module = (wanted for wanted in all_specialisations(arch) if module in {None, wanted.module})
    return [wanted for wanted in of_module if whole or _telling(arch, wanted)]


def _telling(arch: int, wanted: Specialisation) -> bool:
    H, R = constant(wanted, "FS_H"), constant(wanted, "FS_R")
    if H is not None:
        return H in (FEW_SIZES if arch == 89 else SIZES) or (H in SMALL_SIZES and arch in THOROUGH)
    return R is None or R in GROUPS or arch in THOROUGH


def compile_all(
    nvrtc: Nvrtc, arch: int, wanted: list[Specialisation], threads: int = 2
) -> list[tuple[Specialisation, Compiled]]:
    """Compile on some threads: a compilation holds no lock. What differs in its kernels only is compiled once."""
    different = {(each.module, each.defines): each for each in wanted}
    with ThreadPoolExecutor(threads) as pool:
        done = pool.map(lambda each: compile_one(nvrtc, arch, each), different.values())
        compiled = dict(zip(different, done, strict=True))
    return [(each, compiled[each.module, each.defines]) for each in wanted]
