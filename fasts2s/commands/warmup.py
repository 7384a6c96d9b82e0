"""``fasts2s warmup``: compile all kernels ahead, delete those of other versions."""

import time

from fasts2s.backend import BackendLike, get_backend
from fasts2s.commands.progress import progress_bar
from fasts2s_kernels import setup_of


def warmup(backend: BackendLike | None, clean: bool = False) -> int:
    """Compile the kernels of a backend (None: of the one that is switched on) into its cache.

    ``clean`` : before, delete what other versions left in the cache of the numba backend.
    """
    if clean:
        _clean()
    chosen = get_backend(backend)
    chosen.kernels()
    setup = setup_of(chosen.name)
    if setup is None:
        print(f"the {chosen.name} backend has nothing to compile")
        return 0
    started = time.perf_counter()
    with progress_bar(setup.kernel_count(), "compiling", "kernel") as advance:
        count = setup.warmup(advance)
    print(f"{count} kernels of the {chosen.name} backend are ready after {time.perf_counter() - started:.1f} s")
    for name, value in setup.describe().items():
        print(f"{name:<10} {value}")
    return 0


def _clean() -> None:
    get_backend("numba").kernels()  # takes over where the cache is
    found = setup_of("numba").clean()
    print(
        f"removed {_folders(found.removed)} of other versions from {found.base}: {found.freed / 1e6:.1f} MB are free"
    )
    for folder in found.kept:
        print(f"kept {folder}: another process is using it, or it cannot be deleted")


def _folders(count: int) -> str:
    return "1 folder" if count == 1 else f"{count} folders"
