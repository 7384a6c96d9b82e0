"""Launches: a record and the kernels that work on it, called from Python."""

import ctypes
from typing import Any

import numpy as np

from fasts2s_kernels.cpu import native, plain, threads
from fasts2s_kernels.cpu.jit import Kernel, called_by
from fasts2s_kernels.cpu.kinds import INT
from fasts2s_kernels.cpu.reads import names_read
from fasts2s_kernels.cpu.record import require_types
from fasts2s_kernels.cpu.threads import POOL

#: All of them.
LAUNCHES: list["Launch"] = []


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
        A kernel takes another record.
    """

    #: Whether the types of fields are looked at in every call: tests do, and the plain twin.
    checked = False

    def __init__(self, record: Any, *phases: Kernel) -> None:
        self.record, self.phases = record, phases
        wanted = (INT, INT, record.kind)
        wrong = [phase.name for phase in phases if phase.kinds != wanted]
        if wrong:
            raise TypeError(f"{wrong[0]} does not take a worker, a task, and a {record.__name__}")
        LAUNCHES.append(self)
        #: What ``native.run`` reads, and its address: 0 until the kernels are compiled. Of two plans that two threads
        #: make at once both stay.
        self._plans: list[Any] = []
        self._address = 0

    def require_fields(self) -> None:
        """Raise TypeError where no kernel reads a field that has no default. A test asks this of every launch."""
        needed = set(self.record._fields) - set(self.record._field_defaults)
        unread = needed.difference(*(names_read(text) for text in _texts(self.phases)))
        if unread:
            names = [phase.name for phase in self.phases]
            raise TypeError(f"no kernel of {names} reads {self.record.__name__}.{min(unread)}")

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
        plan = self._address or self._compile()
        if workers == 1:
            native.run(plan, 0, 1, first, second * turns, second, third, fields)
            return
        with POOL.region:
            native.run(plan, POOL.board(), workers, first, second * turns, second, third, fields)

    def _compile(self) -> int:
        runners = threads.run_serial.ensure(), threads.run_parallel.ensure()
        threads.help_until_idle.ensure()
        phases = [*(phase.ensure() for phase in self.phases), 0, 0][:3]
        plan = native.plan(runners, phases, list(self.record.kinds.values()))
        self._plans.append(plan)
        self._address = address = ctypes.addressof(plan)
        return address

    def _run_plain(self, workers: int, fields: Any, first: int, second: int, third: int, turns: int) -> None:
        require_types(fields)
        a, b, c = (*self.phases, None, None)[:3]
        tasks = (a, first, b, second * turns, second, c, third, plain.fields_of(fields))
        with np.errstate(all="ignore"):
            if workers == 1:
                threads.run_serial(*tasks)
            else:
                threads.run_parallel(plain.Place(np.zeros(threads.OWN, object), "board"), workers, *tasks)


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
