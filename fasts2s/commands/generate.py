"""``fasts2s generate``: write text with a trained language model."""

from typing import Any

import numpy as np

from fasts2s.commands import run_folder
from fasts2s.commands.errors import CommandError
from fasts2s.generation import sample


def generate(
    folder: str,
    start: str,
    *,
    skip: list[str],
    length: int,
    temperature: float,
    seed: int | None,
    stop: str | None,
    backend: str | None = None,
) -> int:
    """Print the start and ``length`` words drawn after it. The start's words are read first, in order."""
    model, extra = run_folder.read_model(folder, ("lm",), "fasts2s train lm --out DIR", backend)
    words: list[str] = extra["words"]
    word_to_id = {w: i for i, w in enumerate(words)}
    prompt = [_id(w, word_to_id) for w in start.lower().split()]
    if not prompt:
        raise CommandError("--start is empty, expected at least one word")
    state: Any = None
    for word in prompt[:-1]:
        _, state = model.step(np.array([word]), state)
    options: dict[str, Any] = {
        # <unk> stands for words the model does not know: it is never wanted in a text.
        "skip_ids": {_id(w, word_to_id) for w in skip} | {word_to_id[w] for w in ("<unk>",) if w in word_to_id},
        "stop_id": None if stop is None else _id(stop, word_to_id),
        "backend": model.backend,
    }
    first = np.array([prompt[-1]])
    # At temperature 0 this is the greedy choice.
    (ids,) = sample(model.step, state, first, length, rng=seed, temperature=temperature, **options)
    print(_text([words[i] for i in [*prompt, *ids]]))
    return 0


def _id(word: str, word_to_id: dict[str, int]) -> int:
    if word not in word_to_id:
        raise CommandError(f"the model does not know the word {word!r}, expected one of its {len(word_to_id)} words")
    return word_to_id[word]


def _text(words: list[str]) -> str:
    """Join words: a line per sentence, no blank before punctuation."""
    text = " ".join(words).replace("<eos> ", "\n").replace(" <eos>", "\n").replace("<eos>", "\n")
    for sign in ".,;:!?)":
        text = text.replace(f" {sign}", sign)
    return text.replace("( ", "(")
