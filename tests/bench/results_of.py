"""A made-up result with every group, for the tests of what is made from results."""

import math
from typing import Any

import numpy as np

from fasts2s.bench.results import Curve, Result, Row

#: How many times as long as numba the others take.
SLOWER = {"numba": 1.0, "numpy": 3.0, "PyTorch": 1.5, "PyTorch compiled": 1.3, "book": 2.8, "cupy": 0.4}
CONTESTANTS = ("numba", "numpy", "PyTorch", "book")
#: Case of a step -> seconds of numba, parameters, operations.
STEPS = {
    "Seq2seq H=128": (3.84e-3, 146829, 430e6),
    "PeekySeq2seq H=128": (4.40e-3, 217773, 650e6),
    "Seq2seq H=256": (13.5e-3, 550000, 1600e6),
    "PeekySeq2seq H=256": (15.0e-3, 820000, 2500e6),
    "AttentionSeq2seq H=256": (47.7e-3, 600000, 6000e6),
    "Rnnlm H=100": (28.9e-3, 2090400, 4600e6),
    "BetterRnnlm H=650": (293e-3, 13267600, 45000e6),
}
PLAIN = {
    "layers": {
        "LSTM 128x7x16x128": 2.2e-3,
        "LSTM 20x35x650x650": 70e-3,
        "embedding gradient, 700 of 10000x650": 377e-6,
    },
    "answers": {"5000 answers, one by one": 0.35, "5000 answers, in batches": 0.0375},
    "kernels": {
        f"{kind} {sizes} ({place})": seconds
        for kind, seconds in (("lstm_forward", 8e-4), ("softmax_loss_backward", 3e-5), ("clip_rate", 4e-7))
        for sizes, place in (
            ("128x7x16x128", "addition"),
            ("20x35x100x100", "Rnnlm"),
            ("20x35x650x650", "BetterRnnlm"),
        )
    },
    "data": {"load_data addition": 0.12, "vocabulary of 900,000 words": 0.4},
    "start": {"kernels compiled at once": 11.7, "kernels from the cache": 0.71},
    "memory": {"three steps of BetterRnnlm": 216.0 * 2**20},
}
#: Exponents of the sweeps: time is 1e-4 seconds * (size / 8) ** exponent for numba, with a constant part for others.
EXPONENTS = {"N": 1.0, "H": 2.0}
#: numpy takes 0.5e-4 seconds * (size / 8) ** this: both take as long at size 32 for N, 16 for H.
SLOPES_OF_NUMPY = {"N": 1.5, "H": 3.0}


def row(group: str, case: str, contestant: str, value: float, ratio: float | None = None, **more: Any) -> Row:
    """Return a row of ten rounds whose median is the value and whose quartiles lie 3 % off it."""
    steps = np.linspace(-0.06, 0.06, 9)
    rounds = tuple(float(value * (1 + s)) for s in (*steps, 0.0))
    given = {"unit": "s", "noise": 0.04, "rounds": rounds, "info": {}, **more}
    near = [None] * 3 if ratio is None else [ratio, ratio * 0.97, ratio * 1.03]
    given |= dict(zip(("ratio", "ratio_low", "ratio_high"), near, strict=True))
    return Row(group, case, contestant, value=value, low=value * 0.97, high=value * 1.03, **given)


def _case(
    group: str, case: str, seconds: float, contestants: tuple[str, ...], unit: str = "s", **info: Any
) -> list[Row]:
    found = []
    for name in contestants:
        slower = SLOWER.get(name, 2.0) / SLOWER.get(contestants[0], 2.0)
        told = dict(info)
        if "flops" in told:
            told["gflops"] = 1e-9 * told["flops"] / (seconds * slower)
        for key in {"tokens_per_s", "samples_per_s"} & set(told):
            told[key] /= slower
        ratio = None if name == contestants[0] else slower
        found.append(row(group, case, name, seconds * slower, ratio, unit=unit, info=told))
    return found


def _steps(contestants: tuple[str, ...]) -> list[Row]:
    found = []
    for case, (seconds, params, flops) in STEPS.items():
        more = {"params": params, "flops": flops, "tokens_per_s": 512 / seconds, "samples_per_s": 128 / seconds}
        found += _case("steps", case, seconds, contestants, **more)
    return found


def _layers(contestants: tuple[str, ...]) -> list[Row]:
    found = []
    for case, seconds in PLAIN["layers"].items():
        if not case.startswith("LSTM"):
            found += _case("layers", case, seconds, contestants)
            continue
        own = _case("layers", case, seconds, contestants, flops=2e8)
        for one in own:
            one.info["peak_share"] = 0.8 * seconds / one.value
        found += [*own, row("layers", case, "FMA peak", 0.8 * seconds, 0.8)] if own else []
    return found


