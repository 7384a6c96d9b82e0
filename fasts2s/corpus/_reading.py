"""What the loaders of this folder share: special tokens, reading a file, words to ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fasts2s import _reading
from fasts2s_kernels.checks import as_integers
from fasts2s_kernels.checks.arguments import as_host_array

Ids = NDArray[np.int64]

EOS = "<eos>"
UNK = "<unk>"


def read_text(path: Path) -> str:
    """Read UTF-8 text that is not empty, plain or gzip; every line end becomes LF. Errors: see `Lines`."""
    text = _reading.read_text(path)
    if not text.strip():
        raise ValueError(f"{path} is empty, expected text")
    return text


def number_words(words: Sequence[str]) -> dict[str, int]:
    """Number the different words by first appearance, from 0."""
    return {word: i for i, word in enumerate(dict.fromkeys(words))}


def invert(word_to_id: Mapping[str, int]) -> dict[int, str]:
    """Return the way back, id to word."""
    return {i: word for word, i in word_to_id.items()}


def ids_of(words: Sequence[str], word_to_id: Mapping[str, int], name: str) -> Ids:
    """Look words up, the unknown ones as `<unk>`.

    Parameters
    ----------
    words : T tokens
    word_to_id : the vocabulary
    name : where the words come from, for the error

    Returns
    -------
    (T,) int64, own memory.

    Raises
    ------
    ValueError : an unknown word, and the vocabulary has no `<unk>`.
    """
    unk = word_to_id.get(UNK)
    ids = [word_to_id.get(word, unk) for word in words]
    if unk is None and None in ids:
        word = words[ids.index(None)]
        raise ValueError(f"{name}: {word!r} is unknown and the vocabulary has no {UNK}, expected known words")
    found: Ids = as_integers("word_to_id", as_host_array("word_to_id", ids or np.zeros(0, int)), "of ids", 1)
    return found
