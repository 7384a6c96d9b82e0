"""Putting replacements in, module by module, and taking them out."""

import sys
from collections.abc import Callable
from functools import partial, wraps
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any
from weakref import WeakSet

from fasts2s.dropin import places
from fasts2s.dropin.book import lookahead
from fasts2s.dropin.book.evaluations import read_evaluation
from fasts2s.dropin.errors import FallbackError, UnrecognisedError
from fasts2s.dropin.gpu import mode as gpu_mode
from fasts2s.dropin.gpu import repairs as gpu_repairs
from fasts2s.dropin.recognise import book_code
from fasts2s.dropin.recognise.book_code import known_class, require_known
from fasts2s.dropin.recognise.sources import as_written
from fasts2s.dropin.replace import beside, originals, owed, quick, reliance, targets, wrappers
from fasts2s.dropin.replace.reliance import Known, Reliance
from fasts2s.dropin.replace.sending import sent_to
from fasts2s.dropin.replace.sizes import left_to_the_book
from fasts2s.dropin.replace.targets import CHAPTER_HOMES, FUNCTIONS, HOMES, FunctionTarget, Target
from fasts2s.dropin.run import repairs, together, verify
from fasts2s.dropin.run.report import LEFT, REPLACED, Entry, Report
from fasts2s.dropin.settings import ActiveBackend, installed, settings

Method = Callable[..., Any]
#: Everything of the book that was found, in the order in which it was.
entries: list[Entry] = []
#: Classes that a loop goes past, and nothing else of ours: they are judged by what they compute when one begins.
_waiting: list[tuple[Target, Entry, type]] = []
#: Classes of other names that are nothing of the book's, and functions that have been offered.
_looked_at: "WeakSet[Any]" = WeakSet()


def offer(space: dict[str, Any], module: str) -> None:
    """Replace what is the book's in the namespace of a module; what is not is noted as left.

    Raises FallbackError for an edited class where ``settings.strict``.
    """
    for found in list(space.values()):
        if isinstance(found, type) and found.__module__ == module and (is_candidate(module) or may_be(found)):
            offer_class(found)
    offer_functions(space, module)


def offer_functions(space: dict[str, Any], module: str) -> None:
    """Replace the functions of the book in the namespace of a module."""
    home = module.rpartition(".")[2]
    for function in FUNCTIONS:
        found = space.get(function.name)
        if isinstance(found, FunctionType) and found.__module__ == module and found not in _looked_at:
            _looked_at.add(found)
            found.__code__ = as_written(found.__code__)  # see heard.py
            _offer_function(function, found)
    for found in list(space.values()):
        if isinstance(found, FunctionType) and found.__module__ == module and gpu_repairs.runs_on_host(home, found):
            _offer_to_host(found)


def offer_class(found: type) -> None:
    """Replace a class, whatever its module is: by its name, or by what it is made of."""
    if found in installed or found in _looked_at:
        return
    try:
        _offer_known(found)
    finally:
        together.offer(found)


def _offer_known(found: type) -> None:
    target = targets.named(found.__name__)
    if target is not None:
        _offer_class(target, found)
    elif not settings.only_book and not gpu_mode.is_on() and not book_code.is_known(found.__name__):
        _offer_nameless(found)


def may_be(found: type) -> bool:
    """Return whether a class has methods of its own that could be the book's: of any other, nothing is said."""
    target = targets.named(found.__name__)
    wanted = {"forward", "backward"} if target is None or not target.members else set(target.members)
    return wanted <= originals.own(found).keys()


def _meaning() -> Any:
    """Return what recognises by meaning; a script that has the book's text never asks for it, and it takes time."""
    return import_module("fasts2s.dropin.recognise.meaning")


def _offer_nameless(found: type) -> None:
    """Replace a class that has another name than the book's; of one that is nothing of the book's nothing is said."""
    _looked_at.add(found)
    if not may_be(found):
        return
    meaning = _meaning()
    for name in meaning.similar(found):
        target = targets.named(name)
        assert target is not None  # for the type checker: it is the name of one
        try:
            recognised = meaning.recognise(found, target, _install)
        except UnrecognisedError:
            continue
        entry = Entry(found.__module__, found.__name__, REPLACED, by_meaning=True)
        entries.append(entry)
        _put_in(recognised.target, entry, found, recognised.known)
        return


def _recognised(entry: Entry, found: Any, members: tuple[str, ...]) -> Reliance | None:
    """Enter a class or function in the report; return what it relies on if it is the book's, or vouched for."""
    entries.append(entry)
    relies = Reliance()
    try:
        if entry.name not in settings.trust:
            relies = require_known(found, members)
    except UnrecognisedError as error:
        entry.reason = str(error)
        return None
    entry.status = REPLACED
    return relies


def _refuse_if_strict(entry: Entry) -> None:
    if settings.strict:
        raise FallbackError(f"{entry.module}.{entry.name} was left as it is: {entry.reason}")


