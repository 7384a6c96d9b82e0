"""A forward call as it was, so that the book's own forward can be run in its place.

The book's layers keep references to what they are given; ours copy what they need. Of such a call copies are kept,
and backward looks whether an array has changed since. If so, the book's forward runs on the copies, which then get
the new values: its layers hold views of them, and are in the state that they have in plain Python.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import zip_longest
from operator import attrgetter
from typing import Any

import numpy as np

from fasts2s_kernels.arrays import Array

Method = Callable[..., Any]


def _copied(value: Any) -> Any:
    # What lies on a device is not looked at: a look waits for it.
    return value.copy() if isinstance(value, np.ndarray) else value


def _same(a: Array, b: Array) -> bool:
    return np.array_equal(a, b) or (a.dtype.kind in "fc" and np.array_equal(a, b, equal_nan=True))


class Given:
    """What a forward works on: attributes of its object, and arguments."""

    def __init__(self, before: dict[str, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.before, self.args, self.kwargs = before, args, kwargs

    def copy(self) -> "Given":
        """Return the same with copies of the arrays."""
        before, kwargs = ({k: _copied(v) for k, v in d.items()} for d in (self.before, self.kwargs))
        return Given(before, tuple(map(_copied, self.args)), kwargs)

    def values(self) -> Iterator[Any]:
        """Return all values, in a fixed order."""
        yield from (*self.before.values(), *self.args, *self.kwargs.values())


class Call:
    """A replaced forward that has succeeded.

    Parameters
    ----------
    obj : object
        After the call.
    given : Given
        Before the call.
    state : tuple of str
        Attributes (``h``, ``lstm.h``) that the book's forward sets, which stay as they are when it runs again.
    results : tuple of str
        Those whose arrays the book's backward reads.
    watched : bool
        Whether ours has copied what the book keeps by reference.
    weights : lists
        Of weights that the book's forward hands to layers of single steps: these go on with the arrays that they have
        when others are put into the list.
    """

    def __init__(
        self,
        obj: Any,
        given: Given,
        state: tuple[str, ...],
        results: tuple[str, ...],
        watched: bool,
        weights: Iterable[list[Any]] = (),
    ) -> None:
        self._weights = [(now, now[:]) for now in weights]
        self.given, self._state, self._results = given, state, results
        self._then = given.copy() if watched else given
        self._left = self._results_of(obj)
        self._left_then = list(map(_copied, self._left))

    def _results_of(self, obj: Any) -> list[Any]:
        found = [attrgetter(name)(obj) for name in self._results]
        return [array for value in found for array in (list.__iter__(value) if isinstance(value, list) else [value])]

    def _pairs(self) -> Iterator[tuple[Array, Array]]:
        """Return arrays now, and as they were."""
        pairs = zip((*self.given.values(), *self._left), (*self._then.values(), *self._left_then), strict=True)
        return ((now, then) for now, then in pairs if now is not then)

    def is_changed(self) -> bool:
        """Return whether an array has changed since, or another is in its place among the weights."""
        if any(a is not b for now, then in self._weights for a, b in zip_longest(now, then)):
            return True
        return not all(_same(now, then) for now, then in self._pairs())

    def run(self, obj: Any, book_forward: Method) -> None:
        """Run the book's forward as it was; only what it keeps for backward is left of it."""
        places = [(attrgetter(path)(obj) if path else obj, name) for path, _, name in map(_split, self._state)]
        after = [vars(owner)[name] for owner, name in places]
        changed = self.is_changed()
        given = self._then if changed else self.given
        vars(obj).update(given.before)
        weights = [now[:] for now, _ in self._weights]
        for now, then in self._weights:
            now[:] = then
        try:
            with np.errstate(all="ignore"):  # it has run already, and was heard or not
                book_forward(obj, *given.args, **given.kwargs)
        finally:
            for (now, _), new in zip(self._weights, weights, strict=True):
                now[:] = new
        for now, then, made in zip(self._left, self._left_then, self._results_of(obj), strict=True):
            if now is not then and not _same(now, then):  # else the book's own, which is rounded otherwise
                made[...] = now
        if changed:
            for now, then in self._pairs():
                then[...] = now
        for (owner, name), value in zip(places, after, strict=True):
            vars(owner)[name] = value


def _split(path: str) -> tuple[str, str, str]:
    return path.rpartition(".")
