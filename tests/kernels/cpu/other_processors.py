"""The register tiles as other processors would get them: compiled for these, and what a model of each says of them.

LLVM in llvmlite's wheels generates code for processors that are not here. What is compiled is what a kernel is made
of before anything is optimised; from there on everything is done for the other processor.
"""

import json
import re
import shutil
import subprocess
import sys
from typing import Any, NamedTuple

import llvmlite.binding as llvm
from llvmlite import ir

X86, ARM = "x86_64-linux-gnu", "aarch64-linux-gnu"
_AVX2 = "+avx2,+fma,+bmi,+bmi2,+f16c,+sse4.2,+popcnt"
_LABEL = re.compile(r"(\.L\w+):")
_JUMP = re.compile(r"\s+(?:j\w+|b|b\.\w+|cbn?z\s+\w+,)\s+(\.L\w+)")
_ARITHMETIC = re.compile(r"\s(vfmadd\w+|fmla|v?mulps)\s")
_STACK = re.compile(r"%rsp|\bsp\b")  # %rbp is one register among others: code of Numba has no frame pointer
_TURNS = 200


class Processor(NamedTuple):
    """A processor that tiles are compiled for.

    ``name`` is LLVM's; ``rate`` the multiply-adds (of a vector each) that llvm-mca's model of it starts in a cycle;
    ``wrong``, where the model is known to be wrong, says in what, and nothing is asked of it.
    """

    name: str
    rate: int
    triple: str = X86
    wrong: str = ""


#: Of ``fasts2s_kernels.cpu.tuning`` -> processors.
PROCESSORS = {
    "AVX2": (
        Processor("haswell", 2),
        Processor("skylake", 2),
        Processor("znver2", 2),
        Processor("znver3", 2),
        Processor("alderlake", 2),
    ),
    "AVX512": (
        Processor("skylake-avx512", 2),
        Processor("icelake-server", 2),
        Processor("znver4", 1, wrong="LLVM 16 holds it to a multiply-add of 512 bits in two and a quarter cycles"),
        Processor("sapphirerapids", 2),
    ),
    "NEON": (
        Processor("neoverse-n1", 1, ARM),  # its own rate is 2; LLVM has the model of an older core for it
        Processor("neoverse-v1", 2, ARM),  # its own rate is 4, of vectors of 128 bits
        Processor("apple-m1", 3, ARM),  # its own rate is 4; LLVM has the model of an older core for it
    ),
    "PLAIN": (
        Processor("x86-64", 1),
        Processor("ivybridge", 1),
    ),
}


def inner_loops(assembly: str) -> list[list[str]]:
    """Return the bodies of the loops that multiply and hold no other label."""
    lines = [line for line in assembly.splitlines() if _LABEL.match(line) or re.match(r"\s+[a-z]", line)]
    labels = {match[1]: k for k, line in enumerate(lines) if (match := _LABEL.match(line))}
    bodies = []
    for k, line in enumerate(lines):
        jump = _JUMP.match(line)
        first = labels.get(jump[1], k) if jump else k
        body = lines[first + 1 : k + 1]
        if any(_ARITHMETIC.search(x) for x in body) and not any(_LABEL.match(x) for x in body):
            bodies.append(body)
    return bodies


def spills(body: list[str]) -> list[str]:
    """Return the instructions that touch the stack."""
    return [line.strip() for line in body if _STACK.search(line)]


def model_program() -> str | None:
    """Return the newest llvm-mca, or None. Those before version 16 give Zen 3 half its rate."""
    found = [path for version in range(16, 30) if (path := shutil.which(f"llvm-mca-{version}"))]
    return found[-1] if found else None


def _cycles(program: str, processor: Processor, body: list[str]) -> float:
    text = "1:\n" + "\n".join(_JUMP.sub(lambda jump: jump[0].replace(jump[1], "1b"), line) for line in body) + "\n"
    command = [program, f"-mtriple={processor.triple}", f"-mcpu={processor.name}", f"-iterations={_TURNS}"]
    said = subprocess.run(command, input=text, capture_output=True, text=True, check=True, timeout=60).stdout
    match = re.search(r"Total Cycles:\s+(\d+)", said)
    assert match, said
    return int(match[1]) / _TURNS


