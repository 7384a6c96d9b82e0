"""Read exercises "question mark answer", one per line, as arrays of character ids."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fasts2s._reading import read_text
from fasts2s.sequence.generators import addition_lines, date_lines
from fasts2s_kernels.checks import integer
from fasts2s_kernels.checks.arguments import as_path, as_text, listed, mapping
from fasts2s_kernels.checks.arguments import seed as checked_seed

Ids = NDArray[np.int64]
Pair = tuple[Ids, Ids]

_BUILT_IN: dict[str, Callable[[], list[str]]] = {"addition.txt": addition_lines, "date.txt": date_lines}
_BUILT_IN_MARK = "_"
_latest: tuple[dict[str, int], dict[int, str]] = ({}, {})


@dataclass(frozen=True, eq=False)
class SequenceData:
    """One loaded and split file.

    Attributes
    ----------
    x_train, x_test : (N, T) int64, questions
    t_train, t_test : (N, T) int64, answers; column 0 is the start mark
    char_to_id, id_to_char : the V characters of this file, ids by first appearance
    mark : the character between question and answer
    """

    x_train: Ids
    t_train: Ids
    x_test: Ids
    t_test: Ids
    char_to_id: dict[str, int]
    id_to_char: dict[int, str]
    mark: str

    @property
    def vocab_size(self) -> int:
        """V, the number of different characters, the mark included."""
        return len(self.char_to_id)

    @property
    def start_id(self) -> int:
        """Id of the mark: what a decoder is given first."""
        return self.char_to_id[self.mark]


def load_data(
    file_name: str | os.PathLike[str] = "addition.txt", seed: int | None = 1984, mark: str = "_"
) -> tuple[Pair, Pair]:
    """Load exercises, shuffle them and hold out a tenth: the book's function.

    Parameters
    ----------
    file_name, seed, mark : see `load_file`

    Returns
    -------
    (x_train, t_train), (x_test, t_test) : (N, T) int64; the answers begin with the mark.

    Raises
    ------
    FileNotFoundError, ValueError : see `load_file`.

    Notes
    -----
    Same arrays and same draws as the book's `dataset.sequence.load_data` on the same file. Repairs: the book's
    prints and returns None where the file is missing, cuts a character where the last line has no end, and lets
    the vocabulary grow from file to file. Source: the book, section 7.2.4.
    """
    data = load_file(file_name, seed, mark)
    return (data.x_train, data.t_train), (data.x_test, data.t_test)


def get_vocab() -> tuple[dict[str, int], dict[int, str]]:
    """Return `char_to_id, id_to_char` of the file that `load_data` or `load_file` loaded last; empty at first.

    Notes
    -----
    Source: the book, section 7.2.4. There the vocabulary grows: addition, then dates, gives 60 characters,
    here 59.
    """
    return _latest


def load_file(
    path_or_name: str | os.PathLike[str] = "addition.txt", seed: int | None = 1984, mark: str = "_"
) -> SequenceData:
    """Load exercises with their vocabulary.

    The global NumPy generator is seeded with `seed` and shuffles the rows; the last tenth is held out.

    Parameters
    ----------
    path_or_name : UTF-8 text, plain or gzip, a line is `question mark answer`, both sides padded to one length;
        or 'addition.txt' or 'date.txt', which stand for the built-in sets where no such file exists
    seed : for `numpy.random.seed`; None goes on with the global generator as it is
    mark : the one character before the answers; the first one in a line counts

    Returns
    -------
    SequenceData, ids by first appearance in the file.

    Raises
    ------
    FileNotFoundError : no such file, and not the name of a built-in set.
    ValueError : naming file, line, value and what was expected: a line without mark, rows of unequal length, an
        empty file, bytes that are no UTF-8, damaged gzip data; and a `mark` that is not one character.
    """
    global _latest  # noqa: PLW0603  the book's get_vocab() takes no argument
    mark, seed = as_text("mark", mark, 1), checked_seed("seed", seed)
    as_path("path_or_name", path_or_name)
    name = os.fspath(path_or_name)
    lines = _read_lines(name, mark)
    width = _question_width(lines, name, mark)
    char_to_id = {char: i for i, char in enumerate(dict.fromkeys("".join(lines)))}
    rows = _rows_of_ids(lines, char_to_id)[_shuffled(len(lines), seed)]
    x, t = np.ascontiguousarray(rows[:, :width]), np.ascontiguousarray(rows[:, width:])
    split = len(rows) - len(rows) // 10
    id_to_char = {i: char for char, i in char_to_id.items()}
    _latest = (char_to_id, id_to_char)
    return SequenceData(x[:split], t[:split], x[split:], t[split:], char_to_id, id_to_char, mark)


def encode(text: str, char_to_id: Mapping[str, int], length: int | None = None, pad: str = " ") -> Ids:
    """Turn a text into ids.

    Parameters
    ----------
    text : of known characters
    char_to_id : the vocabulary
    length : T; shorter texts are padded on the right. None: as long as the text
    pad : the character to pad with

    Returns
    -------
    (T,) int64.

    Raises
    ------
    ValueError : `text` is longer than `length`, or has a character that is not in the vocabulary; `pad` is not
        one character.
    """
    text, pad, char_to_id = as_text("text", text), as_text("pad", pad, 1), mapping("char_to_id", char_to_id)
    if length is not None and len(text) > (length := integer("length", length, 0)):
        raise ValueError(f"text {text!r} has {len(text)} characters, expected at most {length}")
    padded = text if length is None else text + pad * (length - len(text))
    for place, char in enumerate(padded):
        if char not in char_to_id:
            known = "".join(sorted(map(str, char_to_id)))
            raise ValueError(
                f"character {char!r} at place {place} of {padded!r} is unknown, expected any of {known!r}"
            )
    return np.array([integer(f"char_to_id[{char!r}]", char_to_id[char]) for char in padded], dtype=np.int64)


def decode(ids: Iterable[int], id_to_char: Mapping[int, str]) -> str:
    """Turn ids into the text; the inverse of `encode`, padding included.

    Parameters
    ----------
    ids : (T,) integers
    id_to_char : the vocabulary

    Returns
    -------
    str of T characters.

    Raises
    ------
    ValueError : an id that is not in the vocabulary.
    """
    id_to_char = mapping("id_to_char", id_to_char)
    numbers = [integer(f"ids[{place}]", i) for place, i in enumerate(listed("ids", ids, "integers"))]
    for place, i in enumerate(numbers):
        if i not in id_to_char:
            raise ValueError(f"id {i} at place {place} is unknown, expected 0 to {len(id_to_char) - 1}")
    return "".join(as_text(f"id_to_char[{i}]", id_to_char[i]) for i in numbers)


def _read_lines(name: str, mark: str) -> list[str]:
    path = Path(name)
    if path.exists():
        return _split_lines(read_text(path), name)
    if name not in _BUILT_IN:
        names = " and ".join(repr(known) for known in _BUILT_IN)
        raise FileNotFoundError(f"no file {name!r}; without a file only {names} exist, as built-in sets")
    lines = _BUILT_IN[name]()
    if mark == _BUILT_IN_MARK:
        return lines
    if any(mark in line for line in lines):
        raise ValueError(f"mark is {mark!r}, which the exercises of the built-in {name!r} use: choose another")
    return [line.replace(_BUILT_IN_MARK, mark) for line in lines]


def _split_lines(text: str, name: str) -> list[str]:
    # str.splitlines would also cut at U+2028 and its like, which may belong to a row.
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    if not lines:
        raise ValueError(f"{name} is empty, expected one exercise per line")
    return lines


def _question_width(lines: list[str], name: str, mark: str) -> int:
    """Length of the questions, after a check that all rows have it."""
    width, total = lines[0].find(mark), len(lines[0])
    for number, line in enumerate(lines, start=1):
        at = line.find(mark)
        if at < 0:
            raise ValueError(
                f"{name}, line {number}: no mark {mark!r} in {line[:60]!r}, expected question{mark}answer: "
                "add it to every line"
            )
        for what, length, expected in (("question", at, width), ("answer", len(line) - at, total - width)):
            if length != expected:
                raise ValueError(
                    f"{name}, line {number}: the {what} of {line[:60]!r} has {length} characters, "
                    f"expected {expected} as in line 1: pad all with blanks to one length"
                )
    return width


def _rows_of_ids(lines: list[str], char_to_id: Mapping[str, int]) -> Ids:
    """Ids of lines of one length, (N, T)."""
    # A table by code point, because a loop over two million characters takes most of the loading time.
    codes = np.frombuffer("".join(lines).encode("utf-32-le"), dtype="<u4").reshape(len(lines), -1)
    table = np.zeros(int(codes.max()) + 1, dtype=np.int64)
    for char, i in char_to_id.items():
        table[ord(char)] = i
    rows: Ids = table[codes]
    return rows


def _shuffled(n_rows: int, seed: int | None) -> NDArray[np.integer]:
    # The book's calls on the global generator, in its order: everything drawn later depends on them.
    order = np.arange(n_rows)
    if seed is not None:
        np.random.seed(seed)
    np.random.shuffle(order)
    return order
