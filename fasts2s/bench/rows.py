"""From rounds of numbers to rows: medians, quartiles, ratios, noise, rates."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fasts2s.bench import kernel_ops
from fasts2s.bench.cases import Case
from fasts2s.bench.measure import Contestant
from fasts2s.bench.noise import combined, paired, quartiles, scatter
from fasts2s.bench.results import Row

PEAK = "FMA peak"
#: Sweeps: what the name of a case in the group "scaling" begins with is the sweep; after the comma comes letter=size.
_LETTERS = ("N", "T", "D", "H", "V")


def of_times(timed: list[list[Contestant]], disturbed: Mapping[str, float]) -> list[Row]:
    """Return the rows of contestants, given case by case; all of a case have as many rounds.

    ``disturbed``: group -> what :func:`~fasts2s.bench.noise.disturbance` says of it.
    """
    peak = _peak_rate(timed)
    return [_row(one, case, disturbed.get(one.case.group, 0.0), peak) for case in timed for one in case]


def of_rounds(
    group: str, unit: str, found: dict[tuple[str, str], list[float]], about: dict[str, Any], grain: float
) -> list[Row]:
    """Return a row for every (case, contestant) with its rounds; the first of a case is what others are divided by.

    ``about``: contestant -> info; ``grain``: the least relative noise.
    """
    rows = []
    first: dict[str, list[float]] = {}
    for (case, peer), values in found.items():
        base = first.setdefault(case, values)
        other = None if base is values else base
        rows.append(measured((group, case, peer), unit, values, other, grain, about.get(peer, {})))
    return rows


def _row(one: Contestant, rivals: list[Contestant], disturbed: float, peak: float | None) -> Row:
    """Return the row of a contestant; ``rivals``: all of the case; ``peak``: GFLOP/s of the FMA peak in this run."""
    info = {"sizes": one.case.sizes, "settings": one.settings, "errors": one.errors}
    info |= {key: one.settings[key] for key in ("launches",) if key in one.settings}
    info |= rates(one.case, quartiles(one.rounds)[1])
    share = _share(one, rivals, info, peak)
    info |= ({} if share is None else {"peak_share": share}) | sweep_of(one.case)
    base = None if one is rivals[0] else rivals[0].rounds
    return measured((one.case.group, one.case.name, one.label), "s", one.rounds, base, disturbed, info)


def measured(
    key: tuple[str, str, str],
    unit: str,
    rounds: Sequence[float],
    base: Sequence[float] | None,
    grain: float,
    info: dict[str, Any],
) -> Row:
    """Return a row of rounds in ``unit``.

    key : group, case, contestant; base : rounds of the case's first contestant, None for itself; grain : the noise
    that is there beside the scatter of the rounds.
    """
    low, middle, high = quartiles(rounds)
    pairs = base is not None and len(base) == len(rounds) and 0 not in base
    ratio: tuple[float | None, ...] = paired(rounds, base) if pairs and base is not None else (None, None, None)
    noise = combined(scatter(rounds), grain)
    return Row(*key, unit, middle, low, high, noise, tuple(rounds), ratio[1], ratio[0], ratio[2], info)


def rates(case: Case, seconds: float) -> dict[str, Any]:
    """Return what is done in a second: flops, gflops; for a step params, samples_per_s, tokens_per_s."""
    work = kernel_ops.flops(case) if case.group == "kernels" else case.flops
    found: dict[str, Any] = {}
    if case.is_step:
        found = {"params": case.params, "samples_per_s": case["N"] / seconds}
        found |= {"tokens_per_s": case["N"] * case.steps / seconds}
    return found | ({} if work is None else {"flops": work, "gflops": 1e-9 * work / seconds})


def sweep_of(case: Case) -> dict[str, Any]:
    """Return sweep, letter, size and base of a case of the group "scaling"; nothing for others."""
    if case.group != "scaling":
        return {}
    sweep, _, last = case.name.rpartition(", ")
    letter, _, size = last.partition("=")
    base = ", ".join(f"{k}={v}" for k, v in case.sizes.items() if k in _LETTERS and k != letter)
    return {"sweep": sweep, "letter": letter, "size": int(size), "base": base}


def _peak_rate(timed: list[list[Contestant]]) -> float | None:
    """Return the GFLOP/s of the peak: the median over all cases in which it took part."""
    peaks = [one for case in timed for one in case if one.label == PEAK]
    found = [1e-9 * one.case.flops / t for one in peaks if one.case.flops for t in one.rounds]
    return float(np.median(found)) if found else None


def _share(one: Contestant, rivals: list[Contestant], info: dict[str, Any], peak: float | None) -> float | None:
    """Return the share of the peak: of the same rounds where it was there, else of the run's."""
    if one.label.endswith("peak") or "gflops" not in info:
        return None
    on_gpu = bool({"cupy", "cuda"} & set(one.label.split()))
    wanted = "device peak" if on_gpu else PEAK
    same = next((rival for rival in rivals if rival.label == wanted), None)
    if same is not None and len(same.rounds) == len(one.rounds):
        return paired(same.rounds, one.rounds)[1]
    return None if peak is None or on_gpu else float(info["gflops"]) / peak
