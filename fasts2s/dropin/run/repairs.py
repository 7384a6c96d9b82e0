"""What does not run on a current stack, repaired for the time of the run, and said once each."""

import ast
import contextlib
import importlib.util
import linecache
import logging
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

_log = logging.getLogger("fasts2s.dropin")
#: Last parts of names of modules in which something may be repaired.
HOMES = {"sequence", "spiral"}
_said: list[str] = []
_modules: list[tuple[ModuleType, str, Any]] = []
_finders: list[Any] = []
_others: list[Callable[[], None]] = []

_REPLACED = {
    "RnnlmGen.generate": "int() of an array of one element, an error since NumPy 2.4",
    "BetterRnnlmGen.generate": "int() of an array of one element, an error since NumPy 2.4",
    "_download": "the download of the Penn Treebank went on without verifying the server where that failed",
}


def said() -> list[str]:
    """Return the repairs made so far."""
    return list(_said)


def say(text: str) -> None:
    """Say that something was repaired, once."""
    if text not in _said:
        _said.append(text)
        _log.info("repaired: %s", text)


def note_replaced(name: str) -> None:
    """Say that a replacement, by its name, is a repair as well, if it is one."""
    if name in _REPLACED:
        say(f"{name} ({_REPLACED[name]})")


class _NumPyWithInt(ModuleType):
    """NumPy as a module of the book sees it: with ``numpy.int``, which was Python's int until NumPy 1.24."""

    int = int

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


def repair_module(module: ModuleType) -> None:
    """Repair a module of the book after it has been executed."""
    if module.__name__.rpartition(".")[2] not in HOMES or hasattr(np, "int"):
        return
    for name in ("numpy", "np"):
        if vars(module).get(name) is np and _asks_for_int(module):
            _modules.append((module, name, np))
            setattr(module, name, _NumPyWithInt("numpy"))
            say(f"{module.__name__} (numpy.int, gone since NumPy 1.24)")


def _asks_for_int(module: ModuleType) -> bool:
    """Return whether the text of a module has ``numpy.int`` in it."""
    file = getattr(module, "__file__", None) or ""
    with contextlib.suppress(SyntaxError, ValueError):
        return any(
            isinstance(node, ast.Attribute)
            and node.attr == "int"
            and getattr(node.value, "id", "") in {"numpy", "np"}
            for node in ast.walk(ast.parse("".join(linecache.getlines(file))))
        )
    return False


class _ChapterSeven:
    """The last finder: chapter 8 imports ``seq2seq``, which is in the folder of chapter 7 that nothing points to."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "seq2seq.py"

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
        if name != "seq2seq" or not self._file.is_file():
            return None
        say("import seq2seq (chapter 8 imports it from the folder of chapter 7, which is not on the path)")
        return importlib.util.spec_from_file_location(name, self._file)


def repair_imports(script_folder: Path) -> None:
    """Let scripts of chapter 8 find ``seq2seq``."""
    if (script_folder / "attention_seq2seq.py").is_file():
        finder = _ChapterSeven(script_folder.resolve().parent / "ch07")
        _finders.append(finder)
        sys.meta_path.append(finder)


def undone_by(take_back: Callable[[], None]) -> None:
    """Note a repair made elsewhere, and how it is taken back."""
    _others.append(take_back)


def undo() -> None:
    """Take all repairs back."""
    for module, name, value in _modules:
        setattr(module, name, value)
    for finder in _finders:
        sys.meta_path.remove(finder)
    while _others:
        _others.pop()()
    _modules.clear()
    _finders.clear()
    _said.clear()
