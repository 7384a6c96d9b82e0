"""Who answers: models of pairs, the book's models of sums and dates, language models. One class for each."""

from typing import Any, Protocol

import numpy as np

from fasts2s.commands.vocabularies import SYMBOLS, TokenizerVocabulary
from fasts2s.commands.writer import Writer
from fasts2s.generation import Answer, GenerationOptions, generate_from
from fasts2s.sequence import decode, encode
from fasts2s.text import BOS, EOS, UNK
from fasts2s.text_to_text import Said, TextToText
from fasts2s.web.letters import letters, rounded_all
from fasts2s.web.questions import Question
from fasts2s_kernels.arrays import Array


class Answering(Protocol):
    """A model as the page knows it."""

    def facts(self) -> dict[str, Any]:
        """Return what the page says of it: its kind, what it takes (``input``), sizes, and where sliders begin."""
        ...

    def answer(self, question: Question) -> dict[str, Any]:
        """Return what the page shows; everything in it is text, number or list.

        ``asked`` are the symbols of the source that the attention's columns belong to, ``h`` is the state (H,)
        before the answer, ``unknown`` and ``cut`` say what of the question was not read. Each of ``answers`` has
        text, score (log-probability), letters, and attention (T, S) or None.

        Raises CommandError, ValueError or IndexError for a question that it cannot be asked.
        """
        ...


class PairsModel:
    """A model that ``fasts2s train pairs`` wrote."""

    def __init__(self, whole: TextToText) -> None:
        self.whole = whole
        self._has_attention = whole.model.settings.attention != "none"

    def facts(self) -> dict[str, Any]:
        """See :class:`Answering`."""
        settings, source = self.whole.model.settings, self.whole.source
        return {
            **_facts("pairs", self.whole.model, settings.hidden_size),
            "symbols": SYMBOLS[source.kind],
            "vocabulary": [len(source), len(self.whole.target)],
            "longest": self.whole.max_length,
        }

    def answer(self, question: Question) -> dict[str, Any]:
        """See :class:`Answering`."""
        whole, text = self.whole, question.text.strip()
        options = GenerationOptions(**question.choice(), max_length=10**6, attention=self._has_attention)
        said = whole.answers([text], options)[0]
        start = whole.model.start(whole.source_ids(text))
        read, ids = whole.source.tokens(text), whole.source.encode(text)
        h: Any = start.states[-1][0]
        return {
            "asked": [*read[: whole.max_length], None],
            "h": rounded_all(h[0]),
            "unknown": sorted({token for token, i in zip(read, ids, strict=True) if i == UNK}),
            "cut": max(len(ids) - whole.max_length, 0),
            "answers": [self._shown(answer, start) for answer in said],
        }

    def _shown(self, said: Said, start: Any) -> dict[str, Any]:
        steps = letters(self.whole.model.step, start, BOS, said.ids, self._reading)
        return _shown(said.text, said.score, steps, said.attention)

    def _reading(self, i: int) -> str | None:
        return None if i == EOS else self.whole.target.decode([i])


