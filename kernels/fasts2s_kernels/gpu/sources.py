"""The CUDA C++ texts of this backend, and which of them make up a module. CuPy is not needed to read them."""

import re
from collections.abc import Iterator
from functools import cache
from importlib import resources

_FOLDER = resources.files("fasts2s_kernels")
#: A kernel: the most threads of its blocks, where the text says so, and its name.
_KERNEL = re.compile(r'extern "C" __global__ void\s+(?:__launch_bounds__\((\w+).*?\)\s+)?(\w+)\(')
#: Threads of a block where the text does not say so.
_USUAL_THREADS = 256


def _files() -> Iterator[str]:
    """Yield every file of the operations, and those of this folder that are a module, without their ends."""
    for op in _FOLDER.joinpath("ops").iterdir():
        if op.is_dir():
            yield from (f"ops/{op.name}/{file.name[:-3]}" for file in op.iterdir() if file.name.endswith(".cu"))
    yield "gpu/sums"


def _before(file: str) -> tuple[str, ...]:
    return ("gpu/prelude", "gpu/rows") if file.endswith("_rows") else ("gpu/prelude",)


#: Module -> the files that it is made of, in their order. Each is called as its last file.
PARTS = {file.rpartition("/")[2]: (*_before(file), file) for file in sorted(_files())}


@cache
def text(module: str) -> str:
    """Return the source of a module of ``PARTS``."""
    return "\n".join(_FOLDER.joinpath(f"{part}.cu").read_text(encoding="utf-8") for part in PARTS[module])


def kernels(module: str) -> dict[int, tuple[str, ...]]:
    """Return threads of a block -> the kernels of a module that have so many, where these are plain numbers."""
    found: dict[int, tuple[str, ...]] = {}
    for bound, name in _KERNEL.findall(text(module)):
        threads = int(bound or _USUAL_THREADS)
        found[threads] = (*found.get(threads, ()), name)
    return found
