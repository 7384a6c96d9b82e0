"""Pairs of one's own in the place of those that an application makes."""

import argparse
from collections.abc import Sequence
from typing import Any

from fasts2s.apps.application import Application, Findings, Parts, Rightness
from fasts2s.commands.errors import CommandError
from fasts2s.commands.train_pairs import scores_shown
from fasts2s.text import Pairs, read_pairs, split
from fasts2s.text_to_text import TextToText

#: Real pairs are few, and none is said twice: much is dropped, and all of it is read often.
_SETTINGS: dict[str, Any] = {
    "epochs": 20,
    "batch_size": 64,
    "hidden": 256,
    "wordvec": 128,
    "dropout": 0.3,
    "max_length": 60,
}


def own_application(name: str, a: argparse.Namespace, rightness: Rightness | None, tokens: str) -> Application:
    """Return the application on the file ``a.data``; ``tokens`` where ``a.tokens`` does not say it."""
    settings = _SETTINGS | {"tokens": a.tokens or tokens}
    return Application(
        name, f"{name}, {a.data}", own_parts(a.data, a.seed), settings, rightness=rightness, report=all_scores
    )


def own_parts(file: str, seed: int) -> Parts:
    """Read a file and split it by its sources. CommandError: it has too few pairs."""
    parts = Parts(*split(read_pairs(file), 0.05, 0.05, seed))
    if not all(map(len, (parts.train, parts.held_out, parts.test))):
        raise CommandError(f"{file} gives too few pairs to learn from and to measure with: take a larger file")
    return parts


def all_scores(whole: TextToText, pairs: Pairs, said: Sequence[str]) -> Findings:
    """Report BLEU, chrF and ROUGE-L where the extra ``text`` is installed."""
    scores = whole.scores(pairs, said)
    return ["all scores: " + ", ".join(scores_shown(scores))], scores
