"""A progress bar on stderr, where someone looks at it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fasts2s.commands.output import Beside


@contextmanager
def progress_bar(total: int, label: str, unit: str = "batch") -> Iterator[Callable[[], None]]:
    """Give a function to call once per step. Nothing is shown where stderr is no terminal; never fails."""
    beside = Beside("the progress bar")
    bar: Any = None
    with beside:
        if sys.stderr is not None and sys.stderr.isatty():
            from tqdm import tqdm  # noqa: PLC0415 - only who trains pays for it

            bar = tqdm(total=total, desc=label, unit=unit, leave=False)

    def advance() -> None:
        if bar is not None and not beside.failed:
            with beside:
                bar.update(1)

    try:
        yield advance
    finally:
        if bar is not None:
            with beside:
                bar.close()
