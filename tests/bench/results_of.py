"""A made-up result with every group, for the tests of what is made from results."""

import math
from typing import Any

import numpy as np

from fasts2s.bench.results import Curve, Result, Row

#: How many times as long as numba the others take.
SLOWER = {"numba": 1.0, "numpy": 3.0, "PyTorch": 1.5, "PyTorch compiled": 1.3, "book": 2.8, "cupy": 0.4}
CONTESTANTS = ("numba", "numpy", "PyTorch", "book")
#: Case of a step -> milliseconds of numba, parameters, operations.
STEPS = {
    "Seq2seq H=128": (3.84, 146829, 430e6),
    "PeekySeq2seq H=128": (4.40, 217773, 650e6),
    "Seq2seq H=256": (13.5, 550000, 1600e6),
    "PeekySeq2seq H=256": (15.0, 820000, 2500e6),
    "AttentionSeq2seq H=256": (47.7, 600000, 6000e6),
    "Rnnlm H=100": (28.9, 2090400, 4600e6),
    "BetterRnnlm H=650": (293, 13267600, 45000e6),
}
KINDS = {"lstm_forward": 8e-4, "softmax_loss_backward": 3e-5, "clip_rate": 4e-7}
PLACES = ("128x7x16x128 (addition)", "20x35x100x100 (Rnnlm)", "20x35x650x650 (BetterRnnlm)")
#: Group -> case -> seconds or bytes of numba.
PLAIN = {
    "answers": {"5000 answers, one by one": 0.35, "5000 answers, in batches": 0.0375},
    "kernels": {f"{kind} {place}": seconds for kind, seconds in KINDS.items() for place in PLACES},
    "data": {"load_data addition": 0.12, "vocabulary of 900,000 words": 0.4},
    "start": {"kernels compiled at once": 11.7, "kernels from the cache": 0.71},
    "memory": {"three steps of BetterRnnlm": 216.0 * 2**20},
}
LAYERS = {"LSTM 128x7x16x128": 2.2e-3, "LSTM 20x35x650x650": 70e-3, "embedding gradient, 700 of 10000x650": 377e-6}


def row(group: str, case: str, contestant: str, value: float, ratio: float | None = None, **more: Any) -> Row:
    """Return a row of ten rounds whose median is the value and whose quartiles lie 3 % off it."""
    rounds = tuple(float(value * (1 + s)) for s in (*np.linspace(-0.06, 0.06, 9), 0.0))
    near = [None] * 3 if ratio is None else [ratio, ratio * 0.97, ratio * 1.03]
    given = {"unit": "s", "noise": 0.04, "rounds": rounds, "info": {}, **more}
    given |= dict(zip(("ratio", "ratio_low", "ratio_high"), near, strict=True))
    return Row(group, case, contestant, value=value, low=value * 0.97, high=value * 1.03, **given)


def _case(group: str, case: str, value: float, contestants: tuple[str, ...], **info: Any) -> list[Row]:
    """Return the rows of a case; a rate of ``info`` falls as the time rises."""
    found = []
    for name in contestants:
        slower = SLOWER.get(name, 2.0) / SLOWER.get(contestants[0], 2.0)
        told = {k: v / slower if k.endswith(("_per_s", "gflops", "share")) else v for k, v in info.items()}
        ratio = None if name == contestants[0] else slower
        unit = "B" if group == "memory" else "s"
        found.append(row(group, case, name, value * slower, ratio, unit=unit, info=told))
    return found


def _scaling(contestants: tuple[str, ...]) -> list[Row]:
    """Return sweeps in which numba's time is 1e-4 s * (size / 8) ** 1 for N, 2 for H, and one over threads.

    numpy's exponent is half as much again: both take as long at size 32 for N, 16 for H.
    """
    found = []
    sweeps = (("LSTM layer", "N", "T=35, D=100, H=100", 1), ("LSTM layer", "H", "N=20, T=35, D=100", 2))
    for sweep, letter, base, slope in (*sweeps, ("memory of Rnnlm step", "N", "T=35, V=10000, H=100", 1)):
        unit, factor = ("B", 2e11) if sweep.startswith("memory") else ("s", 1.0)
        for size in (4, 8, 16, 32, 64, 128, 256):
            info = {"sweep": sweep, "letter": letter, "size": size, "base": base}
            for name in contestants:
                value = 1e-4 * (size / 8) ** slope * SLOWER.get(name, 2.0)
                value = 0.5e-4 * (size / 8) ** (1.5 * slope) if name == "numpy" else value
                found.append(row("scaling", f"{sweep} {letter}={size}", name, value * factor, unit=unit, info=info))
    for threads in (1, 2, 4):
        info = {"sweep": "LSTM layer", "letter": "threads", "size": threads, "base": "N=20, T=35, D=100, H=100"}
        for name in contestants:
            value = 4e-3 * SLOWER.get(name, 2.0) / threads**0.9
            found.append(row("scaling", f"LSTM layer threads={threads}", name, value, info=info))
    return found


