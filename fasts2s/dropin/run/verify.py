"""Original and replacement side by side on the script's own data.

Every call runs on a twin of the object as well, by the book's code, and results, gradients and parameters are
compared. Of a class that is not recognised the original counts, and the report tells whether ours computes the same.
"""

import copy
import time
from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np

from fasts2s.backend import to_cpu
from fasts2s.dropin.errors import VerificationError
from fasts2s.dropin.replace import beside, originals
from fasts2s.dropin.run.report import Entry
from fasts2s_kernels.checks import is_cupy

Method = Callable[..., Any]
Methods = dict[str, Method]
#: Relative difference (L2) that two correct float32 implementations do not reach: sums in another order.
TOLERANCE = 1e-4
#: The same where nothing but this tells whether an edited class computes what ours does: with small weights a sine is
#: within 1e-4 of a hyperbolic tangent.
EDITED_TOLERANCE = 2e-5


def difference(a: Any, b: Any) -> float:
    """Return the largest relative difference (L2) of two results: arrays, numbers, None, or lists of them."""
    if isinstance(a, list | tuple) or isinstance(b, list | tuple):
        same = isinstance(a, list | tuple) and isinstance(b, list | tuple) and len(a) == len(b)
        return max((difference(x, y) for x, y in zip(a, b, strict=True)), default=0.0) if same else np.inf
    if a is None or b is None:
        return 0.0 if a is b else np.inf
    x, y = (np.asarray(to_cpu(value), np.float64) for value in (a, b))
    if x.shape != y.shape:
        return np.inf
    if np.array_equal(x, y, equal_nan=True):
        return 0.0
    with np.errstate(all="ignore"):
        # Of results that are all but zero the relative difference says nothing.
        found = float(np.linalg.norm(x - y) / max(float(np.linalg.norm(y)), 1e-6))
    return found if np.isfinite(found) else np.inf


def _timed(call: Method) -> tuple[Any, float]:
    started = time.perf_counter()
    out = call()
    return out, time.perf_counter() - started


class _Pair:
    """One call by both."""

    def __init__(self, entry: Entry, binding: bool) -> None:
        self._entry, self._binding = entry, binding

    def run(self, book: Method, ours: Method, results: Callable[[Any, Any], tuple[Any, Any]]) -> Any:
        """Run both, the second with the random numbers of the first; return what the script gets.

        ``results(by_book, by_ours)`` are what is compared.
        """
        random = np.random.get_state()
        with originals.Suspended():
            by_book, book_seconds = _timed(book)
        after = np.random.get_state()
        np.random.set_state(random)
        by_ours, our_seconds = _timed(ours)
        np.random.set_state(after)
        self._note(difference(*results(by_book, by_ours)), book_seconds, our_seconds)
        return by_ours if self._binding else by_book

    def _note(self, found: float, book_seconds: float, our_seconds: float) -> None:
        entry = self._entry
        entry.checked += 1
        entry.difference = max(entry.difference, found)
        entry.book_seconds += book_seconds
        entry.our_seconds += our_seconds
        if found > TOLERANCE and self._binding:
            raise VerificationError(
                f"{entry.name}: original and replacement differ by {found:.2e} (relative, L2) "
                f"in call {entry.checked}, expected at most {TOLERANCE:.0e}"
            )


def takes(function: Method, *args: Any, **kwargs: Any) -> bool:
    """Return whether a function has the parameters for these arguments."""
    try:
        signature(function).bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def _is_part(value: Any) -> bool:
    return hasattr(value, "forward") and hasattr(value, "__dict__")


def _twin(obj: Any) -> Any:
    """Return the twin of a layer or of what is made of layers: the same parameters, gradients of its own."""
    kept = beside.of(obj)
    if kept.twin is None:
        twin = kept.twin = copy.copy(obj)
        parts = {name: _twin(part) for name, part in vars(obj).items() if _is_part(part)}
        vars(twin).update(parts)
        if hasattr(obj, "grads"):
            of_parts = [grad for part in parts.values() for grad in getattr(part, "grads", [])]
            twin.grads = of_parts or [np.zeros_like(grad) for grad in obj.grads]
    return kept.twin


