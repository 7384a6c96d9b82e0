"""What stands in the time loop of a kernel, as machine instructions: nvdisasm lists them."""

import importlib.metadata
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

DISTRIBUTION = "nvidia-cuda-nvdisasm"

_SECTION = re.compile(r"^\.text\.(\w+):")
_LABEL = re.compile(r"^(\.L\w+):")
_INSTRUCTION = re.compile(r"^\s+/\*[0-9a-f]+\*/\s+(?:@!?U?P\w+\s+)?([A-Z][\w.]*)(.*?);")
_TARGET = re.compile(r"`\((\.L\w+)\)")


class Loop(NamedTuple):
    """A loop: the operation codes from its label to the branch back."""

    codes: tuple[str, ...]

    def count(self, name: str) -> int:
        """Return how many instructions are ``name``, such as LDG, whatever follows a dot."""
        return sum(code.split(".")[0] == name for code in self.codes)


def disassembler() -> Path | None:
    """Return nvdisasm: of the wheel, else of a toolkit on the path."""
    try:
        files = importlib.metadata.distribution(DISTRIBUTION).files or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    found = next((str(file.locate()) for file in files if file.stem == "nvdisasm"), None) or shutil.which("nvdisasm")
    return Path(found) if found else None


def listing(program: Path, cubin: bytes) -> str:
    """Disassemble a cubin."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "module.cubin")
        file.write_bytes(cubin)
        return subprocess.run([program, "-c", file], check=True, capture_output=True, text=True).stdout


def time_loop(text: str, kernel: str, products: int) -> Loop | None:
    """Return the loop over the steps: the smallest one with a barrier and at least so many multiplications.

    A block that the compiler put behind the loop, because it is rarely taken, is not seen.
    """
    codes, places, branches = _read(text, kernel)
    backward = [(places[target], end) for end, target in branches if places.get(target, end + 1) <= end]
    loops = (
        Loop(tuple(codes[start : end + 1])) for start, end in sorted(backward, key=lambda loop: loop[1] - loop[0])
    )
    return next((loop for loop in loops if loop.count("BAR") and loop.count("FFMA") >= products), None)


def _read(text: str, kernel: str) -> tuple[list[str], dict[str, int], list[tuple[int, str]]]:
    """Return the operation codes of a kernel, where its labels stand, and its branches."""
    codes: list[str] = []
    places: dict[str, int] = {}
    branches: list[tuple[int, str]] = []
    inside = False
    for line in text.splitlines():
        if section := _SECTION.match(line):
            inside = section[1] == kernel
        if not inside:
            continue
        if label := _LABEL.match(line):
            places[label[1]] = len(codes)
        if instruction := _INSTRUCTION.match(line):
            if instruction[1].startswith("BRA") and (target := _TARGET.search(instruction[2])):
                branches.append((len(codes), target[1]))
            codes.append(instruction[1])
    return codes, places, branches
