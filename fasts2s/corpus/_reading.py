"""What the loaders of this folder share: special tokens, reading a file, words to ids."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fasts2s_kernels.checks import as_integers
from fasts2s_kernels.checks.arguments import as_host_array

Ids = NDArray[np.int64]

EOS = "<eos>"
UNK = "<unk>"

_GZIP_MAGIC = b"\x1f\x8b"  # never the start of UTF-8 text


def read_text(path: Path) -> str:
    """Read UTF-8 text, plain or gzip; every line end becomes LF.

    Parameters
    ----------
    path : an existing file

    Returns
    -------
    str

    Raises
    ------
    FileNotFoundError : there is no such file.
    ValueError : bytes that are no UTF-8 (with the number of the line), damaged gzip data, an empty file.
    """
    if not path.exists():
        raise FileNotFoundError(f"no file {str(path)!r}, expected UTF-8 text, plain or gzip")
    raw = path.read_bytes()
    if raw.startswith(_GZIP_MAGIC):
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{path}: damaged gzip data ({error}): fetch or write the file again") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        what = f"byte 0x{raw[error.start]:02x} is no UTF-8"
        raise ValueError(f"{path}, line {line}: {what}: store the file as UTF-8") from None
    if not text.strip():
        raise ValueError(f"{path} is empty, expected text")
    return text.replace("\r\n", "\n").replace("\r", "\n")


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
