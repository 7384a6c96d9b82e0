"""Ctrl-C and SIGTERM wait for the end of a step: what a step leaves half done can be no checkpoint."""

import contextlib
import signal
from types import FrameType
from typing import Any


class StopBetweenSteps:
    """``with StopBetweenSteps() as stop:`` note signals; a second one ends the block at once.

    Parameters
    ----------
    watched : int
        The signals; none: SIGINT, which is Ctrl-C, and SIGTERM.

    In other threads than the main one, which alone hears signals, nothing changes. A signal that is ignored
    (``nohup``, a shell's background) stays so. What came is raised again by :meth:`pass_on`.

    Attributes
    ----------
    asked : int or None
        The first signal that came.
    """

    def __init__(self, *watched: int) -> None:
        self._watched = watched or (signal.SIGINT, signal.SIGTERM)
        self.asked: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "StopBetweenSteps":
        """Watch."""
        for number in self._watched:
            if signal.getsignal(number) != signal.SIG_IGN:
                with contextlib.suppress(ValueError):  # not the main thread
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        """Let those hear signals who did before."""
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._before = {}

    def pass_on(self) -> None:
        """Raise the signal that came again, for whoever hears it now."""
        if self.asked is not None:
            signal.raise_signal(self.asked)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.asked is not None:
            self.asked = number
            raise KeyboardInterrupt
        self.asked = number


def all_asked(ranks: Any, asked: int | None) -> int | None:
    """Return the signal that ends all ranks after this step, or None; ``asked`` is the one that came here.

    ranks : fasts2s.distributed.Ranks
        Of several all hear of a signal after the next step, and end after the same one.
    """
    if ranks.size == 1:
        return asked
    known = {signal.SIGINT: ranks.STOP, signal.SIGTERM: ranks.TERM}
    heard = next((number for number, what in known.items() if ranks.heard(what)), None)
    if heard is None and asked is not None:
        ranks.ask(known[signal.Signals(asked)])
    return heard
