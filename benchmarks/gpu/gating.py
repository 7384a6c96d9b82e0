"""The gate of the GPU programs: who is off from the float64 reference gets no time."""

import numpy as np

from fasts2s.bench.gate import TOLERANCES, relative_error
from fasts2s.bench.peer import Arrays

#: Precision -> allowed relative L2 error by the first word of a result's name. TF32 has 10 bits, float16 as well.
ALLOWED = {
    "ours": TOLERANCES["ours"],
    "fp32": TOLERANCES["others"],
    "tf32": {"out": 1e-2, "grad": 1e-2, "param": 1e-2},
    "fp16": {"out": 2e-2, "grad": 2e-2, "param": 2e-2},
}
#: Allowed relative difference of the losses of the first steps.
CURVE = 1e-4


def judge(results: Arrays, reference: Arrays, precision: str) -> tuple[dict[str, float], list[str]]:
    """Return the largest error of every kind of result, and complaints: none if a contestant passes."""
    worst: dict[str, float] = {}
    complaints = []
    for name, expected in reference.items():
        kind, allowed = name.partition("_")[0], ALLOWED[precision][name.partition("_")[0]]
        if name not in results:
            complaints.append(f"{name} is missing")
            continue
        error = relative_error(results[name], expected)
        worst[kind] = max(worst.get(kind, 0.0), error)
        if not error <= allowed:
            complaints.append(f"{name} is off by {error:.1e}, allowed {allowed:.0e}")
    return worst, complaints


def judge_curve(losses: list[float], reference: list[float]) -> tuple[dict[str, float], list[str]]:
    """Compare losses step by step; returns as :func:`judge`."""
    if len(losses) != len(reference) or not np.isfinite(losses).all():
        return {}, [f"the losses are {losses}, expected {len(reference)} numbers"]
    error = max(abs(a - b) / abs(b) for a, b in zip(losses, reference, strict=True))
    return {"loss": error}, [f"a loss is off by {error:.1e}, allowed {CURVE:.0e}"] if error > CURVE else []
