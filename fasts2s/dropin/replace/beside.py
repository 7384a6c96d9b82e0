"""What the replacements keep beside the book's objects, whose own attributes stay the book's: pickles, vars, repr."""

from collections.abc import Callable
from functools import partial
from operator import attrgetter, is_
from typing import Any
from weakref import ref

from fasts2s.dropin.replace.calls import Call
from fasts2s.dropin.settings import installed


class Left:
    """A part of a model that was left as it is: as long as it is there, the model runs its own code, unasked.

    Parameters
    ----------
    path : str
        Where it is, from the model on.
    counts : dict of str to int
        Where its calls are counted, under ``reason``.
    """

    def __init__(self, path: str, part: Any, counts: dict[str, int], reason: str) -> None:
        self._get, self._part, self._counts, self._reason = attrgetter(path), part, counts, reason

    def is_in(self, model: Any) -> bool:
        """Return whether the model has it, and it is still nothing of ours; if so, count a call."""
        try:
            is_there = self._get(model) is self._part and type(self._part) not in installed
        except AttributeError:
            return False
        if is_there:
            self._counts[self._reason] = self._counts.get(self._reason, 0) + 1
        return is_there


class Beside:
    """What belongs to one object."""

    __slots__ = (
        "again",
        "alive",
        "aside",
        "asked",
        "busy",
        "cache",
        "changes",
        "compared",
        "debt",
        "dtype",
        "left",
        "owes",
        "owner",
        "parts",
        "replay",
        "shares",
        "twin",
    )

    alive: ref[Any]  # tells when the object is gone

    def __init__(self) -> None:
        self.cache: Any = None  # of the replaced forward, for the replaced backward
        self.replay: Call | None = None  # the last forward, if it was a replaced one
        self.dtype: Any = None  # of what that forward returned
        self.again: Callable[[Any], None] | None = None  # runs the book's in its place
        self.owner: ref[Any] | None = None  # of a layer: the encoder or decoder whose forward went past it
        self.debt: Any = None  # of a layer: what the encoder or decoder that went past it has left out, see owed.py
        self.owes: Any = None  # of an encoder or decoder: the same
        self.asked: Any = None  # of a model: the last question that it has answered, see left_behind.py
        self.busy = False  # whether a replaced method of an encoder or decoder runs now
        self.changes = 0  # how often our forward was run in vain: an input was changed, or backward refused
        self.parts: Any = None  # a helper of ours that belongs to this object, and what it was made of
        self.left: Left | None = None  # of a model: what of it is nothing of ours, so that its own code runs
        self.aside: dict[str, Any] = {}  # attributes of ours that a reader's class has not
        self.shares: Any = None  # of a sampler: what its draws need, see choices.py
        self.twin: Any = None  # the copy on which --verify runs the original
        self.compared = False  # whether it ran the last forward

    def is_empty(self) -> bool:
        """Return whether nothing is lost with it."""
        kept = (
            self.cache,
            self.replay,
            self.owner,
            self.debt,
            self.owes,
            self.asked,
            self.parts,
            self.shares,
            self.twin,
            self.left,
        )
        return all(each is None for each in kept) and not (self.busy or self.changes or self.aside)


#: Identity of an object -> what is kept, for as long as the object lives: a subclass may have no hash, and two
#: objects may be equal.
everything: dict[int, Beside] = {}


def of(obj: Any) -> Beside:
    """Return what is kept beside an object."""
    found = everything.get(id(obj))
    if found is None:
        found = everything[id(obj)] = Beside()
        found.alive = ref(obj, partial(_forget_dead, everything, id(obj)))
    return found


def _forget_dead(kept: dict[int, Beside], identity: int, _: ref[Any]) -> None:
    # Given what it needs: the last objects of a process die when the names of this module are gone.
    kept.pop(identity, None)


def known(obj: Any) -> Beside | None:
    """Return what is kept beside an object, if anything is."""
    return everything.get(id(obj))