def _offer_class(target: Target, found: type) -> None:
    if target.on_host and gpu_mode.is_on():
        return
    entry = Entry(found.__module__, target.name)
    relies = _recognised(entry, found, target.known_by)
    if relies is not None:
        if not target.members:
            entries.pop()  # nothing of it is replaced: a loop that is goes past it
        _put_in(target, entry, found, known_class(found, relies, trusted=entry.name in settings.trust))
    elif not target.members and _can_be_tried(target) and not settings.strict:
        _waiting.append((target, entries.pop(), found))
    elif not _put_in_by_meaning(target, entry, found):
        _refuse_if_strict(entry)
        if settings.verify and not gpu_mode.leaves_the_book() and {"forward", "backward"} <= target.methods.keys():
            _watch(target, entry, found)


def _put_in(target: Target, entry: Entry, found: type, known: Known) -> None:
    installed[found] = target.name
    reliance.known[found] = known
    gpu_repairs.repair_class(target.name, found)
    if target.needs_no_kernels or not _left_in_gpu_mode(entry):
        _install(target, entry, found)


def judge_waiting() -> None:
    """Judge the classes that wait for a loop: it begins."""
    while _waiting:
        target, entry, found = _waiting.pop(0)
        entries.append(entry)
        _put_in_by_meaning(target, entry, found)


def _after_judging(prepare: Method) -> Method:
    """Return what a loop of the script's is prepared by, see :func:`fasts2s.dropin.replace.wrappers.loop`."""

    def prepared(*args: Any, **kwargs: Any) -> Any:
        judge_waiting()
        return prepare(*args, **kwargs)

    return prepared


def _can_be_tried(target: Target) -> bool:
    return not settings.only_book and not gpu_mode.is_on() and bool(_meaning().can_be_tried(target))


def _put_in_by_meaning(target: Target, entry: Entry, found: type) -> bool:
    """Replace a class whose text is another, if it computes the same; else say why it does not."""
    if not _can_be_tried(target):
        return False
    try:
        recognised = _meaning().recognise(found, target, _install)
    except UnrecognisedError as error:
        entry.reason += f"; {error}"
        return False
    entry.status, entry.reason, entry.by_meaning = REPLACED, "", True
    if not target.members:
        entries.pop()  # as above
    _put_in(recognised.target, entry, found, recognised.known)
    return True


def _left_in_gpu_mode(entry: Entry) -> bool:
    """Return whether something of the book's is left as it is because there are no kernels for its GPU mode."""
    if gpu_mode.leaves_the_book():
        entry.status, entry.reason = LEFT, gpu_mode.WITHOUT_KERNELS
    return entry.status == LEFT


def _lend(target: Target, found: type) -> None:
    """Give a class the attributes that our methods use beside the book's own."""
    originals.replace(found, "backend", ActiveBackend())
    originals.replace(found, "_cache", beside.Cache())
    for name, at_first in target.aside:
        originals.replace(found, name, beside.Aside(name, at_first))
    if target.parts:
        originals.replace(found, "_reader", beside.Part(*target.parts))
        originals.replace(found, "_plain_ids", target.plain_ids)


def _install(target: Target, entry: Entry, found: type) -> None:
    book, relies = {name: vars(found)[name] for name in target.members}, reliance.known[found].inside
    for name, (prepare, run) in target.loops.items():
        loop = wrappers.loop(entry, relies, book[name], _after_judging(prepare), run)
        originals.replace(found, name, wraps(book[name])(loop))
    if not target.methods:
        return
    _lend(target, found)
    new = _ours(target, book)
    if {"forward", "backward"} <= new.keys():
        again = wrappers.again_of(target, book["forward"])
        new["forward"] = wrappers.forward_of(target, entry, relies, book["forward"], new["forward"], again)
        new["backward"] = wrappers.backward_of(target, entry, relies, book["backward"], new["backward"])
        originals.replace(found, "__reduce_ex__", beside.Reduced(found))
        for name in target.made_on_read:
            originals.replace_when_needed(found, name, beside.MadeOnRead(name))
        for name in target.owed:
            originals.replace_when_needed(found, name, owed.Owed(name))
        if settings.verify:
            new |= verify.layer_methods(entry, book, dict(new), target.ready)
        else:
            new["forward"] = quick.forward(target.name, book["forward"], new["forward"])
            new["backward"] = quick.backward(book["backward"], new["backward"])
    for name in new.keys() - {"forward", "backward"}:
        computes = not target.needs_no_kernels
        left = left_to_the_book(f"{target.name}.{name}", needs_kernels=computes, ready=target.ready)
        new[name] = wrappers.plain(entry, relies, book[name], new[name], target, left, computes=computes)
        if settings.verify:
            new[name] = verify.plain_method(entry, book[name], new[name], deep=name != "get_batch")
        else:
            new[name] = quick.plain(f"{target.name}.{name}", book[name], new[name])
        repairs.note_replaced(f"{target.name}.{name}")
    for name, method in new.items():
        originals.replace(found, name, wraps(book[name])(method))


def _ours(target: Target, book: dict[str, Any]) -> dict[str, Method]:
    """Return what is put in the place of methods of the book."""
    return {
        name: gpu_repairs.ours_in_gpu_mode(target.name, name, method, target.methods[name])
        for name, method in book.items()
        if name in target.methods
    }