def curves(seeds: int = 2, epochs: int = 25) -> list[Curve]:
    """Return trainings of the four variants, each an S; in 25 epochs only the peeky ones come to 90 %."""
    found = []
    for model, reverse, middle, top, spent in (
        ("Seq2seq", False, 30.0, 0.6, 1.5),
        ("Seq2seq", True, 25.0, 0.96, 1.5),
        ("PeekySeq2seq", False, 18.0, 0.95, 1.71),
        ("PeekySeq2seq", True, 8.0, 0.98, 1.71),
    ):
        for seed in range(seeds):
            accuracy = [top / (1 + math.exp(-0.6 * (k - middle - seed))) for k in range(1, epochs + 1)]
            loss, seconds = [2.4 * (1 - a) + 0.05 for a in accuracy], [spent * (k + 1) for k in range(epochs)]
            found.append(Curve(model, reverse, seed, "numba", tuple(accuracy), tuple(loss), tuple(seconds)))
    return found


def made_up(
    *,
    contestants: tuple[str, ...] = CONTESTANTS,
    groups: tuple[str, ...] | None = None,
    seeds: int = 2,
    epochs: int = 25,
    more: tuple[Row, ...] = (),
    **fields: Any,
) -> Result:
    """Return a result with rows of all groups (or of those named) and learning curves (unless ``seeds`` is 0).

    ``more`` rows are added; ``fields`` replace those of the result. Others than numba take ``SLOWER`` times as long.
    """
    rows = []
    for case, (ms, params, flops) in STEPS.items():
        rates = {"gflops": flops / ms / 1e6, "tokens_per_s": 512e3 / ms, "samples_per_s": 128e3 / ms}
        rows += _case("steps", case, ms / 1e3, contestants, params=params, flops=flops, **rates)
    for case, seconds in LAYERS.items():
        about: dict[str, Any] = {}
        if case.startswith("LSTM"):
            about = {"flops": 2e8, "gflops": 0.2 / seconds, "peak_share": 0.8}
            about |= {"bound": "arithmetic", "bound_share": 0.8}
        rows += _case("layers", case, seconds, contestants, **about)
        rows += [row("layers", case, "FMA peak", 0.8 * seconds, 0.8)] if about and contestants else []
    for group, cases in PLAIN.items():
        for case, value in cases.items():
            rows += _case(group, case, value, contestants)
    rows += _scaling(contestants)
    rows += [row("learning", "PeekySeq2seq reversed, accuracy", who, 0.98, unit="share") for who in contestants[:1]]
    rows.append(row("scripts", "ch07/train_seq2seq.py, epochs: 5", "python -m fasts2s", 12.1))
    rows.append(row("scripts", "ch07/train_seq2seq.py, epochs: 5", "python", 33.8, 2.8))
    machine = {"processor": "Made-up 9000", "cores": 2, "threads": 2, "system": "linux", "blas": "OpenBLAS 0.3.30"}
    given: dict[str, Any] = {
        "plan": "full",
        "started": "2026-01-02T03:04:05",
        "seconds": 1930.0,
        "machine": {**machine, "load_before": 0.1, "load_after": 1.2, "commit": "0123456789ab"},
        "versions": {"python": "3.11.7", "numpy": "2.4.6", "numba": "0.68.1", "torch": "2.13.0+cpu"},
        "method": {group: f"How {group} was measured." for group in ("steps", "layers", "scaling")},
        "anchors": [(10.0 * k, 0.004 + 0.0001 * (k % 3)) for k in range(20)],
        "drift": 0.02,
        "curves": curves(seeds, epochs),
    }
    kept = [one for one in (*rows, *more) if groups is None or one.group in groups]
    return Result(**{**given, "rows": kept, **fields})
