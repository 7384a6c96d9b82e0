"""The inner loops of the register tiles, as the processor gets them."""

import re
from typing import Any

from fasts2s_kernels.cpu import gemm, jit
from fasts2s_kernels.cpu.target import TARGET

_LABEL = re.compile(r"(\.\w+):")
_JUMP = re.compile(r"\s+j\w+\s+(\.\w+)")
_STACK = "%rsp"  # %rbp is one register among others: code of Numba has no frame pointer


def inner_loops(assembly: str) -> list[list[str]]:
    """Return the bodies of the loops that hold a fused multiply-add and no other label."""
    lines = assembly.splitlines()
    labels = {match[1]: k for k, line in enumerate(lines) if (match := _LABEL.match(line))}
    bodies = []
    for k, line in enumerate(lines):
        jump = _JUMP.match(line)
        first = labels.get(jump[1], k) if jump else k
        body = lines[first + 1 : k + 1]
        if any("vfmadd" in x for x in body) and not any(_LABEL.match(x) for x in body):
            bodies.append(body)
    return bodies


def spills(body: list[str]) -> list[str]:
    """Return the instructions that touch the stack."""
    return [line.strip() for line in body if _STACK in line]


def all_tiles() -> dict[str, Any]:
    """Compile all tiles; return their sizes (multiply-adds a turn), those there should be, and what they spill."""
    jit.cache().folder = None  # what comes from the cache shows no code
    loops = inner_loops(gemm.tiles_from.ensure()._library.get_asm_str())
    sizes = [width * r for width, rows in enumerate(TARGET.tile_rows, start=1) for r in range(1, rows + 1)]
    return {
        "target": TARGET.name,
        "sizes": sorted(sum("vfmadd" in line for line in body) for body in loops),
        "expected": sorted(2 * sizes),  # rows of A that lie together, and columns that do
        "spills": [line for body in loops for line in spills(body)],
    }
