"""What a trial has left, as plain values, and where two trials differ, in words."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from fasts2s.dropin.replace import beside

_DEPTH = 6
NO_OBJECT = "no object"


class Note(NamedTuple):
    """One thing that was seen: what it is called, its kind, and its value."""

    what: str
    kind: str
    value: Any


def notes(what: str, value: Any, without: frozenset[str] = frozenset(), depth: int = 0) -> Iterator[Note]:
    """Yield what can be read from a value: arrays are copied, objects of a reader's are taken apart."""
    if isinstance(value, np.ndarray):
        yield Note(what, f"array {_name_of(value.dtype)} {value.shape}", value.copy())
    elif isinstance(value, list | tuple):
        yield Note(what, f"{type(value).__name__} of {len(value)}", None)
        for k, part in enumerate(value):
            yield from notes(f"{what}[{k}]", part, without, depth)
    elif isinstance(value, dict):
        yield Note(what, f"dict of {sorted(map(str, value))}", None)
        for key in value:
            yield from notes(f"{what}[{key!r}]", value[key], without, depth)
    elif hasattr(value, "__dict__") and not isinstance(value, type) and not callable(value) and depth < _DEPTH:
        names = sorted({*vars(value), *_made_on_read(value)} - without)
        yield Note(what, f"{type(value).__name__} with {names}", None)
        for name in names:
            yield from notes(f"{what}.{name}", getattr(value, name), without, depth + 1)
    elif isinstance(value, float | np.floating):
        yield Note(what, "a number", np.float64(value))
    else:
        yield Note(what, f"{type(value).__name__} {value!r}" if not callable(value) else "a function", None)


def _made_on_read(value: Any) -> Iterator[str]:
    """Yield the attributes of an object of a replaced class that its own code sets, and ours when they are read.

    Where a whole has gone past it, others are asked for them: see :mod:`fasts2s.dropin.recognise.bench`.
    """
    kept = beside.known(value)
    if kept is None or kept.replay is None or kept.owner is not None or kept.debt is not None:
        return
    for kind in type(value).__mro__:
        for name, there in vars(kind).items():
            if isinstance(there, beside.MadeOnRead) and hasattr(value, name):
                yield name


@lru_cache
def _name_of(dtype: Any) -> str:
    return str(dtype)  # which takes as long as to compare an array


class Tolerance(NamedTuple):
    """How far apart may be what is float32, and what is float64, relative to the norm; and what is added to that."""

    single: float
    double: float
    floor: float

    def agree(self, a: Any, b: Any) -> bool:
        """Return whether arrays agree: as a whole (L2), with the same NaN and infinite numbers."""
        if a.dtype.kind not in "fc":
            return bool(np.array_equal(a, b))
        finite = np.isfinite(a)
        if not finite.all() or not np.isfinite(b).all():
            if not np.array_equal(finite, np.isfinite(b)) or not np.array_equal(
                a[~finite], b[~finite], equal_nan=True
            ):
                return False
            a, b = np.where(finite, a, 0), np.where(finite, b, 0)
        x, y = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
        apart, norm = x - y, float(np.sqrt(x @ x))
        most = self.single if a.dtype.itemsize < 8 else self.double
        return float(np.sqrt(apart @ apart)) <= most * (norm + self.floor)


def first_difference(
    reader: list[Note], ours: list[Note], tolerance: Tolerance, *, loss: bool, lenient: bool
) -> tuple[Note, Note] | None:
    """Return the first two notes that differ.

    What a reader's own class does not take (``lenient``, or a constructor without ``stateful``) is nothing that a
    script does. A loss that is infinite, which ours avoid, and what follows it, do not count.
    """
    if reader[-1].what == NO_OBJECT or (lenient and reader[-1].what == "an error"):
        return None
    for a, b in zip(reader, ours, strict=False):
        if loss and isinstance(a.value, np.float64 | np.ndarray) and not np.isfinite(a.value).all():
            return None
        if not _same(a, b, tolerance):
            return a, b
    return ([*reader, *ours][-1], Note("more", "", None)) if len(reader) != len(ours) else None


def _same(a: Note, b: Note, tolerance: Tolerance) -> bool:
    if a.what != b.what or a.kind != b.kind:
        return False
    if a.kind == "a number":
        rounded = tolerance._replace(double=tolerance.single)
        return rounded.agree(np.atleast_1d(a.value), np.atleast_1d(b.value))
    return a.value is None or tolerance.agree(a.value, b.value)


def in_words(a: Note, b: Note, gates: tuple[str, ...]) -> str:
    """Say a difference: what differs and, of a gate, in whose columns."""
    if a.what != b.what:
        return f"{a.what} is not followed by what follows it in the book's"
    if a.kind != b.kind:
        return f"{a.what} is {a.kind}, in the book's {b.kind}"
    where = _gates(a.value, b.value, gates) if isinstance(a.value, np.ndarray) else ""
    return f"{a.what} differs{where}"


def _gates(a: Any, b: Any, gates: tuple[str, ...]) -> str:
    if not gates or a.shape[-1:] == () or a.shape[-1] % len(gates) or a.dtype.kind != "f":
        return ""
    with np.errstate(all="ignore"):
        apart = np.abs(a.astype(np.float64) - b).reshape(-1, len(gates), a.shape[-1] // len(gates)).max(axis=(0, 2))
        size = np.abs(a.astype(np.float64)).max()
    wrong = [name for name, far in zip(gates, apart, strict=True) if not far <= 1e-6 * size]
    return f" in the columns of the {' and the '.join(wrong)}" if 0 < len(wrong) < len(gates) else ""
