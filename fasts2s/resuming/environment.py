"""What the bits of a training depend on beside its options."""

from typing import Any

import numpy as np

from fasts2s_kernels import blas, setup_of

_NAMES = {"backend": "backend", "threads": "number of threads", "numpy": "NumPy"}


def environment(backend: str) -> dict[str, Any]:
    """Return a backend, by its name, its threads and the version of NumPy."""
    setup = setup_of(backend)
    described = {} if setup is None else setup.describe()
    threads = described.get("threads", str(blas.threads())).partition(",")[0]
    return {"backend": backend, "threads": threads, "numpy": np.__version__}


def differences(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return a line if bits may differ from those of a training that went on as it began, else none."""
    changed = [f"{_NAMES[k]} {then.get(k)} then, {now[k]} now" for k in _NAMES if then.get(k) != now[k]]
    return [f"warning: {'; '.join(changed)}: the training goes on, its bits may differ"] if changed else []
