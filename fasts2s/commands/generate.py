"""``fasts2s generate``: write text with a trained language model."""

from typing import Any

import numpy as np

from fasts2s.backend import BackendLike
from fasts2s.commands import run_folder
from fasts2s.commands.errors import CommandError
from fasts2s.commands.unknown_words import TOKENS
from fasts2s.corpus.text import Level, tokens_of_line
from fasts2s.generation import sample

_NAMES = {"word": "word", "char": "character"}


def generate(
    folder: str,
    start: str,
    *,
    skip: list[str],
    length: int,
    temperature: float,
    seed: int | None,
    stop: str | None,
    backend: BackendLike | None = None,
) -> int:
    """Print the start and ``length`` words (or characters) drawn after it; the start is cut as the text was."""
    model, extra = run_folder.read_model(folder, ("lm",), "fasts2s train lm --out DIR", backend)
    words = extra.get("words")
    if not (isinstance(words, list) and len(words) == model.config["vocab_size"] and all(map(_is_text, words))):
        raise CommandError(f"the model in {folder} does not come with its words: fasts2s train lm --out DIR")
    vocabulary = _Vocabulary(words, extra.get("level", "word"))
    prompt = vocabulary.ids("--start", start)
    state: Any = None
    for word in prompt[:-1]:
        _, state = model.step(np.array([word]), state)
    # <unk> stands for words the model does not know: it is never wanted in a text.
    skip_ids = {i for word in skip for i in vocabulary.ids("--skip", word)} | vocabulary.unknown
    if len(skip_ids) == len(words):
        raise CommandError(f"--skip leaves none of the model's {len(words)} words, expected fewer")
    options: dict[str, Any] = {
        "skip_ids": skip_ids,
        "stop_id": None if stop is None else vocabulary.one_id("--stop", stop),
        "backend": model.backend,
    }
    first = np.array([prompt[-1]])
    # At temperature 0 this is the greedy choice.
    (ids,) = sample(model.step, state, first, length, rng=seed, temperature=temperature, **options)
    print(vocabulary.text([*prompt, *ids]))
    return 0


def _is_text(word: object) -> bool:
    return isinstance(word, str)


class _Vocabulary:
    """The tokens of a model, by the level it was trained on."""

    def __init__(self, words: list[str], level: Level) -> None:
        self._words = words
        self._level: Level = level
        self._ids = {word: i for i, word in enumerate(words)}
        self.unknown = {i for i in (self._ids.get("<unk>"),) if i is not None}

    def ids(self, option: str, text: str) -> list[int]:
        """Return the ids of a text, cut like the training text; a token may also be given as it is."""
        tokens = [text] if text in self._ids else tokens_of_line(text, self._ids, self._level)
        if not tokens:
            raise CommandError(f"{option} is {text!r}, expected at least one {_NAMES[self._level]}")
        for token in tokens:
            if token not in self._ids:
                raise CommandError(
                    f"the model does not know the {_NAMES[self._level]} {token!r} of {option}, "
                    f"expected some of its {len(self._ids)} {TOKENS[self._level]}"
                )
        return [self._ids[token] for token in tokens]

    def one_id(self, option: str, text: str) -> int:
        """Return the id of a text that is one token."""
        ids = self.ids(option, text)
        if len(ids) > 1:
            parts = ", ".join(repr(self._words[i]) for i in ids)
            raise CommandError(f"{option} is {text!r}, which is {parts}, expected one {_NAMES[self._level]}")
        return ids[0]

    def text(self, ids: list[int]) -> str:
        """Join tokens: a line per sentence, no blank before punctuation."""
        words = ["\n" if self._words[i] == "<eos>" else self._words[i] for i in ids]
        if self._level == "char":
            return "".join(words).removesuffix("\n")
        text = " ".join(words).replace("\n ", "\n").replace(" \n", "\n").removesuffix("\n")
        for sign in ".,;:!?)":
            text = text.replace(f" {sign}", sign)
        return text.replace("( ", "(")
