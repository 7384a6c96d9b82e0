"""Settings of this backend, what it says of itself, and compiling ahead."""

from collections.abc import Callable

from fasts2s_kernels.cpu import cleaning, jit, target
from fasts2s_kernels.cpu import threads as _threads
from fasts2s_kernels.cpu.products import CHOICE
from fasts2s_kernels.settings import Settings


def configure(settings: Settings) -> None:
    """Take over the number of threads, the cache folder and who makes large products, for the whole process."""
    _threads.POOL.wanted = settings.threads
    CHOICE.forced = settings.blas
    jit.use_cache(settings.cache_dir)
    jit.require_compiler()


def describe() -> dict[str, str]:
    """Return what runs here, for people. Nothing is compiled or timed."""
    pool, folder = _threads.POOL, jit.cache().folder
    return {
        "processor": f"{target.CPU_NAME}, {target.TARGET.name}, {target.LANES} float32 in a vector",
        "threads": str(pool.limit()),
        "products": CHOICE.describe(),
        "cache": "none: kernels are compiled in every process" if folder is None else str(folder),
    }


def clean() -> cleaning.Cleaned:
    """Delete the cache folders of other versions: of this package, of NumPy and Numba, for other processors."""
    return cleaning.clean(jit.cache().base)


def kernel_count() -> int:
    """Return how many functions there are to compile."""
    return len(jit.REGISTRY)


def warmup(advance: Callable[[], None] | None = None) -> int:
    """Compile every kernel, or load it from the cache; time large products; return how many kernels there are.

    ``advance`` is called after each of them.
    """
    for compiled in jit.REGISTRY:
        compiled.ensure()
        if advance is not None:
            advance()
    if CHOICE.forced is None:
        CHOICE.decide(again=True)
    return kernel_count()
