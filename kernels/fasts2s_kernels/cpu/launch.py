"""Launches: a record and the kernels that work on it, called from Python."""

import sys
import threading
import types as python_types
from functools import cache
from typing import Any

import numpy as np

from fasts2s_kernels.cpu import plain, threads
from fasts2s_kernels.cpu.jit import Entry, Kernel, called_by
from fasts2s_kernels.cpu.numba_api import types
from fasts2s_kernels.cpu.pointer import Int
from fasts2s_kernels.cpu.reads import names_read
from fasts2s_kernels.cpu.record import RecordType, Team, pack, require_types, team_at
from fasts2s_kernels.cpu.threads import POOL, launch


def _template(
    team: Int,
    first: Int,
    n_first: Int,
    second: Int,
    n_second: Int,
    turn: Int,
    third: Int,
    n_third: Int,
    fields: Any,
) -> None:
    launch(team_at(team), first, n_first, second, n_second, turn, third, n_third, pack(fields))


class _Fast(Entry):
    """The compiled function of a record. What it takes was typed when the record was defined, see ``Launch``."""

    def _publish(self, built: Any) -> Any:
        # What the dispatcher calls after a look at the types of all arguments, which takes longer than all the rest.
        return next(iter(built.overloads.values())).entry_point


@cache
def _entry(record: Any) -> _Fast:
    """Return the compiled function of a record; Numba's cache knows it by the record's place in the sources."""
    module, name = record.__module__, f"launch_{record.__name__}"
    text = _template.__code__.replace(co_filename=_file(module), co_name=name)
    function = python_types.FunctionType(text, _template.__globals__, name)
    function.__module__, function.__qualname__ = module, name
    return _Fast(function, types.void(*[types.int64] * 8, types.Tuple(tuple(record.kinds.values()))))


def _file(module: str) -> str:
    return str(sys.modules[module].__file__)


class Launch:
    """Up to three phases of kernels on one record: a phase begins when all tasks of the one before are done.

    Parameters
    ----------
    record
        See :func:`fasts2s_kernels.cpu.record.record`.
    phases : Kernel
        Each takes a worker, a task, and the record.

    Raises
    ------
    TypeError
        A kernel takes another record, or no kernel reads a field that has no default.
    """

    #: Whether the types of fields are looked at in every call: tests do, and the plain twin.
    checked = False

    def __init__(self, record: Any, *phases: Kernel) -> None:
        self.record, self.phases = record, phases
        wanted = types.void(types.int64, types.int64, RecordType(record))
        wrong = [phase.name for phase in phases if phase.signature != wanted]
        if wrong:
            raise TypeError(f"{wrong[0]} does not take a worker, a task, and a {record.__name__}")
        needed = set(record._fields) - set(record._field_defaults)
        unread = needed.difference(*(names_read(text) for text in _texts(phases)))
        if unread:
            raise TypeError(f"no kernel of {[phase.name for phase in phases]} reads {record.__name__}.{min(unread)}")
        self.entry = _entry(record)
        #: The compiled function of the record, and the addresses of three phases, once there are.
        self._compiled: tuple[Any, ...] = ()

    def __call__(
        self, workers: int, fields: Any, first: int, second: int = 0, third: int = 0, turns: int = 1
    ) -> None:
        """Run so many tasks of each phase on a number of workers: the only way by which kernels go parallel.

        With ``turns`` the second phase has so many times ``second`` tasks; a turn begins when the one before is done.
        """
        if plain.is_on():
            self._run_plain(workers, fields, first, second, third, turns)
            return
        if self.checked:
            require_types(fields)
        # Before the lock: who forks waits for what is compiled, and then for it.
        entry, a, b, c = self._compiled or self._compile()
        if workers == 1:
            entry(0, a, first, b, second * turns, second, c, third, fields)
            return
        team = POOL.team(workers)
        with POOL.region:
            POOL.users.add(threading.get_ident())
            entry(team, a, first, b, second * turns, second, c, third, fields)

    def _compile(self) -> tuple[Any, ...]:
        addresses = [phase.ensure().address for phase in self.phases]
        self._compiled = self.entry.ensure(), *(*addresses, 0, 0)[:3]
        return self._compiled

    def _run_plain(self, workers: int, fields: Any, first: int, second: int, third: int, turns: int) -> None:
        require_types(fields)
        team = Team(workers, threads.parallel_region) if workers > 1 else None
        a, b, c = (*self.phases, None, None)[:3]
        with np.errstate(all="ignore"):
            launch(team, a, first, b, second * turns, second, c, third, plain.fields_of(fields))


def _texts(kernels: tuple[Kernel, ...]) -> set[Any]:
    """Return the functions of kernels, and of all that they call."""
    found = set()
    left: list[Any] = list(kernels)
    while left:
        text = left.pop().function
        if text not in found:
            found.add(text)
            left += called_by(text)
    return found
