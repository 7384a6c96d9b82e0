"""Pieces of words as tokens, by the library sentencepiece."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from fasts2s import _extras
from fasts2s.text.marks import BOS, EOS, MARKS, PAD, UNK
from fasts2s.text.ragged import Flat
from fasts2s.text.tokenizer import Kind, Tokenizer
from fasts2s_kernels.checks import integer
from fasts2s_kernels.checks.arguments import as_text

_BLANK = "\u2581"  # what stands for a blank in a piece
# The library takes its marks in a text for marks. So they have names there that no text has.
_INSIDE = [f"\U0010fffd{mark}" for mark in MARKS]
_MOST_TEXTS = 200_000  # that pieces are learned from
_LONGEST = 1 << 16  # bytes of a text that pieces are learned from


class SubwordTokenizer(Tokenizer):
    """One id per piece; frequent words are one, rare ones several.

    Decoding gives the text again, with every blank, but for `▁` (U+2581), which comes back as a blank, and for
    characters that are not in the vocabulary.

    Parameters
    ----------
    model : what the library wrote

    Raises
    ------
    ImportError : the library sentencepiece is not installed; names the command that does it.
    ValueError : no such model, or one with other marks.
    """

    kind: ClassVar[Kind] = "subword"

    def __init__(self, model: bytes) -> None:
        library = _library()
        if not isinstance(model, bytes):
            raise ValueError(f"model is of type {type(model).__name__}, expected the bytes that the library wrote")
        try:
            self._model, self._pieces = model, library.SentencePieceProcessor(model_proto=model)
        except RuntimeError as error:
            raise ValueError(f"model has {len(model)} bytes that are no model of sentencepiece ({error})") from None
        names = [self._pieces.id_to_piece(i) for i in range(len(self._pieces))]
        if names[: len(MARKS)] != _INSIDE:
            raise ValueError(f"model has the marks {names[: len(MARKS)]}, expected one that SubwordTokenizer learned")
        self.symbols = [*MARKS, *names[len(MARKS) :]]

    @classmethod
    def learn(cls, texts: Sequence[str], size: int = 8000) -> SubwordTokenizer:
        """Learn pieces from texts, of a large number from evenly chosen ones.

        Parameters
        ----------
        texts : to learn from
        size : most pieces, marks included; fewer where the texts do not have so many. Of more than `size` / 2
            different characters, the rarest, 1 in 2000 of the text, become `<unk>`

        Raises
        ------
        ImportError : see above.
        ValueError : `size` is below the number of characters.
        """
        library, size = _library(), integer("size", size, len(MARKS) + 1)
        chosen = texts[:: -(-len(texts) // _MOST_TEXTS)] if texts else texts
        characters = set().union(*chosen)
        model = io.BytesIO()
        try:
            library.SentencePieceTrainer.train(
                sentence_iterator=iter(chosen),
                model_writer=model,
                vocab_size=size,
                hard_vocab_limit=False,
                character_coverage=1.0 if len(characters) <= size // 2 else 0.9995,
                **dict(zip(("pad_id", "unk_id", "bos_id", "eos_id"), (PAD, UNK, BOS, EOS), strict=True)),
                **dict(zip(("pad_piece", "unk_piece", "bos_piece", "eos_piece"), _INSIDE, strict=True)),
                normalization_rule_name="identity",  # else U+202F becomes a blank, and full-width letters others
                remove_extra_whitespaces=False,
                max_sentence_length=_LONGEST,
                num_threads=1,  # with several, sums of another order give other pieces
                minloglevel=2,
            )
        except RuntimeError as error:
            raise ValueError(
                f"size is {size} for texts of {len(characters)} different characters, expected more of it than of "
                f"these: take a larger size ({error})"
            ) from None
        return cls(model.getvalue())

    def _encode_block(self, texts: Sequence[str]) -> tuple[Flat, Flat]:
        rows: list[list[int]] = self._pieces.encode(list(texts), num_threads=1)
        lengths = np.fromiter(map(len, rows), np.int32, len(rows))
        return np.fromiter((i for row in rows for i in row), np.int32, int(lengths.sum())), lengths

    def tokens(self, text: str) -> list[str]:
        """See `Tokenizer.tokens`."""
        found: list[str] = self._pieces.encode(as_text("text", text), out_type=str)
        return [piece.replace(_BLANK, " ") for piece in found]

    def _join(self, ids: Sequence[int], unknown: Iterator[str]) -> str:
        text = "".join(next(unknown) if i == UNK else self.symbols[i].replace(_BLANK, " ") for i in ids)
        return text.removeprefix(" ")

    def _settings(self) -> dict[str, Any]:
        return {"model": base64.b64encode(self._model).decode("ascii")}

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> SubwordTokenizer:
        """Make the tokenizer of what was saved."""
        return cls(base64.b64decode(settings["model"], validate=True))


def _library() -> Any:
    return _extras.need("sentencepiece", "text", "subwords are made")
