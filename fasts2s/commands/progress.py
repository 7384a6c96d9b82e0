"""A progress bar on stderr, where someone looks at it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(total: int, label: str, unit: str = "batch") -> Iterator[Callable[[], None]]:
    """Give a function to call once per step. Nothing is shown where stderr is no terminal."""
    from tqdm import tqdm  # noqa: PLC0415 - only who trains pays for it

    with tqdm(total=total, desc=label, unit=unit, leave=False, disable=not sys.stderr.isatty()) as bar:

        def advance() -> None:
            bar.update(1)

        yield advance