def _watch(target: Target, entry: Entry, found: type) -> None:
    book: dict[str, Any] = {name: vars(found).get(name) for name in ("forward", "backward")}
    if not all(isinstance(method, FunctionType) for method in book.values()):
        return
    _lend(target, found)
    for name, method in verify.edited_methods(entry, book, _ours(target, book)).items():
        originals.replace(found, name, wraps(book[name])(method))


def _offer_function(target: FunctionTarget, found: FunctionType) -> None:
    if originals.of(found) or lookahead.is_watched(found.__code__) or gpu_repairs.runs_on_host(target.home, found):
        return
    entry = Entry(found.__module__, target.name)
    relies = _recognised(entry, found, ())
    if relies is None:
        if target.is_watched:
            if not _watch_by_reading(target, entry, found):
                _refuse_if_strict(entry)
            return
        other = _function_by_meaning(target, entry, found)
        if other is None:
            _refuse_if_strict(entry)
            return
        target, relies = other
    if not target.in_module and _left_in_gpu_mode(entry):
        return
    if target.is_watched:
        lookahead.watch(found.__code__, entry)
        return
    book = FunctionType(found.__code__, found.__globals__, found.__name__, found.__defaults__, found.__closure__)
    originals.replace(found, found.__name__, sent_to(found, _in_its_place(target, entry, relies, book)))
    repairs.note_replaced(target.name)


def _watch_by_reading(target: FunctionTarget, entry: Entry, found: FunctionType) -> bool:
    """Answer in batches what calls a function that is not the book's, if reading it shows that it changes nothing."""
    if not target.is_watched or settings.only_book:
        return False
    try:
        needs = read_evaluation(found)
    except UnrecognisedError as error:
        entry.reason += f"; {error}"
        return False
    entry.status, entry.reason, entry.by_reading = REPLACED, "", True
    if not _left_in_gpu_mode(entry):
        lookahead.watch(found.__code__, entry, needs)
    return True


def _function_by_meaning(
    target: FunctionTarget, entry: Entry, found: FunctionType
) -> tuple[FunctionTarget, Reliance] | None:
    """Return what is put in the place of a function whose text is another, and what that relies on; None: nothing."""
    if settings.only_book or gpu_mode.is_on() or target.in_module or (target.ours is None and target.loop is None):
        return None
    try:
        other: tuple[FunctionTarget, Reliance] = _meaning().recognise_function(found, target)
    except UnrecognisedError as error:
        entry.reason += "" if str(error) == entry.reason else f"; {error}"
        return None
    entry.status, entry.reason, entry.by_meaning = REPLACED, "", True
    return other


def _in_its_place(target: FunctionTarget, entry: Entry, relies: Reliance, book: FunctionType) -> Method:
    """Return what a function of the book is sent to."""
    if target.loop is not None:
        return wrappers.loop(entry, relies, book, *target.loop)
    assert target.ours is not None  # for the type checker: without one it is watched
    ours = partial(target.ours, book.__globals__) if target.in_module else target.ours
    computes = target.name == "clip_grads"
    left = left_to_the_book(target.name, needs_kernels=computes)
    call = wrappers.plain(entry, relies, book, ours, None, left, computes=computes, decides=target.in_module)
    if target.in_module:
        return call
    if settings.verify:
        return verify.plain_method(entry, book, call, deep=True)
    return quick.plain(target.name, book, call)


def _offer_to_host(found: FunctionType) -> None:
    entry = Entry(found.__module__, found.__name__)
    if originals.of(found):
        return
    if _recognised(entry, found, ()) is None:
        _refuse_if_strict(entry)
    else:
        originals.repair(found, found.__name__, sent_to(found, gpu_repairs.host_version(entry, found)))


def offer_loaded() -> None:
    """Offer every module of the book that has been imported already."""
    for name, module in list(sys.modules.items()):
        if isinstance(module, ModuleType) and (is_candidate(name) or _is_imported_by_the_user(module)):
            offer_module(module)


def _is_imported_by_the_user(module: ModuleType) -> bool:
    return module.__name__ != "__main__" and places.is_users(module)


def is_candidate(name: str) -> bool:
    """Return whether a module may be the book's, by its name: ``common.x``, ``dataset.x``, ``ch07.x`` or ``x``."""
    package, _, last = name.rpartition(".")
    if name in gpu_mode.HOMES:
        return True
    if package in {"common", "dataset"}:
        return last in HOMES or last in repairs.HOMES
    return package in {"", "ch04", "ch05", "ch06", "ch07", "ch08"} and last in CHAPTER_HOMES


def offer_module(module: ModuleType) -> None:
    """Replace what is the book's in a module, and repair what does not run."""
    offer(vars(module), module.__name__)
    repairs.repair_module(module)


def report(total_seconds: float | None = None) -> Report:
    """Return what was found so far."""
    return Report(list(entries), total_seconds)


def take_out() -> None:
    """Put everything back as the book has it."""
    owed.pay_all()
    originals.restore_all()
    repairs.undo()
    installed.clear()
    beside.forget()
    reliance.forget()
    lookahead.forget()
    entries.clear()
    _waiting.clear()
    _looked_at.clear()
