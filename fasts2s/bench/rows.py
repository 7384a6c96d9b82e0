"""From rounds of seconds to rows: medians, quartiles, ratios, noise, rates."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fasts2s.bench import flops, kernel_ops
from fasts2s.bench.cases import Case
from fasts2s.bench.measure import Contestant
from fasts2s.bench.noise import combined, paired, quartiles, scatter
from fasts2s.bench.results import Curve, Row

PEAK = "FMA peak"
#: Sweeps: what the name of a case in the group "scaling" begins with is the sweep; after the comma comes letter=size.
_LETTERS = ("N", "T", "H", "V", "threads")


def of_times(timed: list[list[Contestant]], disturbed: Mapping[str, float]) -> list[Row]:
    """Return the rows of contestants, given case by case; all of a case have as many rounds.

    ``disturbed``: group -> what :func:`~fasts2s.bench.noise.disturbance` says of it.
    """
    peak = _peak_rate(timed)
    return [row(one, case, disturbed.get(one.case.group, 0.0), peak) for case in timed for one in case if one.rounds]


def row(one: Contestant, rivals: list[Contestant], disturbed: float, peak: float | None) -> Row:
    """Return the row of a contestant; ``rivals``: all of the case; ``peak``: GFLOP/s of the FMA peak in this run."""
    info = {"sizes": one.case.sizes, "settings": one.settings, "errors": one.errors}
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
    ratio: tuple[float | None, ...] = (None, None, None)
    if base is not None and len(base) == len(rounds) and 0 not in base:
        ratio = paired(rounds, base)
    return Row(
        *key,
        unit=unit,
        value=middle,
        low=low,
        high=high,
        noise=combined(scatter(rounds), grain),
        rounds=tuple(rounds),
        ratio=ratio[1],
        ratio_low=ratio[0],
        ratio_high=ratio[2],
        info=info,
    )


def rates(case: Case, seconds: float) -> dict[str, Any]:
    """Return what is done in a second: flops, gflops; for a step params, samples_per_s, tokens_per_s."""
    work = kernel_ops.flops(case) if case.group == "kernels" else case.flops
    found: dict[str, Any] = {}
    if case.is_step:
        work = flops.step_flops(case)
        samples, tokens = flops.samples_and_tokens(case)
        found = {"params": flops.parameter_count(case)}
        found |= {"samples_per_s": samples / seconds, "tokens_per_s": tokens / seconds}
    return found | ({} if work is None else {"flops": work, "gflops": 1e-9 * work / seconds})


def sweep_of(case: Case) -> dict[str, Any]:
    """Return sweep, letter, size and base of a case of the group "scaling"; nothing for others."""
    if case.group != "scaling":
        return {}
    sweep, _, last = case.name.rpartition(", ")
    letter, _, size = last.partition("=")
    base = ", ".join(f"{k}={v}" for k, v in case.sizes.items() if k in _LETTERS or k == "D" if k != letter)
    return {"sweep": sweep, "letter": letter, "size": int(size), "base": base}


def curve_of(found: dict[str, Any]) -> Curve:
    """Return the curve that a worker sent."""
    series: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in found.items()}
    return Curve(**series)


def _peak_rate(timed: list[list[Contestant]]) -> float | None:
    """Return the GFLOP/s of the peak: the median over all cases in which it took part."""
    found = [
        1e-9 * one.case.flops / t for case in timed for one in case if one.label == PEAK for t in one.rounds
        if one.case.flops
    ]  # fmt: skip
    return float(np.median(found)) if found else None


def _share(one: Contestant, rivals: list[Contestant], info: dict[str, Any], peak: float | None) -> float | None:
    """Return the share of the peak: of the same rounds where it was there, else of the run's."""
    if one.label.endswith("peak") or "gflops" not in info:
        return None
    wanted = "device peak" if one.label == "cupy" else PEAK
    same = next((rival for rival in rivals if rival.label == wanted), None)
    if same is not None and len(same.rounds) == len(one.rounds):
        return paired(same.rounds, one.rounds)[1]
    return None if peak is None or one.label == "cupy" else float(info["gflops"]) / peak