def _synchronise(twin: Any, obj: Any) -> None:
    """Give the twin the state of its original, but not what only one of the two forwards keeps for its backward."""
    for name, value in vars(obj).items():
        if _is_part(value):
            vars(twin)[name] = _twin(value)  # it may be another one than before
            _synchronise(vars(twin)[name], value)
        elif name not in {"grads", "cache", "layers"}:
            vars(twin)[name] = value


def layer_methods(entry: Entry, book: Methods, ours: Methods, ready: Callable[[Any], str] | None) -> Methods:
    """Return forward and backward that run both; the results of ours count.

    Not compared is what is not ready, and a call that the book's method does not take: ours call each other so.
    """
    pair = _Pair(entry, True)

    def forward(self: Any, *args: Any, **kwargs: Any) -> Any:
        kept = beside.of(self)
        kept.compared = (ready is None or not ready(self)) and takes(book["forward"], self, *args, **kwargs)
        if not kept.compared:
            return ours["forward"](self, *args, **kwargs)
        twin = _twin(self)
        _synchronise(twin, self)
        return pair.run(
            lambda: book["forward"](twin, *args, **kwargs), lambda: ours["forward"](self, *args, **kwargs), _both
        )

    def backward(self: Any, *args: Any, **kwargs: Any) -> Any:
        if beside.of(self).replay is None or not beside.of(self).compared:
            return ours["backward"](self, *args, **kwargs)
        twin = _twin(self)
        return pair.run(
            lambda: book["backward"](twin, *args, **kwargs),
            lambda: ours["backward"](self, *args, **kwargs),
            lambda a, b: ((a, getattr(twin, "grads", None)), (b, getattr(self, "grads", None))),
        )

    return {"forward": forward, "backward": backward}


def _both(a: Any, b: Any) -> tuple[Any, Any]:
    return a, b


def edited_methods(entry: Entry, book: Methods, ours: Methods) -> Methods:
    """Return forward and backward of a class that is not recognised: its own results count, ours run on a twin."""
    pair = _Pair(entry, False)

    def attempt(self: Any, name: str, args: Any, kwargs: Any, results: Any) -> Any:
        if entry.verdict:
            return book[name](self, *args, **kwargs)
        twin = _twin(self)
        try:
            if name == "forward":
                _synchronise(twin, self)
            own = getattr(self, "grads", None)
            return pair.run(
                lambda: book[name](self, *args, **kwargs),
                lambda: _on_twin(twin, name, ours, args, kwargs, entry),
                lambda a, b: results((a, own), (b, getattr(twin, "grads", None))),
            )
        finally:
            if entry.difference > EDITED_TOLERANCE and not entry.verdict:
                entry.verdict = f"computes something else (relative difference {entry.difference:.1e})"

    def forward(self: Any, *args: Any, **kwargs: Any) -> Any:
        return attempt(self, "forward", args, kwargs, lambda a, b: (a[0], b[0]))

    def backward(self: Any, *args: Any, **kwargs: Any) -> Any:
        return attempt(self, "backward", args, kwargs, _both)

    return {"forward": forward, "backward": backward}


def _on_twin(twin: Any, name: str, ours: Methods, args: Any, kwargs: Any, entry: Entry) -> Any:
    try:
        return ours[name](twin, *args, **kwargs)
    except Exception as error:
        entry.verdict = f"does not run with ours ({type(error).__name__}: {error})"
        return None


def plain_method(entry: Entry, book: Method, ours: Method, *, deep: bool) -> Method:
    """Return a method or function that runs both, the original on copies of everything it may change."""
    pair = _Pair(entry, True)
    copied = copy.deepcopy if deep else copy.copy

    def method(*args: Any, **kwargs: Any) -> Any:
        with originals.Suspended():
            twins, options = [copied(a) for a in args], {k: copied(a) for k, a in kwargs.items()}
        return pair.run(
            lambda: book(*twins, **options),
            lambda: ours(*args, **kwargs),
            lambda a, b: ((a, _arrays(twins)), (b, _arrays(args))),
        )

    return method


def _arrays(values: Any) -> list[Any]:
    """Return the arrays among arguments, which may have been changed in place, and those in lists."""
    found: list[Any] = []
    for value in values:
        if isinstance(value, np.ndarray) or is_cupy(value):
            found.append(value)
        elif isinstance(value, list | tuple):
            found += _arrays(value)
    return found
