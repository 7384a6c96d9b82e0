"""The drop-in: the book's own classes and functions run on our kernels, whoever imported them, and before or after.

Methods are replaced in place, on the book's classes: names that were imported with ``from ... import *``, subclasses,
living objects, pickles and ``isinstance`` go on as they were. A class is touched only if its code is known to be the
book's, in either edition, and what it calls too; or if it was proved to compute the same: fasts2s.dropin.recognise.
"""

import dataclasses
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from fasts2s.backend import BackendLike, limit_blas
from fasts2s.dropin.accelerate import accelerate
from fasts2s.dropin.errors import FallbackError, FallbackWarning, VerificationError
from fasts2s.dropin.gpu import mode as gpu_mode
from fasts2s.dropin.replace import patching
from fasts2s.dropin.run import import_hook, typed
from fasts2s.dropin.run.report import Report
from fasts2s.dropin.settings import settings

__all__ = [
    "FallbackError",
    "FallbackWarning",
    "Report",
    "VerificationError",
    "accelerate",
    "is_patched",
    "patch",
    "patched",
    "profile",
    "status",
    "unpatch",
]


def patch(
    backend: BackendLike | None = None,
    *,
    strict: bool = False,
    verify: bool = False,
    trust: Iterable[str] = (),
    only_book: bool = False,
) -> Report:
    """Replace the slow code of the book, in modules that are imported already and in those that will be.

    Parameters
    ----------
    backend : str, Backend or None
        None follows the switch, at every call; the book's GPU mode, which cupy switches on, stays on.
    strict : bool
        A class that is not the book's, and a call that falls back to the book's code, are errors.
    verify : bool
        Every call runs the original as well, and a difference is an error. Slow.
    trust : names of classes
        These are replaced though their code was edited: you vouch for it, ``verify`` helps you to.
    only_book : bool
        Only what has the book's text is replaced, not what has another text and computes the same.

    Returns
    -------
    Report
        What was found so far; it prints as a table.

    Raises
    ------
    ValueError, ImportError
        As :func:`fasts2s.get_backend`; ``FASTS2S_NUM_THREADS`` is no number; CuPy is not installed.
    RuntimeError
        CuPy is, but there is no CUDA device.
    FallbackError
        See strict.
    """
    chosen = gpu_mode.choose(backend)
    limit_blas()  # what of the book runs as it is uses NumPy, too
    if is_patched():
        unpatch()
    settings.backend, settings.strict, settings.verify = chosen, bool(strict), bool(verify)
    settings.trust = frozenset([trust] if isinstance(trust, str) else trust)
    settings.only_book = bool(only_book)
    if chosen is not None and chosen.name == "cupy":
        gpu_mode.turn_on()
    import_hook.put_in()
    patching.offer_loaded()
    typed.put_in()
    return patching.report()


def unpatch() -> None:
    """Put everything back as the book has it."""
    import_hook.take_out()
    typed.take_out()
    patching.take_out()
    gpu_mode.turn_off()
    settings.backend, settings.strict, settings.verify, settings.trust = None, False, False, frozenset()
    settings.only_book = False


def is_patched() -> bool:
    """Return whether :func:`patch` is in force."""
    return import_hook.is_in()


def status() -> Report:
    """Return what was found so far: replaced, left and why, calls, seconds, fallbacks."""
    return patching.report()


@contextmanager
def patched(
    backend: BackendLike | None = None,
    *,
    strict: bool = False,
    verify: bool = False,
    trust: Iterable[str] = (),
    only_book: bool = False,
) -> Iterator[Report]:
    """:func:`patch` for a ``with`` block."""
    report = patch(backend, strict=strict, verify=verify, trust=trust, only_book=only_book)
    try:
        yield report
    finally:
        unpatch()


@contextmanager
def profile() -> Iterator[Report]:
    """Count and time what runs in a ``with`` block, and nothing else.

    Where neither :func:`patch` nor :func:`accelerate` is in force, the first is, for the block.

    Yields
    ------
    Report
        Empty, and filled when the block ends, by an exception too: calls, seconds and fallbacks of the block, and
        ``total_seconds``, its wall time in seconds.
    """
    found, ours = Report([]), not is_patched() and not patching.entries
    if ours:
        patch()
    # The entries are kept beside their copies: no other can have the identity of one while it lives.
    before = {
        id(entry): (entry, dataclasses.replace(entry, fallbacks=dict(entry.fallbacks))) for entry in patching.entries
    }
    started = time.perf_counter()
    try:
        yield found
    finally:
        found.total_seconds = time.perf_counter() - started
        found.entries = [e.since(before.get(id(e), (e, None))[1]) for e in patching.entries]
        if ours:
            unpatch()
