"""What one object of the book's, a reader's or ours, answers to calls: recorded, so that two can be compared."""

import copy
from typing import Any, NamedTuple

import numpy as np

#: Relative difference (L2) up to which two results are the same.
SAME = 1e-5


class Size(NamedTuple):
    """Batch, steps, word vector, hidden state, vocabulary."""

    N: int
    T: int
    D: int
    H: int
    V: int


SIZES = (Size(1, 1, 3, 4, 5), Size(2, 3, 4, 5, 7), Size(4, 2, 3, 2, 6), Size(3, 5, 2, 6, 11))


class Steps:
    """Calls of an object's methods, and everything that they leave.

    Attributes
    ----------
    seen : list of (str, value)
        In the order of the calls: results, gradients, attributes, each copied.
    """

    def __init__(self, obj: Any) -> None:
        self.obj = obj
        self.seen: list[tuple[str, Any]] = []

    def call(self, method: str, *args: Any) -> Any:
        """Call a method with copies of the arguments, and note what it returns, and the gradients after backward."""
        out = getattr(self.obj, method)(*copy.deepcopy(args))
        self.note(method, out)
        if method == "backward":
            self.note("grads", getattr(self.obj, "grads", []))
        return out

    def read(self, *names: str, perhaps: tuple[str, ...] = ()) -> None:
        """Note attributes; those of ``perhaps`` only where they are there, not None."""
        for name in names:
            self.note(name, getattr(self.obj, name))
        for name in perhaps:
            if getattr(self.obj, name, None) is not None:
                self.note(f"{name}?", getattr(self.obj, name))

    def note(self, name: str, value: Any) -> None:
        """Note a value."""
        self.seen.append((name, copy.deepcopy(value)))


def _differs(theirs: Any, ours: Any, dtypes: bool) -> str:
    """Return how two values differ, or ""."""
    if isinstance(theirs, list | tuple) or isinstance(ours, list | tuple):
        if not (isinstance(theirs, list | tuple) and isinstance(ours, list | tuple) and len(theirs) == len(ours)):
            return "not as many values"
        return next(filter(None, (_differs(a, b, dtypes) for a, b in zip(theirs, ours, strict=True))), "")
    if theirs is None or ours is None:
        return "" if theirs is ours else "None"
    return _arrays_differ(np.asarray(theirs), np.asarray(ours), dtypes)


def _arrays_differ(a: Any, b: Any, dtypes: bool) -> str:
    if a.shape != b.shape:
        return f"shape {a.shape}, the book {b.shape}"
    if dtypes and a.ndim and a.dtype != b.dtype and "f" in (a.dtype.kind, b.dtype.kind):
        return f"{a.dtype}, the book {b.dtype}"
    x, y = a.astype(np.float64), b.astype(np.float64)
    if np.array_equal(x, y, equal_nan=True):
        return ""
    size = max(float(np.linalg.norm(y)), 1e-2)
    found = float(np.linalg.norm(x - y)) / size
    return "" if found <= SAME else f"relative difference {found:.1e}"


def difference(theirs: list[tuple[str, Any]], ours: list[tuple[str, Any]], *, dtypes: bool) -> str:
    """Return the first difference of two records, or ""; attributes that only one of them has do not count.

    ``dtypes``: whether float64 in the place of float32 is one.
    """
    named = {name for name, _ in theirs} & {name for name, _ in ours}
    pairs = [[p for p in record if not p[0].endswith("?") or p[0] in named] for record in (theirs, ours)]
    if len(pairs[0]) != len(pairs[1]):
        return "other attributes"
    for (name, a), (_, b) in zip(*pairs, strict=True):
        found = _differs(a, b, dtypes)
        if found:
            return f"{name.rstrip('?')}: {found}"
    return ""
