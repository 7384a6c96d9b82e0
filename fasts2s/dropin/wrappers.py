"""What stands in the book's classes: our method, counted and timed, with the book's own to fall back to.

Whatever ours refuses, the book's own code decides: it accepts more, and raises its own errors.
"""

from collections.abc import Callable
from typing import Any

from fasts2s.dropin import beside, gpu_mode
from fasts2s.dropin.reliance import Reliance
from fasts2s.dropin.report import Entry, Timed, note_fallback
from fasts2s.dropin.settings import settings
from fasts2s.dropin.targets import Target

Method = Callable[..., Any]


def _why_not(relies: Reliance, ready: Callable[[Any], str] | None, obj: Any) -> str:
    """Return why ours must not run on an object, or ""."""
    return relies.exchanged() or relies.own_ways(type(obj)) or (ready(obj) if ready is not None else "")


def _reason(error: Exception) -> str:
    """Return why ours refused a call.

    Raises the error where it is about ids of an earlier call: nothing that ran now could be right.
    """
    if gpu_mode.met_on_device(error):
        raise error
    return f"{type(error).__name__}: {error}"


def forward_of(target: Target, entry: Entry, relies: Reliance, original: Method, ours: Method) -> Method:
    """Return a forward that keeps what is needed to run the book's forward in its place."""
    names = target.state

    def forward(self: Any, *args: Any, **kwargs: Any) -> Any:
        kept, reason = beside.of(self), _why_not(relies, target.ready, self)
        is_ready = not reason
        if is_ready:
            before = {name: getattr(self, name) for name in names}
            try:
                with Timed(entry):
                    out = ours(self, *args, **kwargs)
                kept.replay = beside.Call(before, args, kwargs)
                return out
            except Exception as error:  # a refusal is one; what the book makes of it follows
                vars(self).update(before)
                reason = _reason(error)
        kept.cache = kept.replay = None
        out = original(self, *args, **kwargs)  # outside of the handler: its own errors, and no other
        # What was exchanged, and that a part was left as it is, has been said there.
        note_fallback(entry, reason, strict=settings.strict, warn=is_ready)
        return out

    return forward


def backward_of(target: Target, entry: Entry, relies: Reliance, book: dict[str, Method], ours: Method) -> Method:
    """Return a backward for :func:`forward_of`; ``book`` has both methods as they were."""
    original, book_forward = book["backward"], book["forward"]

    def backward(self: Any, *args: Any, **kwargs: Any) -> Any:
        if beside.of(self).replay is None:
            return original(self, *args, **kwargs)  # the last forward was the book's
        reason = _why_not(relies, target.ready, self)
        is_ready = not reason
        if is_ready:
            try:
                with Timed(entry):
                    return ours(self, *args, **kwargs)
            except Exception as error:
                reason = _reason(error)
        run_again(self, book_forward, target)
        out = original(self, *args, **kwargs)
        note_fallback(entry, reason, strict=settings.strict, warn=is_ready)
        return out

    return backward


def run_again(self: Any, book_forward: Method, target: Target) -> None:
    """Run the book's forward in the place of the last one, which was ours: its backward needs what it keeps."""
    kept = beside.of(self)
    call, kept.replay, kept.cache = kept.replay, None, None
    if call is None or not target.runs_again:
        return
    after = {name: getattr(self, name) for name in target.state}
    vars(self).update(call.before)
    book_forward(self, *call.args, **call.kwargs)  # draws nothing: what does, does not run again
    vars(self).update(after)


def plain(
    entry: Entry, relies: Reliance, original: Method, ours: Method, ready: Callable[[Any], str] | None
) -> Method:
    """Return a method that has no backward, or what a function is sent to; ``ready`` is asked about the object."""

    def call(*args: Any, **kwargs: Any) -> Any:
        reason = _why_not(relies, ready, args[0]) if args else ""
        is_ready = not reason
        if is_ready:
            try:
                with Timed(entry):
                    return ours(*args, **kwargs)
            except Exception as error:
                reason = _reason(error)
        out = original(*args, **kwargs)
        note_fallback(entry, reason, strict=settings.strict, warn=is_ready)
        return out

    return call
