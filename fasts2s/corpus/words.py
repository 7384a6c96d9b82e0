"""Words and a dictionary of them, as in the book: its smallest text, and prompts for such a dictionary."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, TypeAlias

from fasts2s.corpus._reading import EOS, Ids, ids_of, invert, number_words
from fasts2s_kernels.checks.arguments import as_text, mapping, one_of

# Special tokens, numbers such as 3.11, words with inner apostrophes, single other signs.
_WORD = re.compile(r"<unk>|<eos>|\d+(?:[.,]\d+)+|\w+(?:['\u2019]\w+)*|[^\w\s]")
Level: TypeAlias = Literal["word", "char"]
_LEVELS: tuple[Level, ...] = ("word", "char")


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
    """Turn a prompt into ids of a dictionary, such as `load_ptb` returns.

    Parameters
    ----------
    text : one line; what stands between blanks is looked up as it is first (`N`, `n't`), then split and lower-cased
    word_to_id : the vocabulary
    level : 'word' or 'char'

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
