"""What stands in the book's classes: our method, counted and timed, with the book's own to fall back to.

Whatever ours refuses, the book's own code decides: it accepts more, and raises its own errors.
"""

from collections.abc import Callable
from inspect import signature
from operator import attrgetter
from typing import Any
from weakref import ref

import numpy as np

from fasts2s.dropin.errors import LeftToTheBookError
from fasts2s.dropin.gpu import mode as gpu_mode
from fasts2s.dropin.replace import beside, dtypes, originals
from fasts2s.dropin.replace.calls import Call, Given
from fasts2s.dropin.replace.reliance import Reliance
from fasts2s.dropin.replace.sizes import Question, left_to_the_book
from fasts2s.dropin.replace.targets import Target
from fasts2s.dropin.run.report import Entry, Timed, note_fallback
from fasts2s.dropin.run.verify import takes
from fasts2s.dropin.settings import installed, settings

Method = Callable[..., Any]
_CHANGED = "what it was given has changed since forward"
_IN_VAIN = "its backward was the book's again and again: so is its forward"
_ERRORS = "NumPy has been asked to raise errors, as by np.errstate"
#: How many times the backward of an object may be the book's after our forward, until that is no longer tried.
_OFTEN = 3


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


def _asks_for_errors() -> bool:
    """Return whether NumPy is to raise errors, as under ``np.errstate(all="raise")``: ours compute on."""
    return "raise" in np.geterr().values()


def _mistrusted(kept: beside.Beside) -> str:
    """Return why the book's own code runs though ours could, or ""."""
    if kept.changes > _OFTEN:
        return _IN_VAIN
    return _ERRORS if _asks_for_errors() else ""


def _note_left(target: Target, entry: Entry, model: Any, reason: str) -> None:
    """Remember the first layer of a model that was left as it is, if that is the reason for its own code to run."""
    for path in target.layers if not (settings.strict or settings.verify) else ():
        try:
            part = attrgetter(path)(model)
        except AttributeError:  # its layers have other names
            return
        if type(part) not in installed:
            beside.of(model).left = beside.Left(path, part, entry.fallbacks, reason)
            return


def _stays(model: Any) -> bool:
    """Return whether a model is known to run its own code."""
    kept = beside.everything.get(id(model))
    if kept is None or kept.left is None:
        return False
    if kept.left.is_in(model):
        return True
    kept.left = None
    return False


def _take_over(kept: beside.Beside, self: Any, parts: list[beside.Beside]) -> None:
    """Let the layers of ``self`` be settled where another has them: who shares them soon runs them one by one."""
    for part in parts:
        if part.debt is not None and not part.debt.is_of(self):
            part.debt.pay()
        other = None if part.owner is None else part.owner()
        if other is not None and other is not self and beside.of(other).replay is not None:
            kept.changes += 1
            beside.of(other).changes += 1
            beside.settle(part)


def forward_of(
    target: Target, entry: Entry, relies: Reliance, original: Method, ours: Method, again: Method
) -> Method:
    """Return a forward that keeps what is needed to run the book's forward in its place."""
    names, attributes = target.state, target.state + target.state_of_parts
    left = left_to_the_book(target.name, ready=target.ready)
    steps = [attrgetter(f"{path}.params" if path else "params") for path in target.keeps_weights]
    is_known = beside.everything.__contains__

    def _held(self: Any) -> list[Any]:
        try:
            return [found for found in (weights(self) for weights in steps) if type(found) is list]
        except AttributeError:  # the Korean TimeGRU has no list
            return []

    def forward(self: Any, *args: Any, **kwargs: Any) -> Any:
        if target.layers and _stays(self):
            return original(self, *args, **kwargs)
        if not kwargs and left(self, *args):
            if is_known(id(self)):
                beside.forget_forward(self)
            return original(self, *args)
        kept, unready = beside.of(self), _why_not(relies, target.ready, self)
        beside.settle(kept)
        reason = unready or _mistrusted(kept)
        if not reason:
            layers = [getattr(self, name) for name in target.made_of]
            for obj in (self, *layers):
                originals.put_waiting(type(obj))
            parts = [beside.of(layer) for layer in layers]
            _take_over(kept, self, parts)
            before, owed = {name: getattr(self, name) for name in names}, kept.owes
            kept.busy = True
            try:
                with Timed(entry):
                    out = ours(self, *args, **kwargs)
                kept.replay = Call(
                    self, Given(before, args, kwargs), attributes, target.read_back, target.copies, _held(self)
                )
                kept.again, kept.dtype = again, getattr(out, "dtype", None)
                if owed is not None:
                    owed.cancel()
                for part in parts:
                    part.owner = ref(self)
                return out
            except Exception as error:  # a refusal is one; what the book makes of it follows
                vars(self).update(before)
                reason = _reason(error)
            finally:
                kept.busy = False
        kept.cache = kept.replay = None
        out = original(self, *args, **kwargs)  # outside of the handler: its own errors, and no other
        # What was exchanged, and that a part was left as it is, has been said there.
        note_fallback(entry, reason, strict=settings.strict, warn=not unready)
        if unready:
            _note_left(target, entry, self, reason)
        return out

    return forward


