"""What becomes of the definitions of one file: whether they compute the same, whether the drop-in replaces them."""

import contextlib
import io
import multiprocessing
import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

import fasts2s
from fasts2s.dropin.book import lookahead
from fasts2s.dropin.replace import originals, patching
from fasts2s.dropin.replace import targets as dropin_targets
from fasts2s.dropin.settings import every_size, installed
from wild.definitions import BOOK_CLASSES, File
from wild.loading import CannotBeImportedError, load
from wild.model_probes import MODELS
from wild.probes import FUNCTIONS, LAYERS, OPTIMIZERS, TRAINERS, Probe
from wild.steps import SIZES, difference
from wild.word_probes import WORD_FUNCTIONS, WORDS

SAME, DIFFERENT, FAILS, NOT_JUDGED, LIKE_NONE = "same", "different", "fails", "not judged", "like none"
NOT_IMPORTED, TOO_LONG = "cannot be imported", "takes too long"
PROBES: dict[str, Probe] = LAYERS | MODELS | OPTIMIZERS | TRAINERS | FUNCTIONS | WORDS | WORD_FUNCTIONS
_BY_SHAPE = LAYERS | MODELS | OPTIMIZERS
_SEED, _FIRST = 7, 1  # the size that is tried first with definitions of other names
#: The package stays in float32 where the book's code comes to float64.
_IN_FLOAT32 = {"SigmoidWithLoss", *WORDS}
#: Names of what the drop-in has replacements for.
REPLACEABLE = {*dropin_targets.NAMES, *(t.name for t in dropin_targets.FUNCTIONS)}


class Row(NamedTuple):
    """One definition.

    Attributes
    ----------
    like : str
        What of the book's it was compared with.
    verdict : str
        Whether it computes the same.
    why : str
        How it differs, or what it ends with.
    replaced : bool
    reason : str
        Why the drop-in has left it, in its words; "" where it has not looked at it.
    wrong : str
        How what it computes under the drop-in differs from what it computes by itself.
    """

    file: str
    name: str
    like: str
    verdict: str
    why: str = ""
    replaced: bool = False
    reason: str = ""
    wrong: str = ""


_ours: dict[tuple[str, int], list[tuple[str, Any]]] = {}


def prepare() -> None:
    """Record what ours answer to all probes at all sizes: once, before processes are forked."""
    with fasts2s.use_backend("numpy"), _quiet():
        for name, probe in PROBES.items():
            for k, size in enumerate(SIZES):
                _ours[name, k] = probe.record(probe.ours, size, np.random.default_rng(_SEED)).seen


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with contextlib.ExitStack() as all_of_it:
        all_of_it.enter_context(contextlib.redirect_stdout(io.StringIO()))
        all_of_it.enter_context(np.errstate(all="ignore"))
        all_of_it.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        yield


def _compared(name: str, found: Any, k: int) -> tuple[str, str]:
    try:
        theirs = PROBES[name].record(found, SIZES[k], np.random.default_rng(_SEED)).seen
    except Exception as error:
        return FAILS, f"{type(error).__name__}: {error}"[:200]
    why = difference(theirs, _ours[name, k], dtypes=name in REPLACEABLE - _IN_FLOAT32)
    return (DIFFERENT, why) if why else (SAME, "")


def _judged_as(name: str, found: Any) -> tuple[str, str]:
    for k in range(len(SIZES)):
        verdict, why = _compared(name, found, k)
        if verdict != SAME:
            return verdict, f"{why} at {'N={}, T={}, D={}, H={}, V={}'.format(*SIZES[k])}"
    return SAME, ""


def judge(found: Any, name: str) -> tuple[str, str, str]:
    """Return which definition of the book's another one is compared with, the verdict, and why."""
    with _quiet():
        if name in PROBES:
            return (name, *_judged_as(name, found))
        if name in BOOK_CLASSES or isinstance(found, FunctionType):
            return name, NOT_JUDGED, ""
        for like in _BY_SHAPE:
            if _compared(like, found, _FIRST)[0] == SAME and _judged_as(like, found)[0] == SAME:
                return like, SAME, ""
    return "", LIKE_NONE, ""


