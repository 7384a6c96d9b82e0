"""What a run of the suite leaves behind: rows, learning curves, the machine; written and read as JSON."""

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from fasts2s.checkpoint.atomic import write_atomically

#: Stands in every file; another number means other fields.
SCHEMA = "fasts2s-bench-1"
#: Groups of rows in the order in which they are shown.
GROUPS = ("steps", "layers", "answers", "kernels", "data", "start", "memory", "scaling", "learning", "scripts")
#: Units of rows: seconds, bytes, a share from 0 to 1.
UNITS = ("s", "B", "share")


class ResultError(ValueError):
    """A file is not what this module writes; the text says what is wrong and what can be done."""


@dataclass(frozen=True)
class Row:
    """One measured number of a case, unique in its group, and of a contestant, in one of UNITS.

    Contestants are numba, numpy, cupy, PyTorch, PyTorch compiled, JAX, book; FMA peak and device peak, which only
    multiply and add; fasts2s, where no backend takes part; PyTorch cuda and others in the plan gpu. Whole scripts:
    python -m fasts2s, python. value, low and high are median and quartiles over the rounds, which stand in the order
    of time. So far as noise, relatively, may the same number of another run lie off without anything having changed.
    ratio, ratio_low and ratio_high: this contestant's number / that of the case's first one, taken within each round.

    info has, as far as it is known: ``sizes``, ``params``, ``flops``, ``gflops`` (GFLOP/s), ``peak_share``; ``bound``
    (arithmetic, memory or Python: what the row is nearest to) and ``bound_share`` of it; ``samples_per_s``,
    ``tokens_per_s``, ``launches``, ``settings``, ``errors`` (kind -> relative L2 error).
    """

    group: str
    case: str
    contestant: str
    unit: str
    value: float
    low: float
    high: float
    noise: float
    rounds: tuple[float, ...] = ()
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    info: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rounds", tuple(map(float, self.rounds)))

    @property
    def key(self) -> tuple[str, str, str]:
        """Group, case and contestant: the same in every run."""
        return self.group, self.case, self.contestant


@dataclass(frozen=True)
class Curve:
    """How one training of ``model``, Seq2seq or PeekySeq2seq, went; after each epoch:

    accuracy, the share of exactly right answers to the test questions, 0 to 1; loss, the mean training loss in nats
    per character; seconds, the training time so far, without the evaluations. reverse: whether the question is read
    backwards. contestant: the backend.
    """

    model: str
    reverse: bool
    seed: int
    contestant: str
    accuracy: tuple[float, ...]
    loss: tuple[float, ...]
    seconds: tuple[float, ...]

    def __post_init__(self) -> None:
        for name in ("accuracy", "loss", "seconds"):
            object.__setattr__(self, name, tuple(map(float, getattr(self, name))))

    def reaches(self, goal: float) -> tuple[int, float] | None:
        """Return after how many epochs and seconds an accuracy (0 to 1) was reached for the first time, or None."""
        pairs = zip(self.accuracy, self.seconds, strict=True)
        return next(((k, spent) for k, (share, spent) in enumerate(pairs, 1) if share >= goal), None)


@dataclass(frozen=True)
class Result:
    """One run of the suite: its plan, local time (ISO 8601) when it began, and seconds.

    machine: ``processor``, ``cores``, ``threads``, ``system``, ``blas``, ``load_before``, ``load_after``, ``commit``;
    versions: library -> version; method: how it was measured, in words, by group and for other things; anchors: pairs
    (seconds since the start, seconds taken) of one case, measured again and again through the run, and drift, how far
    they wandered (upper over lower quartile, less 1); failures: who failed, or failed the gate, and why. Such a
    contestant has no row.
    """

    plan: str
    started: str
    seconds: float
    machine: dict[str, Any]
    versions: dict[str, str]
    method: dict[str, str]
    anchors: list[tuple[float, float]]
    drift: float
    rows: list[Row]
    curves: list[Curve] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def of(self, group: str) -> Iterator[tuple[str, list[Row]]]:
        """Yield the cases of a group in their order, each with its rows."""
        cases: dict[str, list[Row]] = {}
        for row in self.rows:
            if row.group == group:
                cases.setdefault(row.case, []).append(row)
        yield from cases.items()

    def find(self, group: str, case: str, contestant: str) -> Row | None:
        """Return a row, or None."""
        wanted = (group, case, contestant)
        return next((row for row in self.rows if row.key == wanted), None)


def text_of(result: Result) -> str:
    """Return a result as JSON."""
    return json.dumps({"schema": SCHEMA, **asdict(result)}, indent=1, allow_nan=False, ensure_ascii=False)


def write(path: Path, result: Result) -> None:
    """Write a result as JSON; an older file is replaced only when the new one is complete."""
    content = (text_of(result) + "\n").encode()
    write_atomically(path, lambda file: (file.write(content), None)[1])


def read(path: Path) -> Result:
    """Read what :func:`write` wrote. Raises ResultError, which names the file, for anything else; OSError."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ResultError(f"{path} is not JSON: {error}; expected a file that fasts2s bench --json wrote") from None
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        has = found.get("schema") if isinstance(found, dict) else type(found).__name__
        raise ResultError(f"{path} has schema {has!r}, expected {SCHEMA!r}: run fasts2s bench --json again")
    try:
        return _result(found)
    except (KeyError, TypeError, ValueError) as error:
        raise ResultError(f"{path} is damaged: {error}; run fasts2s bench --json again") from None


def _result(found: dict[str, Any]) -> Result:
    given = {f.name: found[f.name] for f in fields(Result)}
    given["rows"] = [Row(**row) for row in found["rows"]]
    given["curves"] = [Curve(**curve) for curve in found["curves"]]
    given["anchors"] = [(float(when), float(spent)) for when, spent in found["anchors"]]
    for row in given["rows"]:
        if row.group not in GROUPS or row.unit not in UNITS:
            raise ValueError(f"a row has group {row.group!r}, unit {row.unit!r}, expected one of {GROUPS}, {UNITS}")
        if not all(math.isfinite(x) and x >= 0 for x in (row.value, row.low, row.high, row.noise)):
            raise ValueError(f"row {row.key} has the numbers {(row.value, row.low, row.high, row.noise)}")
    for curve in given["curves"]:
        if len({len(curve.accuracy), len(curve.loss), len(curve.seconds)}) != 1:
            raise ValueError(f"a curve of {curve.model} has series of several lengths, expected one length")
    return Result(**given)
