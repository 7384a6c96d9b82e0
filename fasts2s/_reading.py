"""Text files, plain or gzip, in any encoding, line by line; errors name the file and the line."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from fasts2s_kernels.checks.arguments import as_text
from fasts2s_kernels.checks.scalars import shown

MAX_LINE = 100_000  # characters; a longer one is no sentence, and often a binary file

_GZIP_MAGIC = b"\x1f\x8b"  # never the start of UTF-8 text
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BLOCK = 1 << 16
_DAMAGED_GZIP = (gzip.BadGzipFile, EOFError, zlib.error)


class Lines:
    """The lines of a text file, without their ends, which may be LF, CRLF or CR; a byte-order mark is left out.

    Parameters
    ----------
    path : an existing file, plain or gzip
    encoding : None: UTF-8, and errors name no way to choose another
    max_line : most characters of a line

    Raises
    ------
    FileNotFoundError, IsADirectoryError, OSError : there is no such file, it is a folder, it cannot be read.
    ValueError : while reading, with the number of the line: bytes that are not of the encoding, damaged gzip data, a
        line that is too long, a zero byte. At once: an unknown encoding.
    """

    def __init__(self, path: Path, encoding: str | None = None, max_line: int = MAX_LINE) -> None:
        self.path, self.max_line = path, min(max_line, 1 << 30)
        self.number = 0  # of the line that was read last
        self._named = encoding is not None
        self._encoding = _text_encoding("utf-8" if encoding is None else encoding)
        self._bytes = _opened(path)
        self._text = io.TextIOWrapper(self._bytes, encoding=self._encoding)

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._text.close()

    def __iter__(self) -> Iterator[str]:
        limit, read = self.max_line + 1, self._text.readline
        try:
            while line := read(limit):
                self.number += 1
                if line[-1] == "\n":
                    line = line[:-1]
                elif len(line) == limit:
                    raise self.wrong(
                        f"more than {self.max_line:,} characters, expected a text of one line: "
                        "look whether the file is what you think, or allow more with max_line"
                    )
                if "\0" in line:
                    raise self.wrong(
                        "a zero byte, expected text: name the encoding, such as 'utf-16', if that is what it is"
                    )
                yield line.removeprefix("\ufeff") if self.number == 1 else line
        except (UnicodeError, *_DAMAGED_GZIP) as error:
            raise self._unreadable(error) from None

    def head(self) -> str:
        """Return how the file begins, some thousand characters, and stay before them; call it before all reading."""
        try:
            start = self._bytes.peek(_BLOCK)
        except _DAMAGED_GZIP as error:
            raise self._unreadable(error) from None
        text = codecs.decode(start, self._encoding, "ignore")
        return io.IncrementalNewlineDecoder(None, translate=True).decode(text.removeprefix("\ufeff"))

    def all(self) -> str:
        """Return the whole text; every line end becomes LF."""
        try:
            return self._text.read().removeprefix("\ufeff")
        except (UnicodeError, *_DAMAGED_GZIP) as error:
            raise self._unreadable(error) from None

    def wrong(self, what: str, line: int | None = None) -> ValueError:
        """Return the error of a line, of the last one if None."""
        return ValueError(f"{self.path}, line {self.number if line is None else line}: {what}")

    def _unreadable(self, error: Exception) -> ValueError:
        if not isinstance(error, UnicodeError):
            return ValueError(
                f"{self.path}: damaged gzip data after line {self.number} ({error}): fetch or write the file again"
            )
        place = _first_wrong(self.path, self._encoding) if self.path.is_file() else None
        line, byte = place or (self.number + 1, "a byte")
        repair = "store the file as UTF-8" if self._encoding == "utf-8" else "name the encoding that it has"
        if self._starts_as_utf16():
            repair = "it begins as UTF-16 does: name encoding='utf-16'" if self._named else repair
        elif self._named and self._encoding == "utf-8":
            repair += ", or name its encoding, such as 'cp949' (Korean) or 'shift_jis' (Japanese)"
        name = {"utf-8": "UTF-8"}.get(self._encoding, self._encoding)
        return ValueError(f"{self.path}, line {line}: {byte} is no {name}: {repair}")

    def _starts_as_utf16(self) -> bool:
        if not self.path.is_file():
            return False
        with _opened(self.path) as file:
            return file.read(2) in _UTF16_MARKS


def read_text(path: Path, encoding: str | None = None) -> str:
    """Read a whole text file, plain or gzip; every line end becomes LF. Errors: see `Lines`."""
    with Lines(path, encoding) as lines:
        return lines.all()


def _text_encoding(name: str) -> str:
    """Return Python's name of an encoding of text; ValueError if there is none."""
    try:
        b"a".decode(as_text("encoding", name), "ignore")  # base64 and its like make no text
        codecs.getincrementaldecoder(name)
        return codecs.lookup(name).name
    except (LookupError, ValueError):
        raise ValueError(
            f"encoding is {shown(name)}, expected one that Python knows, such as 'utf-8', 'cp949', 'shift_jis'"
        ) from None


def _opened(path: Path) -> Any:
    """Return a buffered reader of the bytes, unpacked where they are gzip data."""
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, expected a text file")
    if not path.exists():
        raise FileNotFoundError(f"no file {str(path)!r}, expected UTF-8 text, plain or gzip")
    file: Any = path.open("rb", buffering=_BLOCK)
    if not file.peek(2).startswith(_GZIP_MAGIC):
        return file
    return io.BufferedReader(cast("Any", _OwningGzip(fileobj=file, mode="rb")), _BLOCK)


class _OwningGzip(gzip.GzipFile):
    """Closes the file that it was given, which `GzipFile` leaves open."""

    def close(self) -> None:
        inner: Any = self.fileobj
        super().close()
        if inner is not None:
            inner.close()


def _first_wrong(path: Path, encoding: str) -> tuple[int, str] | None:
    """Find the first byte that the encoding does not have: the number of its line, and the byte in words."""
    decoder, fed = codecs.getincrementaldecoder(encoding)(), 0
    with _opened(path) as file:
        while True:
            block = file.read(_BLOCK)
            fed += len(block)
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                at = fed - len(error.object) + error.start
                return _line_of(path, encoding, at), f"byte 0x{error.object[error.start]:02x}"
            except UnicodeError:
                return None
            if not block:
                return None


def _line_of(path: Path, encoding: str, place: int) -> int:
    """Return the number of the line that a byte is in; all bytes before it can be decoded."""
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)("ignore"), translate=True)
    line = 1
    with _opened(path) as file:
        while place and (block := file.read(min(_BLOCK, place))):
            line += decoder.decode(block).count("\n")
            place -= len(block)
    return line + decoder.decode(b"", final=True).count("\n")  # a CR that could have been half of a CRLF
