"""Running text as training, validation and test ids."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from fasts2s.corpus._builtin import builtin_lines
from fasts2s.corpus._dividing import divided
from fasts2s.text import EOS, Texts, Tokenizer, encode_texts, read_texts, split, tokenizer_for
from fasts2s.text._columns import Column
from fasts2s.text._formats import TextFormat
from fasts2s.text.tokenizer import Kind
from fasts2s_kernels.checks import flag, number
from fasts2s_kernels.checks.arguments import as_path, one_of

#: Formats whose texts follow one another; the rows of the others have nothing to do with each other.
_RUNNING = ("lines", "dialogue")
_LONGEST_LINE = 1 << 30  # a book may be one line
PARTS = ("train", "valid", "test")


@dataclass(frozen=True, eq=False)
class Corpus:
    """A text as ids.

    Attributes
    ----------
    train, valid, test : (T,) int32 each, of its own length; every line ends in `</s>`, but one that had to be cut
    tokenizer : of which these are ids; learned from the training part
    characters : how many characters each part has, by its name, a line end being one
    name : the file's name; of the built-in text, which differs by Python version, also a hash
    """

    train: NDArray[np.int32]
    valid: NDArray[np.int32]
    test: NDArray[np.int32]
    tokenizer: Tokenizer
    characters: dict[str, int]
    name: str

    @property
    def vocab_size(self) -> int:
        """V, the number of different symbols, marks included."""
        return len(self.tokenizer)


def load_text(
    path: str | os.PathLike[str] | None = None,
    *,
    tokens: Kind = "word",
    format: TextFormat = "auto",  # noqa: A002 - the word for it
    column: Column = 0,
    encoding: str = "utf-8",
    max_size: int | None = None,
    min_count: int = 1,
    lower: bool = True,
    jamo: bool = False,
    valid_fraction: float = 0.1,
    test_fraction: float = 0.1,
) -> Corpus:
    """Read a text, divide it and turn it into ids.

    Parameters
    ----------
    path : plain or gzip. The first lines of a text, or of dialogues, are for training, then come valid and test;
        where lines are so few or so unequal that a part would be less than half as long as asked, one is cut. Of a
        table every text is taken once, and goes where its hash says: see `fasts2s.text.split`.
        None: the help texts of Python's standard library, one sentence per line, divided by topic in the order of
        the topics' names
    tokens, max_size, min_count, jamo : see `fasts2s.text.tokenizer_for`. With a min_count from 2 on the model learns
        what `<unk>` is
    format, column, encoding : see `fasts2s.text.read_texts`
    lower : 'word' only: capital letters become small ones
    valid_fraction, test_fraction : held-out parts, of the lines (at least one) or of the built-in text's size

    Returns
    -------
    Corpus

    Raises
    ------
    FileNotFoundError : there is no such file.
    ImportError : `path` is None and this Python comes without its help texts; subwords without their library.
    ValueError : an argument out of its range; too few characters to hold any out; a file that cannot be read.
    """
    tokens, shares = one_of("tokens", tokens, get_args(Kind)), _fractions(valid_fraction, test_fraction)
    lower = flag("lower", lower)
    parts, whole_lines, name = _parts(path, format, column, encoding, shares)
    tokenizer = tokenizer_for(
        tokens, parts[0], max_size=max_size, min_count=min_count, jamo=jamo, lower=lower and tokens == "word"
    )
    rows = [encode_texts(part, tokenizer).joined(EOS) for part in parts]
    sizes = [sum(map(len, part)) + len(part) for part in parts]
    if not whole_lines:
        rows, sizes = [row[:-1] for row in rows], [max(0, size - 1) for size in sizes]
    train, valid, test = rows
    return Corpus(train, valid, test, tokenizer, dict(zip(PARTS, sizes, strict=True)), name)


def _fractions(valid_fraction: float, test_fraction: float) -> tuple[float, float]:
    valid_fraction, test_fraction = number("valid_fraction", valid_fraction), number("test_fraction", test_fraction)
    if not (valid_fraction >= 0 and test_fraction >= 0 and valid_fraction + test_fraction < 1):
        raise ValueError(
            f"valid_fraction is {valid_fraction}, test_fraction is {test_fraction}, "
            "expected 0 or more each and together less than 1"
        )
    return valid_fraction, test_fraction


def _parts(
    path: str | os.PathLike[str] | None, kind: TextFormat, column: Column, encoding: str, shares: tuple[float, float]
) -> tuple[list[list[str]], bool, str]:
    """Return the lines of the parts, whether their ends are those of lines, and the name of the text."""
    if path is None:
        *parts, name = builtin_lines(*shares)
        return list(parts), True, name
    file = as_path("path", path)
    found = read_texts(file, format=kind, column=column, encoding=encoding, max_line=_LONGEST_LINE, keep_empty=True)
    whole_lines = True
    if found.format in _RUNNING:
        parts, whole_lines = divided(found.texts, *shares)
    else:
        parts = [part.texts for part in split(_once(found), *shares)]
    if not any(parts[0]):
        size = sum(map(len, found.texts))
        raise ValueError(f"{file} has {size} characters, too few to hold any out: take a longer text")
    return parts, whole_lines, file.name


def _once(texts: Texts) -> Texts:
    return replace(texts, texts=list(dict.fromkeys(text for text in texts if text and not text.isspace())))
