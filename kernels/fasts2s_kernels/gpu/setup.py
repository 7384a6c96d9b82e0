"""Settings of this backend, what it says of itself, whether it runs here, and compiling ahead.

This module imports CuPy only where it has to, so that it can say why CuPy does not run.
"""

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

from fasts2s_kernels.settings import Settings

#: What installs the library that is missing.
REPAIR = "pip install 'fasts2s[cuda12]' (CUDA 12) or pip install 'fasts2s[cuda13]' (CUDA 13)"


def probe() -> None:
    """Return if a kernel of this backend runs here.

    Raises
    ------
    ImportError
        CuPy is not installed, or cannot be imported.
    RuntimeError
        There is no driver, no device, or the device does not compute.
    """
    if importlib.util.find_spec("cupy") is None:
        raise ImportError(f"CuPy is not installed: {REPAIR}", name="cupy")
    try:
        cupy = importlib.import_module("cupy")
    except Exception as error:  # a broken installation can raise anything
        why = " ".join(str(error).replace("=", "").split())[:200]  # CuPy frames a page of advice
        raise ImportError(f"CuPy cannot be imported ({why}): {REPAIR}", name="cupy") from error
    found = f"CuPy {cupy.__version__} was found, but"
    try:
        devices = cupy.cuda.runtime.getDeviceCount()
    except Exception as error:  # CuPy's own kinds, and those of a broken CUDA installation
        raise RuntimeError(f"{found} no CUDA device: {error}. Is the NVIDIA driver installed?") from error
    if not devices:
        raise RuntimeError(f"{found} no CUDA device")
    try:
        right = _sum_of_ones()
    except Exception as error:
        raise RuntimeError(f"{found} it cannot compute here: {type(error).__name__}: {error}") from error
    if not right:
        raise RuntimeError(f"{found} it computes wrong sums")


def _sum_of_ones() -> bool:
    """Return whether one tiny kernel, compiled for this device, adds seven ones."""
    recurrent: Any = importlib.import_module("fasts2s_kernels.ops.recurrent.gpu")
    cupy = importlib.import_module("cupy")
    return float(recurrent.column_sums(cupy.ones((1, 7, 1), cupy.float32))[0, 0]) == 7.0


def configure(settings: Settings) -> None:
    """Take over whether ids are looked at once, for the whole process."""
    _module("errors").Mode.at_once = settings.check


def _module(name: str) -> Any:
    return importlib.import_module(f"fasts2s_kernels.gpu.{name}")


def describe() -> dict[str, str]:
    """Return what runs here: device, its limits, versions of CuPy, CUDA and the driver."""
    cupy: Any = importlib.import_module("cupy")
    runtime, limits = cupy.cuda.runtime, _module("device").device()
    name = runtime.getDeviceProperties(cupy.cuda.Device().id)["name"]
    return {
        "device": f"{name.decode() if isinstance(name, bytes) else name}, sm_{limits.arch}, "
        f"{limits.processors} multiprocessors, {limits.shared_memory // 1024} KB of shared memory per block",
        "versions": f"CuPy {cupy.__version__}, CUDA {runtime.runtimeGetVersion()}, "
        f"driver {runtime.driverGetVersion()}",
        "ids": "looked at at once" if _module("errors").Mode.at_once else "looked at when something is fetched",
    }


def _plain() -> list[Any]:
    """Return what every model may need, without the kernels that exist once per H."""
    every = _module("specialisations").all_specialisations(_module("device").device().arch)
    return [s for s in every if "rows" not in s.module]


def kernel_count() -> int:
    """Return how many kernels :func:`warmup` compiles."""
    return sum(len(s.kernels) for s in _plain())


def warmup(advance: Callable[[], None] | None = None) -> int:
    """Compile every kernel but those that exist once per H, or load it from CuPy's cache; return how many."""
    launch = _module("launch")
    for s in _plain():
        for name in s.kernels:
            launch.kernel(s.module, name, s.defines, 0, s.module == "lstm_slices").num_regs  # noqa: B018 - loads it
            if advance is not None:
                advance()
    return kernel_count()
