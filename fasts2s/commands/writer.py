"""A trained language model with its vocabulary: text that goes on from a text."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fasts2s.backend import BackendLike
from fasts2s.commands import run_folder
from fasts2s.commands.errors import CommandError
from fasts2s.commands.vocabularies import TokenizerVocabulary, Vocabulary, WordList
from fasts2s.generation import Answer, GenerationOptions, generate_from
from fasts2s.text import load_tokenizer
from fasts2s.text.tokenizer import path_of

_HINT = "fasts2s train lm --out DIR"


class Writer:
    """A language model and its vocabulary."""

    def __init__(self, model: Any, vocabulary: Vocabulary) -> None:
        self.model, self.vocabulary = model, vocabulary

    @classmethod
    def load(cls, folder: str, backend: BackendLike | None) -> "Writer":
        """Read what ``fasts2s train lm`` wrote. Raises CommandError, ValueError, OSError."""
        model, extra = run_folder.read_model(folder, ("lm",), _HINT, backend)
        vocabulary = _vocabulary(Path(folder), extra)
        if vocabulary is None or len(vocabulary) != model.config["vocab_size"]:
            raise CommandError(f"the model in {folder} does not come with its words: {_HINT}")
        return cls(model, vocabulary)

    def write(self, prompt: Sequence[int], options: GenerationOptions) -> list[tuple[float, str]]:
        """Return texts that begin with the prompt, each behind the log-probability of what follows it."""
        answers = self.answers(prompt, self.state_before_last(prompt), options)
        return [(answer.score, self.vocabulary.text([*prompt, *answer.ids])) for answer in answers]

    def state_before_last(self, prompt: Sequence[int]) -> Any:
        """Return the model's state when it has read the prompt but for its last symbol; None: it has read nothing."""
        state: Any = None
        for i in prompt[:-1]:
            _, state = self.model.step(np.array([i]), state)
        return state

    def answers(self, prompt: Sequence[int], state: Any, options: GenerationOptions) -> list[Answer]:
        """Return what may follow the prompt, from the state before its last symbol."""
        last = np.array([prompt[-1]])
        return generate_from(self.model.step, state, last, options, backend=self.model.backend)[0]


def _vocabulary(folder: Path, extra: dict[str, Any]) -> Vocabulary | None:
    words = extra.get("words")
    if isinstance(words, list) and all(isinstance(word, str) for word in words):
        return WordList(words, extra.get("level", "word"))
    if words is None and path_of(folder, run_folder.TEXT).exists():
        return TokenizerVocabulary(load_tokenizer(folder, run_folder.TEXT))
    return None
