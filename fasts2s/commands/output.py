"""What the commands print, on streams that cannot hold every character, or that nobody reads any more."""

import codecs
import contextlib
import errno
import io
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, TypeVar

_T = TypeVar("_T", bound=Sequence[str])

#: The exit status where the reader of a pipe has gone: what a shell reports of a program that the signal ended.
NOBODY_READS = 128 + 13

# What tables are drawn with; all other characters that a stream cannot hold are written as \uXXXX.
_PLAIN = {"\N{MULTIPLICATION SIGN}": "x", "\N{PLUS-MINUS SIGN}": "+-", "\N{MICRO SIGN}": "u"}
_HANDLER = "fasts2s.plainly"
_FIRST_BYTE, _LAST_BYTE = "\udc80", "\udcff"  # bytes of file names that are no text


def _plainly(error: UnicodeError) -> tuple[str | bytes, int]:
    """Write the first character that cannot be encoded in another way: an error handler for codecs."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    char = error.object[error.start]
    if _FIRST_BYTE <= char <= _LAST_BYTE:
        return bytes([ord(char) - 0xDC00]), error.start + 1
    return _PLAIN.get(char) or char.encode("ascii", "backslashreplace").decode(), error.start + 1


codecs.register_error(_HANDLER, _plainly)


@contextlib.contextmanager
def fit_output() -> Iterator[None]:
    """Let standard output take every character, and write each line at once, until the end of the block.

    An error handler other than Python's own was asked for (``PYTHONIOENCODING=ascii:replace``) and is kept. Lines are
    not held back: who sends them into a file or a pipe reads them when they are printed.
    """
    stream = sys.stdout
    if not isinstance(stream, io.TextIOWrapper):  # a notebook's, or none
        yield
        return
    before: dict[str, Any] = {"errors": stream.errors, "line_buffering": stream.line_buffering}
    ours = _HANDLER if stream.errors in {"strict", "surrogateescape"} else stream.errors
    stream.reconfigure(errors=ours, line_buffering=True)
    try:
        yield
    finally:
        with contextlib.suppress(OSError, ValueError):
            _drop_what_nobody_takes(stream)
            stream.reconfigure(**before)


def _drop_what_nobody_takes(stream: io.TextIOWrapper) -> None:
    """Send what cannot be written to nowhere: Python would complain about it when it ends."""
    try:
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def nobody_reads(error: BaseException | None) -> bool:
    """Return whether an error says that the reader of a pipe has gone, as in ``| head -1``."""
    if os.name == "nt" and isinstance(error, OSError):  # which has another number for it, but names no file
        return error.errno in {errno.EPIPE, errno.EINVAL} and error.filename is None
    return isinstance(error, BrokenPipeError)


def fitting(wanted: _T, instead: _T) -> _T:
    """Return ``wanted`` if standard output can hold all of it, else ``instead``."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        "".join(wanted).encode(encoding)
    except UnicodeEncodeError:
        return instead
    return wanted


def complain(text: object, *, by: str = "fasts2s") -> None:
    """Print a line to standard error, beginning with who says it; never fails."""
    if sys.stderr is not None:  # else print would take standard output
        with contextlib.suppress(OSError, ValueError):
            print(f"{by}: {text}", file=sys.stderr, flush=True)


def to_be_typed(words: Sequence[str]) -> str:
    """Return a command as it is typed: words with blanks are quoted as the system's shell wants it."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


class Beside:
    """A block beside the work, such as a picture: where it fails, one warning says so and the work goes on.

    Parameters
    ----------
    what : str
        What is lost, for the warning.
    faults : type or tuple of types
        The exceptions that do not matter. That nobody reads the output any more always does.
    """

    def __init__(self, what: str, faults: type[Exception] | tuple[type[Exception], ...] = Exception) -> None:
        self.what, self.faults, self.failed = what, faults, False

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if not isinstance(error, self.faults) or nobody_reads(error):
            return False
        if not self.failed:
            said = " ".join(f"{type(error).__name__}: {error}".split())
            complain(f"warning: {self.what} failed, the rest goes on ({said})")
        self.failed = True
        return True
