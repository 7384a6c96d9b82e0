"""The gate: results of a peer against the float64 reference. Who is off gets no time printed."""

from typing import Any

import numpy as np

from fasts2s.bench.peer import Arrays

#: Backends of this package, held to more than others.
OURS = ("numpy", "numba", "cupy", "fasts2s", "ours")
_KINDS = ("out", "grad", "param", "curve")
#: Who -> allowed relative error (L2 norm) by the first word of a result's name; ``ids`` must be equal. TF32 and
#: float16 have 10 bits. ``curve`` are losses of further steps, in which rounding has grown.
TOLERANCES = {
    "ours": {"out": 2e-6, "grad": 1e-5, "param": 1e-5, "curve": 1e-4},
    "others": dict.fromkeys(_KINDS, 1e-4),
    "tf32": dict.fromkeys(_KINDS, 1e-2),
    "fp16": dict.fromkeys(_KINDS, 2e-2),
}


def relative_error(a: Any, reference: Any) -> float:
    """Return |a - reference| / |reference|, infinity for another shape or what is not finite."""
    a, reference = np.asarray(a, np.float64), np.asarray(reference, np.float64)
    if a.shape != reference.shape or not np.isfinite(a).all():
        return float("inf")
    size = float(np.linalg.norm(reference))
    return float(np.linalg.norm(a - reference)) / (size or 1.0)


def judge(results: Arrays, reference: Arrays, peer: str) -> tuple[dict[str, float], list[str]]:
    """Compare everything that the reference has; updated parameters may be missing.

    Returns
    -------
    worst : dict
        Kind of result -> largest relative error.
    complaints : list of str
        Empty if the peer passes.
    """
    first, *_, last = peer.split() * 2
    allowed = TOLERANCES["ours" if first in OURS else last if last in TOLERANCES else "others"]
    worst: dict[str, float] = {}
    complaints = []
    for name, expected in reference.items():
        kind = name.partition("_")[0]
        if name not in results:
            complaints += [] if kind == "param" else [f"{name} is missing"]
        elif kind == "ids" and len(results[name]) > len(expected):
            complaints.append(f"{name} has {len(results[name])} rows, expected at most {len(expected)}")
        elif kind == "ids":
            wrong = int((results[name] != expected[: len(results[name])]).any(axis=1).sum())
            worst[kind] = wrong
            complaints += [f"{wrong} of {len(results[name])} answers differ"] if wrong else []
        else:
            error = relative_error(results[name], expected)
            worst[kind] = max(worst.get(kind, 0.0), error)
            if not error <= allowed[kind]:
                complaints.append(f"{name} is off by {error:.1e}, allowed {allowed[kind]:.0e}")
    return worst, complaints or ([] if worst else ["there was nothing to compare"])
