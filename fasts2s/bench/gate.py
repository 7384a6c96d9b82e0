"""The gate: results of a peer against the float64 reference. Who is off gets no time printed."""

from typing import Any

import numpy as np

from fasts2s.bench.peer import Arrays

#: Backends of this package, held to more than others.
OURS = ("numpy", "numba", "cupy", "fasts2s", "ours")
#: Allowed relative error (L2 norm) by the first word of a result's name. ``ids`` must be equal.
TOLERANCES = {
    "ours": {"out": 2e-6, "grad": 1e-5, "param": 1e-5},
    "others": {"out": 1e-4, "grad": 1e-4, "param": 1e-4},
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
    allowed = TOLERANCES["ours" if peer in OURS else "others"]
    worst: dict[str, float] = {}
    complaints = []
    for name, expected in reference.items():
        kind = name.partition("_")[0]
        if name not in results:
            if kind != "param":
                complaints.append(f"{name} is missing")
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
    return worst, complaints
