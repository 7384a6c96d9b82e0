"""What ask, evaluate and chat share: a trained folder, and how its words are chosen."""

import argparse
import math
from pathlib import Path
from typing import Any

from fasts2s.backend import BackendLike
from fasts2s.commands import run_folder
from fasts2s.commands.errors import CommandError
from fasts2s.commands.vocabularies import TokenizerVocabulary
from fasts2s.generation import GenerationOptions
from fasts2s.text import Tokenizer
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
    vocabulary = TokenizerVocabulary(target)
    if a.prefix and getattr(target, "backwards", False):
        raise CommandError("--prefix: this model writes answers from their end, expected none: leave it out")
    return GenerationOptions(
        **chosen(a, a.temperature),
        banned=sorted(vocabulary.all_ids("--ban", a.ban)),
        prefix=vocabulary.ids("--prefix", a.prefix) if a.prefix else (),
        max_length=a.max_length or 10**6,
        coverage_penalty=a.coverage_penalty,
        attention=bool(getattr(a, "attention_map", None)),
    )


def chosen(a: argparse.Namespace, temperature: float) -> dict[str, Any]:
    """Return the fields of the options that all models have; more answers take a beam as wide, or are drawn."""
    return {
        "beam": a.beam if temperature else max(a.beam, a.nbest),
        "nbest": a.nbest,
        "temperature": temperature,
        "top_k": a.top_k,
        "top_p": a.top_p,
        "repetition_penalty": a.repetition_penalty,
        "no_repeat_ngram": a.no_repeat_ngram,
        "min_length": a.min_length,
        "length_penalty": a.length_penalty,
        "rng": a.seed,
    }


def shown(said: Any, nbest: int) -> str:
    """Return an answer as it is printed: where there are several, with its probability."""
    return said.text if nbest == 1 else f"{math.exp(said.score):.4f}  {said.text}"
