"""From rounds of numbers to rows: medians, quartiles, ratios, noise, rates."""

from collections.abc import Mapping, Sequence
from typing import Any

from fasts2s.bench import kernel_ops
from fasts2s.bench.cases import Case
from fasts2s.bench.limits import Limits, middle, nearest, read_seconds
from fasts2s.bench.measure import Contestant
from fasts2s.bench.noise import combined, paired, quartiles, scatter
from fasts2s.bench.results import Row

PEAK = "FMA peak"
#: Sweeps: what the name of a case in the group "scaling" begins with is the sweep; after the comma comes letter=size.
_LETTERS = ("N", "T", "D", "H", "V")


def of_times(
    timed: list[list[Contestant]], disturbed: Mapping[str, float], limits: Mapping[str, Sequence[Limits]]
) -> list[Row]:
    """Return the rows of contestants, given case by case; all of a case have as many rounds.

    ``disturbed``: group -> what :func:`~fasts2s.bench.noise.disturbance` says of it; ``limits``: what was measured
    beside it.
    """
    known = {group: middle(some) for group, some in limits.items()}
    return [
        _row(one, case, disturbed.get(one.case.group, 0.0), known.get(one.case.group))
        for case in timed
        for one in case
    ]


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


def _row(one: Contestant, rivals: list[Contestant], disturbed: float, limits: Limits | None) -> Row:
    """Return the row of a contestant; ``rivals``: all of the case; ``limits``: of the group."""
    info: dict[str, Any] = {"sizes": one.case.sizes, "settings": one.settings, "errors": one.errors}
    info |= {key: one.settings[key] for key in ("launches",) if key in one.settings}
    seconds = quartiles(one.rounds)[1]
    info |= rates(one.case, seconds) | sweep_of(one.case)
    share = _share(one, rivals, info, limits)
    info |= {} if share is None else {"peak_share": share}
    info |= nearest(_least(one, share, seconds, limits), seconds)
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


def _least(one: Contestant, share: float | None, seconds: float, limits: Limits | None) -> dict[str, float]:
    """Return the seconds that arithmetic, memory and Python take at least, as far as something is known of them."""
    found = {} if share is None else {"arithmetic": share * seconds}
    if one.case.group != "kernels":
        return found
    if limits is None or "call" not in one.settings:  # one of several would be named as if it were the longest
        return {}
    memory = read_seconds(kernel_ops.bytes_moved(one.case), limits.reads)
    return found | {"memory": memory, "Python": one.settings["call"]}


def _share(one: Contestant, rivals: list[Contestant], info: dict[str, Any], limits: Limits | None) -> float | None:
    """Return the share of the peak: of the same rounds where it was there, else of the group's."""
    if one.label.endswith("peak") or "gflops" not in info:
        return None
    on_gpu = bool({"cupy", "cuda"} & set(one.label.split()))
    wanted = "device peak" if on_gpu else PEAK
    same = next((rival for rival in rivals if rival.label == wanted), None)
    if same is not None and len(same.rounds) == len(one.rounds):
        return paired(same.rounds, one.rounds)[1]
    return None if limits is None or on_gpu else float(info["gflops"]) / limits.gflops
