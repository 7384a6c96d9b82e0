"""Plain text as training, validation and test ids."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

from fasts2s.corpus._builtin import builtin_lines
from fasts2s.corpus._reading import EOS, UNK, Ids, ids_of, invert, number_words, read_text
from fasts2s_kernels.checks import integer, number
from fasts2s_kernels.checks.arguments import as_path, as_text, mapping, one_of

# Special tokens, numbers such as 3.11, words with inner apostrophes, single other signs.
_WORD = re.compile(r"<unk>|<eos>|\d+(?:[.,]\d+)+|\w+(?:['\u2019]\w+)*|[^\w\s]")
Level: TypeAlias = Literal["word", "char"]
_LEVELS: tuple[Level, ...] = ("word", "char")


@dataclass(frozen=True, eq=False)
class Corpus:
    """A text as ids.

    Attributes
    ----------
    train, valid, test : (T,) int64 each, of its own length; every line ends in `<eos>`, but a text of one line
    word_to_id, id_to_word : the V tokens; ids by first appearance in `train`
    name : the file's name; of the built-in text, which differs by Python version, also a hash
    """

    train: Ids
    valid: Ids
    test: Ids
    word_to_id: dict[str, int]
    id_to_word: dict[int, str]
    name: str

    @property
    def vocab_size(self) -> int:
        """V, the number of different tokens, `<eos>` and `<unk>` included."""
        return len(self.word_to_id)


def load_text(
    path: str | os.PathLike[str] | None = None,
    *,
    unk_below: int = 1,
    valid_fraction: float = 0.1,
    test_fraction: float = 0.1,
    level: Level = "word",
) -> Corpus:
    """Read a text, split it and turn it into ids.

    Parameters
    ----------
    path : UTF-8 text, plain or gzip; its first lines are for training, then come valid and test. Where lines are so
        few or so unequal that a part would be less than half as long as asked, it is cut between tokens instead.
        None: the help texts of Python's standard library, one sentence per line, split by topic in the order of the
        topics' names
    unk_below : training words that occur fewer times become `<unk>`; from 2 on the model learns what `<unk>` is
    valid_fraction, test_fraction : held-out parts, of the lines (at least one) or of the built-in text's size
    level : 'word', lower-cased words, numbers and punctuation marks; or 'char', single characters as they are

    Returns
    -------
    Corpus; `<unk>` is in the vocabulary if any of its parts needs it.

    Raises
    ------
    FileNotFoundError : there is no such file.
    ImportError : `path` is None and this Python comes without its help texts.
    ValueError : an argument out of its range; too few tokens to hold any out; a file that is empty, no UTF-8 or
        damaged.
    """
    level, unk_below = one_of("level", level, _LEVELS), integer("unk_below", unk_below, 1)
    valid_fraction, test_fraction = _fractions(valid_fraction, test_fraction)
    if path is None:
        *parts, name = builtin_lines(valid_fraction, test_fraction)
        train, valid, test = (_tokens_of_lines(lines, level) for lines in parts)
    else:
        file = as_path("path", path)
        name = file.name
        train, valid, test = _split_file(file, level, valid_fraction, test_fraction)
    return _corpus(train, valid, test, unk_below, name)


def tiny_corpus() -> tuple[Ids, dict[str, int], dict[int, str]]:
    """Return the smallest corpus that needs a state: what follows "say" depends on who speaks.

    Returns
    -------
    corpus : (8,) int64, "you say goodbye and i say hello <eos>"
    word_to_id, id_to_word : 7 words

    Notes
    -----
    Source: the book, section 2.3.1, with an end of sentence.
    """
    words = f"you say goodbye and i say hello {EOS}".split()
    word_to_id = number_words(words)
    return ids_of(words, word_to_id, "tiny_corpus"), word_to_id, invert(word_to_id)


def preprocess_line(text: str, word_to_id: Mapping[str, int], level: Level = "word") -> Ids:
    """Turn a prompt into ids, in the way of `load_text`.

    Parameters
    ----------
    text : one line; what stands between blanks is looked up as it is first (`N`, `n't`), then split and lower-cased
    word_to_id : the vocabulary, of `load_text` or `load_ptb`
    level : 'word' or 'char', as given to `load_text`

    Returns
    -------
    (T,) int64; `<unk>` for unknown words. No `<eos>` is added.

    Raises
    ------
    ValueError : an unknown word, and the vocabulary has no `<unk>`; unknown `level`.
    """
    return ids_of(tokens_of_line(text, word_to_id, level), word_to_id, "text")


def tokens_of_line(text: str, word_to_id: Mapping[str, int], level: Level = "word") -> list[str]:
    """Return what `preprocess_line` looks up: the tokens of a prompt, known or not. ValueError: unknown `level`."""
    text, level = as_text("text", text), one_of("level", level, _LEVELS)
    word_to_id = mapping("word_to_id", word_to_id)
    if level == "char":
        return list(text)
    words: list[str] = []
    for chunk in text.split():
        words.extend([chunk] if chunk in word_to_id else _WORD.findall(chunk.lower()))
    return words


def _fractions(valid_fraction: float, test_fraction: float) -> tuple[float, float]:
    valid_fraction, test_fraction = number("valid_fraction", valid_fraction), number("test_fraction", test_fraction)
    if not (valid_fraction >= 0 and test_fraction >= 0 and valid_fraction + test_fraction < 1):
        raise ValueError(
            f"valid_fraction is {valid_fraction}, test_fraction is {test_fraction}, "
            "expected 0 or more each and together less than 1"
        )
    return valid_fraction, test_fraction


def _split_file(path: Path, level: str, valid_fraction: float, test_fraction: float) -> list[list[str]]:
    """Return the tokens of the three parts, cut between lines if that gives every part half its share at least."""
    lines = read_text(path).removesuffix("\n").split("\n")
    by_line = [_tokens_of_lines([line], level) for line in lines]
    tokens = [token for line in by_line for token in line]
    shares = (1 - valid_fraction - test_fraction, valid_fraction, test_fraction)
    parts = [[token for line in part for token in line] for part in _cut(by_line, valid_fraction, test_fraction)]
    if any(len(part) < share * len(tokens) / 2 for part, share in zip(parts, shares, strict=True)):
        # The end of the only line would be a token that the training part does not have.
        parts = _cut(tokens[:-1] if len(lines) == 1 else tokens, valid_fraction, test_fraction)
    if not parts[0]:
        raise ValueError(
            f"{path} has {len(tokens)} {level}s and line ends, too few to hold any out: take a longer text"
        )
    return parts


_T = TypeVar("_T")


def _cut(units: Sequence[_T], valid_fraction: float, test_fraction: float) -> list[list[_T]]:
    """Cut lines or tokens in three; a part that is wanted at all has one unit, and what is missing is train's."""
    n_valid, n_test = (
        max(1, round(fraction * len(units))) if fraction > 0 else 0 for fraction in (valid_fraction, test_fraction)
    )
    n_train = max(0, len(units) - n_valid - n_test)
    return [list(units[:n_train]), list(units[n_train : n_train + n_valid]), list(units[n_train + n_valid :])]


def _tokens_of_lines(lines: Sequence[str], level: str) -> list[str]:
    tokens: list[str] = []
    for line in lines:
        tokens.extend(line if level == "char" else _WORD.findall(line.lower()))
        tokens.append(EOS)
    return tokens


def _corpus(train: list[str], valid: list[str], test: list[str], unk_below: int, name: str) -> Corpus:
    if unk_below > 1:
        counts = Counter(train)
        train = [word if counts[word] >= unk_below or word == EOS else UNK for word in train]
    word_to_id = number_words(train)
    if not word_to_id.keys() >= {*valid, *test}:
        word_to_id.setdefault(UNK, len(word_to_id))
    train_ids, valid_ids, test_ids = (ids_of(part, word_to_id, name) for part in (train, valid, test))
    return Corpus(train_ids, valid_ids, test_ids, word_to_id, invert(word_to_id), name)
