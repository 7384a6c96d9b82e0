"""``fasts2s warmup``: compile all kernels ahead."""

import time

from fasts2s.backend import get_backend
from fasts2s.commands.progress import progress_bar
from fasts2s_kernels import setup_of


def warmup(backend: str | None) -> int:
    """Compile the kernels of a backend (None: of the one that is switched on) into its cache."""
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
