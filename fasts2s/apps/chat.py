"""``fasts2s app chat``: small talk in English and Korean, or a chat file of one's own."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fasts2s.apps.application import Application, Findings
from fasts2s.apps.arguments import add_pairs
from fasts2s.apps.own_pairs import own_application
from fasts2s.apps.running import run_application
from fasts2s.apps.worlds.drawing import draw
from fasts2s.apps.worlds.talk import talk_pair
from fasts2s.generation import GenerationOptions
from fasts2s.text import MARKS, UNK, Pairs
from fasts2s.text_to_text import TextToText

_SETTINGS: dict[str, Any] = {"tokens": "char", "hidden": 128, "wordvec": 64, "epochs": 12}
#: Answers that are also drawn, at this temperature.
_DRAWN, _TEMPERATURE = 300, 0.8
_EXAMPLES = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this application."""
    add_pairs(parser, "chat", "questions and answers, or dialogues, of your own")


def application(a: argparse.Namespace) -> Application:
    """Return what the options ask for."""
    if a.data:
        return replace(own_application("chat", a, None, "char"), report=_never_and_always)
    parts = draw(talk_pair, (10_000, 300, 1000), a.seed, "small talk")
    return Application("chat", "small talk", parts, _SETTINGS, label="right answers", report=_never_and_always)


def _never_and_always(whole: TextToText, pairs: Pairs, said: Sequence[str]) -> Findings:
    """Report that answers end, and hold no unknown symbol, the best ones and drawn ones; and examples of both."""
    sources = pairs.sources[:_DRAWN]
    found: dict[str, float] = {}
    lines: list[str] = []
    drawing = GenerationOptions(temperature=_TEMPERATURE, rng=1)
    for name, options in (("best", None), ("drawn", drawing)):
        answers = [one[0] for one in whole.answers(sources, options)]
        ended = sum(len(one.words) <= whole.max_length for one in answers)
        clean = sum(MARKS[UNK] not in one.text for one in answers)
        empty = sum(not one.text.strip() for one in answers)
        count = len(answers)
        found |= {
            f"{name} answers that end": 100 * ended / count,
            f"{name} answers without <unk>": 100 * clean / count,
        }
        lines.append(
            f"{name} answers: {ended} of {count} end, {clean} have no <unk>, {empty} are empty, "
            f"{len({one.text for one in answers})} differ"
        )
        shown = list(zip(sources, answers, strict=True))[:_EXAMPLES]
        lines += [f"   {source} = {one.text}" for source, one in shown] if name == "drawn" else []
    return lines, found


def run(a: argparse.Namespace) -> int:
    """Run the application; return the exit status."""
    return run_application(application(a), a)
