"""The goals that the CPU kernels were built to, each with what the committed results say: met or missed."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from fasts2s.bench.report import story
from fasts2s.bench.report.units import number
from fasts2s.bench.results import Result, Row

OURS = "numba"
LSTMS = ("128x7x16x128", "128x4x144x128", "128x29x16x256", "20x35x100x100", "20x35x650x650")
_AT_LEAST, _AT_MOST = ">=", "<="


@dataclass(frozen=True)
class Goal:
    """One figure that was wanted.

    Attributes
    ----------
    what : str
    sign : str
        ">=" or "<=".
    wanted : float
    unit : str
        Written after both numbers.
    measured : float or None
        None: the results do not have it.
    """

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
        met = self.measured >= self.wanted if self.sign == _AT_LEAST else self.measured <= self.wanted
        return "met" if met else "**missed**"


def ratio(result: Result, group: str, case: str, other: str, ours: str = "") -> float | None:
    """Return other's number / ours within the rounds, median; ``ours``: the case of ours, if it is another."""
    a, b = result.find(group, case, other), result.find(group, ours or case, OURS)
    return None if a is None or b is None else story.ratio(a, b)[1]


def goals(result: Result) -> Iterator[Goal]:
    """Yield all goals of speed and memory; ``result`` is of the plan full."""
    yield from _layers(result)
    yield from _steps(result)
    yield from _losses(result)
    yield from _answers(result)
    yield from _start_and_memory(result)


def table(result: Result) -> str:
    """Return the goals as a Markdown table."""
    lines = ["| goal | wanted | measured | |", "|---|---|---|---|"]
    for goal in goals(result):
        measured = "" if goal.measured is None else f"{number(goal.measured)} {goal.unit}".strip()
        lines.append(f"| {goal.what} | {goal.sign} {goal.wanted:g} {goal.unit} | {measured} | {goal.verdict} |")
    return "\n".join(lines)


def _layers(result: Result) -> Iterator[Goal]:
    ratios = []
    for shape, wanted in zip(LSTMS, (60, 60, 80, 60, 80), strict=True):
        row = result.find("layers", f"LSTM {shape}", OURS)
        share = None if row is None else row.info.get("peak_share")
        measured = None if share is None else 100 * share
        yield Goal(f"LSTM {shape}: share of the FMA peak", _AT_LEAST, wanted, "%", measured)
        ratios.append(ratio(result, "layers", f"LSTM {shape}", "PyTorch"))
    known = [r for r in ratios if r is not None]
    mean = math.exp(sum(map(math.log, known)) / len(known)) if len(known) == len(LSTMS) else None
    yield Goal("LSTM against PyTorch, geometric mean", _AT_LEAST, 1.35, "times", mean)
    yield Goal("LSTM against PyTorch, the least of them", _AT_LEAST, 1, "times", min(known, default=None))


def _steps(result: Result) -> Iterator[Goal]:
    wanted = {
        "Seq2seq H=128": (2.0, 3.5),
        "PeekySeq2seq H=128": (2.0, 3.5),
        "Seq2seq H=256": (1.7, 3.5),
        "PeekySeq2seq H=256": (2.0, 3.5),
        "Rnnlm H=100": (1.8, 3.2),
        "BetterRnnlm H=650": (1.6, 4.2),
    }
    for case, least in wanted.items():
        for other, factor in zip(("PyTorch", "book"), least, strict=True):
            name = "PyTorch" if other == "PyTorch" else "the book"
            yield Goal(
                f"step of {case} against {name}", _AT_LEAST, factor, "times", ratio(result, "steps", case, other)
            )
    costs = {one.hidden: 100 * (one.middle - 1) for one in story.overheads(result, OURS)}
    for H in (128, 256):
        yield Goal(f"what peeky costs more, H={H}", _AT_MOST, 12, "%", costs.get(H))


def _losses(result: Result) -> Iterator[Goal]:
    for case in ("softmax with loss 700x10000", "softmax with loss 640x13"):
        for other, name, factor in (("PyTorch", "PyTorch", 3), ("book", "the book", 10)):
            yield Goal(f"{case} against {name}", _AT_LEAST, factor, "times", ratio(result, "layers", case, other))
    case = "embedding gradient, 700 of 10000x650"
    for other, name, factor in (("PyTorch", "PyTorch", 1), ("book", "the book", 5)):
        yield Goal(f"{case} against {name}", _AT_LEAST, factor, "times", ratio(result, "layers", case, other))


def _answers(result: Result) -> Iterator[Goal]:
    alone, batched = "5000 answers, one by one", "5000 answers, in batches"
    in_batches = ratio(result, "answers", alone, "book", batched)
    yield Goal(f"{batched}, against the book's loop", _AT_LEAST, 100, "times", in_batches)
    yield Goal(f"{alone}, against the book", _AT_LEAST, 10, "times", ratio(result, "answers", alone, "book"))


def _start_and_memory(result: Result) -> Iterator[Goal]:
    first = _value(result.find("start", "first step of Seq2seq, nothing compiled yet", OURS))
    yield Goal("first step ever, compiling", _AT_MOST, 20, "s", first)
    warm = ratio(result, "start", "first step of Seq2seq", "PyTorch")
    yield Goal("start of a process to its first step, PyTorch's against ours", _AT_LEAST, 1, "times", warm)
    for other, name, factor in (("book", "the book's", 2.5), ("PyTorch", "PyTorch's", 1)):
        grown = ratio(result, "memory", "BetterRnnlm H=650", other)
        yield Goal(f"memory of BetterRnnlm steps, {name} against ours", _AT_LEAST, factor, "times", grown)


def _value(row: Row | None) -> float | None:
    return None if row is None else row.value
