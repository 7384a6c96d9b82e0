"""What ours leave out and the book's code would have left in the layers: made when somebody reads it or needs it.

After ``generate`` the book's layers are in the state after its last step. Ours do not run the layers; they note the
question, and who reads a state, or uses a layer by itself, has the book's own steps run once on it.
"""

from collections.abc import Callable
from operator import is_
from typing import Any
from weakref import ref

from fasts2s.dropin.replace import beside, originals

Making = Callable[[Any], None]


class Debt:
    """What is owed to the layers of an encoder or decoder."""

    def __init__(self, whole: Any, parts: tuple[Any, ...], make: Making) -> None:
        # Weak: what lies beside an object must not keep it alive.
        self._whole, self._parts = ref(whole), tuple(map(ref, parts))
        self._make: Making | None = make

    def is_of(self, whole: Any) -> bool:
        """Return whether this is what an encoder or decoder left out."""
        return self._whole() is whole

    def goes_on(self, whole: Any, parts: tuple[Any, ...]) -> bool:
        """Return whether it is owed to these layers, and neither made yet nor overwritten."""
        if self._make is None or self._whole() is not whole or len(parts) != len(self._parts):
            return False
        return all(map(is_, parts, [part() for part in self._parts]))

    def cancel(self) -> None:
        """Owe nothing any more: all has been overwritten."""
        self._make = None
        _debts.discard(ref(self))
        for place in (self._whole, *self._parts):
            obj = place()
            kept = None if obj is None else beside.known(obj)
            if kept is not None:
                kept.owes = None if kept.owes is self else kept.owes
                kept.debt = None if kept.debt is self else kept.debt

    def pay(self) -> None:
        """Make it now, unless the whole runs and is about to overwrite it."""
        whole, make = self._whole(), self._make
        if whole is not None and beside.of(whole).busy:
            return
        self.cancel()
        if whole is not None and make is not None:
            make(whole)


#: Weak; empty where nothing is owed to anybody. Looked at before every access, so that must take no time.
_debts: "set[ref[Debt]]" = set()


def owe(whole: Any, parts: tuple[Any, ...], make: Making) -> Debt:
    """Note what has not been done to an encoder or decoder and to its layers, in the place of what is owed there."""
    kept = beside.of(whole)
    if kept.owes is not None:
        kept.owes.cancel()
    for obj in (whole, *parts):
        originals.put_waiting(type(obj))
    debt = kept.owes = Debt(whole, parts, make)
    for part in map(beside.of, parts):
        if part.debt is not None:
            part.debt.pay()  # a layer that two of them share
        part.debt = debt
    _debts.add(ref(debt, _debts.discard))
    return debt


def pay(obj: Any) -> None:
    """Make what is owed to an object."""
    kept = beside.known(obj)
    if kept is not None:
        for debt in (kept.debt, kept.owes):
            if debt is not None:
                debt.pay()


def pay_all() -> None:
    """Make everything that is owed."""
    for debt in [found() for found in _debts]:
        if debt is not None:
            debt.pay()


class Owed(property):
    """An attribute of the book's that may be owed. Who sets it finds the others made before.

    A property takes a third of the time of a descriptor written in Python.
    """

    def __init__(self, name: str) -> None:
        def get(obj: Any) -> Any:
            if _debts and id(obj) in beside.everything:
                pay(obj)
            try:
                return obj.__dict__[name]
            except KeyError:
                raise beside.absent(obj, name) from None

        def put(obj: Any, value: Any) -> None:
            if _debts and id(obj) in beside.everything:
                pay(obj)
            obj.__dict__[name] = value

        super().__init__(get, put, beside.deletion(name, get))
