"""What ask, evaluate and chat share: a trained folder, and how its words are chosen."""

import argparse
import math
from pathlib import Path
from typing import Any

from fasts2s.backend import BackendLike
from fasts2s.commands import run_folder
from fasts2s.commands.errors import CommandError
from fasts2s.generation import GenerationOptions
from fasts2s.text import UNK, Tokenizer
from fasts2s.text.tokenizer import path_of
from fasts2s.text_to_text import SOURCE, TextToText

HINT = "fasts2s train pairs FILE --out DIR"


def holds_pairs(folder: str) -> bool:
    """Whether ``fasts2s train pairs`` wrote into a folder."""
    return path_of(folder, SOURCE).exists()


def load(folder: str, backend: BackendLike | None) -> TextToText:
    """Return the model of a folder with its tokenizers. Raises CommandError where there is none."""
    if not (Path(folder) / run_folder.MODEL).exists():
        raise CommandError(f"there is no {Path(folder) / run_folder.MODEL}: train one with {HINT}")
    return TextToText.load(folder, backend=backend)


def options_of(a: argparse.Namespace, target: Tokenizer) -> GenerationOptions:
    """Return how words are chosen, as the command line says."""
    banned = {i for text in a.ban for i in _known("--ban", text, target)}
    return GenerationOptions(
        beam=a.beam if a.temperature else max(a.beam, a.nbest),
        nbest=a.nbest,
        temperature=a.temperature,
        top_k=a.top_k,
        top_p=a.top_p,
        repetition_penalty=a.repetition_penalty,
        no_repeat_ngram=a.no_repeat_ngram,
        banned=sorted(banned),
        prefix=_known("--prefix", a.prefix, target) if a.prefix else (),
        min_length=a.min_length,
        max_length=a.max_length or 10**6,
        length_penalty=a.length_penalty,
        coverage_penalty=a.coverage_penalty,
        rng=a.seed,
        attention=bool(getattr(a, "attention_map", None)),
    )


def _known(option: str, text: str, tokenizer: Tokenizer) -> list[int]:
    ids = tokenizer.encode(text)
    for i, token in zip(ids, tokenizer.tokens(text), strict=True):
        if i == UNK:
            raise CommandError(f"{option} has {token!r}, which the model does not know, expected some of its symbols")
    return ids


def shown(said: Any, nbest: int) -> str:
    """Return an answer as it is printed: where there are several, with its probability."""
    return said.text if nbest == 1 else f"{math.exp(said.score):.4f}  {said.text}"
