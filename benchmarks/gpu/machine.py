"""The machine: whether there is a GPU to measure, which one it is, its versions, clocks and TF32 modes."""

import importlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import time
from typing import Any

from fasts2s.bench.machine import commit, load_average, processor, too_busy, versions
from fasts2s_kernels import setup_of

#: What is asked of nvidia-smi: fields that every driver of the last years has.
_FIELDS = (
    "name", "driver_version", "clocks.sm", "clocks.max.sm", "clocks.mem", "power.draw", "power.limit",
    "temperature.gpu",
)  # fmt: skip


class NothingToMeasureError(Exception):
    """There is no GPU here, or no CuPy for it."""


def one_line(error: object) -> str:
    """Return a message without its line breaks."""
    return " ".join(str(error).split())


def require(dry: bool) -> None:
    """Return if kernels of the cupy backend run here. Raises NothingToMeasureError."""
    try:
        setup_of("cupy").probe()
    except (ImportError, RuntimeError) as error:
        raise NothingToMeasureError(one_line(error)) from error
    if is_stand_in() and not dry:
        raise NothingToMeasureError("this CuPy is the stand-in of the tests, which has no speed: only with --dry")


def is_stand_in() -> bool:
    """Return whether CuPy is the one of tests/stand_in."""
    return hasattr(importlib.import_module("cupy"), "stand_in")


def torch_device(dry: bool) -> tuple[str, str]:
    """Return the device for PyTorch, and "", or "" and why it is left out."""
    if importlib.util.find_spec("torch") is None:
        return "", "PyTorch is not installed here"
    torch: Any = importlib.import_module("torch")
    if torch.cuda.is_available() and not is_stand_in():
        return "cuda", ""
    return ("cpu", "") if dry else ("", f"this PyTorch, {torch.__version__}, finds no GPU")


def describe(torch_is_here: bool) -> dict[str, str]:
    """Return name -> text of everything that a table must say of the machine."""
    found = {
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "commit": commit() or "unknown",
        "host": f"{processor()}, {os.cpu_count()} cores, {sys.platform}",
        **setup_of("cupy").describe(),
        "nvidia-smi": nvidia_smi(),
        "python": f"{platform.python_version()}, numpy {versions('numpy').get('numpy', '?')}",
        "CuPy's products": f"TF32 {'ON' if os.environ.get('CUPY_TF32') == '1' else 'off'}",
    }
    found.pop("ids", None)
    if torch_is_here:
        torch: Any = importlib.import_module("torch")
        found["torch"] = (
            f"{torch.__version__}, CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}; "
            "TF32 off, but in the columns that say tf32"
        )
    if is_stand_in():
        found["CAUTION"] = "this is the stand-in for a GPU: every time below is meaningless"
    elif os.environ.get("CUPY_TF32") == "1":
        found["CAUTION"] = "CUPY_TF32 is set: our products are not float32"
    if caution := too_busy(load_average()):
        found["host's load"] = caution
    return found


def nvidia_smi() -> str:
    """Return clocks, power and temperature of the GPU in use, or why they are unknown."""
    program = shutil.which("nvidia-smi")
    if program is None or is_stand_in():
        return "not asked" if program else "not installed"
    cupy: Any = importlib.import_module("cupy")
    command = [
        program, f"--query-gpu={','.join(_FIELDS)}", "--format=csv,noheader", "-i", cupy.cuda.Device().pci_bus_id,
    ]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"failed: {one_line(error)}"
    if done.returncode:
        return f"failed: {one_line(done.stdout + done.stderr)}"
    values = done.stdout.strip().split(", ")
    return ", ".join(f"{name} {value}" for name, value in zip(_FIELDS, values, strict=False))
