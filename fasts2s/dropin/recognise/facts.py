"""What was found in a text, kept from run to run by the hash of the text: a text that has not changed is not parsed.

Kept is what the text says, and a digest of the code that it is compiled to. Whether that is the code that runs is
looked at in every run, see :mod:`fasts2s.dropin.recognise.sources`; what names stand for is asked in every run, too.
"""

import atexit
import hashlib
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from types import CodeType, EllipsisType, NoneType
from typing import Any

from fasts2s.dropin.errors import UnrecognisedError
from fasts2s.dropin.recognise import kept

#: What may be kept: what JSON gives back as it was.
Facts = dict[str, Any]
#: Types of constants that a text may hold, beside tuples, frozen sets and code.
_WRITTEN = (bool, int, float, complex, str, bytes, NoneType, EllipsisType, slice)
_FOLDER, _MOST = "texts", 400
#: File -> what will be written to it.
_changed: dict[Path, Facts] = {}


class Kept:
    """Facts of one text, or of a part of it; all parts are kept together."""

    def __init__(self, facts: Facts, whole: "Kept | None" = None, file: Path | None = None) -> None:
        self.facts, self._whole, self._file = facts, whole or self, file

    def fact(self, name: str, find: Callable[[], Any]) -> Any:
        """Return a fact; it is found where it is not kept."""
        if name not in self.facts:
            self.keep(name, find())
        return self.facts[name]

    def fact_unless_refused(self, name: str, find: Callable[[], Any]) -> Any:
        """Return a fact, or raise UnrecognisedError where finding it does: that is kept, too."""

        def found() -> Facts:
            try:
                return {"refused": "", "fact": find()}
            except UnrecognisedError as error:
                return {"refused": str(error), "fact": None}

        said = self.fact(name, found)
        if said["refused"]:
            raise UnrecognisedError(said["refused"])
        return said["fact"]

    def keep(self, name: str, fact: Any) -> None:
        """Keep a fact."""
        self.facts[name] = fact
        file = self._whole._file
        if file is not None:
            if not _changed:
                atexit.register(write)
            _changed[file] = self._whole.facts

    def part(self, facts: Facts) -> "Kept":
        """Return a part of this."""
        return Kept(facts, self._whole)


def of(text: str, flags: int) -> Kept:
    """Return what is kept of a text that is compiled with these flags."""
    versions = f"{kept.ours()} {sys.version} {sys.flags.optimize} {flags}"
    key = hashlib.sha256(f"{versions}\n{text}".encode(errors="surrogatepass")).hexdigest()
    file = kept.folder() / _FOLDER / f"{key[:32]}.json"
    return Kept(_changed.get(file) or kept.read(file), file=file)


def write() -> None:
    """Write what was found; of the files that were written long ago, the oldest go."""
    for file, facts in list(_changed.items()):
        kept.write(file, facts)
    for folder in {file.parent for file in _changed}:
        _thin_out(folder)
    _changed.clear()


def _thin_out(folder: Path) -> None:
    try:
        files = sorted(folder.iterdir(), key=lambda file: file.stat().st_mtime)
        for file in files[:-_MOST]:
            file.unlink()
    except OSError:
        return  # another process does the same


@lru_cache(maxsize=4096)
def digest(code: CodeType) -> str:
    """Return the same text for two code objects that are equal, and another one for two that are not."""
    said = (
        code.co_name, code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags,
        code.co_firstlineno, code.co_code, code.co_names, code.co_varnames, code.co_cellvars, code.co_freevars,
        code.co_linetable, getattr(code, "co_exceptiontable", b""), _shown(code.co_consts),
    )  # fmt: skip
    return hashlib.sha256(ascii(said).encode()).hexdigest()


def _shown(constant: Any) -> str:
    if isinstance(constant, CodeType):
        return f"code {digest(constant)}"
    if isinstance(constant, tuple):
        return f"({','.join(map(_shown, constant))})"
    if isinstance(constant, frozenset):
        return f"{{{','.join(sorted(map(_shown, constant)))}}}"
    # What we have put into code stands in no text, and to write it down could take long.
    said = f"{constant!a}" if isinstance(constant, _WRITTEN) else f"at {id(constant)}"
    return f"{type(constant).__name__} {said}"
