"""Characters as tokens; Hangul by syllable, or by its letters (jamo)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fasts2s.text.marks import MARKS, UNK
from fasts2s.text.ragged import Flat
from fasts2s.text.tokenizer import BLOCK, Kind, Tokenizer, vocabulary
from fasts2s_kernels.checks import flag
from fasts2s_kernels.checks.arguments import as_text

Codes = NDArray[np.uint32]

_ALL_CODES = 0x110000
# A Hangul syllable is FIRST + (lead * 21 + vowel) * 28 + tail, tail 0 being none (The Unicode Standard, 3.12).
_FIRST, _LAST, _VOWELS, _TAILS = 0xAC00, 0xD7A3, 21, 28
_LEAD, _VOWEL, _TAIL = 0x1100, 0x1161, 0x11A7
_LETTERS = re.compile("([\u1100-\u1112])([\u1161-\u1175])([\u11a8-\u11c2]?)")


class CharacterTokenizer(Tokenizer):
    """One id per character.

    With `jamo`, a Hangul syllable is its two or three letters: a small vocabulary, in which no syllable is unknown,
    and longer rows. Decoding joins them again. Text that had such letters apart (decomposed Hangul, as some file
    systems write it) comes back as syllables, which is the same text to Unicode.

    Parameters
    ----------
    characters : the vocabulary without marks, ids from 4 on
    jamo : Hangul by letters
    backwards : ids are those of the text from its last character to its first, as sums are written: a digit then
        depends on what is written already

    Raises
    ------
    ValueError : something that is not one character, or occurs twice.
    """

    kind: ClassVar[Kind] = "char"

    def __init__(self, characters: Sequence[str], jamo: bool = False, backwards: bool = False) -> None:
        self.jamo, self.backwards = flag("jamo", jamo), flag("backwards", backwards)
        self.symbols = vocabulary("characters", characters)
        for i, char in enumerate(self.symbols[len(MARKS) :]):
            if len(char) != 1:
                raise ValueError(f"characters[{i}] is {char!r}, expected one character")

    @classmethod
    def learn(
        cls,
        texts: Sequence[str],
        max_size: int | None = None,
        min_count: int = 1,
        *,
        jamo: bool = False,
        backwards: bool = False,
    ) -> CharacterTokenizer:
        """Take the characters of texts, the most frequent ones first. Arguments: see `tokenizer_for`."""
        counts = np.zeros(_ALL_CODES, np.int64)
        for codes in _codes_of(texts):
            counts += np.bincount(_letters(codes)[0] if jamo else codes, minlength=_ALL_CODES)
        found = np.flatnonzero(counts >= min_count)
        ranked = found[np.argsort(-counts[found], kind="stable")]
        kept = ranked if max_size is None else ranked[: max_size - len(MARKS)]
        return cls([chr(code) for code in kept], jamo, backwards)

    def _encode_block(self, texts: Sequence[str]) -> tuple[Flat, Flat]:
        lengths = np.fromiter(map(len, texts), np.int32, len(texts))
        codes = _codes("".join(map(self._turned, texts)))
        if self.jamo:
            codes, counts = _letters(codes)
            ends = np.concatenate([[0], np.cumsum(counts)])[np.concatenate([[0], np.cumsum(lengths)])]
            lengths = np.diff(ends).astype(np.int32)
        return self._id_of_code[codes], lengths

    def tokens(self, text: str) -> list[str]:
        """See `Tokenizer.tokens`."""
        codes = _codes(self._turned(as_text("text", text)))
        return [chr(code) for code in (_letters(codes)[0] if self.jamo else codes)]

    def _join(self, ids: Sequence[int], unknown: Iterator[str]) -> str:
        text = "".join(next(unknown) if i == UNK else self.symbols[i] for i in ids)
        return self._turned(_LETTERS.sub(_syllable, text) if self.jamo else text)

    def _turned(self, text: str) -> str:
        return text[::-1] if self.backwards else text

    @cached_property
    def _id_of_code(self) -> Flat:
        table = np.full(_ALL_CODES, UNK, np.int32)
        table[[ord(char) for char in self.symbols[len(MARKS) :]]] = np.arange(len(MARKS), len(self.symbols))
        return table

    def _settings(self) -> dict[str, Any]:
        return {"jamo": self.jamo, "backwards": self.backwards, "symbols": self.symbols[len(MARKS) :]}

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> CharacterTokenizer:
        """Make the tokenizer of what was saved."""
        return cls(settings["symbols"], settings["jamo"], settings.get("backwards", False))


def _codes_of(texts: Sequence[str]) -> Iterator[Codes]:
    return (_codes("".join(texts[i : i + BLOCK])) for i in range(0, len(texts), BLOCK))


def _codes(text: str) -> Codes:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint32, copy=False)


def _letters(codes: Codes) -> tuple[Codes, NDArray[np.int64]]:
    """Write every Hangul syllable as its letters; also return how many codes each code has become."""
    hangul = (codes >= _FIRST) & (codes <= _LAST)
    index = np.where(hangul, codes - _FIRST, 0)
    lead, vowel, tail = index // (_VOWELS * _TAILS), index // _TAILS % _VOWELS, index % _TAILS
    counts = np.where(hangul, 2 + (tail > 0), 1)
    ends = np.cumsum(counts)
    out = np.zeros(ends[-1] if len(ends) else 0, np.uint32)
    begins = ends - counts
    out[begins] = np.where(hangul, _LEAD + lead, codes)
    out[begins[hangul] + 1] = (_VOWEL + vowel)[hangul]
    with_tail = tail > 0
    out[begins[with_tail] + 2] = (_TAIL + tail)[with_tail]
    return out, counts


def _syllable(letters: re.Match[str]) -> str:
    lead, vowel, tail = letters.groups()
    place = (ord(lead) - _LEAD) * _VOWELS + ord(vowel) - _VOWEL
    return chr(_FIRST + place * _TAILS + (ord(tail) - _TAIL if tail else 0))
