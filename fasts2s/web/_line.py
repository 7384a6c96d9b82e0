"""The line before the models: one thread answers one question at a time, and so many may wait."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from fasts2s.web.questions import RefusedError

_T = TypeVar("_T")


class Line:
    """Models keep states and buffers, so nothing of them runs twice at a time.

    Parameters
    ----------
    most : int
        Questions that are answered or wait, at most.
    """

    def __init__(self, most: int) -> None:
        self.most, self._count = most, 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="fasts2s answers")

    async def run(self, work: Callable[[], _T]) -> _T:
        """Return what the work returns, when its turn has come. Raises RefusedError where too many wait."""
        if self._count >= self.most:
            raise RefusedError(429, "busy", f"{self.most} questions wait already: ask again in a moment")
        self._count += 1
        future = asyncio.get_running_loop().run_in_executor(self._thread, work)
        # Also when it is cancelled: then the thread passes over it.
        future.add_done_callback(self._leave)
        return await future

    def _leave(self, _: object) -> None:
        self._count -= 1

    def close(self) -> None:
        """Begin nothing new; end when what runs has ended."""
        self._thread.shutdown(cancel_futures=True)