def backward_of(target: Target, entry: Entry, relies: Reliance, original: Method, ours: Method) -> Method:
    """Return a backward for :func:`forward_of`."""

    known = beside.everything.get
    has_to_be_made = bool(target.made_on_read or target.made_of)
    way = dtypes.ways(ours, target.widened) if not target.any_gradient else lambda dtype, gradient: (ours, "")

    def backward(self: Any, *args: Any, **kwargs: Any) -> Any:
        kept = known(id(self))
        if kept is not None:
            beside.settle(kept)
        if kept is None or kept.replay is None:
            return original(self, *args, **kwargs)  # the last forward was the book's
        # Of what was exchanged, and of a part that was left as it is, it has been said; of dtypes nothing is.
        run, other = way(kept.dtype, next(iter((*args, *kwargs.values())), None))
        unsaid = _why_not(relies, target.ready, self) or other
        reason = unsaid or (_ERRORS if _asks_for_errors() else "")
        if kept.replay.is_changed():
            kept.changes += 1
            reason = reason or _CHANGED
        elif reason and has_to_be_made:
            kept.changes += 1
        if not reason:
            kept.busy = True
            try:
                with Timed(entry):
                    return run(self, *args, **kwargs)
            except Exception as error:
                reason = _reason(error)
            finally:
                kept.busy = False
        beside.run_again(self)
        out = original(self, *args, **kwargs)
        note_fallback(entry, reason, strict=settings.strict, warn=not unsaid)
        return out

    return backward


def again_of(target: Target, book_forward: Method) -> Method:
    """Return what runs the book's forward in the place of the last one, which was ours: its backward needs that."""

    def again(self: Any) -> None:
        kept = beside.of(self)
        call, cache, kept.replay, kept.cache = kept.replay, kept.cache, None, None
        # Where ours leave what the book's backward reads, there is nothing to make; and random numbers are not drawn.
        if call is not None and (target.made_on_read or target.made_of):
            call.run(self, book_forward)
            if target.after_backward is not None:
                target.after_backward(self, cache, target.made_on_read)

    return again


def loop(entry: Entry, relies: Reliance, original: Any, prepare: Method, run: Method) -> Method:
    """Return a method that runs a whole loop of the script's: once it has begun, what it raises is the script's.

    ``prepare(*args)`` returns what ``run`` needs beside the original and the arguments; None where the loop is
    not of its kind; a text that says why it cannot run.
    """

    def call(*args: Any, **kwargs: Any) -> Any:
        if settings.verify or not takes(original, *args, **kwargs):
            return original(*args, **kwargs)
        given = signature(original).bind(*args, **kwargs)
        given.apply_defaults()  # all arguments by their places, however they were named
        whole, *rest = given.args
        try:
            found = prepare(whole, *rest, **given.kwargs)
        except Exception:  # something of the reader's stands in the place of what the book has
            found = None
        if found is None:
            return original(*args, **kwargs)
        reason = relies.exchanged() or relies.own_ways(type(whole)) or (_ERRORS if _asks_for_errors() else "")
        reason = reason or (found if isinstance(found, str) else "")
        if reason:
            note_fallback(entry, reason, strict=settings.strict, warn=False)
            return original(*args, **kwargs)
        with Timed(entry):
            return run(found, original, whole, tuple(rest), given.kwargs)

    return call


def plain(
    entry: Entry,
    relies: Reliance,
    original: Method,
    ours: Method,
    target: Target | None,
    left: Question,
    *,
    computes: bool = True,
    decides: bool = False,
) -> Method:
    """Return a method that has no backward, or what a function is sent to.

    ``target``, of a method, is asked about the object, ``left`` about the arguments, see ``left_to_the_book``;
    ``computes`` says whether NumPy's errors are a matter of it, ``decides`` that errors of ours are the answer.
    """
    ready, has_layers = (None, False) if target is None else (target.ready, bool(target.layers))

    def call(*args: Any, **kwargs: Any) -> Any:
        if has_layers and args and _stays(args[0]):
            return original(*args, **kwargs)
        if not kwargs and left(*args):
            return original(*args)
        reason = _why_not(relies, ready, args[0]) if args else ""
        is_ready = not reason
        if is_ready and computes and _asks_for_errors():
            reason = _ERRORS
        if not reason:
            try:
                with Timed(entry):
                    return ours(*args, **kwargs)
            except LeftToTheBookError:
                pass
            except Exception as error:
                if decides:
                    raise
                reason = _reason(error)
        out = original(*args, **kwargs)
        if reason:
            note_fallback(entry, reason, strict=settings.strict, warn=is_ready)
        if target is not None and not is_ready and has_layers:
            _note_left(target, entry, args[0], reason)
        return out

    return call