def assembly(code: str, processor: Processor) -> str:
    """Return what LLVM makes of unoptimised code for a processor."""
    machine = llvm.Target.from_triple(processor.triple).create_target_machine(cpu=processor.name, opt=3)
    code = re.sub(r'target triple = ".*"', f'target triple = "{processor.triple}"', code)
    code = re.sub(r'target datalayout = ".*"', f'target datalayout = "{machine.target_data}"', code)
    module = llvm.parse_assembly(code)
    passes = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
    passes.getModulePassManager().run(module, passes)
    return machine.emit_assembly(module)


def _lone_tiles(rows_of_width: tuple[int, ...]) -> str:
    """Return the code of a function for each tile of the most rows, named by rows, width and order."""
    from fasts2s_kernels.cpu import tile  # noqa: PLC0415
    from fasts2s_kernels.cpu.vector import FLOAT  # noqa: PLC0415

    module, i64, one = ir.Module(), ir.IntType(64), ir.Constant(ir.IntType(64), FLOAT)
    for width, rows in enumerate(rows_of_width, start=1):
        for turned in (False, True):
            kind = ir.FunctionType(ir.VoidType(), [i64] * 9)
            function = ir.Function(module, kind, f"tile_{rows}x{width}_{'turned' if turned else 'rows'}")
            builder = ir.IRBuilder(function.append_basic_block())
            C, c_row, start, start_row, A, a, B, b_k, K = function.args
            steps = (one, a) if turned else (a, one)
            tile._emit_tile(builder, rows, width, turned, (C, c_row, start, start_row, A, *steps, B, b_k, K))
            builder.ret_void()
    return str(module).replace('"unknown-unknown-unknown"', f'"{X86}"')


def shares(processor: Processor, code: str, program: str) -> dict[str, float]:
    """Return the share of the processor's rate that tiles reach by its model, see :func:`_lone_tiles`."""
    parts = re.split(r"^(tile_\w+):", assembly(code, processor), flags=re.MULTILINE)[1:]
    found = {}
    for name, text in zip(parts[::2], parts[1::2], strict=True):
        body = inner_loops(text)[0]  # by lane a second one does what is left
        work = sum(bool(_ARITHMETIC.search(line)) for line in body)
        found[name] = round(work / _cycles(program, processor, body) / processor.rate, 3)
    return found


def all_tiles(kind: str) -> dict[str, Any]:
    """Compile all tiles of a kind of processors; call it in a process of its own, with NUMBA_OPT=0.

    Returns the multiply-adds in the loops there should be; and by processor those there are, what they spill, calls
    of fmaf, and, where the model can be asked, the shares of the rate that the tiles of the most rows reach.
    """
    from fasts2s_kernels.cpu import target, tuning  # noqa: PLC0415

    # Before anything else of the kernels is imported: their vectors are as long as this says.
    target.TARGET = getattr(tuning, kind)
    target.LANES = target.TARGET.lanes
    from fasts2s_kernels.cpu import compiler, gemm  # noqa: PLC0415

    built = compiler.build(gemm.tiles_from.function, gemm.tiles_from.kinds)
    code, lone = built._library.get_llvm_str(), _lone_tiles(target.TARGET.tile_rows)
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    program = model_program()
    found: dict[str, Any] = {"expected": _work(target.TARGET)}
    for processor in PROCESSORS[kind]:
        text = assembly(code, processor)
        bodies = inner_loops(text)
        found[processor.name] = {
            "work": sorted(sum(bool(_ARITHMETIC.search(line)) for line in body) for body in bodies),
            "spills": [line for body in bodies for line in spills(body)],
            "called": re.findall(r"\bfmaf\b", text),
            "shares": shares(processor, lone, program) if program and not processor.wrong else {},
        }
    return found


def _work(target: Any) -> list[int]:
    """Return the multiply-adds in the loops of all tiles: of rows of A, by lane of several k at once; of columns."""
    sizes = [width * r for width, most in enumerate(target.tile_rows, start=1) for r in range(1, most + 1)]
    several = [size * target.lanes for size in sizes] if target.by_lane else []
    return sorted(2 * sizes + several)


if __name__ == "__main__":
    for kind in sys.argv[1:]:
        print(json.dumps(all_tiles(kind), indent=1))
