"""What ``ptxas -v`` says about every function, and the warnings of the whole compilation."""

import re
from dataclasses import dataclass

_ENTRY = re.compile(r"Compiling entry function '([^']+)' for '")
_PROPERTIES = re.compile(r"Function properties for '?([^\s']+)")
_FRAME = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
_USED = re.compile(r"Used (\d+) registers")
_SMEM = re.compile(r"(\d+) bytes smem")
_ALL_FRAMES = re.compile(r"(\d+) bytes cumulative stack size")
#: "Potential performance loss" is an information to ptxas; to us it means that it gave something up.
_WARNING = re.compile(r"\bwarning\b|potential performance loss", re.IGNORECASE)


@dataclass
class Usage:
    """One function. ``None`` is what was not said: no reader may take it for zero."""

    registers: int | None = None
    smem: int = 0  # bytes of static shared memory; ptxas says nothing where there are none
    stack: int | None = None  # bytes, as the next two
    spill_stores: int | None = None
    spill_loads: int | None = None
    entry: bool = False


def usages(log: str) -> dict[str, Usage]:
    """Return the usage of every function that the log names, entry or not."""
    found: dict[str, Usage] = {}
    entry = function = Usage()
    for line in log.splitlines():
        if named := _ENTRY.search(line):
            entry = found.setdefault(named[1], Usage())
            entry.entry = True
        if named := _PROPERTIES.search(line):
            function = found.setdefault(named[1], Usage())
        if frame := _FRAME.search(line):
            function.stack, function.spill_stores, function.spill_loads = (int(size) for size in frame.groups())
        if used := _USED.search(line):
            entry.registers = int(used[1])
            smem, frames = _SMEM.search(line), _ALL_FRAMES.search(line)
            entry.smem = int(smem[1]) if smem else 0
            entry.stack = max(entry.stack or 0, int(frames[1])) if frames else entry.stack
    return found


def warnings(log: str) -> list[str]:
    """Return the lines with a warning of the compiler or of ptxas."""
    lines = (line.strip() for line in log.splitlines())
    return [line for line in lines if _WARNING.search(line) and not line.startswith("Remark:")]
