"""Work that Ctrl-C must not cut in two."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def interrupts_held_back(*, second_at_once: bool = False) -> Iterator[None]:
    """Let Ctrl-C wait until the end of the block; in other threads than the main one nothing changes.

    Parameters
    ----------
    second_at_once : bool
        A second Ctrl-C raises KeyboardInterrupt in the block: for blocks that may take long and survive it.

    Raises
    ------
    KeyboardInterrupt
        At the end of the block, if Ctrl-C came in it: what the handler that was there before makes of it.
    """
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)
        if second_at_once and len(came) > 1:
            raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGINT, note)
    except ValueError:  # not the main thread, which alone is interrupted
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
        if came:
            signal.raise_signal(signal.SIGINT)