def _records(found: Any, name: str) -> list[list[tuple[str, Any]] | None]:
    """Return what a definition answers at every size, None where it fails."""
    answers: list[list[tuple[str, Any]] | None] = []
    with _quiet(), every_size():
        for size in SIZES if name in PROBES else ():
            try:
                answers.append(PROBES[name].record(found, size, np.random.default_rng(_SEED)).seen)
            except Exception:
                answers.append(None)
    return answers


def _touched(found: Any) -> list[Any]:
    """Make objects of a class of another name, in all ways that the book's are made."""
    if isinstance(found, type):
        with _quiet():
            for probe in _BY_SHAPE.values():
                with contextlib.suppress(Exception):
                    probe.record(found, SIZES[_FIRST], np.random.default_rng(_SEED))
    return []


def _changed(before: list[list[tuple[str, Any]] | None], now: list[list[tuple[str, Any]] | None]) -> str:
    pairs = [(a, b) for a, b in zip(before, now, strict=True) if a is not None]
    return next(filter(None, ("fails" if b is None else difference(b, a, dtypes=True) for a, b in pairs)), "")


class _Look(NamedTuple):
    """What is seen of a definition while the drop-in is in force."""

    name: str
    found: Any
    replaced: bool
    reason: str
    answers: list[list[tuple[str, Any]] | None]

    def row(self, path: str) -> Row:
        """Return the row; the drop-in is in force no more."""
        wrong = _changed(_records(self.found, self.found.__name__), self.answers) if self.replaced else ""
        return Row(path, self.name, *judge(self.found, self.found.__name__), self.replaced, self.reason, wrong)


def _is_replaced(found: Any) -> bool:
    if isinstance(found, FunctionType):
        return bool(originals.of(found)) or lookahead.is_watched(found.__code__)
    return found in installed


def _looks(file: File, space: dict[str, Any]) -> list[_Look]:
    definitions = [(name, space[name]) for name in file.names if isinstance(space.get(name), type | FunctionType)]
    # Made into objects first: what a script types itself may be looked at only then.
    answers = [_records(found, found.__name__) or _touched(found) for _, found in definitions]
    patching.judge_waiting()
    entries, looks = fasts2s.status().entries, []
    for (name, found), answer in zip(definitions, answers, strict=True):
        home = (found.__module__, found.__name__)
        reason = next((e.reason for e in entries if (e.module, e.name) == home), "")
        looks.append(_Look(name, found, _is_replaced(found), reason, answer))
    return looks


def _rows(file: File, folder: Path) -> list[Row]:
    path = str(file.path.relative_to(folder))
    try:
        space = load(file, folder)
    except CannotBeImportedError as error:
        return [Row(path, name, name, NOT_IMPORTED, str(error)) for name in file.names]
    looks = _looks(file, space)
    fasts2s.unpatch()
    rows = [look.row(path) for look in looks]
    missing = set(file.names) - {row.name for row in rows}
    why = str(space.get("__error__", "it is not among the names of the module"))
    return rows + [Row(path, name, name, NOT_IMPORTED, why) for name in sorted(missing)]


def _answer(pipe: Any, file: File, folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="fasts2s-wild-") as place, Path(os.devnull).open("w") as nowhere:
        os.environ["IPYTHONDIR"] = place
        for stream in (1, 2):
            os.dup2(nowhere.fileno(), stream)
        pipe.send(_rows(file, folder))


def of_file(file: File, folder: Path, limit: float) -> list[Row]:
    """Return the rows of a file, from a process of its own with a limit of seconds."""
    processes = multiprocessing.get_context("fork")
    ours, theirs = processes.Pipe(duplex=False)
    process = processes.Process(target=_answer, args=(theirs, file, folder))
    process.start()
    theirs.close()
    try:
        rows: list[Row] = ours.recv() if ours.poll(limit) else []
        why = "" if rows else TOO_LONG
    except EOFError:  # it has ended without an answer
        rows, why = [], NOT_IMPORTED
    process.kill()
    process.join()
    path = str(file.path.relative_to(folder))
    return rows or [Row(path, name, name, why) for name in file.names]
