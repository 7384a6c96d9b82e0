"""Work that is done beside the one who needs it."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from queue import Empty, Queue
from typing import TypeVar

T = TypeVar("T")


class _End:
    """After the last thing: the error that ended it, or None."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def ahead(things: Iterator[T], depth: int) -> Generator[T, None, None]:
    """Yield what an iterator yields, of which a thread makes up to `depth` in advance.

    An error of the iterator is raised here, in its place. Closing the generator ends the thread.
    """
    queue: Queue[T | _End] = Queue(depth)
    stop = threading.Event()

    def make() -> None:
        error = None
        try:
            for thing in things:
                queue.put(thing)
                if stop.is_set():
                    return
        except BaseException as caught:  # it is the caller's
            error = caught
        queue.put(_End(error))

    thread = threading.Thread(target=make, name="fasts2s batches", daemon=True)
    thread.start()
    try:
        while not isinstance(thing := queue.get(), _End):
            yield thing
        if thing.error is not None:
            raise thing.error
    finally:
        stop.set()
        while thread.is_alive():
            # It may stand before a full queue.
            try:
                queue.get_nowait()
            except Empty:
                thread.join(0.01)
