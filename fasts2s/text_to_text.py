"""A trained encoder-decoder with its tokenizers: text in, text out."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fasts2s import metrics
from fasts2s.backend import BackendLike
from fasts2s.generation import Answer, GenerationOptions, generate, replace_unknown
from fasts2s.models import EncoderDecoder, load_model
from fasts2s.text import (
    BOS,
    EOS,
    MARKS,
    PAD,
    UNK,
    Batches,
    EncodedPairs,
    Pairs,
    Ragged,
    Tokenizer,
    encode_pairs,
    encode_texts,
    load_tokenizer,
)
from fasts2s.text.batches import padded
from fasts2s.text.encoding import cut
from fasts2s.text.pairs import texts_of
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks import integer
from fasts2s_kernels.checks.scalars import shown

#: Files of the two tokenizers in a model's folder.
SOURCE, TARGET = "source", "target"
#: Sources that are answered together.
_TOGETHER = 128


class Said(NamedTuple):
    """One answer.

    Attributes
    ----------
    text : str
    score : float
        Log of its probability by the model.
    asked, words : list of str
        The symbols of source and answer, without marks, as they read.
    attention : (T, S) or None
        Weights of the source's symbols, the end mark the last of them, for each symbol of the answer.
    ids : list of int
        Of the answer, the end mark included where there is one.
    """

    text: str
    score: float
    asked: list[str]
    words: list[str]
    attention: Array | None
    ids: list[int]


class TextToText:
    """A model and its tokenizers.

    Parameters
    ----------
    model : EncoderDecoder
    source, target : Tokenizer
        Of both sides, as many symbols as the model has; may be one and the same.
    max_length : int
        Most symbols of a source and of an answer, marks not counted.

    Raises
    ------
    ValueError
        Something of another kind, or sizes that do not fit.
    """

    def __init__(self, model: EncoderDecoder, source: Tokenizer, target: Tokenizer, max_length: int) -> None:
        if not isinstance(model, EncoderDecoder):
            raise ValueError(f"model is a {type(model).__name__}, expected an EncoderDecoder")
        for name, tokenizer in (("source", source), ("target", target)):
            if not isinstance(tokenizer, Tokenizer):
                raise ValueError(f"{name} is {shown(tokenizer)}, expected a tokenizer, such as tokenizer_for returns")
            size = getattr(model.settings, f"{name}_size")
            if len(tokenizer) != size:
                raise ValueError(f"{name} has {len(tokenizer)} symbols, expected {size} as the model has")
        self.model, self.source, self.target = model, source, target
        self.max_length = integer("max_length", max_length, 1)

    @classmethod
    def load(cls, folder: str | Path, *, backend: BackendLike | None = None) -> TextToText:
        """Read what ``fasts2s train pairs`` wrote. Raises OSError, ValueError for what is missing or damaged."""
        model, extra = load_model(Path(folder) / "model.npz", backend=backend)
        if extra.get("task") != "pairs":
            raise ValueError(f"the model in {folder} was trained on {extra.get('task')!r}, expected pairs of texts")
        shared = extra.get("shared_vocabulary") is True
        source = load_tokenizer(folder, SOURCE)
        return cls(model, source, source if shared else load_tokenizer(folder, TARGET), extra.get("max_length", 0))

    def facts(self) -> dict[str, Any]:
        """Return what stands beside the model in its file."""
        shared = self.source is self.target
        return {"task": "pairs", "max_length": self.max_length, "shared_vocabulary": shared}

    def save_tokenizers(self, folder: str | Path) -> None:
        """Write both tokenizers into a folder, one file where they are the same."""
        self.source.save(folder, SOURCE)
        if self.target is not self.source:
            self.target.save(folder, TARGET)

    def encode(self, pairs: Pairs) -> EncodedPairs:
        """Return pairs as ids; what is longer than the model was trained for is cut."""
        limits = {"max_source": self.max_length, "max_target": self.max_length}
        return encode_pairs(pairs, self.source, self.target, **limits, too_long="cut")

    def source_ids(self, text: str) -> Array:
        """Return a source as the model reads it, (1, S) ids: cut if it is too long, with the end mark."""
        ((_, xs),) = _batches(encode_texts([text], self.source), self.max_length)
        return xs

    def answers(
        self, texts: Sequence[str], options: GenerationOptions | None = None, *, replace_unk: bool = False
    ) -> list[list[Said]]:
        """Answer sources: for each of N texts its answers, the best first.

        Parameters
        ----------
        texts : N texts
            What is longer than the model was trained for is cut.
        options : GenerationOptions or None
            How words are chosen; None is greedily. Marks are never chosen.
        replace_unk : bool
            Answers may hold unknown words: in their place stands the source's word that got most attention.

        Raises
        ------
        ValueError
            As :func:`fasts2s.generation.generate`.
        """
        chosen = self._completed(GenerationOptions() if options is None else options, replace_unk)
        texts = texts_of("texts", texts)
        rows = encode_texts(texts, self.source)
        answers: list[list[Said]] = [[] for _ in range(len(rows))]
        for part, xs in _batches(rows, self.max_length):
            made = generate(self.model, xs, chosen)
            for n, found in zip(part, made, strict=True):
                asked = self.source.tokens(texts[n])[: self.max_length]
                answers[n] = [self._said(answer, asked) for answer in found]
        return answers

    def _completed(self, options: GenerationOptions, replace_unk: bool) -> GenerationOptions:
        marks = (PAD, BOS) if replace_unk else (PAD, BOS, UNK)
        longest = min(options.max_length, self.max_length + 1)
        needs = options.attention or (replace_unk and self.model.settings.attention != "none")
        return replace(
            options,
            start_id=BOS,
            stop_id=EOS,
            banned=(*options.banned, *marks),
            max_length=longest,
            min_length=min(options.min_length, longest),
            attention=needs,
        )

    def _said(self, answer: Answer, asked: list[str]) -> Said:
        words = [self.target.decode([i]) for i in answer.words]
        unknown: str | list[str] = MARKS[UNK]
        if UNK in answer.words and answer.attention is not None and asked:
            words = replace_unknown(answer, words, asked, UNK)
            unknown = [word for i, word in zip(answer.words, words, strict=True) if i == UNK]
        text = self.target.decode(answer.words, unknown)
        return Said(text, answer.score, asked, words, answer.attention, answer.ids)

    def perplexity(self, encoded: EncodedPairs) -> float:
        """Return exp of the mean loss over all symbols of the targets, end marks included."""
        nats = count = 0.0
        for batch in Batches(encoded, tokens=8192, prepared=0).epoch(0):
            symbols = int(np.count_nonzero(batch.ts[:, 1:]))
            nats += float(self.model.forward(batch.xs, batch.ts, train_flg=False)) * symbols
            count += symbols
        return metrics.perplexity(nats, count)

    def exact_match(self, pairs: Pairs) -> float:
        """Return the share of sources whose best answer is the target, from 0 to 1; NaN where there is none."""
        if not len(pairs):
            return math.nan
        return metrics.exact_match([said[0].text for said in self.answers(pairs.sources)], pairs.targets)

    def scores(self, pairs: Pairs, said: Sequence[str] | None = None) -> dict[str, float]:
        """Return all scores; BLEU, chrF and ROUGE-L where the extra ``text`` is installed.

        ``said`` : answers to the sources, of which all scores but the perplexity are; None: the greedy ones.
        """
        if said is None:
            said = [answers[0].text for answers in self.answers(pairs.sources)]
        found = {
            "perplexity": self.perplexity(self.encode(pairs)),
            "exact": metrics.exact_match(said, pairs.targets),
            "token_accuracy": metrics.token_accuracy(*(self._ids(texts) for texts in (said, pairs.targets))),
        }
        for name, score in (("bleu", metrics.bleu), ("chrf", metrics.chrf), ("rouge_l", metrics.rouge_l)):
            with contextlib.suppress(ImportError):
                found[name] = score(said, pairs.targets)
        return found

    def _ids(self, texts: Sequence[str]) -> list[list[int]]:
        rows = encode_texts(texts, self.target)
        return [rows[n].tolist() for n in range(len(rows))]


def _batches(rows: Ragged, longest: int) -> Iterator[tuple[Array, Array]]:
    """Give numbers of rows of like lengths (K,), and these rows as padded sources (K, S) that end in a mark."""
    order, kept = np.argsort(rows.lengths, kind="stable"), cut(rows, longest)
    for start in range(0, len(order), _TOGETHER):
        part = order[start : start + _TOGETHER]
        yield part, padded(kept, part, 0)
