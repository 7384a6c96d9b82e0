"""The rules: what a compiled module must keep before a device may be asked to run it."""

from collections.abc import Iterator

from fasts2s_kernels.gpu.sources import text
from fasts2s_kernels.gpu.specialisations import Specialisation
from tests.kernels.gpu.compile_gate import cubin, ptxas_log
from tests.kernels.gpu.compile_gate.kept import compile_kept
from tests.kernels.gpu.compile_gate.nvrtc import Compiled, Nvrtc, options
from tests.kernels.gpu.compile_gate.ptxas_log import Usage

WARP = 32
#: A multiprocessor (sm_70 to sm_121) is four parts with 16,384 registers each. Warps go to the parts in turn.
PARTS, REGISTERS_OF_PART = 4, 16_384
#: A warp gets its registers in steps of 256, which is 8 per thread.
REGISTER_STEP = 8


def compile_one(nvrtc: Nvrtc, arch: int, wanted: Specialisation) -> Compiled:
    """Compile a module of the backend as CuPy will, or read what came of it before."""
    return compile_kept(nvrtc, text(wanted.module), f"{wanted.module}.cu", options(arch, wanted.defines))


def problems(wanted: Specialisation, compiled: Compiled) -> list[str]:
    """Return what is wrong with a compiled module, one sentence each: empty means that it may be launched."""
    if not compiled.succeeded:
        return [f"does not compile:\n{compiled.log}"]
    found = [f"warning: {line}" for line in ptxas_log.warnings(compiled.log)]
    usages = ptxas_log.usages(compiled.log)
    present = cubin.kernels(compiled.cubin)
    for kernel in wanted.kernels:
        if kernel not in present:
            found.append(f"{kernel}: not in the machine code, which has {', '.join(sorted(present)) or 'no kernel'}")
        elif kernel not in usages:
            found.append(f"{kernel}: ptxas reports nothing about it")
        else:
            found += (f"{kernel}: {sentence}" for sentence in _of_kernel(usages[kernel], wanted.threads))
            found += (f"{kernel}: {sentence}" for sentence in _of_block(compiled.cubin, kernel, wanted.threads))
    # Functions that were not inlined belong to no kernel in particular. A kernel that is not listed is not launched.
    for name, usage in usages.items():
        if not usage.entry:
            found += (f"{name}: {sentence}" for sentence in _of_memory(usage))
    return found


def launchable(registers: int, threads: int) -> bool:
    """Return whether a multiprocessor has the registers for one block.

    Finer than ``registers * threads <= 65536``: 608 threads are 19 warps, so one part gets 5 of them, and 102
    registers are the most, not 107.
    """
    warps_of_part = -(-threads // (WARP * PARTS))
    allotted = -(-registers // REGISTER_STEP) * REGISTER_STEP * WARP
    return allotted * warps_of_part <= REGISTERS_OF_PART


def _of_memory(usage: Usage) -> Iterator[str]:
    for name, size in (
        ("stack frame", usage.stack),
        ("spill stores", usage.spill_stores),
        ("spill loads", usage.spill_loads),
    ):
        if size is None:
            yield f"ptxas does not report its {name}"
        elif size:
            yield f"{size} bytes of {name}"


def _of_kernel(usage: Usage, threads: int) -> Iterator[str]:
    yield from _of_memory(usage)
    if usage.registers is None:
        yield "ptxas does not report its registers"
    elif not launchable(usage.registers, threads):
        yield f"a block of {threads} threads with {usage.registers} registers each does not fit a multiprocessor"


def _of_block(code: bytes, kernel: str, threads: int) -> Iterator[str]:
    most = cubin.max_threads(code, kernel)
    if most is not None and threads > most:
        yield f"launched with {threads} threads, __launch_bounds__ promises at most {most}"
