"""What a run of the suite leaves behind: rows, learning curves, the machine; written and read as JSON."""

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, BinaryIO

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
    """One measured number.

    Attributes
    ----------
    group : str
        One of GROUPS.
    case : str
        What was done; unique in its group.
    contestant : str
        Who did it: numba, numpy, cupy, PyTorch, PyTorch compiled, JAX, book; FMA peak and device peak, which only
        multiply and add; fasts2s, where no backend takes part. Whole scripts: python -m fasts2s, python.
    unit : str
        One of UNITS.
    value : float
        Median over the rounds.
    low, high : float
        Quartiles over the rounds.
    noise : float
        How far, relatively, the same number of another run may lie from this one without anything having changed.
    rounds : tuple of float
        The number of every round, in the order of time.
    ratio, ratio_low, ratio_high : float or None
        This contestant's number / that of the case's first contestant, taken within each round: median and quartiles.
    info : dict
        What belongs to it, as far as it is known: ``sizes``, ``params``, ``flops``, ``gflops`` (GFLOP/s),
        ``peak_share``, ``samples_per_s``, ``tokens_per_s``, ``settings``, ``errors`` (kind -> relative L2 error).
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

    @property
    def key(self) -> tuple[str, str, str]:
        """Group, case and contestant: the same in every run."""
        return self.group, self.case, self.contestant


@dataclass(frozen=True)
class Curve:
    """How one training went.

    Attributes
    ----------
    model : str
        Seq2seq or PeekySeq2seq.
    reverse : bool
        Whether the question is read backwards.
    seed : int
    contestant : str
        The backend.
    accuracy : tuple of float
        Share of exactly right answers to the test questions after each epoch, 0 to 1.
    loss : tuple of float
        Mean training loss of each epoch, in nats per character.
    seconds : tuple of float
        Training time up to the end of each epoch, without the evaluations.
    """

    model: str
    reverse: bool
    seed: int
    contestant: str
    accuracy: tuple[float, ...]
    loss: tuple[float, ...]
    seconds: tuple[float, ...]


@dataclass(frozen=True)
class Result:
    """One run of the suite.

    Attributes
    ----------
    plan : str
        What was asked for: quick, full, kernels, peeky, scaling, peers.
    started : str
        Local time, ISO 8601.
    seconds : float
        How long the run took.
    machine : dict
        ``processor``, ``cores``, ``threads``, ``system``, ``blas``, ``load_before``, ``load_after``, ``commit``, ...
    versions : dict
        Library -> version.
    method : dict
        How it was measured: a line of words for each group.
    anchors : list of list of float
        Pairs (seconds since the start, seconds taken): one case, measured again and again through the run.
    drift : float
        How far the anchors wandered: upper over lower quartile, less 1.
    rows, curves
    failures : list of str
        Who failed, or failed the gate, and why. Such a contestant has no row.
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


def write(path: Path, result: Result) -> None:
    """Write a result as JSON; an older file is replaced only when the new one is complete."""
    text = json.dumps({"schema": SCHEMA, **asdict(result)}, indent=1, allow_nan=False, ensure_ascii=False)
    content = (text + "\n").encode()

    def fill(file: BinaryIO) -> None:
        file.write(content)

    write_atomically(path, fill)


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
    given["rows"] = [_row(row) for row in found["rows"]]
    given["curves"] = [_curve(curve) for curve in found["curves"]]
    given["anchors"] = [(float(when), float(spent)) for when, spent in found["anchors"]]
    return Result(**given)


def _row(found: dict[str, Any]) -> Row:
    row = Row(**{**found, "rounds": tuple(map(float, found["rounds"]))})
    if row.group not in GROUPS or row.unit not in UNITS:
        raise ValueError(f"a row has group {row.group!r} and unit {row.unit!r}, expected one of {GROUPS}, {UNITS}")
    if not all(math.isfinite(x) and x >= 0 for x in (row.value, row.low, row.high, row.noise)):
        raise ValueError(f"row {row.key} has the numbers {(row.value, row.low, row.high, row.noise)}")
    return row


def _curve(found: dict[str, Any]) -> Curve:
    series = {name: tuple(map(float, found[name])) for name in ("accuracy", "loss", "seconds")}
    if len(set(map(len, series.values()))) != 1:
        raise ValueError(f"a curve has series of lengths {[len(s) for s in series.values()]}, expected one length")
    return Curve(**{**found, **series})