class BookModel:
    """A model that ``fasts2s train addition`` or ``date`` wrote: characters, and answers of one length.

    Parameters
    ----------
    model : Seq2seq, PeekySeq2seq or AttentionSeq2seq
    extra : dict
        What stands beside it in its file.
    """

    def __init__(self, model: Any, extra: dict[str, Any]) -> None:
        self.model, self.extra = model, extra
        self._characters = dict(enumerate(extra["characters"]))
        self._ids = {char: i for i, char in self._characters.items()}

    def facts(self) -> dict[str, Any]:
        """See :class:`Answering`."""
        return {
            **_facts(self.extra["task"], self.model, self.model.config["hidden_size"]),
            "symbols": "characters",
            "vocabulary": [len(self._ids)],
            "longest": self.extra["question_length"],
        }

    def answer(self, question: Question) -> dict[str, Any]:
        """See :class:`Answering`."""
        decoder, length = self.model.decoder, self.extra["answer_length"]
        xs = encode(question.text.strip(), self._ids, self.extra["question_length"])[None]
        asked = [self._characters[i] for i in xs[0].tolist()]
        read = self.model.encoder.encode(xs[:, ::-1] if self.model.reverse else xs)
        start, first = decoder.start(read), np.array([self._ids[self.extra["mark"]]])
        options = GenerationOptions(**question.choice(), max_length=length)
        found = generate_from(decoder.step, start, first, options, backend=self.model.backend)[0]
        return {
            "asked": asked,
            "h": rounded_all(read[0, -1] if read.ndim == 3 else read[0]),
            "unknown": [],
            "cut": 0,
            "answers": [self._shown(answer, start, read) for answer in found],
        }

    def _shown(self, answer: Answer, start: Any, read: Array) -> dict[str, Any]:
        first = self._ids[self.extra["mark"]]
        steps = letters(self.model.decoder.step, start, first, answer.ids, self._characters.__getitem__)
        text = decode(answer.ids, self._characters).strip()
        return _shown(text, answer.score, steps, self._attention([first, *answer.ids[:-1]], read))

    def _attention(self, ids: list[int], read: Array) -> Array | None:
        """Return the weights (T, S) of the source's characters, in the order in which they were typed."""
        if read.ndim < 3:
            return None
        decoder = self.model.decoder
        decoder.forward(np.array([ids]), read)
        weights = np.array([weights[0] for weights in decoder.attention.attention_weights])
        return weights[:, ::-1] if self.model.reverse else weights


class LanguageModel:
    """A model that ``fasts2s train lm`` wrote: the answer is the text that goes on."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer

    def facts(self) -> dict[str, Any]:
        """See :class:`Answering`."""
        model, words = self.writer.model, self.writer.vocabulary
        symbols = SYMBOLS[words.tokenizer.kind] if isinstance(words, TokenizerVocabulary) else "symbols"
        facts = _facts("lm", model, model.config["hidden_size"])
        return {**facts, "symbols": symbols, "vocabulary": [len(words)], "temperature": 1.0}

    def answer(self, question: Question) -> dict[str, Any]:
        """See :class:`Answering`."""
        writer, words = self.writer, self.writer.vocabulary
        prompt = words.ids("the text", question.text)
        state = writer.state_before_last(prompt)
        options = GenerationOptions(**question.choice(), banned=sorted(words.never), max_length=question.length)
        found = writer.answers(prompt, state, options)
        _, after = writer.model.step(np.array([prompt[-1]]), state)
        return {
            "asked": [words.text([i]) or "\n" for i in prompt],
            "h": rounded_all(_last_h(after)),
            "unknown": [],
            "cut": 0,
            "answers": [self._shown(answer, prompt, state) for answer in found],
        }

    def _shown(self, answer: Answer, prompt: list[int], state: Any) -> dict[str, Any]:
        words = self.writer.vocabulary
        steps = letters(self.writer.model.step, state, prompt[-1], answer.ids, lambda i: words.text([i]) or "\n")
        return _shown(words.text([*prompt, *answer.ids]), answer.score, steps, None)


def _facts(kind: str, model: Any, hidden: int) -> dict[str, Any]:
    return {
        "kind": kind,
        "input": "text",
        "parameters": model.parameter_count(),
        "hidden": hidden,
        "backend": model.backend.name,
        "temperature": 0.0,
    }


def _shown(text: str, score: float, steps: list[dict[str, Any]], attention: Array | None) -> dict[str, Any]:
    weights = None if attention is None else rounded_all(attention)
    return {"text": text, "score": round(score, 4), "letters": steps, "attention": weights}


def _last_h(states: Any) -> Any:
    """Return h (H,) of the last recurrent layer, from what a step of a language model returned."""
    last = [state for state in states if state is not None][-1]
    return (last[0] if isinstance(last, tuple | list) else last)[0]