def forget_forward(obj: Any) -> None:
    """Forget the last forward of ours: another one has followed."""
    found = known(obj)
    if found is not None:
        settle(found)
        found.cache = found.replay = None
        whole = None if found.owner is None else found.owner()
        if whole is None or not of(whole).busy:
            found.owner = None
        if found.is_empty():  # small calls that follow are seen sooner where there is nothing
            everything.pop(id(obj), None)


def forget() -> None:
    """Forget everything."""
    everything.clear()


def settle(kept: Beside) -> None:
    """Give a layer that somebody is about to use by itself what is its own of the last forward of the whole.

    Encoders and decoders run as one; what their layers need for a backward of their own is made when it is wanted.
    """
    if kept.debt is not None:
        kept.debt.pay()
    whole = None if kept.owner is None else kept.owner()
    if whole is not None and not of(whole).busy:
        run_again(whole)


def run_again(obj: Any) -> None:
    """Run the book's forward in the place of the last one, if that was ours."""
    kept = of(obj)
    if kept.replay is not None and kept.again is not None:
        kept.again(obj)


class Cache:
    """The attribute ``_cache`` of the replaced methods, which lives beside the object."""

    def __get__(self, obj: Any, kind: Any = None) -> Any:
        return self if obj is None else of(obj).cache

    def __set__(self, obj: Any, value: Any) -> None:
        of(obj).cache = value


#: At first an attribute that lies aside is the first of the weights.
FIRST_WEIGHT = object()


class Aside:
    """An attribute of ours that a reader's class has not: it lives beside the object."""

    def __init__(self, name: str, at_first: Any) -> None:
        self._name, self._at_first = name, at_first

    def __get__(self, obj: Any, kind: Any = None) -> Any:
        if obj is None:
            return self
        at_first = obj.params[0] if self._at_first is FIRST_WEIGHT else self._at_first
        return of(obj).aside.get(self._name, at_first)

    def __set__(self, obj: Any, value: Any) -> None:
        of(obj).aside[self._name] = value


def absent(obj: Any, name: str) -> AttributeError:
    """Return what Python raises where an object has no attribute."""
    return AttributeError(f"{type(obj).__name__!r} object has no attribute {name!r}")


def deletion(name: str, get: Callable[[Any], Any]) -> Callable[[Any], None]:
    """Return what deletes an attribute, after it has been made by ``get``."""

    def delete(obj: Any) -> None:
        get(obj)
        del obj.__dict__[name]

    return delete


class MadeOnRead(property):
    """An attribute that only the book's forward sets: who reads it after a replaced one has that run again.

    Who sets it has run a forward of his own, and what ours kept belongs to an earlier one.
    """

    def __init__(self, name: str) -> None:
        def get(obj: Any) -> Any:
            kept = everything.get(id(obj))
            if kept is not None:
                settle(kept)
                run_again(obj)
            try:
                return obj.__dict__[name]
            except KeyError:
                raise absent(obj, name) from None

        def put(obj: Any, value: Any) -> None:
            if id(obj) in everything:
                forget_forward(obj)
            obj.__dict__[name] = value

        super().__init__(get, put, deletion(name, get))


class Reduced:
    """The method ``__reduce_ex__``: copies and pickles hold what the book's own would, and nothing of ours."""

    def __init__(self, kind: type) -> None:
        self._kind: Any = kind

    def __get__(self, obj: Any, kind: Any = None) -> Any:
        return self if obj is None else partial(self, obj)

    def __call__(self, obj: Any, protocol: Any) -> Any:
        kept = of(obj)
        settle(kept)
        if kept.owes is not None:
            kept.owes.pay()
        run_again(obj)
        return super(self._kind, obj).__reduce_ex__(protocol)


class Part:
    """An attribute that stands for a helper of ours, made of other attributes when it is first wanted, and anew
    when one of them was exchanged."""

    def __init__(self, make: Callable[..., Any], *names: str) -> None:
        self._make, self._names = make, names

    def __get__(self, obj: Any, kind: Any = None) -> Any:
        if obj is None:
            return self
        kept, made_of = of(obj), [getattr(obj, name) for name in self._names]
        if kept.parts is None or not all(map(is_, kept.parts[1:], made_of)):
            kept.parts = (self._make(*made_of), *made_of)
        return kept.parts[0]