def _scaling(contestants: tuple[str, ...]) -> list[Row]:
    found = []
    sweeps = (("LSTM layer", "N", "T=35, D=100, H=100", "s"), ("LSTM layer", "H", "N=20, T=35, D=100", "s"))
    for sweep, letter, base, unit in (*sweeps, ("memory of Rnnlm step", "N", "T=35, V=10000, H=100", "B")):
        for size in (4, 8, 16, 32, 64, 128, 256):
            info = {"sweep": sweep, "letter": letter, "size": size, "base": base}
            for name in contestants:
                value = 1e-4 * (size / 8) ** EXPONENTS[letter] * SLOWER.get(name, 2.0)
                if name == "numpy":
                    value = 0.5e-4 * (size / 8) ** SLOPES_OF_NUMPY[letter]
                value = value * 2e11 if unit == "B" else value
                found.append(row("scaling", f"{sweep} {letter}={size}", name, value, unit=unit, info=info))
    for threads in (1, 2, 4):
        info = {"sweep": "LSTM layer", "letter": "threads", "size": threads, "base": "N=20, T=35, D=100, H=100"}
        for name in contestants:
            value = 4e-3 * SLOWER.get(name, 2.0) / threads**0.9
            found.append(row("scaling", f"LSTM layer threads={threads}", name, value, info=info))
    return found


def curve(model: str, reverse: bool, seed: int, middle: float, top: float, epochs: int, spent: float) -> Curve:
    """Return a learning curve in the shape of an S that comes to the half of ``top`` in epoch ``middle``."""
    accuracy = [top / (1 + math.exp(-0.6 * (k - middle - seed))) for k in range(1, epochs + 1)]
    loss = [2.4 * (1 - a) + 0.05 for a in accuracy]
    seconds = [spent * (k + 1) for k in range(epochs)]
    return Curve(model, reverse, seed, "numba", tuple(accuracy), tuple(loss), tuple(seconds))


def curves(seeds: int = 2, epochs: int = 25) -> list[Curve]:
    """Return trainings of the four variants; only the peeky ones come to 90 %, and the plain one that reads backwards
    if ``epochs`` is 40 or more.
    """
    kinds = [
        ("Seq2seq", False, 30.0, 0.6, 1.5),
        ("Seq2seq", True, 25.0, 0.96, 1.5),
        ("PeekySeq2seq", False, 18.0, 0.95, 1.71),
        ("PeekySeq2seq", True, 8.0, 0.98, 1.71),
    ]
    return [
        curve(model, reverse, seed, middle, top, epochs, spent)
        for model, reverse, middle, top, spent in kinds
        for seed in range(seeds)
    ]


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

    ``more`` rows are added; ``fields`` replace those of the result. numba takes ``STEPS`` and ``PLAIN``, others
    ``SLOWER`` times as long.
    """
    rows = [*_steps(contestants), *_layers(contestants)]
    for group in ("answers", "kernels", "data", "start", "memory"):
        for case, value in PLAIN[group].items():
            rows += _case(group, case, value, contestants, "B" if group == "memory" else "s")
    rows += _scaling(contestants)
    rows += [
        row("learning", "PeekySeq2seq reversed, best accuracy", name, 0.98, unit="share") for name in contestants[:1]
    ]
    given: dict[str, Any] = {
        "plan": "full",
        "started": "2026-01-02T03:04:05",
        "seconds": 1930.0,
        "machine": {
            "processor": "Made-up 9000",
            "cores": 2,
            "threads": 2,
            "system": "linux",
            "blas": "OpenBLAS 0.3.30",
            "load_before": 0.1,
            "load_after": 1.2,
            "commit": "0123456789ab",
        },
        "versions": {"python": "3.11.7", "numpy": "2.4.6", "numba": "0.68.1", "torch": "2.13.0+cpu"},
        "method": {group: f"How {group} was measured." for group in ("steps", "layers", "scaling")},
        "anchors": [(10.0 * k, 0.004 + 0.0001 * (k % 3)) for k in range(20)],
        "drift": 0.02,
        "curves": curves(seeds, epochs),
    }
    for way, seconds in (("python -m fasts2s", 12.1), ("python", 33.8)):
        ratio = None if way == "python -m fasts2s" else 2.8
        rows.append(row("scripts", "ch07/train_seq2seq.py, epochs: 5", way, seconds, ratio))
    kept = [one for one in (*rows, *more) if groups is None or one.group in groups]
    return Result(**{**given, "rows": kept, **fields})
