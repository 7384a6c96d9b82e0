"""The goals that the kernels were built to, each with what a result says: met or missed."""

import statistics
from collections.abc import Iterator
from typing import NamedTuple

from fasts2s.bench.report import story
from fasts2s.bench.report.units import number
from fasts2s.bench.report.view import Column
from fasts2s.bench.results import Result

OURS = "numba"
LSTMS = ("128x7x16x128", "128x4x144x128", "128x29x16x256", "20x35x100x100", "20x35x650x650")
_LEAST, _MOST = ">=", "<="


class Goal(NamedTuple):
    """One figure that was wanted, ">=" or "<=" so much, and what was measured; None: the results do not have it."""

    what: str
    sign: str
    wanted: float
    unit: str
    measured: float | None

    @property
    def verdict(self) -> str:
        """Met, missed, or not measured."""
        if self.measured is None:
            return "not measured"
        met = self.measured >= self.wanted if self.sign == _LEAST else self.measured <= self.wanted
        return "met" if met else "missed"


def ratio(result: Result, group: str, case: str, other: str, ours: str = OURS, our_case: str = "") -> float | None:
    """Return other's number / ours within the rounds, median; ``our_case``: the case of ours, if it is another."""
    a, b = result.find(group, case, other), result.find(group, our_case or case, ours)
    return None if a is None or b is None else story.ratio(a, b)[1]


def goals(result: Result) -> Iterator[Goal]:
    """Yield all goals of speed and memory of a plan: gpu has its own, the others are of the plan full."""
    if result.plan == "gpu":
        yield from _gpu(result)
        return
    yield from _lstms(result)
    yield from _faster(result)
    costs = {one.hidden: 100 * (one.middle - 1) for one in story.overheads(result, OURS)}
    for H in (128, 256):
        yield Goal(f"what peeky costs more, H={H}", _MOST, 12, "%", costs.get(H))
    yield from _others(result)


def columns(result: Result) -> list[Column]:
    """Return the goals as a table: what it is, what is wanted, what was measured, the verdict."""
    lines = []
    for one in goals(result):
        measured = "" if one.measured is None else f"{number(one.measured)} {one.unit}".strip()
        lines.append((one.what, f"{one.sign} {one.wanted:g} {one.unit}", measured, one.verdict))
    heads = ("goal", "wanted", "measured", "verdict")
    return [Column(head, cells, "case") for head, cells in zip(heads, zip(*lines, strict=True), strict=True)]


#: Group, case, and how many times as fast as PyTorch, and as the book.
_FASTER = (
    ("steps", "Seq2seq H=128", 2.0, 3.5),
    ("steps", "PeekySeq2seq H=128", 2.0, 3.5),
    ("steps", "Seq2seq H=256", 1.7, 3.5),
    ("steps", "PeekySeq2seq H=256", 2.0, 3.5),
    ("steps", "Rnnlm H=100", 1.8, 3.2),
    ("steps", "BetterRnnlm H=650", 1.6, 4.2),
    ("layers", "softmax with loss 700x10000", 3, 10),
    ("layers", "softmax with loss 640x13", 3, 10),
    ("layers", "embedding gradient, 700 of 10000x650", 1, 5),
)


def _faster(result: Result) -> Iterator[Goal]:
    for group, case, torch, book in _FASTER:
        what = f"step of {case}" if group == "steps" else case
        for other, name, factor in (("PyTorch", "PyTorch", torch), ("book", "the book", book)):
            yield Goal(f"{what} against {name}", _LEAST, factor, "times", ratio(result, group, case, other))


def _lstms(result: Result) -> Iterator[Goal]:
    cases = {f"LSTM {shape}": wanted for shape, wanted in zip(LSTMS, (60, 60, 80, 60, 80), strict=True)}
    for case, wanted in cases.items():
        row = result.find("layers", case, OURS)
        share = None if row is None or "peak_share" not in row.info else 100 * row.info["peak_share"]
        yield Goal(f"{case}: share of the FMA peak", _LEAST, wanted, "%", share)
    known = [r for case in cases if (r := ratio(result, "layers", case, "PyTorch")) is not None]
    mean = statistics.geometric_mean(known) if len(known) == len(LSTMS) else None
    yield Goal("LSTM against PyTorch, geometric mean", _LEAST, 1.35, "times", mean)
    yield Goal("LSTM against PyTorch, the least of them", _LEAST, 1, "times", min(known, default=None))


def _others(result: Result) -> Iterator[Goal]:
    alone, batched = "5000 answers, one by one", "5000 answers, in batches"
    in_batches = ratio(result, "answers", alone, "book", our_case=batched)
    yield Goal(f"{batched}, against the book's loop", _LEAST, 100, "times", in_batches)
    yield Goal(f"{alone}, against the book", _LEAST, 10, "times", ratio(result, "answers", alone, "book"))
    first = result.find("start", "first step of Seq2seq, nothing compiled yet", OURS)
    yield Goal("first step ever, compiling", _MOST, 20, "s", None if first is None else first.value)
    warm = ratio(result, "start", "first step of Seq2seq", "PyTorch")
    yield Goal("start of a process to its first step, PyTorch's against ours", _LEAST, 1, "times", warm)
    for other, name, factor in (("book", "the book's", 2.5), ("PyTorch", "PyTorch's", 1)):
        grown = ratio(result, "memory", "BetterRnnlm H=650", other)
        yield Goal(f"memory of BetterRnnlm steps, {name} against ours", _LEAST, factor, "times", grown)


#: On a GPU: group and case -> whose time is divided by ours, and how many times it is wanted to be. There is none for
#: LSTM 20x35x100x100, where cuDNN has a kernel for small H.
_ON_GPU = (
    *(("steps", f"{kind} H=128", "PyTorch cuda", 2.0) for kind in ("Seq2seq", "PeekySeq2seq")),
    *(("steps", f"{kind} H=128", "book cupy", 20.0) for kind in ("Seq2seq", "PeekySeq2seq")),
    ("steps", "BetterRnnlm H=650", "PyTorch cuda", 1.5),
    ("steps", "BetterRnnlm H=650", "book cupy", 10.0),
    *(("layers", f"LSTM {shape}", "PyTorch cuda", 1.0) for shape in ("128x7x16x128", "128x29x16x128")),
    *(("layers", f"LSTM {shape}", "PyTorch cuda", 1.5) for shape in ("128x29x16x256", "20x35x650x650")),
    ("layers", "softmax with loss 700x10000", "PyTorch cuda", 2.0),
)


def _gpu(result: Result) -> Iterator[Goal]:
    for group, case, other, factor in _ON_GPU:
        yield Goal(f"{case} against {other}", _LEAST, factor, "times", ratio(result, group, case, other, "cupy"))
    loss = result.find("layers", "softmax with loss 700x10000", "cupy")
    yield Goal("softmax with loss 700x10000", _MOST, 20, "us", None if loss is None else 1e6 * loss.value)
