"""What all tokenizers share: text to ids and back, and a file."""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Literal, TypeAlias

import numpy as np

from fasts2s.checkpoint.atomic import write_atomically
from fasts2s.text.marks import MARKS, UNK
from fasts2s.text.pairs import texts_of
from fasts2s.text.ragged import Flat, Ragged
from fasts2s_kernels.checks import integers
from fasts2s_kernels.checks.arguments import as_path, as_text
from fasts2s_kernels.checks.scalars import shown

Kind: TypeAlias = Literal["char", "word", "subword"]

FORMAT = "fasts2s tokenizer"
VERSION = 1

BLOCK = 1 << 12  # texts that are worked on at once


class Tokenizer(ABC):
    """Turns text into ids and back. Ids 0 to 3 are `<pad>`, `<unk>`, `<s>`, `</s>` in every vocabulary.

    Attributes
    ----------
    symbols : the V symbols by their ids, as a reader may be shown them; the marks come first
    """

    kind: ClassVar[Kind]
    symbols: list[str]

    def __len__(self) -> int:
        """V, the size of the vocabulary, marks included."""
        return len(self.symbols)

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text, without `<s>` and `</s>`; what is not in the vocabulary is `<unk>`."""
        return [int(i) for i in self._encode_block([as_text("text", text)])[0]]

    def encode_all(self, texts: Iterable[str]) -> Ragged:
        """Return the ids of N texts, N rows without marks; two bytes for an id where that is enough."""
        found = texts_of("texts", texts)
        dtype = np.dtype(np.uint16 if len(self) <= 1 << 16 else np.int32)
        # It grows in place: a list of blocks would be there twice when they are joined.
        data, lengths = bytearray(), np.zeros(len(found), np.int32)
        for i in range(0, len(found), BLOCK):
            ids, lengths[i : i + BLOCK] = self._encode_block(found[i : i + BLOCK])
            data += ids.astype(dtype).data
        return Ragged.of(np.frombuffer(data, dtype), lengths)

    @abstractmethod
    def tokens(self, text: str) -> list[str]:
        """Return what of a text stands behind each of its ids, also where the vocabulary does not know it."""

    def decode(self, ids: Iterable[int], unknown: str | Sequence[str] = MARKS[UNK]) -> str:
        """Return the text of ids.

        Parameters
        ----------
        ids : (T,) integers; `<pad>`, `<s>` and `</s>` are left out, wherever they stand
        unknown : what stands for `<unk>`; of several texts each for one of them, in their order

        Raises
        ------
        IndexError : an id that the vocabulary does not have.
        ValueError : something that is no integer; not as many texts as there are `<unk>`.
        """
        numbers = integers("ids", ids)
        for i in numbers:
            if not 0 <= i < len(self.symbols):
                raise IndexError(f"id {i} is not in the vocabulary, expected 0 to {len(self.symbols) - 1}")
        kept = [i for i in numbers if i >= len(MARKS) or i == UNK]
        instead = [unknown] * kept.count(UNK) if isinstance(unknown, str) else texts_of("unknown", unknown)
        if len(instead) != kept.count(UNK):
            raise ValueError(f"unknown has {len(instead)} texts, expected {kept.count(UNK)}, or one text for all")
        return self._join(kept, iter(instead))

    def save(self, folder: str | os.PathLike[str], name: str) -> Path:
        """Write the tokenizer into a folder, in one step; `load_tokenizer` reads it.

        Parameters
        ----------
        folder : an existing one
        name : 'source' makes the file source.tokenizer.json; a file that is there is replaced

        Returns
        -------
        path of the file

        Raises
        ------
        ValueError : a `name` that is none of a file.
        OSError : there is no such folder, or it cannot be written into.
        """
        path = path_of(folder, name)
        content = {"format": FORMAT, "version": VERSION, "kind": self.kind, **self._settings()}
        data = json.dumps(content, ensure_ascii=False, indent=0).encode("utf-8", "surrogatepass")

        def write(file: BinaryIO) -> None:
            file.write(data)

        write_atomically(path, write)
        return path

    @abstractmethod
    def _encode_block(self, texts: Sequence[str]) -> tuple[Flat, Flat]:
        """Return the ids of texts, one after the other, and how many each has."""

    @abstractmethod
    def _join(self, ids: Sequence[int], unknown: Iterator[str]) -> str:
        """Return the text of ids that are no marks, but for UNK, in whose places stand the next texts of unknown."""

    @abstractmethod
    def _settings(self) -> dict[str, Any]:
        """Return what `from_settings` makes the same tokenizer of; JSON can hold it."""

    @classmethod
    @abstractmethod
    def from_settings(cls, settings: dict[str, Any]) -> Tokenizer:
        """Make a tokenizer of what was saved. ValueError, KeyError: it is damaged."""


def path_of(folder: str | os.PathLike[str], name: str) -> Path:
    """Return the file of a tokenizer."""
    if not as_text("name", name).isidentifier():
        raise ValueError(f"name is {shown(name)}, expected letters and digits, such as 'source'")
    return as_path("folder", folder) / f"{name}.tokenizer.json"


def vocabulary(name: str, symbols: Sequence[str]) -> list[str]:
    """Return the marks and these symbols; ValueError where one is no text, or occurs twice."""
    found = [*MARKS, *texts_of(name, symbols)]
    if len(set(found)) < len(found):
        twice = next(symbol for i, symbol in enumerate(found) if symbol in found[:i])
        raise ValueError(f"{name} have {shown(twice)} twice (the marks are there already), expected each once")
    return found
