"""Words and single signs as tokens; what blanks there were between them can be read from the tokens."""

from __future__ import annotations

import re
import threading
import unicodedata
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain, repeat
from typing import Any, ClassVar

import numpy as np

from fasts2s.text.marks import MARKS, UNK
from fasts2s.text.ragged import Flat
from fasts2s.text.tokenizer import BLOCK, Kind, Tokenizer, vocabulary
from fasts2s_kernels.checks import flag
from fasts2s_kernels.checks.arguments import as_text

# In front of a token that follows the one before without a blank: "Hello, you" is "Hello", "￭,", "you".
JOINER = "\uffed"

_MOST_CHUNKS = 1 << 20  # that are kept in memory


class WordTokenizer(Tokenizer):
    """One id per word, number, or other sign.

    A text is divided at its blanks, then words and signs inside a chunk are told apart. Chinese characters and
    hiragana are tokens each; katakana, Hangul and other letters are words. Between two chunks there is one blank: two
    in a row leave an empty chunk, which is a token. So decoding gives the text again, with every blank, tab and
    U+202F, where all tokens are known. `<unk>` in a text is the mark, as in the Penn Treebank.

    Parameters
    ----------
    words : the vocabulary without marks, ids from 4 on
    lower : capital letters become small ones first

    Raises
    ------
    ValueError : a word that is no text, or occurs twice.
    """

    kind: ClassVar[Kind] = "word"

    def __init__(self, words: Sequence[str], lower: bool = False) -> None:
        self.lower = flag("lower", lower)
        self.symbols = vocabulary("words", words)
        self._surfaces = [_surface(symbol) for symbol in self.symbols]
        self._chunks = _Chunks({word: i for i, word in enumerate(self.symbols)})

    @classmethod
    def learn(
        cls, texts: Sequence[str], max_size: int | None = None, min_count: int = 1, *, lower: bool = False
    ) -> WordTokenizer:
        """Take the words of texts, the most frequent ones first. Arguments: see `tokenizer_for`."""
        words: Counter[str] = Counter()
        chunks: Counter[str] = Counter()
        for i in range(0, len(texts), BLOCK):
            chunks.update(_chunks_of(texts[i : i + BLOCK], lower))
            if len(chunks) > _MOST_CHUNKS:
                _count(chunks, words)
        _count(chunks, words)
        del words[MARKS[UNK]]
        # By count, then by word: another order of the texts gives the same ids.
        ranked = sorted((-count, word) for word, count in words.items() if count >= min_count)
        kept = ranked if max_size is None else ranked[: max_size - len(MARKS)]
        return cls([word for _, word in kept], lower)

    def _encode_block(self, texts: Sequence[str]) -> tuple[Flat, Flat]:
        counts = [text.count(" ") + 1 if text else 0 for text in texts]
        ends = np.cumsum(counts)
        ids, lengths = self._chunks.ids(_chunks_of(texts, self.lower), ends[-1])
        id_ends = np.concatenate([[0], np.cumsum(lengths)])[ends]
        return ids, np.diff(id_ends, prepend=0).astype(np.int32)

    def tokens(self, text: str) -> list[str]:
        """See `Tokenizer.tokens`."""
        chunks = _chunks_of([as_text("text", text)], self.lower)
        return [_surface(token).removeprefix(" ") for chunk in chunks for token in tokens_of_chunk(chunk)]

    def _join(self, ids: Sequence[int], unknown: Iterator[str]) -> str:
        surfaces = (_surface_of_unknown(next(unknown)) if i == UNK else self._surfaces[i] for i in ids)
        return "".join(surfaces).removeprefix(" ")

    def _settings(self) -> dict[str, Any]:
        return {"lower": self.lower, "symbols": self.symbols[len(MARKS) :]}

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> WordTokenizer:
        """Make the tokenizer of what was saved."""
        return cls(settings["symbols"], settings["lower"])


def _surface_of_unknown(text: str) -> str:
    return f" {text}" if text else ""


class _Chunks(dict[str, int]):
    """A number for every chunk that occurred, and its ids: most of a text are chunks that it had before."""

    def __init__(self, id_of: dict[str, int]) -> None:
        super().__init__()
        self._id_of = id_of
        self._flat, self._counts = array("i"), array("i")
        self._lock = threading.Lock()  # chunks are numbered in the order of these arrays

    def __reduce__(self) -> tuple[type[_Chunks], tuple[dict[str, int]]]:
        return _Chunks, (self._id_of,)

    def __missing__(self, chunk: str) -> int:
        ids = [self._id_of.get(token, UNK) for token in tokens_of_chunk(chunk)]
        self._flat.extend(ids)
        self._counts.append(len(ids))
        self[chunk] = number = len(self)
        return number

    def ids(self, chunks: Iterable[str], count: int) -> tuple[Flat, Flat]:
        """Return the ids of chunks, one after the other, and how many each has."""
        with self._lock:
            if len(self) > _MOST_CHUNKS:
                self.clear()
                self._flat, self._counts = array("i"), array("i")
            numbers = np.fromiter(map(self.__getitem__, chunks), np.int32, count)
            flat, counts = np.array(self._flat, np.int32), np.array(self._counts, np.int32)
        lengths = counts[numbers]
        # Where a chunk begins in flat, and where its ids begin in the result: all its ids are that far apart.
        shift = (np.cumsum(counts) - counts)[numbers] - (np.cumsum(lengths) - lengths)
        return flat[np.repeat(shift, lengths) + np.arange(lengths.sum())], lengths


def _chunks_of(texts: Sequence[str], lower: bool) -> Iterator[str]:
    """Yield the chunks of texts, of one after the other: strings that live shortly stay in the processor's cache."""
    cased = map(str.lower, texts) if lower else texts
    return chain.from_iterable(map(str.split, filter(None, cased), repeat(" ")))


def tokens_of_chunk(chunk: str) -> list[str]:
    """Return the words and signs of what stands between two blanks; all but the first have the joiner in front."""
    if chunk.isalpha() and chunk.isascii():
        return [chunk]
    found: list[str] = _words().findall(chunk) if chunk != MARKS[UNK] else [chunk]
    return [found[0], *(JOINER + token for token in found[1:])] if found else [""]


def _count(chunks: Counter[str], words: Counter[str]) -> None:
    """Count the words of chunks, and forget these."""
    for chunk, count in chunks.items():
        for token in tokens_of_chunk(chunk):
            words[token] += count
    chunks.clear()


def _surface(symbol: str) -> str:
    """Return what a token adds to a text; the joiner alone is a sign of a text."""
    return symbol[len(JOINER) :] if symbol.startswith(JOINER) and symbol != JOINER else f" {symbol}"


@cache
def _words() -> re.Pattern[str]:
    """Numbers such as 3.11; Chinese characters and hiragana, each; words, with inner apostrophes; signs."""
    marks = _combining_marks()
    single = "[\u3005-\u3007\u3041-\u3096\u309d-\u309f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
    letter = f"(?:(?!{single})\\w)[{marks}]*"
    return re.compile(
        f"\\d+(?:[.,]\\d+)+|{single}[{marks}]*|(?:{letter})+(?:['\u2019](?:{letter})+)*|[^\\w]", re.DOTALL
    )


def _combining_marks() -> str:
    """Return all marks on letters, such as the vowels of Hindi, as a part of a set: to \\w they are no letters."""
    ranges: list[list[int]] = []
    for code in range(0x300, 0x20000):  # beyond are Chinese characters and variation selectors
        if unicodedata.category(chr(code))[0] == "M":
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)
