"""Whether a model of the sizes asked for fits into the machine: said before memory is taken."""

import os

from fasts2s.commands.errors import CommandError


def require_memory(weights: int, copies: int) -> None:
    """Raise CommandError if so many float32 weights, in so many copies, are more than the machine's memory.

    Without this the system may end the process without a word, as soon as the memory is written to.
    """
    need, there = 4 * copies * weights, machine_memory()
    if there is not None and need > there:
        raise CommandError(
            f"a model of these sizes has {weights:,} weights and takes {need / 1e9:,.0f} GB to train, "
            f"this machine has {there / 1e9:,.0f} GB: take smaller sizes, above all --hidden"
        )


def machine_memory() -> int | None:
    """Return the machine's memory in bytes, or None where the system does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
