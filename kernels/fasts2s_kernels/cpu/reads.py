"""Which attributes a function reads, told by its bytecode: so that a record is checked when a kernel is defined."""

import dis
from collections.abc import Callable
from typing import Any


def fields_read(function: Callable[..., Any], name: str) -> set[str]:
    """Return the attributes that a function reads of its local variable ``name``."""
    found, before = set(), None
    for step in dis.get_instructions(function):
        if step.opname == "LOAD_ATTR" and before == name:
            found.add(step.argval)
        loads = step.opname.startswith("LOAD_FAST")
        before = (step.argval[-1] if isinstance(step.argval, tuple) else step.argval) if loads else None
    return found


def names_read(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names of all attributes that a function reads of anything, and of what it finds in its module."""
    return function.__code__.co_names
